"""Build and fill a zoo in an existing, empty database, and print its row counts as JSON.

``python -m tests.zoo sqlite:///zoo.db``, ``…postgresql://postgres@127.0.0.1:5432/zoo`` or
``…mysql://root@127.0.0.1:3306/zoo``; ``--analytics URL`` adds the second database, ``--corrupt`` the damage that
SQLite permits, ``--extras`` what a backup cannot hold, ``--manage COMMAND…`` runs a Django command instead.
"""

import argparse
import json
from typing import Any
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgresql": "django.db.backends.postgresql",
    "postgres": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
    "mariadb": "django.db.backends.mysql",
}


def database(url: str) -> dict[str, Any]:
    """A database URL as an entry of ``DATABASES``."""
    parts = urlsplit(url)
    return {
        "ENGINE": ENGINES[parts.scheme],
        "NAME": unquote(parts.path[1:]),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }


def configure(url: str, analytics: str | None = None) -> None:
    """Set Django up with the zoo and nothing else."""
    from tests.zoo import SILENCED_SYSTEM_CHECKS

    databases = {"default": database(url)}
    if analytics:
        databases["analytics"] = database(analytics)
    apps = ["django.contrib.contenttypes", "tests.zoo", "tests.zoo.bare"]
    if databases["default"]["ENGINE"] == ENGINES["postgresql"]:
        apps += ["django.contrib.postgres", "tests.zoo_pg"]
    settings.configure(
        DATABASES=databases,
        DATABASE_ROUTERS=["tests.zoo.router.ZooRouter"],
        INSTALLED_APPS=apps,
        SILENCED_SYSTEM_CHECKS=SILENCED_SYSTEM_CHECKS,
        SECRET_KEY="the zoo has no secrets",
        USE_TZ=True,
        TIME_ZONE="UTC",
    )
    django.setup()


def build(using: str, corrupt: bool = False, extras: bool = False) -> dict[str, int]:
    """Migrate and fill a database; row counts by table."""
    from django.core.management import call_command
    from django.db import connections

    from tests.zoo.extras import add_extras
    from tests.zoo.fill import corrupt_sqlite_values, fill

    call_command("migrate", database=using, run_syncdb=True, verbosity=0)
    fill(using)
    if connections[using].vendor == "postgresql":
        from tests.zoo_pg.fill import fill_pg

        fill_pg(using)
    if corrupt:
        corrupt_sqlite_values(using)
    if extras:
        add_extras(using)
    return row_counts(using)


def row_counts(using: str) -> dict[str, int]:
    """Rows by table, of every table in the default schema."""
    from django.db import connections

    connection = connections[using]
    quote = connection.ops.quote_name
    counts = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.get_table_list(cursor):
            if table.type in ("t", "p"):
                # A name with a quote in it has to be doubled; Django leaves it as it is.
                mark = quote("x")[0]
                name = table.name.replace(mark, mark * 2)
                cursor.execute(f"SELECT count(*) FROM {mark}{name}{mark}", None)
                counts[table.name] = cursor.fetchone()[0]
    return dict(sorted(counts.items()))


def main() -> None:
    """Parse the command line, build what it asks for, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.zoo", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--analytics")
    parser.add_argument("--corrupt", action="store_true")
    parser.add_argument("--extras", action="store_true")
    parser.add_argument("--manage", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    configure(options.url, options.analytics)
    if options.manage:
        from django.core.management import execute_from_command_line

        execute_from_command_line(["manage.py", *options.manage])
        return
    result = {"default": build("default", options.corrupt, options.extras)}
    if options.analytics:
        result["analytics"] = build("analytics")
    print(json.dumps(result, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
