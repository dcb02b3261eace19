"""Replacing where no database may be made: all of it inside the live one, in one transaction that nobody else sees."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest

from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import ConfigurationError, LockHeld, RestoreError, TargetError
from backups.models import Restore
from backups.progress import Step
from backups.repository import Repository
from backups.repository.events import PROMOTED, events_of
from backups.services.catalog import Asked
from backups.services.kept import drop_replaced, kept_databases
from backups.services.leftovers import sweep
from backups.services.replace import Replaced, plan_replacement, plan_undoing, replace_database, undo_replacement
from backups.services.sync import sync_backups
from backups.verification import check
from backups.verification.registry import unregister
from shop.models import Order
from tests.crashing import killed_at
from tests.databases import PostgreSQLServer, Server, registered
from tests.services.helpers import back_up
from tests.yard import ORDERS, build_yard, execute, query

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


@pytest.fixture(params=["postgresql_18"])
def server(request: pytest.FixtureRequest) -> Server:
    """The newest server; BOTH asks for the other too."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def tenant(server: PostgreSQLServer, catalogue: Path) -> Iterator[Engine]:
    """A yard of two schemas, owned by a role that may not make databases."""
    with tenancy(server) as engine:
        build_yard(engine)
        execute(engine, *MORE)
        yield engine


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


@BOTH
def test_a_backup_takes_the_place_and_what_was_there_is_kept_and_comes_back(tenant: Engine) -> None:
    back_up(tenant)
    new = state(tenant)
    execute(tenant, SPOIL, "CREATE TABLE attic.later (id integer)", "DROP VIEW attic.first_orders")
    old = state(tenant)
    plan = " ".join(plan_replacement(tenant.alias, swap_schema=True))
    assert "nobody else sees" in plan and "restore_db --undo puts them back" in plan and "Create" not in plan
    assert state(tenant) == old
    done = replace(tenant, asked=Asked("ada", "command"))
    assert done.notes == () and state(tenant) == new
    assert query(tenant, "SELECT attic.orders(), (SELECT orders FROM attic.counted)") == [(ORDERS - 1, ORDERS - 1)]
    assert [kept.name for kept in kept_databases(tenant.alias)] == [done.kept]
    assert len(schemas(tenant)) == 4 and tenant.kept() == []
    row = Restore.objects.get(pk=done.run)
    assert (row.kind, row.status, row.target, row.kept) == ("replacement", "complete", tenant.name, done.kept)
    repository, manifest = Repository.open(tenant.alias), done.copy.committed.manifest
    (event,) = [e for e in events_of(repository, manifest.run, done.copy.committed.digest) if e.kind == PROMOTED]
    assert (event.run, event.data["kept"], event.data["requested_by"]) == (done.run, done.kept, "ada")
    assert repository.objects.folders("runs") == []
    # A backup does not hold what is kept, and says so.
    after = back_up(tenant).committed.manifest
    assert {e.table.schema for e in after.tables} == {"public", "attic"}
    assert {u.name for u in after.uncovered if u.kind == "schema"} == {s for s in schemas(tenant) if "_before_" in s}
    undone = undo(tenant)
    assert undone.notes == () and undone.restored == done.kept and state(tenant) == old
    assert query(tenant, "SELECT obj_description(to_regnamespace('attic'))") == [("what is old",)]
    again = undo(tenant)
    assert state(tenant) == new and again.restored == undone.kept
    assert len(schemas(tenant)) == 4
    assert sync_backups(tenant.alias).problems == []
    execute(tenant, "INSERT INTO attic.box (first_order) VALUES (1)")
    assert query(tenant, "SELECT max(id) FROM attic.box") == [(3,)]


