"""Whether a server can hold a database like the one that was backed up, and which server it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from backups.engines.mysql import objects, text
from backups.engines.mysql.session import Session
from backups.facts import EngineFacts

_MARIADB_ONLY = {"inet4", "inet6", "uuid", "xmltype"}
_OLDEST = {"MariaDB": (10, 6), "MySQL": (8, 0)}


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says of itself; two that say the same are one. ``ident`` is its own id, where it has one."""

    host: str
    port: int
    folder: str
    ident: str


def server(session: Session) -> Server:
    """Return which server a session is on."""
    host, port, folder = session.query("SELECT @@hostname, @@port, @@datadir")[0]
    ident = session.query("SHOW VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid')")
    return Server(str(host), int(port), str(folder), str(ident[0][1]) if ident else "")


def version(said: str) -> tuple[int, ...]:
    """Return the two leading numbers of a version: ``10.11.6-MariaDB`` is (10, 11)."""
    return tuple(int(number) for number in re.findall(r"\d+", said)[:2])


def obstacles(session: Session, database: str, facts: EngineFacts) -> Iterator[str]:
    """Yield a sentence for each reason why a database like ``facts`` cannot be made on this server."""
    if facts.vendor != "mysql":
        yield f"The backup was taken from {facts.vendor} {facts.version}, and this server is {session.version}."
        return
    product = "MariaDB" if session.is_mariadb else "MySQL"
    source = facts.properties.get("product", product)
    if version(session.version) < _OLDEST[product]:
        oldest = ".".join(map(str, _OLDEST[product]))
        yield f"This server is {session.version}; {product} {oldest} is the oldest that is supported."
    if source == product and version(session.version) < version(facts.version):
        yield f"The backup was taken from {product} {facts.version}, and this server is older: {session.version}."
    yield from _unknown(session, facts, source, product)
    if not objects.has_right(session, database, "CREATE"):
        user = session.value("SELECT CURRENT_USER()")
        yield f"The user {user} has no right to create the database {database} (CREATE on {text.name(database)}.*)."


def _unknown(session: Session, facts: EngineFacts, source: str, product: str) -> Iterator[str]:
    wanted = set(facts.properties.get("collations", "").split()) | {facts.properties.get("collation", "")} - {""}
    known = {str(row[0]) for row in session.query("SHOW COLLATION")}
    # MariaDB lists collations that fit several character sets under their short names.
    missing = sorted(name for name in wanted if name not in known and not _lists_short(name, known))
    if missing:
        yield f"This server ({product} {session.version}) does not know the collations {', '.join(missing)}."
    strange = sorted(set(facts.properties.get("types", "").split()) & _MARIADB_ONLY)
    if source != product == "MySQL" and strange:
        yield f"MySQL has no column types {', '.join(strange)}, which the backup of a {source} database needs."


def _lists_short(name: str, known: set[str]) -> bool:
    return "_uca1400" in name and name[name.index("uca1400") :] in known
