"""kill -9 at random moments of learn, update and map: whatever was killed, the end is as if nothing had been.

``SONGSPACE_KILLS=200`` makes it a long test, ``SONGSPACE_SEED`` another one.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from songspace import Library, SongspaceError

KILLS = int(os.environ.get("SONGSPACE_KILLS", "2"))
SEED = int(os.environ.get("SONGSPACE_SEED", "0"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="workers are found in /proc"),
]


def _commands(folder: Path) -> dict[str, list[object]]:
    home = ["--home", folder / "home"]
    return {
        "learn": ["learn", folder / "music", "--windows", 3, "--steps", 4, "--workers", 2, *home],
        "update": ["update", "--workers", 2, *home],
        "map": ["map", "-o", folder / "map.html", "--method", "pca", *home],
    }


def _change(music: Path, song: Callable[..., Path]) -> None:
    """A song is gone, one moved, one is other than before, one is new."""
    gone, moved, other = sorted(music.rglob("*.flac"))[:3]
    gone.unlink()
    moved.rename(music / "moved.flac")
    song(other, 98, title="Other")
    song(music / "new.flac", 99, style=2, title="New")


@pytest.fixture(scope="module")
def quiet(tunes: Path, tmp_path_factory: pytest.TempPathFactory, known: Any, start: Any, song: Any) -> SimpleNamespace:
    """What each command leaves behind, and the seconds that it takes, when nothing happens to it.

    The music is at one place in all runs: songs are known by their paths.
    """
    folder = tmp_path_factory.mktemp("killed")
    shutil.copytree(tunes, folder / "music")
    seconds, left = {}, {}
    for name, command in _commands(folder).items():
        if name == "update":
            _change(folder / "music", song)
        began = time.monotonic()
        run = start(command)
        run.process.communicate()
        assert run.process.returncode == 0
        seconds[name] = time.monotonic() - began
        left[name] = known(folder / "home") if name != "map" else (folder / "map.html").read_bytes()
    return SimpleNamespace(folder=folder, seconds=seconds, left=left)


def test_kill_9_at_random_moments(quiet: SimpleNamespace, tunes: Path, known: Any, start: Any, song: Any) -> None:
    rng, folder = np.random.default_rng(SEED), quiet.folder
    killed: Counter[tuple[str, str]] = Counter()
    while killed.total() < KILLS:
        shutil.rmtree(folder / "home")
        shutil.rmtree(folder / "music")
        shutil.copytree(tunes, folder / "music")
        (folder / "map.html").unlink(missing_ok=True)
        for (name, command), most in zip(_commands(folder).items(), (4, 2, 1), strict=True):
            if name == "update":
                _change(folder / "music", song)
            _until_it_is_done(command, name, rng, most, quiet.seconds[name], killed, start)
            left = known(folder / "home") if name != "map" else (folder / "map.html").read_bytes()
            assert left == quiet.left[name], f"{name} after {killed}"
    print(*(f"{name} {whom} {count}" for (name, whom), count in sorted(killed.items())), sep=", ")


def _until_it_is_done(
    command: list[object],
    name: str,
    rng: np.random.Generator,
    most: int,
    seconds: float,
    killed: Counter[tuple[str, str]],
    start: Any,
) -> None:
    """Run a command again and again, killed up to ``most`` times, until it ends by itself."""
    home, songs = Path(str(command[-1])), 0
    for turn in range(most + 1):
        run = start(command)
        whom = str(rng.choice(["parent", "worker", "all"]))
        share = rng.uniform(0.25, 1.0)
        if turn < most and run.lives_on(whom, share * seconds) and run.kill(whom, rng):
            killed[name, whom] += 1
            if whom != "worker":
                run.assert_nobody_is_left()
                songs = _at_least(songs, home) if name == "learn" else 0
                continue
        _, told = run.process.communicate(timeout=300)
        assert run.process.returncode == 0, told
        assert "could not be read" not in told and "Traceback" not in told
        return


def _at_least(songs: int, home: Path) -> int:
    """How many songs are known after a kill: never fewer than before it."""
    try:
        library = Library(home)
    except SongspaceError as error:  # there is no catalog yet, or one without its tables
        assert songs == 0 and str(error).startswith("There is no library in ")
        return 0
    with library.catalog as catalog:
        assert len(catalog.songs()) >= songs
        return len(catalog.songs())