def test_the_application_reads_and_writes_until_the_step_and_finds_the_new_tables_after_it(tenant: Engine) -> None:
    back_up(tenant)
    execute(tenant, SPOIL)
    with closing(tenant.connect()) as wrapper, wrapper.cursor() as application:
        seen: list[object] = []

        def work() -> None:
            application.execute("SELECT number FROM shop_order WHERE id = 1")
            seen.append(application.fetchone())
            application.execute("UPDATE shop_order SET number = 'written meanwhile' WHERE id = 2")
            application.execute("INSERT INTO attic.box (first_order) VALUES (3)")

        for stage in ("load", "complete", f"check {'content'}"):
            told = watching(stage, work)
            replace(tenant, progress=told)
            assert told.seen
            application.execute("SELECT number FROM shop_order WHERE id IN (1, 2) ORDER BY id")
            assert application.fetchall() == [("N00001",), ("N00002",)]
            undo(tenant)
            application.execute("SELECT number FROM shop_order WHERE id IN (1, 2) ORDER BY id")
            assert application.fetchall() == [("spoilt",), ("written meanwhile",)]
            drop_kept(tenant)
        assert seen == [("spoilt",)] * 3


@BOTH
def test_a_transaction_that_began_before_and_waits_sees_all_rows_of_the_new_tables(
    tenant: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its snapshot is older than the rows; a reader of one moment must not find empty tables."""
    back_up(tenant)
    old = tenant.connect()
    with closing(old), old.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1")
        replace(tenant)
        cursor.execute("SELECT count(*) FROM public.shop_order")
        assert cursor.fetchone() == (ORDERS - 1,)
        cursor.execute("ROLLBACK")


def test_whoever_is_amidst_a_transaction_is_waited_for_and_then_ended(
    tenant: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backups.engines.postgresql.schemas._TRY", "20ms")
    back_up(tenant)
    held = tenant.connect()
    with closing(held), held.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM shop_order")
        replace(tenant)
        with pytest.raises(Exception, match=r"terminat|closed"):
            cursor.execute("SELECT 1")


def test_a_proof_that_fails_changes_nothing(tenant: Engine) -> None:
    back_up(tenant)
    execute(tenant, SPOIL)
    before, names = state(tenant), schemas(tenant)

    @check("never", databases=[tenant.alias])
    def never(using: str) -> Iterator[str]:
        found = Order.objects.using(using).order_by("pk").first()
        assert found
        yield f"Order 1 is {found.number}."

    try:
        with pytest.raises(RestoreError, match=r"Order 1 is N00001\."):
            replace(tenant)
    finally:
        unregister("never")
    assert state(tenant) == before and schemas(tenant) == names and kept_databases(tenant.alias) == []
    with pytest.raises(TargetError, match="no database that was kept"):
        plan_undoing(tenant.alias)
    replace(tenant)
    assert first(tenant) == "N00001"


def test_the_projects_checks_ask_the_copy_and_what_they_write_is_not_kept(tenant: Engine) -> None:
    back_up(tenant)
    execute(tenant, SPOIL)
    asked: list[object] = []

    @check("asks", databases=[tenant.alias])
    def asks(using: str) -> None:
        asked.append(Order.objects.using(using).get(pk=1).number)
        asked.append(sum(1 for _ in Order.objects.using(using).iterator(chunk_size=7)))
        Order.objects.using(using).filter(pk=1).update(number="by a check")

    @check("fails", databases=[tenant.alias])
    def fails(using: str) -> None:
        with suppress(Exception):
            Order.objects.using(using).raw("SELECT nonsense FROM nowhere")[0]

    def elsewhere(using: str) -> None:
        thread = Thread(target=lambda: asked.append(_raised(lambda: Order.objects.using(using).count())))
        thread.start()
        thread.join()

    check("thread", databases=[tenant.alias])(elsewhere)
    try:
        replace(tenant)
    finally:
        for name in ("asks", "fails", "thread"):
            unregister(name)
    assert asked[:2] == ["N00001", ORDERS - 1] and isinstance(asked[2], Exception)
    assert first(tenant) == "N00001"


def _raised(work: Callable[[], object]) -> object:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 (whatever it is, it must not have counted the living)
        return error


def test_killed_at_any_step_it_is_wholly_old_or_wholly_new(tenant: Engine) -> None:
    back_up(tenant)
    new = state(tenant)
    execute(tenant, SPOIL)
    old, killed, outcomes = state(tenant), 0, []
    for number in range(1, 20):
        came = killed_at(number, lambda tell: replace(tenant, progress=tell))
        kept = tenant.inside().kept()  # type: ignore[union-attr]
        outcomes.append(bool(kept))
        assert state(tenant) == (new if kept else old)
        killed += came
        if not came:
            break
        if kept:
            undo(tenant)
            assert state(tenant) == old
            drop_kept(tenant)
    assert sweep(tenant, Repository.open(tenant.alias)) == []
    told = Restore.objects.filter(kind="copy").values_list("status", "target")
    assert {status for status, target in told if target.startswith("lifeboat_")} == {"interrupted"}
    assert killed >= 3 and outcomes[0] is False and outcomes[-1] is True and outcomes == sorted(outcomes)
    for number in range(1, 20):
        came = killed_at(number, lambda tell: undo_replacement(tenant.alias, confirm=tenant.name, progress=tell))
        assert state(tenant) in (old, new)
        if not came:
            break
    assert number > 4


@pytest.mark.parametrize("stage", ["define", "load", "complete", "check content"])
def test_killed_while_it_is_made_nothing_is_left(tenant: Engine, stage: str) -> None:
    back_up(tenant)
    execute(tenant, SPOIL)
    old, names = state(tenant), schemas(tenant)
    killing = watching(stage, lambda: os.kill(os.getpid(), 9))
    assert killed_at(1000, lambda tell: replace(tenant, progress=killing))
    assert state(tenant) == old and schemas(tenant) == names
    # Once the server has noticed, the next run goes through.
    for _ in range(100):
        try:
            replace(tenant)
            break
        except LockHeld:
            continue
    assert first(tenant) == "N00001"


def test_what_is_kept_is_dropped_when_its_grace_is_over_and_nothing_else(tenant: Engine) -> None:
    back_up(tenant)
    execute(tenant, "CREATE SCHEMA public_before_20200101t000000z_abcdef", SPOIL)
    old = state(tenant)
    replace(tenant)
    now = datetime.now(UTC)
    assert drop_replaced(tenant.alias, now + timedelta(hours=23)) == []
    # A view of somebody's on what is kept keeps it.
    kept = next(name for name in schemas(tenant) if name.startswith("public_before_") and "2020" not in name)
    execute(tenant, f"CREATE VIEW public.looks AS SELECT id FROM {kept}.shop_order")
    with pytest.raises(TargetError, match=r"The view public\.looks of the live database needs schema"):
        drop_replaced(tenant.alias, now + timedelta(days=400))
    execute(tenant, "DROP VIEW public.looks")
    live = state(tenant)
    assert len(drop_replaced(tenant.alias, now + timedelta(days=400))) == 1
    assert state(tenant) == live != old and schemas(tenant) == ["attic", "public"]
    with pytest.raises(TargetError, match="no database that was kept"):
        undo(tenant)


def test_a_schema_of_somebodys_own_is_not_taken_for_a_kept_one(tenant: Engine) -> None:
    execute(
        tenant,
        "CREATE SCHEMA public_before_20200101t000000z_abcdef",
        "CREATE TABLE public_before_20200101t000000z_abcdef.mine (id integer)",
    )
    manifest = back_up(tenant).committed.manifest
    assert "public_before_20200101t000000z_abcdef.mine" in {e.table.qualified for e in manifest.tables}
    with pytest.raises(TargetError, match="no database that was kept"):
        plan_undoing(tenant.alias)
    before = state(tenant)
    done = replace(tenant)
    assert state(tenant) == before and [kept.name for kept in kept_databases(tenant.alias)] == [done.kept]


def test_two_at_once_are_refused_and_so_is_a_backup_meanwhile(tenant: Engine) -> None:
    back_up(tenant)
    refused: list[object] = []
    verbs: tuple[Callable[[Engine], object], ...] = (back_up, replace, undo)
    told = watching("load", lambda: refused.extend([_raised(lambda verb=verb: verb(tenant)) for verb in verbs]))
    replace(tenant, progress=told)
    assert [type(error) for error in refused] == [LockHeld] * 3


def test_owners_grants_and_default_privileges_are_those_of_the_old_schemas(
    tenant: Engine, server: PostgreSQLServer
) -> None:
    reader, other = server.new_name("reader"), server.new_name("other")
    for role in (reader, other):
        server._execute(f"CREATE ROLE {role}")
    try:
        back_up(tenant)
        execute(
            tenant,
            f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {other}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA attic GRANT SELECT ON TABLES TO {reader}",
            f"GRANT USAGE ON SCHEMA attic TO {reader}",
            f"GRANT SELECT ON shop_order TO {reader}",
            f"GRANT UPDATE (number) ON shop_order TO {reader}",
            "REVOKE ALL ON FUNCTION attic.orders() FROM PUBLIC",
        )
        asked = (
            "SELECT nspname, pg_get_userbyid(nspowner), nspacl::text FROM pg_namespace WHERE nspname IN ('public', 'attic') "
            "UNION ALL SELECT relname, pg_get_userbyid(relowner), relacl::text FROM pg_class "
            "WHERE oid IN ('shop_order'::regclass, 'shop_customer'::regclass) "
            "UNION ALL SELECT 'orders', '', proacl::text FROM pg_proc WHERE oid = 'attic.orders'::regproc "
            "UNION ALL SELECT attname, '', attacl::text FROM pg_attribute WHERE attrelid = 'shop_order'::regclass "
            "AND attacl IS NOT NULL UNION ALL SELECT n.nspname, d.defaclobjtype::text, d.defaclacl::text FROM pg_default_acl d "
            "JOIN pg_namespace n ON n.oid = d.defaclnamespace AND n.nspname = 'attic' ORDER BY 1, 2"
        )
        may = f"SELECT has_table_privilege('{other}', 'shop_customer', 'SELECT')"
        before = query(tenant, asked)
        assert query(tenant, may) == [(False,)]
        assert replace(tenant).notes == ()
        after = query(tenant, asked)
        assert [row[:2] for row in after] == [row[:2] for row in before] and query(tenant, may) == [(False,)]
        assert query(tenant, f"SELECT has_table_privilege('{reader}', 'shop_order', 'SELECT')") == [(True,)]
        assert [row for row in after if row[0] in ("attic", "public", "number")] == [
            row for row in before if row[0] in ("attic", "public", "number")
        ]
    finally:
        with closing(psycopg.connect(server.url, dbname=tenant.name, autocommit=True)) as superuser:
            for role in (reader, other):
                superuser.execute(f"DROP OWNED BY {role}")  # type: ignore[arg-type]
                superuser.execute(f"DROP ROLE {role}")  # type: ignore[arg-type]


def test_extensions_stay_usable_in_a_schema_of_their_own_and_are_refused_beside_tables(
    tenant: Engine, server: PostgreSQLServer
) -> None:
    if not query(tenant, "SELECT 1 FROM pg_available_extensions WHERE name = 'citext'"):
        pytest.skip("NOT TESTED, no citext on this server")
    with closing(psycopg.connect(server.url, dbname=tenant.name, autocommit=True)) as superuser:
        superuser.execute("CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC")
        superuser.execute("CREATE EXTENSION citext SCHEMA extensions")
    execute(tenant, "CREATE TABLE words (word extensions.citext PRIMARY KEY)", "INSERT INTO words VALUES ('Ada')")
    back_up(tenant)
    execute(tenant, "DELETE FROM words")
    replace(tenant)
    assert query(tenant, "SELECT word::text FROM words WHERE word OPERATOR(extensions.=) 'ADA'::extensions.citext") == [
        ("Ada",)
    ]
    undo(tenant)
    assert query(tenant, "SELECT count(*) FROM words") == [(0,)]
    with closing(psycopg.connect(server.url, dbname=tenant.name, autocommit=True)) as superuser:
        superuser.execute("CREATE SCHEMA moved; ALTER EXTENSION citext SET SCHEMA moved")
        with pytest.raises(
            TargetError, match=r"The extension citext is in schema moved, and the backup has it in extensions"
        ):
            plan_replacement(tenant.alias, swap_schema=True)
        superuser.execute("ALTER EXTENSION citext SET SCHEMA public")
    with pytest.raises(TargetError, match=r"Schema public holds .* the extension citext.*ALTER EXTENSION"):
        plan_replacement(tenant.alias, swap_schema=True)


def test_a_role_that_owns_the_schemas_alone_can_do_it_where_it_may_make_schemas(
    tenant: Engine, server: PostgreSQLServer
) -> None:
    role, door = tenant.settings["USER"], f'GRANT CREATE ON DATABASE "{tenant.name}" TO {tenant.settings["USER"]}'
    with closing(psycopg.connect(server.url, dbname=tenant.name, autocommit=True)) as superuser:
        # Nothing is in it, so that it stays as it is.
        superuser.execute("CREATE SCHEMA theirs")
        back_up(tenant)
        execute(tenant, SPOIL)
        superuser.execute(f"ALTER SCHEMA public OWNER TO {role}")  # type: ignore[arg-type]
        superuser.execute(f'ALTER DATABASE "{tenant.name}" OWNER TO postgres')  # type: ignore[arg-type]
        superuser.execute(f'REVOKE ALL ON DATABASE "{tenant.name}" FROM {role}')  # type: ignore[arg-type]
        with pytest.raises(TargetError, match=r"may not make schemas in it.*GRANT CREATE ON DATABASE"):
            replace(tenant)
        superuser.execute(door)  # type: ignore[arg-type]
        superuser.execute("ALTER SCHEMA attic OWNER TO postgres")
        with pytest.raises(TargetError, match=r"Schema attic belongs to postgres.*ALTER SCHEMA"):
            replace(tenant)
        superuser.execute(f"ALTER SCHEMA attic OWNER TO {role}")  # type: ignore[arg-type]
        assert first(tenant) == "spoilt"
        replace(tenant)
        assert first(tenant) == "N00001"
        undo(tenant)
        assert first(tenant) == "spoilt"
        superuser.execute(f'REVOKE ALL ON DATABASE "{tenant.name}" FROM {role}')  # type: ignore[arg-type]


def test_without_the_right_to_make_databases_the_other_way_is_named(tenant: Engine) -> None:
    back_up(tenant)
    with pytest.raises(TargetError, match="--replace --swap-schema"):
        replace_database(tenant.alias, confirm=tenant.name)
    for how in ({"migrate": True}, {"rebuild": True}):
        with pytest.raises(ConfigurationError, match="cannot be done with --swap-schema"):
            replace(tenant, **how)


def test_what_was_emptied_is_filled_and_there_is_nothing_to_keep(tenant: Engine) -> None:
    back_up(tenant)
    before = state(tenant)
    execute(tenant, "DROP SCHEMA attic CASCADE", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    done = replace(tenant)
    assert (done.kept, done.safety) == ("", "") and state(tenant) == before
    assert any("nothing to back up first" in note for note in done.notes)
    with pytest.raises(TargetError, match="no database that was kept"):
        undo(tenant)


def test_what_is_kept_only_in_part_is_not_put_back(tenant: Engine) -> None:
    back_up(tenant)
    replace(tenant)
    live = state(tenant)
    execute(tenant, f"DROP SCHEMA {next(s for s in schemas(tenant) if s.startswith('attic_before_'))} CASCADE")
    with pytest.raises(TargetError, match="is not whole: its schema attic is gone"):
        undo(tenant)
    assert state(tenant) == live


@BOTH
def test_everything_that_a_database_may_hold_is_as_it_was(tenant: Engine, server: PostgreSQLServer) -> None:
    """The awkward definitions of the engine's own tests, with the extensions in a schema of their own."""
    awkward = (Path(__file__).parents[1] / "engines" / "postgresql" / "awkward.sql").read_text()
    for name in ("hstore", "btree_gist", "pg_trgm"):
        awkward = awkward.replace(f"CREATE EXTENSION {name};", f"CREATE EXTENSION {name} SCHEMA extensions;")
    awkward = awkward.replace(
        'CREATE EXTENSION citext SCHEMA "Other Schema"', "CREATE EXTENSION citext SCHEMA extensions"
    )
    with closing(psycopg.connect(server.url, dbname=tenant.name, autocommit=True)) as superuser:
        superuser.execute("DROP SCHEMA public CASCADE; DROP SCHEMA attic CASCADE; CREATE SCHEMA public")
        superuser.execute(
            f'CREATE SCHEMA extensions; ALTER DATABASE "{tenant.name}" SET search_path = public, extensions'
        )  # type: ignore[arg-type]
    settings = server.settings(tenant.name)
    with registered(settings) as alias:
        engine = engine_for(alias)
        execute(engine, awkward.replace('"Other Schema".citext', "extensions.citext"))
        back_up(engine)
        before = state(engine)
        replace(engine)
        assert state(engine) == before
        undo(engine)
        assert state(engine) == before


def test_an_extension_that_would_bar_the_way_back_is_a_reason_not_to_begin(
    tenant: Engine, server: PostgreSQLServer
) -> None:
    with closing(psycopg.connect(server.url, dbname=tenant.name, autocommit=True)) as superuser:
        superuser.execute("CREATE EXTENSION hstore SCHEMA public")
        back_up(tenant)
        superuser.execute("DROP EXTENSION hstore")
    with pytest.raises(
        TargetError, match=r"The extension hstore is not there, and the backup has it in schema public beside"
    ):
        replace(tenant)


def test_a_role_that_is_assumed_is_the_one_that_owns_what_is_made(tenant: Engine, server: PostgreSQLServer) -> None:
    role, login = tenant.settings["USER"], server.new_name("login")
    server._execute(f"CREATE ROLE {login} LOGIN NOINHERIT IN ROLE {role}")
    try:
        settings = {**server.settings(tenant.name), "USER": login, "PASSWORD": "", "OPTIONS": {"assume_role": role}}
        with registered(settings) as alias:
            assumed = engine_for(alias)
            back_up(assumed)
            execute(tenant, SPOIL)
            assert replace(assumed).notes == () and first(tenant) == "N00001"
            owner = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'shop_order'::regclass"
            assert query(tenant, owner) == [(role,)]
            assert undo(assumed).notes == () and first(tenant) == "spoilt"
    finally:
        server._execute(f"DROP ROLE {login}")


def test_what_the_role_has_set_for_its_transactions_is_not_in_the_way(tenant: Engine, server: PostgreSQLServer) -> None:
    back_up(tenant)
    execute(tenant, SPOIL)
    for setting in ("default_transaction_read_only = on", "default_transaction_isolation = 'serializable'"):
        server._execute(f"ALTER ROLE {tenant.settings['USER']} IN DATABASE {tenant.name} SET {setting}")
    with pytest.raises(Exception, match="read-only"):
        execute(tenant, SPOIL)
    replace(tenant)
    assert first(tenant) == "N00001"
    undo(tenant)
    assert first(tenant) == "spoilt"
    drop_kept(tenant)
    assert schemas(tenant) == ["attic", "public"]
