"""A tenant of a PostgreSQL server: a role that may not make databases, its database, and what tests ask of it."""

from collections.abc import Callable
from typing import Any

import pytest

from backups.engines import engine_for
from backups.engines.base import Engine
from backups.progress import Step
from backups.services.replace import Replaced, replace_database, undo_replacement
from tests.databases import PostgreSQLServer, registered
from tests.yard import query

State = dict[str, Any]
MORE = (
    "CREATE SCHEMA attic",
    "COMMENT ON SCHEMA attic IS 'what is old'",
    "CREATE TABLE attic.box (id serial PRIMARY KEY, first_order bigint REFERENCES public.shop_order (id))",
    "INSERT INTO attic.box (first_order) VALUES (1), (2)",
    "CREATE VIEW attic.first_orders AS SELECT o.number FROM attic.box b JOIN public.shop_order o ON o.id = b.first_order",
    "CREATE FUNCTION attic.orders() RETURNS bigint LANGUAGE plpgsql "
    "AS 'BEGIN RETURN (SELECT count(*) FROM public.shop_order); END'",
    "CREATE MATERIALIZED VIEW attic.counted AS SELECT count(*) AS orders FROM public.shop_order",
)
SPOIL = "UPDATE shop_order SET number = 'spoilt' WHERE id = 1"


BOTH = pytest.mark.parametrize("server", ["postgresql_18", "postgresql"], indirect=True)


class tenancy:  # noqa: N801 (used as a function)
    """A database and the role that owns it, and may make no other; ``reader`` is another one."""

    def __init__(self, server: PostgreSQLServer) -> None:
        self._server = server
        self.name, self.role = server.new_name("hosted"), server.new_name("tenant")
        self._alias = registered({**server.settings(self.name), "USER": self.role, "PASSWORD": ""})

    def __enter__(self) -> Engine:
        self._server._execute(f"CREATE ROLE {self.role} LOGIN NOCREATEDB")
        self._server.create(self.name)
        self._server._execute(f"ALTER DATABASE {self.name} OWNER TO {self.role}")
        return engine_for(self._alias.__enter__())

    def __exit__(self, *error: Any) -> None:
        self._alias.__exit__(None, None, None)
        self._server.drop(self.name)
        self._server._execute(f"DROP ROLE {self.role}")


def replace(engine: Engine, **how: Any) -> Replaced:
    return replace_database(engine.alias, confirm=engine.name, swap_schema=True, **how)


def undo(engine: Engine) -> Any:
    return undo_replacement(engine.alias, confirm=engine.name)


def state(engine: Engine) -> State:
    """Everything of a database that a backup would hold."""
    with engine.snapshot() as snapshot:
        rows = {table.qualified: list(snapshot.lines(table)) for table in snapshot.tables()}
        schema = sorted(engine.normal(statement.sql) for statement in snapshot.schema().statements())
        counters = sorted((c.qualified, c.value, c.called) for c in snapshot.sequences())
        return {"rows": rows, "schema": schema, "counters": counters}


def schemas(engine: Engine) -> list[str]:
    found = query(engine, "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information' ORDER BY 1")
    return [str(name) for (name,) in found]


def first(engine: Engine) -> str:
    return str(query(engine, "SELECT number FROM shop_order WHERE id = 1")[0][0])


def drop_kept(engine: Engine) -> None:
    inside = engine.inside()
    assert inside
    for name in inside.kept():
        inside.at(name).drop()


class watching:  # noqa: N801 (used as a function)
    """Progress that does something once, at the first step of a stage."""

    def __init__(self, stage: str, act: Callable[[], object]) -> None:
        self._stage, self._act, self.seen = stage, act, False

    def __call__(self, step: Step) -> None:
        if step.stage == self._stage and not self.seen:
            self.seen = True
            self._act()


def raised(work: Callable[[], object]) -> object:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 (whatever it is, it must not have counted the living)
        return error
