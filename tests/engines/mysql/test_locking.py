"""A lock that is given back is free at once, though the server takes its time to end the connection that had it."""

from collections.abc import Iterator

import pytest

from backups.engines.base import Engine
from backups.engines.mysql import locking
from backups.engines.mysql.engine import MySqlEngine
from backups.engines.mysql.session import Session
from backups.exceptions import LockHeld

RUN, OTHER = "20261122T164315Z-3f9a2c", "20261122T164316Z-000000"


@pytest.fixture
def lingering(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Session]]:
    """Connections that are not closed by who has done with them, as the server sees it for a moment."""
    close, left = Session.close, list[Session]()
    with monkeypatch.context() as patch:
        patch.setattr(Session, "close", lambda self: left.append(self))
        yield left
    for session in left:
        close(session)


def test_a_lock_does_not_last_as_long_as_its_connection(engine: Engine, lingering: list[Session]) -> None:
    for run in (RUN, OTHER):
        with engine.lock(run):
            pass
    assert len(lingering) == 2


def test_one_that_was_given_back_between_two_questions_is_taken(
    engine: MySqlEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = locking._taken
    asked: list[int] = []

    def first_refused(session: Session, wanted: str, seconds: int) -> bool:
        asked.append(seconds)
        return len(asked) > 1 and taken(session, wanted, seconds)

    with monkeypatch.context() as patch:
        patch.setattr(locking, "_taken", first_refused)
        with engine.lock(RUN), pytest.raises(LockHeld, match=RUN), engine.lock(OTHER):
            pass
    assert asked == [0, locking._BETWEEN, 0]
