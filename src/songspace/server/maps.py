"""Maps of the whole library: drawn once for a space, and kept in the home.

t-SNE of a large library takes minutes of a core. It is done by a process of its own, of low priority, so that it stops
neither a question nor a song that is playing; the file that it leaves is the answer. A new map goes on from the one
before: who looks at it finds the songs where they were. While it is drawn, new songs lie beside what they sound like.
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
_AGAIN = 60.0  # seconds after which a map that could not be drawn is tried again


_ENOUGH = 0.5  # a map of fewer of the songs is drawn anew
_SMALLEST = 0.8  # a map that has shrunk to less of its sheet is enlarged


class Drawn(NamedTuple):
    """A map that was kept.

    Attributes
    ----------
    ids : ndarray of shape (n,), int64
    points : ndarray of shape (n, 2), float32
        Within -1 to 1.
    side : float
        How much of t-SNE's own scale is 1 of the map's: there, distances have a meaning.
    encoder : str
        Fingerprint of the encoder that made the space.
    """

    ids: np.ndarray
    points: np.ndarray
    side: float
    encoder: str

    def places(self, space: Space) -> np.ndarray:
        """Return where the songs of a space lie in this map, (n, 2); NaN for those that it does not have."""
        order = np.argsort(self.ids)
        found = order[np.searchsorted(self.ids, space.ids, sorter=order).clip(max=len(order) - 1)]
        there = self.ids[found] == space.ids
        return np.where(there[:, None], self.points[found].astype(np.float64), np.nan)

    def is_of(self, space: Space, places: np.ndarray) -> bool:
        """Return whether it is nearly a map of that space: of the same encoder, and of most of its songs."""
        return self.encoder == space.encoder and not np.isnan(places[:, 0]).mean() > 1 - _ENOUGH


class Maps:
    """The maps of a home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[str, np.ndarray]] = {}  # of each method: the space's checksum and the map
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0

    @property
    def drawing(self) -> bool:
        """Whether a map is in the making."""
        process = self._process
        return process is not None and process.poll() is None

    def points(self, space: Space, method: str) -> tuple[np.ndarray, bool] | float:
        """Return the place of each song, (n, 2), and whether it is settled.

        While a first map is being made, return for how many seconds.

        A map that is not settled has the songs of the map before where they were, and is soon followed by a better one.

        Raises
        ------
        NotReadyError
            If it could not be drawn.
        """
        key = str(space.checksum)
        with self._lock:
            if (points := self._found(method, key)) is not None:
                return points, True
            path = place_of(self._home, method, key)
            kept = read(path)
            if kept is not None and not np.array_equal(kept.ids, space.ids):
                kept = None
            if kept is None and method == "pca":
                kept = draw(space, method)
                with suppress(OSError):  # a home that may not be written is still looked at
                    write(path, kept)
            if kept is not None:
                self._kept[method] = (key, kept.points)
                return kept.points, True
            seconds = self._drawing()
            if (points := self._found("meanwhile", key)) is None:
                points = _meanwhile(space, newest(self._home, method))
            if points is None:
                return seconds
            self._kept["meanwhile"] = (key, points)
            return points, False

    def close(self) -> None:
        """Stop what is being drawn."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()
                self._process.wait()

    def _found(self, what: str, key: str) -> np.ndarray | None:
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
    """Return where the map of a space is kept."""
    return home.folder / "maps" / f"{method}-{key[:32]}.safetensors"


def newest(home: Home, method: str) -> Drawn | None:
    """Return the map that was drawn last, of whatever space."""
    for path in reversed(_by_age(home.folder / "maps", method)):
        if (found := read(path)) is not None:
            return found
    return None


def read(path: Path) -> Drawn | None:
    """Return a map that was kept, if it is whole."""
    try:
        arrays, said = tensorfile.open_mapped(path)
        ids, points = arrays["ids"], arrays["points"]
        side, encoder = float(said["side"]), said["encoder"]
    except (OSError, SongspaceError, KeyError, ValueError):
        return None
    if said.get("format") != _FORMAT or points.shape != (len(ids), 2) or not len(ids) or not 0 < side < math.inf:
        return None
    return Drawn(np.array(ids), np.array(points), side, encoder)


def write(path: Path, drawn: Drawn) -> None:
    """Keep a map, in place of all but the newest other of its kind."""
    path.parent.mkdir(exist_ok=True)
    said = {"format": _FORMAT, "side": repr(drawn.side), "encoder": drawn.encoder}
    tensorfile.write(path, {"ids": drawn.ids, "points": drawn.points}, said, aligned="points")
    others = [other for other in _by_age(path.parent, path.name.split("-")[0]) if other != path]
    for other in others[:-1]:
        other.unlink(missing_ok=True)


def _by_age(folder: Path, method: str) -> list[Path]:
    return sorted(folder.glob(f"{method}-*.safetensors"), key=lambda path: (path.stat().st_mtime_ns, path.name))


def draw(space: Space, method: str, before: Drawn | None = None) -> Drawn:
    """Lay a space out in the plane, as near as can be to the map before, if there was one.

    Songs stay where they were in a map of the same encoder and most of the songs. Otherwise everything is laid out
    anew, and the whole is turned, mirrored and scaled until as much as possible lies where it did.
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
    """Return a map with its middle at 0, and its longer side from -1 to 1; and what was 1 of it before."""
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
    """Draw the map of a home by t-SNE and keep it."""
    home = Home(Path(sys.argv[1]))
    if hasattr(os, "nice"):
        os.nice(10)
    space = Space.open(home.space)
    write(place_of(home, "tsne", str(space.checksum)), draw(space, "tsne", newest(home, "tsne")))


if __name__ == "__main__":
    main()
