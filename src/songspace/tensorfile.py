"""Named arrays in one file that is mapped into memory instead of read.

The layout is that of safetensors: the length of the header (8 bytes, little-endian), the header (JSON: dtype, shape and
place of each array, and metadata), the numbers. All readers of safetensors can open it. This one needs no other
library, reads only the header, and checks all of it.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from songspace.errors import SongspaceError
from songspace.plainfiles import open_plain, parse_json, put_plain

ALIGNMENT = 64  # bytes: a cache line, and enough for every vector instruction
_LONGEST_HEADER = 1 << 16
_DTYPES: dict[str, np.dtype[Any]] = {
    "I8": np.dtype("i1"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def write(path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str], *, aligned: str) -> None:
    """Write arrays to one file atomically, even if the machine stops meanwhile.

    Parameters
    ----------
    path : Path
        An existing file is replaced when the new one is complete; processes that have mapped it keep the old one.
    arrays : mapping of str to ndarray
        Integers or floats of 8, 4 or 1 bytes, in this order, so that each begins at a multiple of its size.
    metadata : mapping of str to str
        Metadata of the file; two checksums are added.
    aligned : str
        Name of the array that begins at a multiple of 64 bytes.

    Raises
    ------
    OSError
        If it cannot be written; the incomplete file is deleted.
    """
    plain = {name: np.ascontiguousarray(a, dtype=a.dtype.newbyteorder("<")) for name, a in arrays.items()}
    header: dict[str, Any] = {"__metadata__": dict(metadata) | {"checksum": checksum(plain)}}
    end = 0
    for name, array in plain.items():
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [begin, end]}
    header["__metadata__"]["seal"] = _seal(header)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text) + header[aligned]["data_offsets"][0]) % ALIGNMENT)
    write_whole(path, [len(text).to_bytes(8, "little") + text, *(array.data for array in plain.values())])


def write_whole(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file atomically, even if the machine stops meanwhile.

    Raises
    ------
    OSError
        If it cannot be written; the incomplete file is deleted.
    """
    put_plain(path, parts, sync=True)


def open_mapped(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Map the arrays of a file that :func:`write` wrote; they are read-only.

    Returns
    -------
    arrays : dict of str to ndarray
    metadata : dict of str to str
        Metadata with ``checksum``, the :func:`checksum` of the arrays that were written.

    Raises
    ------
    OSError
        If the file cannot be read.
    SongspaceError
        If it is another file, incomplete, or its header is damaged.
    """
    with open_plain(path, links=True) as file:  # a link may lead to another disk
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(size - 8, _LONGEST_HEADER):
            raise SongspaceError(f"{path} is cut off, or not a file that songspace wrote.")
        places, metadata = _parse(file.read(length), size - 8 - length, path)
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return {
        name: np.frombuffer(mapped, dtype, math.prod(shape), 8 + length + begin).reshape(shape)
        for name, (dtype, shape, begin) in places.items()
    }, metadata


def checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """Compute 32 hexadecimal digits that change with any number in the arrays (BLAKE2b, about 1 GB/s)."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays.values():
        digest.update(array.data)
    return digest.hexdigest()


_Places = dict[str, tuple[np.dtype[Any], tuple[int, ...], int]]


def _parse(text: bytes, size: int, path: Path) -> tuple[_Places, dict[str, str]]:
    """Return dtype, shape and begin of each array; check that together they have ``size`` bytes."""
    try:
        header = parse_json(text)
        metadata = dict(header["__metadata__"])
        if metadata["seal"] != _seal(header):
            raise SongspaceError(f"{path} is damaged: its header is not the one that was written.")
        places: _Places = {}
        end = 0
        for name, described in header.items():
            if name != "__metadata__":
                dtype, shape = _DTYPES[described["dtype"]], tuple(described["shape"])
                # Checked before multiplying: a text or a list times a large number would take all memory. The limit is
                # for empty arrays, whose other sides must be in NumPy's range.
                if len(shape) > 8 or not all(type(side) is int and 0 <= side <= max(size, 1) for side in shape):
                    raise ValueError(name)
                begin, end = end, end + math.prod(shape) * dtype.itemsize
                if described["data_offsets"] != [begin, end]:
                    raise ValueError(name)
                places[name] = (dtype, shape, begin)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise SongspaceError(f"{path} is not a file that songspace wrote, or its header is damaged.") from None
    if size != end:
        raise SongspaceError(f"{path} is cut off or damaged: it holds {size} bytes of numbers instead of {end}.")
    return places, metadata


def _seal(header: dict[str, Any]) -> str:
    """Compute a checksum of the header without the seal, to detect damage without reading the numbers."""
    metadata = {key: value for key, value in header["__metadata__"].items() if key != "seal"}
    text = json.dumps(header | {"__metadata__": metadata}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
