"""What the tests of faults share: the real command, a library as it is undisturbed, and what must never change."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from songspace import Library, Space, pipeline
from songspace.library import Home
from songspace.reporter import Reporter

QUICK = {"windows": 3, "workers": 2}


def known(home: Path, encoders: Sequence[str] = ()) -> dict[str, tuple]:
    """All that a library knows of each song in its space, by path: tags, segments of its encoders, where it lies.

    Songs have no other names that hold from one library to the next: their numbers follow the order of the workers.
    """
    library, space = Library(home), Space.open(Home(home).space)
    assert space.verify()
    places = {int(id): space.vectors[row].tobytes() for row, id in enumerate(space.ids)}
    assert len(places) == len(space.ids)
    encoders = encoders or sorted({folder.name.partition("-")[0] for folder in library.home.encoders.iterdir()})
    segments = [library.segments_of([song.id for song in library.songs()], encoder) for encoder in encoders]
    found = {}
    for song in library.songs():
        if song.id not in places:
            continue
        told = (song.title, song.artist, song.genre, song.year, song.duration)
        of_encoders = [(part[song.id].starts.tobytes(), part[song.id].vectors.tobytes()) for part in segments]
        found[song.path] = (library.encoder, encoders, *told, places.pop(song.id), of_encoders)
    assert not places
    assert library.catalog.failures() == []
    library.catalog.close()
    return found


@pytest.fixture(scope="session", name="known")
def _known() -> Callable[[Path], dict[str, tuple]]:
    """:func:`known`."""
    return known


@pytest.fixture(scope="session")
def undisturbed(tunes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has learnt the tunes with PCA and nothing happened; for reading only."""
    home = tmp_path_factory.mktemp("undisturbed")
    pipeline.learn(Home(home), tunes, encoder="pca", **QUICK)  # type: ignore[arg-type]  # options of many types
    return home


@dataclass
class Run:
    """A command of songspace in a session of its own, that can be killed with all that it started."""

    arguments: Sequence[object]
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        command = [sys.executable, "-m", "songspace", *map(str, self.arguments)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def lives_on(self, whom: str, seconds: float) -> bool:
        """Wait some seconds (for a worker: fewer, once there is one); whether it has not ended by itself."""
        while whom == "worker" and not self.workers():
            if self.process.poll() is not None:
                return False
            time.sleep(0.02)
        try:
            self.process.wait(timeout=seconds / 4 if whom == "worker" else seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def workers(self) -> list[int]:
        """The processes that decode for it."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                parent = process.joinpath("stat").read_text().rpartition(")")[2].split()[1]
                spawned = b"spawn_main" in process.joinpath("cmdline").read_bytes()
            except OSError:  # it has just ended
                continue
            if int(parent) == self.process.pid and spawned:
                found.append(int(process.name))
        return sorted(found)

    def kill(self, whom: str, rng: np.random.Generator) -> bool:
        """kill -9 of the parent, a worker, or all at once; whether there was somebody to kill."""
        if whom == "worker":
            workers = self.workers()
            if not workers:
                return False
            try:
                os.kill(int(rng.choice(workers)), signal.SIGKILL)
            except ProcessLookupError:
                return False
            return True
        if whom == "all":
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()
        return True

    def assert_nobody_is_left(self) -> None:
        """Workers notice that their parent is dead."""
        for _ in range(100):
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.1)
        os.killpg(self.process.pid, signal.SIGKILL)
        raise AssertionError("workers outlived their parent by ten seconds")


@pytest.fixture(scope="session", name="start")
def _start() -> type[Run]:
    """:class:`Run`: start a command."""
    return Run


class Told(Reporter):
    """Remembers what a run said, and lets a test act at a stage."""

    def __init__(self, at: Callable[[str, int], None] | None = None) -> None:
        self.sentences: list[str] = []
        self._at = at

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        if self._at:
            self._at(stage, done)


@pytest.fixture(scope="session", name="told")
def _told() -> type[Told]:
    """:class:`Told`: a reporter that remembers."""
    return Told


@pytest.fixture
def home(undisturbed: Path, tmp_path: Path) -> Home:
    """A copy of the undisturbed home."""
    return Home(shutil.copytree(undisturbed, tmp_path / "home", ignore=shutil.ignore_patterns("*-wal", "*-shm")))
