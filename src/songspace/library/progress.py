"""How far a run is, for whoever looks from another process: a small file in the home.

It is there while a run holds the home's lock (see :meth:`songspace.library.Home.lock`), and means nothing once nobody
does: a run that was killed took the lock with it, and left the file.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

from songspace.library.home import Home
from songspace.reporter import Reporter

EVERY = 1.0  # seconds between two writings, unless a new stage begins
_SOON = 2.0  # seconds of a stage after which it can be told how long it will take
_LONGEST = 4096  # bytes


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    command : str
        ``learn`` or ``update``.
    stage : str
        As ``songspace.reporter`` is told it; empty at the beginning.
    done, total : int
        Of the stage; both 0 where that is not known.
    left : float or None
        Seconds until the stage is done, if that can be told.
    began : float
        When the run began, in seconds since 1970.
    """

    command: str
    stage: str
    done: int
    total: int
    left: float | None
    began: float


class Telling(Reporter):
    """Hands on all that a run tells, and writes into the home how far it is.

    A disk that is full costs what is written here, and nothing else.
    """

    def __init__(self, home: Home, command: str, listener: Reporter) -> None:
        self._home, self._command, self._listener = home, command, listener
        self._began = time.time()
        self._stage, self._since, self._from = "", 0.0, 0
        self._next = 0.0
        self._write("", 0, 0, None)

    def say(self, sentence: str) -> None:
        self._listener.say(sentence)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        self._listener.progress(stage, done, total, detail)
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._since, self._from = stage, now, done
        elif now < self._next:
            return
        gone = now - self._since
        known = gone >= _SOON and done > self._from
        self._write(stage, done, total, gone * (total - done) / (done - self._from) if known else None)
        self._next = now + EVERY

    def _write(self, stage: str, done: int, total: int, left: float | None) -> None:
        told = Progress(self._command, stage, done, total, None if left is None else round(left, 1), self._began)
        beside = self._home.progress.with_name(f"{self._home.progress.name}.new")
        with suppress(OSError):
            beside.write_text(json.dumps(asdict(told)), "utf-8")
            os.replace(beside, self._home.progress)


def read_progress(home: Home) -> Progress | None:
    """How far the run is that works on a home; None if there is none, or it tells nothing."""
    try:
        with home.progress.open("rb") as file:
            told = json.loads(file.read(_LONGEST))
        command, stage, done, total, left, began = (told[name] for name in Progress.__annotations__)
        found = Progress(
            str(command), str(stage), int(done), int(total), None if left is None else float(left), float(began)
        )
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return None
    return found if home.is_locked() else None
