"""The progress of a run, for other processes: a small file in the home.

It exists while a run holds the lock of the home (:meth:`songspace.library.Home.lock`). A run that was killed leaves the
file behind, but not the lock; so the file means nothing while the lock is free.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

from songspace.library.home import Home
from songspace.plainfiles import put_plain, read_json
from songspace.reporter import Reporter

EVERY = 1.0  # seconds between two writes, unless a stage begins or ends
_LONGEST = 4096  # bytes


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes
    ----------
    command : str
        ``learn`` or ``update``.
    stage : str
        Name of the stage, as in :meth:`songspace.reporter.Reporter.begin`; empty at the beginning.
    done, total : int
        Steps of the stage; both 0 if they are not known.
    left : float or None
        Seconds until the stage is done, if they can be estimated.
    left_in_all : float or None
        Seconds until the run is done, if they can be estimated.
    began : float
        Start of the run, in seconds since 1970.
    """

    command: str
    stage: str
    done: int
    total: int
    left: float | None
    left_in_all: float | None
    began: float


class Telling(Reporter):
    """A reporter that writes the progress of a run into the home, and forwards all events.

    If the disk is full, only this file is not written.
    """

    def __init__(self, home: Home, command: str, listener: Reporter) -> None:
        self._home, self._command, self._listener = home, command, listener
        self._began = time.time()
        self._stage = ""
        self._remaining: tuple[float | None, float | None] = (None, None)
        self._next = 0.0
        self._write("", 0, 0, None, None)

    def say(self, sentence: str) -> None:
        self._listener.say(sentence)

    def remaining(self, stage: float | None, whole: float | None) -> None:
        self._remaining = (stage, whole)

    def begin(self, stage: str) -> None:
        self._listener.begin(stage)

    def failed(self, path: str, reason: str) -> None:
        self._listener.failed(path, reason)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        now = time.monotonic()
        new = stage != self._stage
        self._stage = stage
        (left, in_all), self._remaining = self._remaining, (None, None)
        self._listener.remaining(left, in_all)
        self._listener.progress(stage, done, total, detail)
        if new or done == total or now >= self._next:
            self._write(stage, done, total, left, in_all)
            self._next = now + EVERY

    def _write(self, stage: str, done: int, total: int, left: float | None, in_all: float | None) -> None:
        progress = Progress(self._command, stage, done, total, _rounded(left), _rounded(in_all), self._began)
        with suppress(OSError):
            put_plain(self._home.progress, [json.dumps(asdict(progress)).encode()])


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def read_progress(home: Home) -> Progress | None:
    """Return the progress of the run that works on a home; None if there is none."""
    try:
        written = read_json(home.progress, _LONGEST)
        command, stage, done, total, *times, began = (written[name] for name in Progress.__annotations__)
        left, in_all = (None if seconds is None else float(seconds) for seconds in times)
        texts, numbers = (command, stage), (done, total, *(time for time in (left, in_all) if time is not None), began)
        if not all(isinstance(text, str) for text in texts) or any(isinstance(n, bool) or not n >= 0 for n in numbers):
            return None  # songspace did not write it
        progress = Progress(command, stage, int(done), int(total), left, in_all, float(began))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return progress if home.is_locked() else None
