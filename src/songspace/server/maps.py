"""Maps of the whole library: computed once for each space, and kept in the home.

t-SNE of a large library takes minutes of a core. It runs in a separate process of low priority, so that it delays
neither answers nor sound; its result is a file. A new map starts from the previous one, so that songs stay about where
they were. While it is computed, new songs are placed beside similar ones.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from songspace import tensorfile
from songspace.errors import SongspaceError
from songspace.library import Home
from songspace.server.problems import NotReadyError
from songspace.space import Space

_FORMAT = "songspace.map/2"
_AGAIN = 60.0  # seconds until a map that could not be drawn is tried again
_ENOUGH = 0.5  # a previous map with fewer of the songs is not used
_SMALLEST = 0.8  # a map whose extent shrinks below this is enlarged to 1


class Drawn(NamedTuple):
    """A computed map.

    Attributes
    ----------
    ids : ndarray of shape (n,), int64
        Ids of the songs.
    points : ndarray of shape (n, 2), float32
        Coordinates, from -1 to 1.
    side : float
        Length in the scale of t-SNE, where distances have a meaning, of 1 in the map.
    encoder : str
        Fingerprint of the encoder that made the space.
    """

    ids: np.ndarray
    points: np.ndarray
    side: float
    encoder: str

    def places(self, space: Space) -> np.ndarray:
        """Return the coordinates of the songs of a space in this map, (n, 2); NaN for songs that it does not have."""
        order = np.argsort(self.ids)
        rows = order[np.searchsorted(self.ids, space.ids, sorter=order).clip(max=len(order) - 1)]
        present = self.ids[rows] == space.ids
        return np.where(present[:, None], self.points[rows].astype(np.float64), np.nan)

    def is_of(self, space: Space, places: np.ndarray) -> bool:
        """Return True if the map has the encoder of a space, and at least half of its songs."""
        return self.encoder == space.encoder and not np.isnan(places[:, 0]).mean() > 1 - _ENOUGH


class Maps:
    """The maps of a home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[str, np.ndarray]] = {}  # (checksum of the space, map) by method
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0

    @property
    def drawing(self) -> bool:
        """True while a map is computed."""
        process = self._process
        return process is not None and process.poll() is None

    def points(self, space: Space, method: str) -> tuple[np.ndarray, bool] | float:
        """Return the coordinates of the songs, (n, 2), and True if they are final.

        A map that is not final has the coordinates of the previous map; a better one follows. While the first map is
        computed, return the seconds since its start.

        Raises
        ------
        NotReadyError
            If the map could not be computed.
        """
        key = str(space.checksum)
        with self._lock:
            if (points := self._in_memory(method, key)) is not None:
                return points, True
            path = place_of(self._home, method, key)
            kept = read(path)
            if kept is not None and not np.array_equal(kept.ids, space.ids):
                kept = None
            if kept is None and method == "pca":
                kept = draw(space, method)
                with suppress(OSError):  # a read-only home is no error
                    write(path, kept)
            if kept is not None:
                self._kept[method] = (key, kept.points)
                return kept.points, True
            seconds = self._drawing()
            if (points := self._in_memory("meanwhile", key)) is None:
                points = _meanwhile(space, newest(self._home, method))
            if points is None:
                return seconds
            self._kept["meanwhile"] = (key, points)
            return points, False

    def close(self) -> None:
        """Stop the process that computes a map."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()
                self._process.wait()

    def _in_memory(self, what: str, key: str) -> np.ndarray | None:
        kept = self._kept.get(what)
        return kept[1] if kept is not None and kept[0] == key else None

    def _drawing(self) -> float:
        now = time.monotonic()
        ended = None if self._process is None else self._process.poll()
        if ended and now - self._began < _AGAIN:
            raise NotReadyError("The map could not be drawn: `songspace map -o map.png` says why.")
        if self._process is None or ended is not None:
            command = [sys.executable, "-P", "-m", "songspace.server.maps", str(self._home.folder)]
            quiet = subprocess.DEVNULL
            self._process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
            self._began = now
        return now - self._began


def place_of(home: Home, method: str, key: str) -> Path:
    """Return the file of the map of a space."""
    return home.folder / "maps" / f"{method}-{key[:32]}.safetensors"


def newest(home: Home, method: str) -> Drawn | None:
    """Return the latest map, of any space; None if there is none."""
    maps = map(read, reversed(_by_age(home.folder / "maps", method)))
    return next((drawn for drawn in maps if drawn is not None), None)


def read(path: Path) -> Drawn | None:
    """Read a map; return None if the file is missing or damaged."""
    try:
        arrays, metadata = tensorfile.open_mapped(path)
        ids, points = arrays["ids"], arrays["points"]
        side, encoder = float(metadata["side"]), metadata["encoder"]
    except (OSError, SongspaceError, KeyError, ValueError):
        return None
    if metadata.get("format") != _FORMAT or points.shape != (len(ids), 2) or not len(ids) or not 0 < side < math.inf:
        return None
    return Drawn(np.array(ids), np.array(points), side, encoder)


def write(path: Path, drawn: Drawn) -> None:
    """Write a map, and delete all others of its method except the latest."""
    path.parent.mkdir(exist_ok=True)
    metadata = {"format": _FORMAT, "side": repr(drawn.side), "encoder": drawn.encoder}
    tensorfile.write(path, {"ids": drawn.ids, "points": drawn.points}, metadata, aligned="points")
    others = [other for other in _by_age(path.parent, path.name.split("-")[0]) if other != path]
    for other in others[:-1]:
        other.unlink(missing_ok=True)


def _by_age(folder: Path, method: str) -> list[Path]:
    return sorted(folder.glob(f"{method}-*.safetensors"), key=lambda path: (path.stat().st_mtime_ns, path.name))


def draw(space: Space, method: str, before: Drawn | None = None) -> Drawn:
    """Compute a map of a space, as close as possible to the previous map, if there is one.

    If that map has the same encoder and at least half of the songs, these stay about where they were. Otherwise a new
    map is computed, and rotated, mirrored and scaled to match the previous one.
    """
    from songspace.maps import align, extend, layout

    def settled(points: np.ndarray, side: float) -> Drawn:
        return Drawn(np.array(space.ids), points.astype(np.float32), side, space.encoder)

    if before is None:
        return settled(*_fitted(layout(space.vectors, method=method).astype(np.float64)))
    places = before.places(space)
    points = extend(space.vectors, places * before.side) if before.is_of(space, places) else None
    if points is None:
        points = layout(space.vectors, method=method)
    moved, scale = align(points, places)
    if not _SMALLEST <= float(np.abs(moved).max()) <= 1:
        moved, side = _fitted(moved)
        scale /= side
    return settled(moved, 1 / scale)


def _fitted(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre a map at 0, and scale its longer side to -1 to 1; return it and the scale."""
    lowest, highest = points.min(axis=0), points.max(axis=0)
    points = points - (lowest + highest) / 2
    side = float((highest - lowest).max()) / 2 or 1.0
    return points / side, side


def _meanwhile(space: Space, before: Drawn | None) -> np.ndarray | None:
    from songspace.maps import beside

    if before is None:
        return None
    places = before.places(space)
    return beside(space.vectors, places).astype(np.float32) if before.is_of(space, places) else None


def main() -> None:
    """Compute the map of a home by t-SNE, and write it."""
    home = Home(Path(sys.argv[1]))
    if hasattr(os, "nice"):
        os.nice(10)
    space = Space.open(home.space)
    write(place_of(home, "tsne", str(space.checksum)), draw(space, "tsne", newest(home, "tsne")))


if __name__ == "__main__":
    main()
