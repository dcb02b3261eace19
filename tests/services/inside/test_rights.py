"""Replacing inside the live database: owners, grants, extensions and roles are as they were, or it is refused."""

from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import ConfigurationError, TargetError
from backups.services.replace import plan_replacement, replace_database
from tests.databases import PostgreSQLServer, registered
from tests.services.helpers import back_up
from tests.services.inside.tenants import BOTH, SPOIL, drop_kept, first, replace, schemas, state, undo
from tests.yard import execute, query


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
    awkward = (Path(__file__).parents[2] / "engines" / "postgresql" / "awkward.sql").read_text()
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
