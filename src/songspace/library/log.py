"""The log in the home: what `learn` and `update` did.

A line an event. It is written under the home's lock, so that two runs never write, or rotate, it at the same time. A
disk that is full costs what would be written here, and nothing else.
"""

from __future__ import annotations

import errno
import logging
import os
import platform
import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler

from songspace.durations import taken
from songspace.errors import FORESEEN, sentence
from songspace.library.home import Home
from songspace.reporter import Reporter

LARGEST, KEPT = 1_000_000, 3
"""Bytes of a log, and how many older ones are kept beside it."""

_PARTS = ("songspace", "numpy", "torch", "soundfile", "av")

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that would end a line, or give orders to the terminal that shows it."""


def one_line(text: str) -> str:
    """Escape, as in Python, what would begin another line or give orders to a terminal.

    Examples
    --------
    >>> print(one_line("a\\n2026-01-01 ERROR"))
    a\\n2026-01-01 ERROR
    """
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class Log(Reporter):
    """Writes down what a run tells, and hands it on.

    Parameters
    ----------
    home : Home
        Locked by this run.
    listener : Reporter
    """

    def __init__(self, home: Home, listener: Reporter) -> None:
        self._listener = listener
        # The handler alone, without a logger: nobody else's messages come in, and nothing of the process is changed.
        self._handler = _Handler(home.log, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", delay=True)
        self._began = time.monotonic()
        self._stage, self._stage_began, self._far = "", 0.0, ""

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    def write(self, text: str, level: int = logging.INFO) -> None:
        """Write a line."""
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        line = f"{now} {logging.getLevelName(level)} {one_line(text)}"
        self._handler.handle(logging.LogRecord("songspace", level, "", 0, line, None, None))

    def say(self, sentence: str) -> None:
        self.write(sentence)
        self._listener.say(sentence)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        if stage != self._stage:
            self.begin(stage)
        self._far = f"{done} of {total}, " + (f"{detail}, " if detail else "")
        self._listener.progress(stage, done, total, detail)

    def remaining(self, stage: float | None, whole: float | None) -> None:
        self._listener.remaining(stage, whole)

    def begin(self, stage: str) -> None:
        self.end_stage()
        self.write(f"{stage} ...")
        self._stage, self._stage_began, self._far = stage, time.monotonic(), ""
        self._listener.begin(stage)

    def end_stage(self) -> None:
        """Write down how long the stage took that has ended, if one has."""
        if self._stage:
            self.write(f"{self._stage}: {self._far}{taken(time.monotonic() - self._stage_began)}")
        self._stage = ""

    def failed(self, path: str, reason: str) -> None:
        self.write(f"{path}: {reason}", logging.WARNING)
        self._listener.failed(path, reason)

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # what could not be written is tried once more
            self._handler.close()


class _Handler(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        if os.path.exists(self.baseFilename) and not os.path.isfile(self.baseFilename):
            raise OSError(errno.EINVAL, "it is no ordinary file", self.baseFilename)  # nobody waits for a pipe
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Keep silent: the run is what counts."""


@contextmanager
def logged(home: Home, command: str, listener: Reporter) -> Iterator[Log]:
    """Open the log of a run, and write how the run ends; the home must be locked by it."""
    log = Log(home, listener)
    try:
        log.write(f"{command} ({', '.join(map(_versioned, _PARTS))}, Python {platform.python_version()})")
        yield log
    except KeyboardInterrupt:
        log.end_stage()
        log.write("stopped by Ctrl-C or a signal; what was finished is kept", logging.ERROR)
        raise
    except FORESEEN as error:
        log.end_stage()
        log.write(sentence(error), logging.ERROR)
        raise
    except BaseException as error:
        log.end_stage()
        log.write("an unforeseen error, which is a defect: please report it", logging.ERROR)
        for line in "".join(traceback.format_exception(error)).splitlines():
            log.write(f"    {line}", logging.ERROR)
        raise
    finally:
        log.close()


def _versioned(part: str) -> str:
    try:
        return f"{part} {version(part)}"
    except PackageNotFoundError:
        return f"{part} of unknown version"
