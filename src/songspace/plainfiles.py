"""Files that this program wrote, read with caution, as if a stranger had written them.

Another file may be in their place: a pipe, on which opening would wait for ever; an endless device; a link to another
file; invalid numbers. All of these are refused with a ``ValueError`` or an ``OSError``.
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
"""The most levels of nested lists and objects, five times those that this program writes."""

_DIGITS = 40  # the most digits of a whole number: a seed may have more than 64 bits
_NESTING = bytes(set(range(256)) - set(b"[]{}"))  # all bytes except brackets
_ALIKE = bytes.maketrans(b"{}", b"[]")


def open_plain(path: str | os.PathLike[str], *, links: bool = False) -> BufferedReader:
    """Open an ordinary file for reading; refuse pipes and devices.

    Parameters
    ----------
    path : path-like
    links : bool
        Allow a link. This program replaces its own files and makes no links; a password may be a link, because
        container systems mount secrets in this way.

    Raises
    ------
    OSError
        If it cannot be opened, or is no ordinary file.
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
        As in :func:`open_plain`.
    ValueError
        If it is longer.
    """
    with open_plain(path, links=links) as file:
        # The size, not the limit: read() allocates as much memory as it is asked for.
        data = file.read(min(os.fstat(file.fileno()).st_size, most) + 1)
    if len(data) > most:
        raise ValueError(f"it is longer than {most} bytes")
    return data


def put_plain(
    path: str | os.PathLike[str], parts: Iterable[bytes | memoryview], *, mode: int = 0o666, sync: bool = False
) -> None:
    """Write a file atomically, in place of an existing one, without following links.

    Parameters
    ----------
    path : path-like
    parts : iterable of bytes
        Contents of the file.
    mode : int
        Permissions of the file, as in :func:`os.open`.
    sync : bool
        Flush it to the disk, so that it lasts even if the machine stops at once.

    Raises
    ------
    OSError
        If it cannot be written; the incomplete file is deleted.
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
        As in :func:`read_plain` and :func:`parse_json`.
    """
    return parse_json(read_plain(path, most, links=links), finite=finite)


def parse_json(data: bytes, *, finite: bool = True) -> Any:
    """Parse a JSON document, with limits for its depth and its numbers.

    Parameters
    ----------
    data : bytes
        JSON in UTF-8.
    finite : bool
        Refuse NaN and infinities; the history of a training may contain them.

    Raises
    ------
    ValueError
        If it is no JSON, nested too deeply, or has a number that is not finite or a whole number of more than 40
        digits.

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
    """Return True if lists and objects are nested too deeply or not closed; checked before parsing."""
    outside = b"".join(data.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])  # without strings
    nesting = outside.translate(_ALIKE, _NESTING)
    for _ in range(DEEPEST):  # each pass removes the innermost brackets
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
    """Replace surrogates in a text, which JSON can contain and UTF-8 cannot.

    Examples
    --------
    >>> characters("a\\ud800b")
    'a?b'
    """
    return _SURROGATES.sub("?", text)
