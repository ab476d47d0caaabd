"""Small files that this program wrote, read as if a stranger had: only ordinary files, within bounds, and quickly.

Something else may lie in a file's place: a pipe, on which opening it would wait for ever; a device that
never ends; a link to a file that is none of this program's; numbers that are none. All of these are refused, with a
``ValueError`` or an ``OSError`` that says why, and nothing worse happens.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from io import BufferedReader
from typing import Any

DEEPEST = 32
"""Lists and objects within each other; what this program writes has a fifth of them."""

_DIGITS = 40  # of a whole number: a seed may have more than fit into 64 bits
_NESTING = bytes(set(range(256)) - set(b"[]{}"))  # all that neither opens nor closes anything
_ALIKE = bytes.maketrans(b"{}", b"[]")


def open_plain(path: str | os.PathLike[str], *, links: bool = False) -> BufferedReader:
    """Open an ordinary file for reading; refuse a pipe or a device that has taken its place.

    Parameters
    ----------
    path : path-like
    links : bool
        Whether it may be a link. This program replaces its own files and makes no links; a password may be one, because
        container systems mount secrets so.

    Raises
    ------
    OSError
        If it cannot be opened, or is something else.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    file = os.fdopen(os.open(path, flags if links else flags | getattr(os, "O_NOFOLLOW", 0)), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no ordinary file", os.fspath(path))
    return file


def read_plain(path: str | os.PathLike[str], most: int, *, links: bool = False) -> bytes:
    """Read an ordinary file of at most ``most`` bytes.

    Raises
    ------
    OSError
        As for :func:`open_plain`.
    ValueError
        If it is longer.
    """
    with open_plain(path, links=links) as file:
        # Its size, not the limit: read() sets that much memory aside.
        data = file.read(min(os.fstat(file.fileno()).st_size, most) + 1)
    if len(data) > most:
        raise ValueError(f"it is longer than {most} bytes")
    return data


def put_plain(
    path: str | os.PathLike[str], parts: Iterable[bytes | memoryview], *, mode: int = 0o666, sync: bool = False
) -> None:
    """Put a file in place of what is there: whole or not at all, and through nothing that lies there already.

    Parameters
    ----------
    path : path-like
    parts : iterable of bytes
    mode : int
        Its permissions, as for :func:`os.open`.
    sync : bool
        Whether it is to last even if the machine stops at once.

    Raises
    ------
    OSError
        If it cannot be written; what was begun is gone then.
    """
    beside = f"{os.fspath(path)}.new"
    with suppress(FileNotFoundError):
        os.unlink(beside)
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(opened, "wb") as file:
            for part in parts:
                file.write(part)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def read_json(path: str | os.PathLike[str], most: int, *, links: bool = False, finite: bool = True) -> Any:
    """Read a JSON document from an ordinary file of at most ``most`` bytes.

    Raises
    ------
    OSError, ValueError
        As for :func:`read_plain` and :func:`parse_json`.
    """
    return parse_json(read_plain(path, most, links=links), finite=finite)


def parse_json(data: bytes, *, finite: bool = True) -> Any:
    """Parse a JSON document whose numbers are finite and whose lists end.

    Parameters
    ----------
    data : bytes
        UTF-8.
    finite : bool
        Whether NaN and infinities are refused; a training's history may hold them.

    Raises
    ------
    ValueError
        If it is none, nested too deeply, or one of its numbers is not finite or a whole one of more than 40 digits.

    Examples
    --------
    >>> parse_json(b'{"left": 1.5, "of": [1, 2]}')
    {'left': 1.5, 'of': [1, 2]}
    >>> for text in (b"NaN", b"1e999", b"1" + b"0" * 400, b"[" * 100_000):
    ...     try:
    ...         parse_json(text)
    ...     except ValueError as error:
    ...         print(error)
    NaN is no number
    1e999 is no number
    a number has 401 digits
    it is nested too deeply
    """
    if _is_deep(data):
        raise ValueError("it is nested too deeply")
    if finite:
        return json.loads(data.decode(), parse_int=_whole, parse_float=_real, parse_constant=_constant)
    return json.loads(data.decode(), parse_int=_whole)


def _is_deep(data: bytes) -> bool:
    """Return whether lists and objects are nested too deeply or not closed, before the parser goes down."""
    outside = b"".join(data.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])  # of strings
    nesting = outside.translate(_ALIKE, _NESTING)
    for _ in range(DEEPEST):  # each time the innermost go
        if not nesting:
            return False
        nesting = nesting.replace(b"[]", b"")
    return bool(nesting)


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _real(text: str) -> float:
    if math.isfinite(number := float(text)):
        return number
    raise ValueError(f"{text[:20]} is no number")


def _whole(text: str) -> int:
    if len(text) > _DIGITS + 1:
        raise ValueError(f"a number has {len(text)} digits")
    return int(text)


_SURROGATES = re.compile("[\ud800-\udfff]")


def characters(text: str) -> str:
    """Return text without surrogates, which JSON can name and no file can hold.

    Examples
    --------
    >>> characters("a\\ud800b")
    'a?b'
    """
    return _SURROGATES.sub("?", text)
