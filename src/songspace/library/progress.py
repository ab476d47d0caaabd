"""The progress of a run, for other processes: a small file in the home.

It is there while a run holds the home's lock (see :meth:`songspace.library.Home.lock`), and means nothing once nobody
does: a run that was killed took the lock with it, and left the file.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

from songspace.library.home import Home
from songspace.plainfiles import put_plain, read_json
from songspace.reporter import Reporter

EVERY = 1.0  # seconds between two writings, unless a stage begins or ends
_LONGEST = 4096  # bytes


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes
    ----------
    command : str
        ``learn`` or ``update``.
    stage : str
        As :meth:`songspace.reporter.Reporter.begin` gets it; empty at the beginning.
    done, total : int
        Of the stage; both 0 where that is not known.
    left : float or None
        Seconds until the stage is done, if that can be told.
    left_in_all : float or None
        Seconds until the run is done, if that can be told.
    began : float
        When the run began, in seconds since 1970.
    """

    command: str
    stage: str
    done: int
    total: int
    left: float | None
    left_in_all: float | None
    began: float


class Telling(Reporter):
    """Hands on all that a run tells, and writes into the home how far it is.

    A disk that is full costs what is written here, and nothing else.
    """

    def __init__(self, home: Home, command: str, listener: Reporter) -> None:
        self._home, self._command, self._listener = home, command, listener
        self._began = time.time()
        self._stage = ""
        self._told: tuple[float | None, float | None] = (None, None)
        self._next = 0.0
        self._write("", 0, 0, None, None)

    def say(self, sentence: str) -> None:
        self._listener.say(sentence)

    def remaining(self, stage: float | None, whole: float | None) -> None:
        self._told = (stage, whole)

    def begin(self, stage: str) -> None:
        self._listener.begin(stage)

    def failed(self, path: str, reason: str) -> None:
        self._listener.failed(path, reason)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        now = time.monotonic()
        new = stage != self._stage
        self._stage = stage
        (left, in_all), self._told = self._told, (None, None)
        self._listener.remaining(left, in_all)
        self._listener.progress(stage, done, total, detail)
        if new or done == total or now >= self._next:
            self._write(stage, done, total, left, in_all)
            self._next = now + EVERY

    def _write(self, stage: str, done: int, total: int, left: float | None, in_all: float | None) -> None:
        told = Progress(self._command, stage, done, total, _rounded(left), _rounded(in_all), self._began)
        with suppress(OSError):
            put_plain(self._home.progress, [json.dumps(asdict(told)).encode()])


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def read_progress(home: Home) -> Progress | None:
    """Return the progress of the run that works on a home; None if there is none."""
    try:
        told = read_json(home.progress, _LONGEST)
        command, stage, done, total, *times, began = (told[name] for name in Progress.__annotations__)
        left, in_all = (None if seconds is None else float(seconds) for seconds in times)
        texts, numbers = (command, stage), (done, total, *(time for time in (left, in_all) if time is not None), began)
        if not all(isinstance(text, str) for text in texts) or any(isinstance(n, bool) or not n >= 0 for n in numbers):
            return None  # no run wrote it
        progress = Progress(command, stage, int(done), int(total), left, in_all, float(began))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return progress if home.is_locked() else None
