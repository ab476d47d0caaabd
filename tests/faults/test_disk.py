"""Disks that are full, or may not be written: told in a sentence, nothing is lost, and the next run goes on."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from songspace import Library, SongspaceError, pipeline
from songspace.library import Home
from songspace.library.catalog import Catalog

resource = pytest.importorskip("resource", reason="limits are set as Unix has them")

TRAINED: dict[str, Any] = {"encoder": "contrastive", "steps": 2, "windows": 3, "workers": 2}
PLAIN: dict[str, Any] = {"encoder": "pca", "windows": 3, "workers": 2}


@contextmanager
def _no_file_above(size: int) -> Iterator[None]:
    """As if the disk ended there: every write beyond ``size`` bytes of a file fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
def test_wherever_the_disk_ends_the_next_run_goes_on(
    tunes: Path, undisturbed: Path, tmp_path: Path, known: Callable[[Path], dict]
) -> None:
    home = Home(tmp_path / "home")
    for size, said in [
        (20_000, "The catalog .* cannot be opened"),
        (100_000, "disk I/O error"),
        (2_000_000, "The encoder cannot be written to .*pca-.* \\(File too large\\)"),
    ]:
        with _no_file_above(size), pytest.raises((SongspaceError, sqlite3.OperationalError), match=said):
            pipeline.learn(home, tunes, **PLAIN)
        assert not list(home.folder.rglob("*.new"))
    pipeline.learn(home, tunes, **PLAIN)
    assert known(home.folder) == known(undisturbed)
    with _no_file_above(2_000_000), pytest.raises(SongspaceError, match=r"The checkpoint .* cannot be written: File"):
        pipeline.learn(home, tunes, **TRAINED)
    assert known(home.folder) == known(undisturbed)
    assert pipeline.learn(home, tunes, **TRAINED).encoder == "contrastive"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for 700 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=700k", "none", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_by_the_command_and_room_is_all_that_it_needs(
    tunes: Path, undisturbed: Path, small_disk: Path, tmp_path: Path, known: Callable[[Path], dict], start: Any
) -> None:
    run = start(["learn", tunes, "--encoder", "pca", "--windows", 3, "--workers", 2, "--home", small_disk / "home"])
    _, told = run.process.communicate()
    assert run.process.returncode == 1 and "Traceback" not in told
    assert "No space left on device" in told or "disk is full" in told
    with Library(small_disk / "home").catalog as catalog:
        songs = len(catalog.songs())
    home = Home(shutil.copytree(small_disk / "home", tmp_path / "home"))
    report = pipeline.learn(home, tunes, **PLAIN)
    assert 0 < songs < 18 and report.tally.new == 18 - songs
    assert known(home.folder) == known(undisturbed)


def test_a_transaction_that_the_full_disk_ended_is_told_as_that(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite takes some transactions back by itself; to take them back again would be the error that is told."""
    with Catalog(home.catalog, write=True) as catalog:
        catalog._db.execute("PRAGMA max_page_count = 1")  # no page more than it has
        with pytest.raises(sqlite3.OperationalError, match="full"):
            for number in range(1000):
                catalog.set_fact(f"key {number}", "x" * 10_000)
        with pytest.raises(sqlite3.OperationalError, match="full"), catalog._transaction():
            catalog.set_fact("key", "x" * 10**6)
        assert len(catalog.songs()) == 18


@pytest.fixture
def as_anybody() -> list[str]:
    """What makes the superuser heed permissions, as everybody else does."""
    if os.geteuid() != 0:
        return []
    rights = "-dac_override,-dac_read_search"
    command = ["setpriv", f"--inh-caps={rights}", f"--bounding-set={rights}", "--"]
    if shutil.which("setpriv") is None or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("the superuser may write everywhere")
    return command


def test_a_home_that_may_not_be_written_is_told_and_read(home: Home, as_anybody: list[str]) -> None:
    everything = [home.folder, *home.folder.rglob("*")]
    for path in everything:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [*as_anybody, sys.executable, "-m", "songspace", *map(str, arguments), "--home", str(home.folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    try:
        update, similar = call("update"), call("similar", "1", "--count", "3")
    finally:
        for path in everything:
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
    assert update.returncode == 1
    assert update.stderr == f"The library's home {home.folder} cannot be written: {os.strerror(errno.EACCES)}.\n"
    assert similar.returncode == 0, similar.stderr
