"""Standard input, output and error as this program needs them, whatever it was started with.

Somebody may have closed them, have given a full disk, or read no further (``| head -1``); and a terminal may have
another encoding than the names of songs.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from songspace.errors import SongspaceError

T = TypeVar("T")

CLOSED_PIPE = 128 + 13
"""Exit status of a program whose reader has gone (SIGPIPE), as shells report it."""


class _Stream(io.TextIOWrapper):
    """A stream that replaces what its encoding has no sign for."""

    def write(self, text: str) -> int:
        return self._try(lambda: super(_Stream, self).write(text), len(text))

    def flush(self) -> None:
        self._try(super().flush, None)

    def _try(self, do: Callable[[], T], otherwise: T) -> T:
        try:
            return do()
        except OSError as error:
            # What is still to be written, is written nowhere: or it would be tried again, and fail again.
            with suppress(OSError), open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), self.fileno())
            self.refused(error)
            return otherwise

    def refused(self, error: OSError) -> None:
        """Handle a failed write."""


class _Answers(_Stream):
    """Standard output: without it there is no answer."""

    def refused(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):  # the reader of the answer has seen enough
            raise SystemExit(CLOSED_PIPE) from None
        raise SongspaceError(f"The answer cannot be written to standard output ({error.strerror}).") from None


class _Messages(_Stream):
    """Standard error that ignores failed writes: a closed terminal must not end an hour of work."""


def prepare() -> None:
    """Make the standard streams ready."""
    # A number that is free would be given to the next file that is opened: answers would be written into the catalog.
    for number in range(3):
        _occupy(number)
    if sys.stdout is None:
        sys.stdout = _Answers(open(1, "wb", closefd=False), "utf-8", "replace")  # noqa: SIM115
    elif type(sys.stdout) is io.TextIOWrapper:
        sys.stdout = _wrapped(_Answers, sys.stdout)
    if sys.stderr is None:
        sys.stderr = _Messages(open(2, "wb", closefd=False), "utf-8", "replace")  # noqa: SIM115
    elif type(sys.stderr) is io.TextIOWrapper:
        sys.stderr = _wrapped(_Messages, sys.stderr)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115


def _occupy(number: int) -> None:
    """Open nothing where nothing is open; what is written to standard output fails then, as it should."""
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)
        if opened == number:
            os.set_inheritable(number, True)
        else:
            os.dup2(opened, number)
            os.close(opened)


def _wrapped(kind: type[_Stream], stream: io.TextIOWrapper) -> _Stream:
    encoding, lines, through = stream.encoding, stream.line_buffering, stream.write_through
    return kind(stream.detach(), encoding, "replace", line_buffering=lines, write_through=through)
