"""Vectors that somebody else made, from a Parquet or npz file: checked before anything is done with them."""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from songspace.errors import SongspaceError
from songspace.library.tags import Tags, plain_text
from songspace.plainfiles import open_plain

VECTORS = ("vector", "embedding")
_TEXTS = tuple(one.name for one in fields(Tags) if one.type == "str | None")
_NUMBERS = tuple(one.name for one in fields(Tags) if one.type == "int | None")
_LISTS = tuple(one.name for one in fields(Tags) if one.type == "tuple[str, ...]")
_LONGEST = 1e12  # seconds, as in the catalog
_DAMAGED = (
    *(OSError, ValueError, EOFError, KeyError, MemoryError),
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, RuntimeError),  # encrypted, or packed in an unknown way
)


@dataclass(frozen=True)
class Vectors:
    """Songs as somebody else's vectors.

    Attributes
    ----------
    vectors : ndarray of shape (n, d), float32
    ids, paths : list of str, or None
        What the songs are called; at least one of the two is there, and none comes twice.
    tags : list of Tags
        What the file says of each.
    durations : list of float
        Seconds; 0 where it says nothing.
    """

    vectors: np.ndarray
    ids: list[str] | None
    paths: list[str] | None
    tags: list[Tags]
    durations: list[float]


def read_vectors(file: Path) -> Vectors:
    """Read a Parquet or npz file with a column vector, and a column path or id, or both.

    Columns of the names that ``songspace export`` has are believed: title, artist, genre, duration and so on.

    Raises
    ------
    SongspaceError
        If it is no such file, or not every row has a name of its own and a vector of the same length.
    """
    try:
        with open_plain(file, links=True) as opened:
            begins = opened.read(4)
    except OSError as error:
        raise SongspaceError(f"{file} cannot be read ({error.strerror}).") from error
    readers = {b"PAR1": _read_parquet, b"PK\x03\x04": _read_npz, b"PK\x05\x06": _read_npz}
    if begins not in readers:
        raise SongspaceError(f"{file} is neither a Parquet nor an npz file.")
    vectors, columns = readers[begins](file)
    if len(vectors) == 0 or vectors.shape[1] == 0:
        raise SongspaceError(f"{file} has no {'rows' if len(vectors) == 0 else 'numbers in its vectors'}.")
    called = {name: _names(file, name, columns[name]) for name in ("id", "path") if name in columns}
    with np.errstate(over="ignore"):
        vectors = vectors.astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        name = next(iter(called.values()))[wrong[0]]
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise SongspaceError(f"In {file} the vector of {name}{more} is not all of finite numbers.")
    tags = [_tags(columns, row) for row in range(len(vectors))]
    durations = [_seconds(value) for value in columns.get("duration", [None] * len(vectors))]
    return Vectors(vectors, called.get("id"), called.get("path"), tags, durations)


def _column(file: Path, there: Sequence[str]) -> str:
    """The column of the vectors, if the file has all that is needed."""
    shown = ", ".join(there[:10]) + (" ..." if len(there) > 10 else "") or "none"
    found = next((name for name in VECTORS if name in there), None)
    if found is None:
        raise SongspaceError(f"{file} has no column vector (or embedding); its columns: {shown}.")
    if "path" not in there and "id" not in there:
        raise SongspaceError(f"{file} has no column path or id; its columns: {shown}.")
    return found


def _read_parquet(file: Path) -> tuple[np.ndarray, dict[str, list[Any]]]:
    import pyarrow as pa
    from pyarrow import compute, parquet

    try:
        schema = parquet.read_schema(file)
        name = _column(file, schema.names)
        wanted = [one for one in ("id", "path", "duration", *_TEXTS, *_NUMBERS, *_LISTS) if one in schema.names]
        table = parquet.read_table(file, columns=[name, *wanted])
    except (pa.ArrowException, OSError) as error:
        raise SongspaceError(f"{file} cannot be read as Parquet ({str(error).splitlines()[0].rstrip('.')}).") from error
    lists = table[name]
    kind = lists.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not is_list or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise SongspaceError(f"In {file} the column {name} holds {kind}, and not lists of numbers.")
    lengths = compute.list_value_length(lists).to_pylist()
    if None in lengths:
        raise SongspaceError(f"In {file} row {lengths.index(None) + 1} has no vector.")
    if len(set(lengths)) > 1:
        other = next(row for row, length in enumerate(lengths) if length != lengths[0])
        raise SongspaceError(
            f"In {file} not all vectors have the same length: that of row 1 has {lengths[0]} numbers, that of row "
            f"{other + 1} has {lengths[other]}."
        )
    flat = compute.list_flatten(lists)
    numbers = flat.cast(pa.float64()) if flat.null_count else flat  # what is missing is NaN then
    vectors = numbers.to_numpy().reshape(len(lengths), lengths[0] if lengths else 0)
    return vectors, {one: table[one].to_pylist() for one in wanted}


def _read_npz(file: Path) -> tuple[np.ndarray, dict[str, list[Any]]]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            name = _column(file, arrays.files)
            vectors = arrays[name]
            wanted = [one for one in ("id", "path", "duration", *_TEXTS, *_NUMBERS) if one in arrays.files]
            columns = {one: arrays[one] for one in wanted}
    except _DAMAGED as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise SongspaceError(f"{file} cannot be read as npz ({reason}).") from error
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise SongspaceError(f"In {file} the array {name} is {vectors.dtype} of shape {vectors.shape}, and no matrix.")
    for one, values in columns.items():
        if values.shape != (len(vectors),):
            raise SongspaceError(f"In {file} the array {one} has not one value for each of {len(vectors)} vectors.")
    return vectors, {one: values.tolist() for one, values in columns.items()}


def _names(file: Path, column: str, values: Sequence[Any]) -> list[str]:
    """What the songs are called, if each has a name of its own."""
    names: dict[str, int] = {}
    for row, value in enumerate(values, 1):
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            said = "is empty" if value in (None, "") else f"is {value!r}, and neither a text nor a whole number"
            raise SongspaceError(f"In {file} the {column} of row {row} {said}.")
        name = os.path.normpath(value) if column == "path" and isinstance(value, str) else str(value)
        if not _may_be_a_file(name):
            raise SongspaceError(f"In {file} the {column} of row {row} is none that a file could have.")
        if name in names:
            raise SongspaceError(
                f"In {file} rows {names[name]} and {row} have the same {column}, {value}: each song needs one row (of "
                "several segments, their mean)."
            )
        names[name] = row
    return list(names)


def _may_be_a_file(name: str) -> bool:
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:  # half of a character
        return False


def _tags(columns: Mapping[str, Sequence[Any]], row: int) -> Tags:
    said: dict[str, Any] = {name: _text(columns[name][row]) for name in _TEXTS if name in columns}
    said |= {name: _whole(columns[name][row]) for name in _NUMBERS if name in columns}
    for name in _LISTS:
        values = columns[name][row] if name in columns else None
        one = said.get(name.removesuffix("s"))
        found = tuple(filter(None, map(_text, values))) if isinstance(values, list) else ()
        said[name] = found or ((one,) if one else ())
    return Tags(**said)


def _text(value: Any) -> str | None:
    return " ".join(plain_text(value).split()) or None if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    if not isinstance(value, int | float) or not math.isfinite(value) or value != int(value):
        return None
    return int(value) if abs(value) < 2**63 else None


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value <= _LONGEST else 0.0
