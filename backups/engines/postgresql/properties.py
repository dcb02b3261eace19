"""What a fresh database must be like: encoding, collation, extensions, and the settings that the database carries.

Properties, in PostgreSQL's words: ``encoding``, ``provider`` (libc, icu, builtin), ``collate``, ``ctype``, ``locale``
and ``rules`` (of ICU or builtin), ``collation_version``; ``collations``, those of the server that columns use, and
``icu_collations``, those that people made with ICU; ``extension.NAME`` with version and schema; ``setting.NAME`` for
those settings of the database (ALTER DATABASE … SET) that decide what its applications see.
"""

from __future__ import annotations

from backups.engines.postgresql.introspection import COVERED_SCHEMA, FIRST_OWN_OID
from backups.engines.postgresql.session import Connection, fetch
from backups.facts import EngineFacts

PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}

# Only these: another may hold a secret, since applications keep their own there.
SETTINGS = frozenset(
    {
        "search_path",
        "timezone",
        "datestyle",
        "intervalstyle",
        "default_text_search_config",
        "default_transaction_isolation",
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
    }
)

_DATABASE = """
SELECT pg_encoding_to_char(d.encoding), {provider}, d.datcollate, d.datctype, {locale}, {rules}, {version}
FROM pg_database d WHERE d.datname = current_database()
"""
_EXTENSIONS = """
SELECT x.extname, x.extversion, n.nspname FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
ORDER BY x.extname COLLATE "C"
"""
_SETTINGS = """
SELECT split_part(s, '=', 1), substr(s, strpos(s, '=') + 1)
FROM pg_db_role_setting r JOIN pg_database d ON d.oid = r.setdatabase, unnest(r.setconfig) s
WHERE r.setrole = 0 AND d.datname = current_database() ORDER BY 1
"""


_COLLATIONS = f"""
SELECT string_agg(c.collname, ', ' ORDER BY c.collname COLLATE "C")
    FILTER (WHERE n.nspname = 'pg_catalog' AND c.collname NOT IN ('default', 'C', 'POSIX') AND c.oid IN (
        SELECT a.attcollation FROM pg_attribute a WHERE a.attrelid >= {FIRST_OWN_OID} UNION
        SELECT t.typcollation FROM pg_type t WHERE t.oid >= {FIRST_OWN_OID})),
    string_agg(n.nspname || '.' || c.collname, ', ' ORDER BY n.nspname COLLATE "C", c.collname COLLATE "C")
    FILTER (WHERE c.collprovider = 'i' AND {COVERED_SCHEMA})
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
"""


def read_facts(connection: Connection) -> EngineFacts:
    """Return the facts of the database that is connected to."""
    extensions = fetch(connection, _EXTENSIONS)
    properties = _locale(connection)
    properties |= {f"extension.{name}": f"{version} in {schema}" for name, version, schema in extensions}
    properties |= {f"setting.{name}": value for name, value in database_settings(connection) if name in SETTINGS}
    version = connection.info.parameter_status("server_version") or ""
    return EngineFacts("postgresql", version.split()[0], properties, tuple(name for name, _, _ in extensions))


def database_settings(connection: Connection) -> list[tuple[str, str]]:
    """Return the settings of this database for all roles, their names in lower case."""
    return [(name.lower(), value) for name, value in fetch(connection, _SETTINGS)]


def major(version: str) -> int:
    """Return the major version of ``15.4``, ``18beta2`` and the like."""
    digits = version.partition(".")[0]
    return int("".join(c for c in digits[:2] if c.isdigit()) or 0)


def _locale(connection: Connection) -> dict[str, str]:
    server = connection.info.server_version // 10000
    query = _DATABASE.format(
        provider="d.datlocprovider" if server >= 15 else "'c'",
        locale="d.datlocale" if server >= 17 else "d.daticulocale" if server >= 15 else "NULL",
        rules="d.daticurules" if server >= 16 else "NULL",
        version="d.datcollversion" if server >= 15 else "NULL",
    )
    encoding, provider, collate, ctype, locale, rules, version = fetch(connection, query)[0]
    collations, icu = fetch(connection, _COLLATIONS)[0]
    found = {
        "encoding": encoding,
        "provider": PROVIDERS[provider],
        "collate": collate,
        "ctype": ctype,
        "locale": locale,
        "rules": rules,
        "collation_version": version,
        "collations": collations,
        "icu_collations": icu,
    }
    return {name: value for name, value in found.items() if value}
