"""What hangs on the name of a MariaDB database and moves with no table: definers, events, and what cannot move at all."""

from collections.abc import Iterator

import pytest

from backups.engines.base import Engine
from backups.exceptions import TargetError
from backups.repository.names import new_run
from tests.databases import Server
from tests.engines.contract_promotion import filled_copy, state
from tests.yard import execute, query

TABLES = ("CREATE TABLE thing (id INTEGER PRIMARY KEY)", "CREATE TABLE journal (id INTEGER)")
EVENT = "CREATE EVENT {name} ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00' DO INSERT INTO journal VALUES (1)"
TRIGGER = "TRIGGER noted AFTER INSERT ON thing FOR EACH ROW INSERT INTO journal VALUES (NEW.id)"


@pytest.fixture
def server(mysql: Server) -> Server:
    """The server."""
    return mysql


@pytest.fixture
def copy(server: Server, engine: Engine) -> Iterator[Engine]:
    """A copy; everything that its tests keep goes with it."""
    with filled_copy(server, engine, TABLES) as made:
        yield made
    for kept in engine.kept():
        engine.at(kept).drop()


def hanging(engine: Engine) -> list[tuple[object, ...]]:
    name = engine.name
    return query(
        engine,
        f"SELECT 'event', EVENT_NAME, DEFINER, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{name}' UNION ALL "
        f"SELECT 'trigger', TRIGGER_NAME, DEFINER, '' FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '{name}' "
        "ORDER BY 1, 2",
    )


def test_what_is_the_same_stays_with_its_definer_and_what_is_made_again_gets_it(engine: Engine, copy: Engine) -> None:
    execute(engine, *TABLES, EVENT.format(name="yearly"), f"CREATE DEFINER = 'nobody'@'nowhere' {TRIGGER}")
    execute(copy, EVENT.format(name="yearly") + " ", EVENT.format(name="other"), f"CREATE {TRIGGER}")
    execute(copy, "ALTER EVENT yearly DISABLE", "ALTER EVENT other DISABLE")
    before = hanging(engine)
    kept = engine.kept_name(new_run())
    (note,) = engine.promote(copy, kept)
    assert "other" in note and "yearly" not in note and "switched off" in note
    assert [(kind, name, state) for kind, name, _, state in hanging(engine)] == [
        ("event", "other", "DISABLED"),
        ("event", "yearly", "ENABLED"),
        ("trigger", "noted", ""),
    ]
    assert hanging(engine)[2][2] == "nobody@nowhere" and hanging(engine)[1] == before[0]
    assert engine.promote(engine.at(kept), engine.kept_name(new_run())) == []
    assert hanging(engine) == before


def test_a_view_that_nobody_can_read_any_more_is_said_to_be_lost(engine: Engine, copy: Engine) -> None:
    execute(
        engine, *TABLES, "CREATE TABLE gone (id INTEGER)", "CREATE VIEW ghosts AS SELECT * FROM gone", "DROP TABLE gone"
    )
    (note,) = engine.promote(copy, engine.kept_name(new_run()))
    assert "view ghosts" in note


def test_a_default_that_names_its_database_is_refused_before_anything_is_done(engine: Engine, copy: Engine) -> None:
    execute(engine, *TABLES)
    sequence = ("CREATE SEQUENCE numbers", "CREATE TABLE counted (id INTEGER DEFAULT NEXTVAL(numbers))")
    execute(copy, *sequence)
    old = state(engine)
    with pytest.raises(TargetError, match="default of column id of table counted takes numbers from a sequence"):
        engine.promote(copy, engine.kept_name(new_run()))
    execute(engine, *sequence)
    assert "counted" in engine.irreplaceable()[0]
    execute(engine, "DROP TABLE counted", "DROP SEQUENCE numbers")
    assert state(engine) == old and engine.kept() == []
