"""A map is written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from songspace.errors import SongspaceError


@contextmanager
def written(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a place beside ``path`` to write to; rename it into place if all went well.

    Raises
    ------
    SongspaceError
        If the file system refuses.
    """
    beside = Path(f"{os.fspath(path)}.new")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise SongspaceError(f"The map cannot be written to {os.fspath(path)} ({error.strerror or error}).") from error
    finally:
        with suppress(OSError):
            beside.unlink()
