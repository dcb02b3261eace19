"""A PostgreSQL database that is there already and stays: filled while it is empty, emptied again where that fails.

For servers on which no database may be made. The mark of a restore that has not finished is a schema without anything in it.
"""

from __future__ import annotations

from backups.engines.postgresql import server
from backups.engines.postgresql.engine import PostgreSQL
from backups.engines.postgresql.introspection import COVERED_SCHEMA, UNFINISHED, no_member
from backups.engines.postgresql.session import Connection, fetch, pin, quoted, run, session, told
from backups.exceptions import TargetError, TargetExists
from backups.facts import EngineFacts

_KINDS = {"r": "TABLE", "p": "TABLE", "v": "VIEW", "m": "MATERIALIZED VIEW", "S": "SEQUENCE", "f": "FOREIGN TABLE"}
_RELATIONS = f"""
SELECT c.relkind, format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = ANY('{{r,p,v,m,S,f}}') AND {COVERED_SCHEMA} AND {no_member("pg_class", "c")}
ORDER BY array_position('{{v,m,f,p,r,S}}'::"char"[], c.relkind), 2
"""
_ROUTINES = f"""
SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {COVERED_SCHEMA} AND {no_member("pg_proc", "p", "'e', 'i'")} ORDER BY 1
"""
_TYPES = f"""
SELECT t.typtype, format('%I.%I', n.nspname, t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typtype IN ('c', 'd', 'e', 'r') AND (t.typtype <> 'c' OR c.relkind = 'c') AND {COVERED_SCHEMA}
    AND {no_member("pg_type", "t", "'e', 'i'")} ORDER BY 2
"""
_COLLATIONS = f"""
SELECT format('%I.%I', n.nspname, x.collname) FROM pg_collation x JOIN pg_namespace n ON n.oid = x.collnamespace
WHERE {COVERED_SCHEMA} AND {no_member("pg_collation", "x")} ORDER BY 1
"""
_SCHEMAS = f"""
SELECT n.nspname FROM pg_namespace n
WHERE {COVERED_SCHEMA} AND n.nspname <> 'public' AND {no_member("pg_namespace", "n")} ORDER BY 1
"""
_RIGHTS = """
SELECT current_user, has_database_privilege(current_database(), 'CREATE'),
    coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'CREATE'), true),
    pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = current_database()
"""
_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class ResidentPostgreSQL(PostgreSQL):
    """See ``Engine.resident``."""

    renames = False

    def holds(self) -> list[str]:
        """See ``Engine.holds``: what an extension made does not count."""
        with session(self, TargetError) as connection, told(self.describe(), TargetError):
            return [name for _, name in _drops(connection)]

    def preflight(self, facts: EngineFacts) -> list[str]:
        """Return why this database cannot become one like ``facts``."""
        try:
            with session(self, TargetError) as connection, told(self.describe(), TargetError):
                return [*server.lacks(connection, facts), *unfit(connection, facts)]
        except TargetError as error:
            return [str(error)]

    def create(self, facts: EngineFacts) -> None:
        """Take the database while it is empty; what is set for the whole database (ALTER DATABASE … SET) is left as it is."""
        found = self.holds()
        if found:
            raise TargetExists(f"{self.describe()} is not empty: it holds {', '.join(found[:5])}.")
        self._run(f"CREATE SCHEMA {UNFINISHED}")

    def is_unfinished(self) -> bool:
        """See ``Engine.is_unfinished``."""
        with session(self, TargetError) as connection, told(self.describe(), TargetError):
            marked = fetch(connection, "SELECT to_regnamespace(%(name)s) IS NOT NULL", {"name": UNFINISHED})[0][0]
            return bool(marked) and not fetch(connection, _OTHERS)[0][0]

    def drop(self) -> None:
        """Remove all that is in the database, and the mark; extensions stay."""
        with session(self, TargetError) as connection, told(self.describe(), TargetError):
            pin(connection, local=False, default_transaction_read_only="off", client_min_messages="warning")
            for kind, name in _drops(connection):
                run(connection, f"DROP {kind} IF EXISTS {name} CASCADE")
            run(connection, f"DROP SCHEMA IF EXISTS {UNFINISHED}")

    def conclude(self) -> None:
        """Take the mark away."""
        self._run(f"DROP SCHEMA IF EXISTS {UNFINISHED}")

    def _run(self, sql: str) -> None:
        with session(self, TargetError) as connection, told(self.describe(), TargetError):
            pin(connection, local=False, default_transaction_read_only="off", client_min_messages="warning")
            run(connection, sql)


def _drops(connection: Connection) -> list[tuple[str, str]]:
    """Return the kind and the name of everything that is not the server's or an extension's, in an order to drop it."""
    relations = [(_KINDS[kind], name) for kind, name in fetch(connection, _RELATIONS)]
    routines = [("ROUTINE", name) for (name,) in fetch(connection, _ROUTINES)]
    types = [("DOMAIN" if kind == "d" else "TYPE", name) for kind, name in fetch(connection, _TYPES)]
    collations = [("COLLATION", name) for (name,) in fetch(connection, _COLLATIONS)]
    schemas = [("SCHEMA", quoted(name)) for (name,) in fetch(connection, _SCHEMAS)]
    return [*relations, *routines, *types, *collations, *schemas]


def unfit(connection: Connection, facts: EngineFacts) -> list[str]:
    """Return why what was in a database like ``facts`` does not fit into the one that is there."""
    role, may_create, may_create_in_public, encoding, collate, ctype = fetch(connection, _RIGHTS)[0]
    name = quoted(connection.info.dbname)
    found = []
    if not may_create:
        found.append(f"The role {role} may not make schemas in it (GRANT CREATE ON DATABASE {name} TO {quoted(role)}).")
    if not may_create_in_public:
        found.append(f"The role {role} may not make tables in it (GRANT CREATE ON SCHEMA public TO {quoted(role)}).")
    for word, wanted, there in (
        ("encoding", facts.properties.get("encoding"), encoding),
        ("collation", facts.properties.get("collate"), collate),
        ("character classes", facts.properties.get("ctype"), ctype),
    ):
        if wanted and wanted != there:
            found.append(f"It has the {word} {there}, and the backup's database had {wanted}.")
    return found
