"""What belongs to a PostgreSQL database and is in no backup is carried over to the one that takes its place."""

import secrets
from collections.abc import Iterator
from contextlib import closing

import pytest

from backups.engines.base import Engine
from backups.exceptions import TargetError
from backups.repository.names import new_run
from tests.databases import Server
from tests.engines.contract_promotion import filled_copy, state
from tests.yard import execute, query

TABLES = (
    "CREATE TABLE shelf (id integer PRIMARY KEY, word text)",
    "CREATE SCHEMA attic",
    "CREATE TABLE attic.box (id serial PRIMARY KEY)",
    "CREATE FUNCTION attic.twice(n integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * n'",
    "CREATE TYPE mood AS ENUM ('well', 'ill')",
)
RELATIONS = """
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner), c.relacl::text, (
    SELECT array_agg(a.attname || a.attacl::text) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('public', 'attic') ORDER BY 1, 2
"""
OTHERS = """
SELECT 'schema', nspname, pg_get_userbyid(nspowner), nspacl::text FROM pg_namespace WHERE nspname IN ('public', 'attic')
UNION ALL SELECT 'routine', proname, pg_get_userbyid(proowner), proacl::text FROM pg_proc WHERE proname = 'twice'
UNION ALL SELECT 'type', typname, pg_get_userbyid(typowner), typacl::text FROM pg_type WHERE typname = 'mood'
UNION ALL SELECT 'default', defaclobjtype::text, pg_get_userbyid(defaclrole), defaclacl::text FROM pg_default_acl ORDER BY 1, 2
"""
DATABASE = """
SELECT pg_get_userbyid(datdba), datconnlimit, datacl::text, shobj_description(d.oid, 'pg_database'), (
    SELECT array_agg(pg_get_userbyid(setrole) || setconfig::text ORDER BY 1) FROM pg_db_role_setting WHERE setdatabase = d.oid)
FROM pg_database d WHERE datname = current_database()
"""


@pytest.fixture
def server(postgresql_18: Server) -> Server:
    """The newest server."""
    return postgresql_18


@pytest.fixture
def roles(engine: Engine) -> Iterator[tuple[str, str]]:
    """An owner and a reader, who are dropped with all that is theirs."""
    made = tuple(f"{word}_{secrets.token_hex(4)}" for word in ("owner", "reader"))
    for role in made:
        execute(engine, f"CREATE ROLE {role}")
    yield made
    for name in (engine.name, *engine.kept()):
        for role in made:
            execute(engine.at(name), f"REASSIGN OWNED BY {role} TO CURRENT_USER", f"DROP OWNED BY {role}")
    for name in engine.kept():
        engine.at(name).drop()
    for role in made:
        execute(engine, f"DROP ROLE {role}")


@pytest.fixture
def copy(server: Server, engine: Engine) -> Iterator[Engine]:
    """What a restore makes of it: the same objects, which all belong to the role that restores."""
    with filled_copy(server, engine, TABLES) as made:
        yield made


def seen(engine: Engine, *queries: str) -> list[list[tuple[object, ...]]]:
    return [query(engine, sql) for sql in queries]


def test_owners_grants_and_settings_are_carried_over(engine: Engine, copy: Engine, roles: tuple[str, str]) -> None:
    owner, reader = roles
    execute(
        engine,
        *TABLES,
        "CREATE TABLE later (id integer)",
        f"ALTER TABLE later OWNER TO {owner}",
        f"ALTER TABLE attic.box OWNER TO {owner}",
        f"ALTER SCHEMA attic OWNER TO {owner}",
        f"ALTER FUNCTION attic.twice OWNER TO {owner}",
        f"ALTER TYPE mood OWNER TO {owner}",
        f"GRANT SELECT ON shelf TO {reader} WITH GRANT OPTION",
        f"GRANT UPDATE (word) ON shelf TO {reader}",
        f"GRANT USAGE ON SEQUENCE attic.box_id_seq TO {reader}",
        f"GRANT USAGE ON SCHEMA attic TO {reader}",
        "REVOKE ALL ON FUNCTION attic.twice FROM PUBLIC",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA attic GRANT SELECT ON TABLES TO {reader}",
        f"ALTER DATABASE {engine.name} OWNER TO {owner}",
        f"ALTER DATABASE {engine.name} CONNECTION LIMIT 77",
        f"ALTER DATABASE {engine.name} SET search_path = attic, public",
        f"ALTER DATABASE {engine.name} SET work_mem = '12MB'",
        f"ALTER ROLE {reader} IN DATABASE {engine.name} SET \"shop.colour\" = 'it''s blue'",
        f"REVOKE CONNECT ON DATABASE {engine.name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {engine.name} TO {reader}",
        f"COMMENT ON DATABASE {engine.name} IS 'the shop''s'",
        f"ALTER DATABASE {copy.name} SET lock_timeout = '1s'",
    )
    execute(engine, "DROP TABLE later")
    wanted = seen(engine, RELATIONS, OTHERS, DATABASE)
    execute(engine, "CREATE TABLE later (id integer)", f"ALTER TABLE later OWNER TO {owner}")
    assert engine.carry_over(copy) == []
    assert engine.promote(copy, engine.kept_name(new_run())) == []
    assert seen(engine, RELATIONS, OTHERS, DATABASE) == wanted
    assert "blue" in str(wanted) and "attic" in str(wanted[2]) and owner in str(wanted[1])


def test_what_a_role_may_not_do_is_said_before_or_refused_at_the_step(
    engine: Engine, copy: Engine, roles: tuple[str, str], server: Server
) -> None:
    limited, _ = roles
    execute(engine, f"ALTER ROLE {limited} LOGIN CREATEDB", *TABLES)
    execute(engine, f"ALTER DATABASE {copy.name} OWNER TO {limited}")
    before = state(engine)
    weak = type(engine)(engine.alias, {**engine.settings, "USER": limited})
    assert "may not rename it" in weak.irreplaceable()[0]
    with pytest.raises(TargetError):
        weak.promote(weak.at(copy.name), weak.kept_name(new_run()))
    execute(engine, f"ALTER DATABASE {engine.name} OWNER TO {limited}", f"ALTER ROLE {limited} NOCREATEDB")
    assert "may not rename databases" in weak.irreplaceable()[0]
    execute(engine, f"ALTER ROLE {limited} CREATEDB")
    assert weak.irreplaceable() == []
    with closing(engine.connect()) as held, held.cursor() as cursor:
        cursor.execute("SELECT 1")
        with pytest.raises(
            TargetError, match=r"is in use .*process \d+ of .*could not be ended: permission denied"
        ) as caught:
            weak.promote(weak.at(copy.name), weak.kept_name(new_run()))
        assert "pg_signal_backend" in caught.value.hint
        # Neither name has moved, and whoever was connected still is.
        cursor.execute("SELECT 1")
    assert state(engine) == before and copy.exists() and engine.kept() == []
