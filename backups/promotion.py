"""A proven copy in the place of the live database, and back: what is going to be done, and the doing of it."""

from __future__ import annotations

from dataclasses import dataclass

from backups.engines.base import Engine
from backups.exceptions import BackupsError, TargetError
from backups.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Promotion:
    """``copy`` is to stand in the place of ``live``, which is kept as ``kept`` if it ``was_there``."""

    live: Engine
    copy: Engine
    kept: str
    was_there: bool

    def sentences(self) -> list[str]:
        """Say it, for people."""
        if self.live.is_inside:
            return self._inside()
        exchange = "End whoever is connected and exchange" if self.live.ends_connections else "Exchange"
        if not self.was_there:
            return [f"Put it in the place of {self.live.describe()}, where nothing is now."]
        return [
            f"{exchange} them in one step: the copy becomes {self.live.describe()}.",
            f"Keep what is there now as {self.kept}; restore_db --undo puts it back.",
        ]

    def _inside(self) -> list[str]:
        done = f"Wait for transactions that are under way on its tables, and show all of it at once in {self.live.describe()}."
        kept = f"Keep the schemas that are there now, renamed, as {self.kept}; restore_db --undo puts them back."
        return [done, kept] if self.was_there else [done]


def plan(live: Engine, copy: Engine, run: str) -> Promotion:
    """Return what a promotion would do, or raise TargetError for what would stop it; changes nothing."""
    reasons = live.irreplaceable()
    if reasons:
        raise TargetError(" ".join(reasons), hint="Nothing was changed.")
    return Promotion(live, copy, live.kept_name(run), live.exists())


def promote(what: Promotion, progress: Progress = silent) -> list[str]:
    """Do it, and return sentences on what to mind; where it raises, the live database is as it was.

    Whatever stops it after its one step, were it an interrupt, is one of those sentences.
    """
    try:
        return what.live.promote(what.copy, what.kept, progress)
    except BaseException as error:
        try:
            done = finish(what)
        except BackupsError as trouble:
            error.add_note(f"What was begun could not be looked at: {trouble}. The next command does it.")
            raise error from None
        if not done:
            raise
        return [f"The exchange is done, and what came after it was stopped: {str(error) or type(error).__name__}."]


def finish(what: Promotion) -> bool:
    """Finish or take back one that was killed, and say whether the copy stands in the place now."""
    return what.live.finish(what.copy, what.kept, was_there=what.was_there)
