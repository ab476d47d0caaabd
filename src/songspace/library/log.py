"""The log in the home: the events of `learn` and `update`, one on each line.

It is written under the lock of the home, so that two runs never write or rotate it at the same time. If the disk is
full, only lines of the log are lost.
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
"""Largest size of a log, in bytes, and the number of older ones that are kept beside it."""

_PARTS = ("songspace", "numpy", "torch", "soundfile", "av")

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that would end a line, or control the terminal that shows it."""


def one_line(text: str) -> str:
    """Escape, as in Python, all characters that would begin another line or control a terminal.

    Examples
    --------
    >>> print(one_line("a\\n2026-01-01 ERROR"))
    a\\n2026-01-01 ERROR
    """
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


class Log(Reporter):
    """A reporter that writes the events of a run into the log, and forwards them.

    Parameters
    ----------
    home : Home
        Its lock must be held by this run.
    listener : Reporter
        Receives all events, too.
    """

    def __init__(self, home: Home, listener: Reporter) -> None:
        self._listener = listener
        # A handler without a logger: no messages of other libraries come in, and no global settings are changed.
        self._handler = _Handler(home.log, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", delay=True)
        self._began = time.monotonic()
        self._stage, self._stage_began, self._reached = "", 0.0, ""

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
        self._reached = f"{done} of {total}, " + (f"{detail}, " if detail else "")
        self._listener.progress(stage, done, total, detail)

    def remaining(self, stage: float | None, whole: float | None) -> None:
        self._listener.remaining(stage, whole)

    def begin(self, stage: str) -> None:
        self.end_stage()
        self.write(f"{stage} ...")
        self._stage, self._stage_began, self._reached = stage, time.monotonic(), ""
        self._listener.begin(stage)

    def end_stage(self) -> None:
        """Write the duration of the current stage, if there is one."""
        if self._stage:
            self.write(f"{self._stage}: {self._reached}{taken(time.monotonic() - self._stage_began)}")
        self._stage = ""

    def failed(self, path: str, reason: str) -> None:
        self.write(f"{path}: {reason}", logging.WARNING)
        self._listener.failed(path, reason)

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # closing tries to write the rest once more
            self._handler.close()


class _Handler(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        if os.path.exists(self.baseFilename) and not os.path.isfile(self.baseFilename):
            raise OSError(errno.EINVAL, "it is no ordinary file", self.baseFilename)  # opening a pipe would block
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Ignore errors: the run matters more than its log."""


@contextmanager
def logged(home: Home, command: str, listener: Reporter) -> Iterator[Log]:
    """Open the log of a run, and write how the run ends; the run must hold the lock of the home."""
    log = Log(home, listener)
    try:
        log.write(f"{command} ({', '.join(map(_with_version, _PARTS))}, Python {platform.python_version()})")
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


def _with_version(part: str) -> str:
    try:
        return f"{part} {version(part)}"
    except PackageNotFoundError:
        return f"{part} of unknown version"
