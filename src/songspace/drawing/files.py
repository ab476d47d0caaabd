"""A picture or a page is written whole or not at all."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from songspace.errors import SongspaceError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = (".png", ".svg")


@contextmanager
def written(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a place beside ``path`` to write to; rename it into place if all went well.

    Raises
    ------
    SongspaceError
        If the file system refuses, or a device, a pipe or a folder would be replaced: /dev/null is everybody's.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise SongspaceError(f"{os.fspath(path)} cannot be written (it is no ordinary file).")
    beside = Path(f"{os.fspath(path)}.new")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise SongspaceError(f"{os.fspath(path)} cannot be written ({error.strerror or error}).") from error
    finally:
        with suppress(OSError):
            beside.unlink()


def save(figure: Figure, path: str | os.PathLike[str], *, dpi: int = 150) -> None:
    """Write a figure as PNG or SVG, whole or not at all; equal figures are equal files.

    Text in SVG stays text: it can be searched and copied, and a viewer has fonts for scripts that are unknown here.

    Raises
    ------
    SongspaceError
        If the file's name ends in neither, or it cannot be written.
    """
    from matplotlib import rc_context

    kind = Path(path).suffix.lower()
    if kind not in PICTURES:
        raise SongspaceError(f"{os.fspath(path)}: a picture is a {' or '.join(PICTURES)} file.")
    # No date and no version of matplotlib.
    metadata = {"Software": None} if kind == ".png" else {"Date": None, "Creator": None}
    with (
        warnings.catch_warnings(),
        written(path) as beside,
        rc_context({"svg.fonttype": "none", "svg.hashsalt": "songspace"}),
    ):
        warnings.filterwarnings("ignore", message="Glyph")  # a script that no font here knows is drawn as boxes
        figure.savefig(beside, format=kind[1:], dpi=dpi, metadata=metadata)
