"""The file of a space, written whole and checked when it is read (see :mod:`songspace.tensorfile`); and its ids."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from songspace import tensorfile
from songspace.errors import SongspaceError

FORMAT = "songspace.space/3"
FIELDS = ("ids", "versions", "undirected", "vectors", "center", "moments")
"""The arrays of a space, in the order of its file: 8-byte numbers first."""
ENDS = ("openings", "endings")
"""The arrays that follow if they are known."""
NAMES = "names"
"""The last array, if ids are not numbers: the ids as text, see :func:`written_ids`. Then ``ids`` are rows."""
ORDER = (*FIELDS, *ENDS, NAMES)


def write(path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write the arrays and the metadata of a space atomically.

    Raises
    ------
    SongspaceError
        If it cannot be written, with the reason.
    """
    try:
        tensorfile.write(path, arrays, {"format": FORMAT} | dict(metadata), aligned="vectors")
    except OSError as error:
        raise SongspaceError(f"The space cannot be written to {path} ({error.strerror}).") from error


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Map the file of a space into memory, and check that its arrays fit together; return arrays and metadata.

    Raises
    ------
    SongspaceError
        If there is no file, or it is incomplete, damaged or no space.
    """
    try:
        arrays, metadata = tensorfile.open_mapped(path)
    except FileNotFoundError:
        raise SongspaceError(f"There is no space at {path}.") from None
    except OSError as error:
        raise SongspaceError(f"The space {path} cannot be read ({error.strerror}).") from error
    known = arrays.keys() - {NAMES} in (set(FIELDS), {*FIELDS, *ENDS})
    if metadata.get("format") != FORMAT or "order" not in metadata or not known:
        raise SongspaceError(
            f"{path} is no space, or one of another version of songspace: run `songspace update` to build it again."
        )
    n_d = arrays["vectors"].shape
    others = tuple(arrays[name].shape for name in ("ids", "versions", "center", "moments"))
    ends = {arrays[name].shape for name in ENDS if name in arrays} | {n_d}
    if len(n_d) != 2 or 0 in n_d or others != (n_d[:1], n_d[:1], n_d[1:], (n_d[0], 2)) or len(ends) > 1:
        raise SongspaceError(f"The space {path} is damaged: its arrays do not belong together.")
    return arrays, metadata


_INT64 = range(-(2**63), 2**63)
_BYTES = "bytes"  # the only key of a JSON object that means bytes


def checked_ids(ids: Any, n: int) -> np.ndarray:
    """Return n different ids as an array: int64 if all are whole numbers in its range, otherwise objects.

    Raises
    ------
    ValueError
        If their number is not n, two are equal, or one cannot be hashed.
    """
    if not isinstance(ids, np.ndarray) or ids.dtype == object:
        if isinstance(ids, str | bytes) or not isinstance(ids, Iterable):
            raise ValueError(f"Expected {n} ids, got {ids!r}")
        ids = _as_array(ids)
    if ids.shape != (n,):
        raise ValueError(f"Expected {n} ids, got {ids.dtype} of shape {ids.shape}")
    if ids.dtype.kind not in "iu" or (ids.dtype.kind == "u" and n and int(ids.max()) not in _INT64):
        values = ids.tolist()
        try:
            distinct = len(set(values))
        except TypeError as error:
            raise ValueError(f"Expected ids that can be hashed: {error}") from None
        if any(value != value for value in values):  # NaN: no query could find it
            raise ValueError("Expected ids that equal themselves, got NaN")
        if not all(type(value) is int and value in _INT64 for value in values):
            if distinct < n:
                raise ValueError("Two songs have the same id")
            return _as_array(values, numbers=False)
        ids = np.array(values, np.int64)
    if len(np.unique(ids)) < n:
        raise ValueError("Two songs have the same id")
    numbers: np.ndarray = ids.astype(np.int64)
    return numbers


def _as_array(ids: Any, *, numbers: bool = True) -> np.ndarray:
    """Return values as a one-dimensional array, also if they are tuples."""
    values = list(ids)
    if numbers and all(type(value) is int and value in _INT64 for value in values):
        return np.array(values, np.int64)
    array = np.empty(len(values), object)
    for place, value in enumerate(values):
        array[place] = value.item() if isinstance(value, np.generic) else value
    return array


def written_ids(ids: Sequence[Hashable]) -> np.ndarray:
    """Return ids as the bytes of a JSON text: int8.

    Raises
    ------
    TypeError
        If an id is not a text, a number, a boolean, None, bytes, or a tuple of these.
    """
    text = json.dumps([_plain(id) for id in ids], allow_nan=True, ensure_ascii=False)
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.int8)  # two halves of a character stay two


def _plain(id: Any) -> Any:
    if type(id) is tuple:
        return [_plain(part) for part in id]
    if type(id) is bytes:
        return {_BYTES: id.hex()}
    if id is None or type(id) in (str, int, float, bool):
        return id
    raise TypeError(f"an id of the type {type(id).__name__} cannot be written")


def read_ids(written: np.ndarray, n: int) -> np.ndarray:
    """Read n ids that :func:`written_ids` wrote.

    Raises
    ------
    ValueError
        If these are not n ids.
    """
    try:
        return checked_ids(_as_array(map(_hashable, json.loads(written.tobytes())), numbers=False), n)
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"These are no ids: {error}") from error


def _hashable(read: Any) -> Any:
    if isinstance(read, list):
        return tuple(map(_hashable, read))
    return bytes.fromhex(read[_BYTES]) if isinstance(read, dict) else read
