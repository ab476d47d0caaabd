"""A space as one file, written whole and checked before it is believed (see :mod:`songspace.tensorfile`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from songspace import tensorfile
from songspace.errors import SongspaceError

FORMAT = "songspace.space/3"
FIELDS = ("ids", "versions", "undirected", "vectors", "center", "moments")
"""The arrays of a space, as they lie in its file: 8-byte numbers first."""
ENDS = ("openings", "endings")
"""What lies after these, where it is known."""
NAMES = "names"
"""The ids as text, last, where they are no numbers: see :mod:`songspace.space.names`. ``ids`` are rows then."""
ORDER = (*FIELDS, *ENDS, NAMES)


def write(path: Path, arrays: Mapping[str, np.ndarray], said: Mapping[str, str]) -> None:
    """Write the arrays of a space, and what is said about it: whole or not at all.

    Raises
    ------
    SongspaceError
        If it cannot be written, with the reason.
    """
    try:
        tensorfile.write(path, arrays, {"format": FORMAT} | dict(said), aligned="vectors")
    except OSError as error:
        raise SongspaceError(f"The space cannot be written to {path} ({error.strerror}).") from error


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Map what :func:`write` wrote into memory, and check that its arrays belong together.

    Raises
    ------
    SongspaceError
        If there is no space, or it is cut off, damaged or something else.
    """
    try:
        arrays, said = tensorfile.open_mapped(path)
    except FileNotFoundError:
        raise SongspaceError(f"There is no space at {path}.") from None
    except OSError as error:
        raise SongspaceError(f"The space {path} cannot be read ({error.strerror}).") from error
    known = arrays.keys() - {NAMES} in (set(FIELDS), {*FIELDS, *ENDS})
    if said.get("format") != FORMAT or "order" not in said or not known:
        raise SongspaceError(
            f"{path} is no space, or one of another version of songspace: run `songspace update` to build it again."
        )
    n_d = arrays["vectors"].shape
    others = tuple(arrays[name].shape for name in ("ids", "versions", "center", "moments"))
    ends = {arrays[name].shape for name in ENDS if name in arrays} | {n_d}
    if len(n_d) != 2 or 0 in n_d or others != (n_d[:1], n_d[:1], n_d[1:], (n_d[0], 2)) or len(ends) > 1:
        raise SongspaceError(f"The space {path} is damaged: its arrays do not belong together.")
    return arrays, said
