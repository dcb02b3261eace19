"""Rights that are missing are sentences, other people's settings do not matter, and a lost connection is noticed."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.backends.mysql.base import DatabaseWrapper

from backups.engines.base import Engine, Snapshot
from backups.exceptions import ConfigurationError, SourceError, TargetError
from backups.facts import EngineFacts, Span
from tests.databases import Server
from tests.engines.dumps import dump, execute, fetch, named
from tests.engines.mysql import own

PASSWORD = "swordfish"
THINGS = (
    "CREATE TABLE things (id int PRIMARY KEY, at datetime(6), body text)",
    r"INSERT INTO things VALUES (1, '2026-11-22 16:43:15', 'back\\slash ü'), (2, NULL, NULL)",
    "CREATE TRIGGER tr BEFORE INSERT ON things FOR EACH ROW SET @x = 1",
    "CREATE VIEW v AS SELECT id FROM things",
)


@pytest.fixture
def user(engine: Engine) -> Iterator[str]:
    """A user who may do nothing yet."""
    name = f"lb_{secrets.token_hex(4)}"
    execute(engine, f"CREATE USER {name}@'%' IDENTIFIED BY '{PASSWORD}'")
    yield name
    execute(engine, f"DROP USER {name}@'%'")


def seen_by(engine: Engine, user: str, **settings: Any) -> Engine:
    """Return the same database, as a user sees it."""
    return type(engine)(engine.alias, {**engine.settings, "USER": user, "PASSWORD": PASSWORD, **settings})


def test_a_user_without_the_right_to_create_is_told_before_anything_is_made(
    engine: Engine, user: str, server: Server
) -> None:
    execute(engine, f"GRANT ALL ON `{engine.name}`.* TO {user}@'%'", rf"GRANT ALL ON `lifeboat\_%`.* TO {user}@'%'")
    facts, name = dump(engine).facts, server.new_name()
    (reason,) = seen_by(engine, user, NAME=name).preflight(facts)
    assert name in reason
    assert "CREATE" in reason
    with pytest.raises(TargetError, match="rights") as caught:
        seen_by(engine, user, NAME=name).create(facts)
    assert caught.value.hint
    assert PASSWORD not in f"{reason} {caught.value} {caught.value.hint}"
    assert seen_by(engine, user, NAME="lifeboat_x").preflight(facts) == []
    assert seen_by(engine, user, NAME="lifeboatsx").preflight(facts) != []


def test_what_a_user_cannot_see_is_named(engine: Engine, user: str) -> None:
    execute(engine, *THINGS, f"GRANT SELECT ON `{engine.name}`.* TO {user}@'%'")
    with seen_by(engine, user).snapshot() as snapshot:
        assert len(list(snapshot.lines(named(snapshot.tables(), "things")))) == 2
        assert {(one.kind, one.name) for one in snapshot.uncovered()} == {
            *(("view", "v"), ("trigger", "(all)"), ("event", "(all)"), ("routine", "(all)"))
        }


def test_a_wrong_password_is_a_sentence_without_it(engine: Engine, user: str) -> None:
    wrong = seen_by(engine, user, PASSWORD="guess")
    with pytest.raises(SourceError) as caught, wrong.snapshot():
        pass
    assert "guess" not in str(caught.value)


def test_a_server_that_is_not_there_is_a_sentence(engine: Engine) -> None:
    away = type(engine)(engine.alias, {**engine.settings, "HOST": "127.0.0.1", "PORT": "9"})
    with pytest.raises(SourceError, match="reached"), away.snapshot():
        pass
    with pytest.raises(TargetError, match="reached"):
        away.exists()
    assert all(sentence.endswith(".") for sentence in away.preflight(EngineFacts("mysql", "10.11")))


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"collations": "utf8mb4_general_ci utf8mb4_of_tomorrow_ci"}, "utf8mb4_of_tomorrow_ci"),
        ({"collation": "klingon_ci"}, "klingon_ci"),
    ],
)
def test_an_unknown_collation_is_told_before_anything_is_made(
    engine: Engine, server: Server, properties: dict[str, str], said: str
) -> None:
    facts = EngineFacts("mysql", "10.6", {"product": "MariaDB", **properties})
    assert [said in reason for reason in engine.at(server.new_name()).preflight(facts)] == [True]


def test_an_older_server_is_told(engine: Engine, server: Server) -> None:
    now = dump(engine).facts
    newer = EngineFacts("mysql", "99.1.0", now.properties)
    assert any("older" in reason for reason in engine.at(server.new_name()).preflight(newer))


def test_settings_of_the_project_do_not_shape_what_is_read(engine: Engine) -> None:
    execute(engine, *THINGS, own.LENIENT, "INSERT INTO things VALUES (0, '0000-00-00', '')")
    options = {
        "charset": "latin1",
        "sql_mode": "ANSI_QUOTES,NO_BACKSLASH_ESCAPES",
        "isolation_level": "read uncommitted",
        "init_command": "SET sql_mode = 'ANSI,PAD_CHAR_TO_FULL_LENGTH', time_zone = '+05:00', sql_quote_show_create = 0",
    }
    odd = type(engine)(engine.alias, {**engine.settings, "OPTIONS": options, "TIME_ZONE": "Europe/Berlin"})
    assert dump(odd) == dump(engine)
    assert odd.is_same(engine)


def test_a_lost_connection_is_noticed(engine: Engine) -> None:
    execute(engine, *THINGS)

    def end_others() -> None:
        # Of this database alone: others are at work on the server.
        there = f"SELECT id FROM information_schema.processlist WHERE db = '{engine.name}' AND id <> connection_id()"
        for (connection,) in fetch(engine, there):
            execute(engine, f"KILL {connection}")

    with pytest.raises(SourceError, match="lost"), engine.snapshot() as snapshot:
        end_others()
        snapshot.confirm()
    with pytest.raises(SourceError, match="lost"), engine.snapshot() as snapshot:
        lines = snapshot.lines(named(snapshot.tables(), "things"))
        next(lines)
        end_others()
        snapshot.count(snapshot.tables()[0])


def test_a_database_is_dropped_while_another_is_in_the_middle_of_it(engine: Engine) -> None:
    execute(engine, *THINGS, "BEGIN", "SELECT * FROM things")
    engine.drop()
    assert not engine.exists()
    connections[engine.alias].close()


@pytest.mark.parametrize("name", ["mysql", "SYS", "information_schema", " x", "x ", "x" * 65])
def test_names_that_are_the_servers_own_or_too_long_are_refused(engine: Engine, name: str) -> None:
    with pytest.raises(TargetError):
        engine.at(name)


def test_a_file_cannot_be_corrupted(engine: Engine) -> None:
    with pytest.raises(TargetError, match="files"):
        engine.damage("corrupt-file")


def test_a_span_of_a_composite_key_is_found_by_its_index(engine: Engine) -> None:
    execute(
        engine,
        "CREATE TABLE seats (hall varchar(10), line int, number int, note varchar(50), PRIMARY KEY (hall, line, number))",
        "INSERT INTO seats SELECT 'main', seq DIV 100, seq, repeat('x', 40) FROM seq_1_to_3000",
    )
    with engine.snapshot() as snapshot:
        (table,) = snapshot.tables()
        span = Span(("main", "20", "2050"), ("main", "21", "2120"))
        before = _rows_looked_at(snapshot)
        assert len(list(snapshot.lines(table, span))) == 70
        assert _rows_looked_at(snapshot) - before < 100


def _rows_looked_at(snapshot: Snapshot) -> int:
    session = snapshot._session  # type: ignore[attr-defined]
    return sum(int(count) for _, count in session.query("SHOW SESSION STATUS LIKE 'Handler_read_next'"))


def test_another_driver_is_refused_with_a_sentence(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DatabaseWrapper, "Database", object())
    with pytest.raises(ConfigurationError, match="mysqlclient") as caught, engine.snapshot():
        pass
    assert "pip install" in caught.value.hint
