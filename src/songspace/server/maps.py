"""Maps of the whole library: drawn once for a space, and kept in the home.

t-SNE of a large library takes minutes of a core. It is done by a process of its own, of low priority, so that it stops
neither a question nor a song that is playing; the file that it leaves is the answer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from songspace import tensorfile
from songspace.errors import SongspaceError
from songspace.library import Home
from songspace.server.problems import NotReadyError
from songspace.space import Space

_FORMAT = "songspace.map/1"
_AGAIN = 60.0  # seconds after which a map that could not be drawn is tried again


class Maps:
    """The maps of a home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[str, np.ndarray]] = {}  # of each method: the space's checksum and the map
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0

    def points(self, space: Space, method: str) -> np.ndarray | float:
        """The place of each song, (n, 2); or for how many seconds it has been in the making.

        Raises
        ------
        NotReadyError
            If it could not be drawn.
        """
        key = str(space.checksum)
        with self._lock:
            kept = self._kept.get(method)
            if kept is not None and kept[0] == key:
                return kept[1]
            path = place_of(self._home, method, key)
            points = read(path, space)
            if points is None and method == "pca":
                points = draw(space, method)
                with suppress(OSError):  # a home that may not be written is still looked at
                    write(path, space, points)
            if points is None:
                return self._drawing()
            self._kept[method] = (key, points)
            return points

    def close(self) -> None:
        """Stop what is being drawn."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()
                self._process.wait()

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
    """Where the map of a space is kept."""
    return home.folder / "maps" / f"{method}-{key[:32]}.safetensors"


def read(path: Path, space: Space) -> np.ndarray | None:
    """A map that was kept, if it is one of this space."""
    try:
        arrays, said = tensorfile.open_mapped(path)
    except (OSError, SongspaceError):
        return None
    ids, points = arrays.get("ids"), arrays.get("points")
    if said.get("format") != _FORMAT or ids is None or points is None or points.shape != (len(space), 2):
        return None
    return np.array(points) if np.array_equal(ids, space.ids) else None


def write(path: Path, space: Space, points: np.ndarray) -> None:
    """Keep a map, in place of all but the newest other of its kind."""
    path.parent.mkdir(exist_ok=True)
    tensorfile.write(path, {"ids": space.ids, "points": points}, {"format": _FORMAT}, aligned="points")
    method = path.name.split("-")[0]
    others = [other for other in path.parent.glob(f"{method}-*.safetensors") if other != path]
    for other in sorted(others, key=lambda other: other.stat().st_mtime)[:-1]:
        other.unlink(missing_ok=True)


def draw(space: Space, method: str) -> np.ndarray:
    """Lay a space out in the plane: its middle at 0, its longer side from -1 to 1."""
    from songspace.maps.projection import layout

    points = layout(space.vectors, method=method).astype(np.float64)
    lowest, highest = points.min(axis=0), points.max(axis=0)
    points -= (lowest + highest) / 2
    side = float((highest - lowest).max()) / 2
    return (points / side if side else points).astype(np.float32)


def main() -> None:
    """Draw the map of a home by t-SNE and keep it."""
    home = Home(Path(sys.argv[1]))
    if hasattr(os, "nice"):
        os.nice(10)
    space = Space.open(home.space)
    write(place_of(home, "tsne", str(space.checksum)), space, draw(space, "tsne"))


if __name__ == "__main__":
    main()
