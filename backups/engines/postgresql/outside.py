"""What of a database no backup holds, by name and with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from backups.engines.postgresql.introspection import COVERED_SCHEMA, FIRST_OWN_OID, IS_KEPT
from backups.engines.postgresql.properties import SETTINGS, database_settings
from backups.engines.postgresql.session import Connection, fetch, relation
from backups.facts import Uncovered

_BY_HAND = "not part of a backup: make it again by hand, before anything that needs it"
_ROLES = "belongs to roles, and everything restored belongs to the role that restores it"

# Objects that PostgreSQL describes itself; what an extension made comes back with the extension.
_CATALOGUES = {
    "pg_operator": "true",
    "pg_opclass": "true",
    "pg_cast": "true",
    "pg_conversion": "true",
    "pg_ts_config": "true",
    "pg_ts_dict": "true",
    "pg_ts_parser": "true",
    "pg_ts_template": "true",
    "pg_language": "true",
    "pg_transform": "true",
    "pg_am": "true",
    "pg_event_trigger": "true",
    "pg_type": "x.typtype = 'b' AND x.typelem = 0",
    "pg_publication": "true",
    "pg_foreign_data_wrapper": "true",
    "pg_foreign_server": "true",
    "pg_class": "x.relkind = 'f'",
}
_OBJECTS = " UNION ALL ".join(
    f"""
SELECT i.type, i.identity FROM {catalogue} x, pg_identify_object('{catalogue}'::regclass, x.oid, 0) i
WHERE x.oid >= {FIRST_OWN_OID} AND {condition} AND NOT EXISTS
    (SELECT FROM pg_depend m WHERE m.classid = '{catalogue}'::regclass AND m.objid = x.oid AND m.deptype IN ('e', 'i'))
"""
    for catalogue, condition in _CATALOGUES.items()
)
_OTHERS = f"""
SELECT 'schema', n.nspname, 'what was live before it was replaced; restore_db --undo puts it back'
FROM pg_namespace n WHERE {IS_KEPT}
UNION ALL
SELECT 'invalid index', i.indexrelid::regclass::text, 'a build of it failed: drop it or build it again'
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND {COVERED_SCHEMA}
UNION ALL
SELECT 'tablespace', s.spcname, 'what lies there comes back in the default tablespace' FROM pg_tablespace s
WHERE s.oid >= {FIRST_OWN_OID} AND EXISTS (SELECT FROM pg_class c WHERE c.reltablespace = s.oid)
UNION ALL
SELECT 'subscription', s.subname, '{_BY_HAND}' FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
WHERE d.datname = current_database()
UNION ALL
SELECT DISTINCT 'owner', pg_get_userbyid(c.relowner), '{_ROLES}'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {COVERED_SCHEMA} AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND pg_get_userbyid(c.relowner) <> current_user
UNION ALL
SELECT DISTINCT 'default privileges', pg_get_userbyid(defaclrole), '{_ROLES}' FROM pg_default_acl
ORDER BY 1, 2
"""
_GRANTS = f"""
SELECT count(*) FROM (
    SELECT c.relacl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {COVERED_SCHEMA}
    UNION ALL
    SELECT p.proacl FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {COVERED_SCHEMA}
    UNION ALL
    SELECT n.nspacl FROM pg_namespace n WHERE n.nspname <> 'public' AND {COVERED_SCHEMA}
) AS o(acl) WHERE o.acl IS NOT NULL
"""
_COUNTS = [
    ("large object", "SELECT count(*) FROM pg_largeobject_metadata", "large objects are not part of a backup"),
    ("security label", "SELECT count(*) FROM pg_seclabel", _BY_HAND),
    ("grant", _GRANTS, _ROLES),
]
_CONFIGURED = """
SELECT n.nspname, c.relname, x.extname, e.condition
FROM pg_extension x CROSS JOIN LATERAL unnest(x.extconfig, x.extcondition) AS e(relid, condition)
JOIN pg_class c ON c.oid = e.relid AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2
"""


def uncovered(connection: Connection) -> list[Uncovered]:
    """Return everything of this database that is neither captured as DDL nor read as rows."""
    return [
        *(Uncovered(kind, name, _BY_HAND) for kind, name in sorted(fetch(connection, _OBJECTS))),
        *(Uncovered(kind, name, reason) for kind, name, reason in fetch(connection, _OTHERS)),
        *_counted(connection),
        *_settings(connection),
        *_rows_of_extensions(connection),
    ]


def _counted(connection: Connection) -> Iterator[Uncovered]:
    for kind, query, reason in _COUNTS:
        count = fetch(connection, query)[0][0]
        if count:
            yield Uncovered(kind, f"{count} of them", reason)


def _settings(connection: Connection) -> Iterator[Uncovered]:
    for name, _ in database_settings(connection):
        if name not in SETTINGS:
            yield Uncovered("setting", name, "set it again with ALTER DATABASE, or for the role")


def _rows_of_extensions(connection: Connection) -> Iterator[Uncovered]:
    """Extensions name tables of theirs that people add rows to."""
    for schema, name, extension, condition in fetch(connection, _CONFIGURED):
        rows = fetch(connection, f"SELECT count(*) FROM ONLY {relation(schema, name)} {condition}")[0][0]
        if rows:
            yield Uncovered("rows", f"{schema}.{name}", f"the table belongs to the extension {extension}", rows)
