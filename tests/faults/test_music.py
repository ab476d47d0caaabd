"""Music that changes under a run: files written while they are read, clocks set back, a disk that goes away."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from songspace import Library, pipeline
from songspace.library import Home
from songspace.library.listening import Listening, hear
from songspace.library.scan import Found

PLAIN: dict[str, Any] = {"encoder": "pca", "windows": 3, "workers": 2}
TIMBRE: dict[str, Any] = {"encoder": "timbre", "windows": 3, "workers": 1}


@pytest.fixture
def music(tunes: Path, tmp_path: Path) -> Path:
    """A copy of the tunes."""
    return shutil.copytree(tunes, tmp_path / "music")


@pytest.mark.parametrize("command", ["learn", "update"])
def test_a_folder_that_goes_away_half_way_takes_no_song(
    music: Path, tmp_path: Path, known: Callable[[Path], dict], told: Any, song: Callable[..., Path], command: str
) -> None:
    home, whole = Home(tmp_path / "home"), Home(tmp_path / "whole")
    if command == "update":
        pipeline.learn(home, music, **PLAIN)
        pipeline.learn(whole, music, **PLAIN)
        for path in music.rglob("*.flac"):
            os.utime(path, (1, 1))  # all must be looked at again

    def away(stage: str, done: int) -> None:
        if stage == "listening" and done == 3:
            music.rename(tmp_path / "away")

    if command == "learn":
        report = pipeline.learn(home, music, reporter=told(away), **PLAIN)
    else:
        report = pipeline.update(home, workers=2, reporter=told(away))
        assert report.songs + report.tally.away == 18 and report.tally.gone == 0
    assert report.tally.failures and {reason for _, reason in report.tally.failures} == {
        "cannot be read: no such file or directory"
    }
    (tmp_path / "away").rename(music)
    pipeline.learn(home, music, **PLAIN)
    pipeline.learn(whole, music, **PLAIN)
    assert known(home.folder) == known(whole.folder)


@pytest.mark.usefixtures("heard_here")
def test_learn_forgets_who_is_gone_as_if_they_had_never_been(
    music: Path, tmp_path: Path, known: Callable[[Path], dict]
) -> None:
    """A full cache is a sample: songs that are gone leave their places to others at once."""
    home, other = Home(tmp_path / "home"), Home(tmp_path / "other")
    small = PLAIN | {"cache_bytes": 9 * 3 * 64 * 251}
    pipeline.learn(home, music, **small)
    for gone in sorted(music.rglob("*.flac"))[::3]:
        gone.unlink()
    assert pipeline.learn(home, music, **small).tally.away == 6
    assert pipeline.learn(home, music, **small).tally.gone == 6  # a third of all: when they are missed again
    pipeline.learn(other, music, **small)
    assert known(home.folder) == known(other.folder)


@pytest.mark.usefixtures("heard_here")
@pytest.mark.parametrize("seconds", [1, -86_400, 2**33, 15_032_385_535])
def test_a_file_that_changes_is_heard_whatever_the_clock_says(
    music: Path, tmp_path: Path, known: Callable[[Path], dict], seconds: int
) -> None:
    """Of the same size, and older than before, or from 1969, 2242 or 2446."""
    home = Home(tmp_path / "home")
    pipeline.learn(home, music, **TIMBRE)
    one, two = sorted(music.rglob("*.flac"))[:2]
    before = known(home.folder)
    content, size = two.read_bytes(), one.stat().st_size
    one.write_bytes(content.ljust(size, b"\0") if len(content) < size else content)
    os.utime(one, (seconds, seconds))
    if one.stat().st_mtime != seconds:
        pytest.skip("the file system does not know that date")
    pipeline.update(home, workers=1)
    after = known(home.folder)
    assert after.get(str(one)) != before[str(one)]
    assert pipeline.update(home, workers=1).tally.new == 0
    assert Library(home.folder).catalog.failures() == []


# A frontend to whom, while a file is read, something happens to that file.
MEDDLING = """
import os
from dataclasses import dataclass
from songspace.frontends import LogMel

@dataclass(frozen=True)
class Meddling(LogMel):
    def __call__(self, windows):
        with open(os.environ["MEDDLE_WITH"], "ab") as file:
            file.write(b"more")
        return super().__call__(windows)
"""


def test_a_file_that_grows_while_it_is_read_is_read_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, song: Callable[..., Path]
) -> None:
    (tmp_path / "meddling.py").write_text(MEDDLING)
    monkeypatch.syspath_prepend(tmp_path)
    import meddling

    path = song(tmp_path / "music" / "a.flac", 1)
    monkeypatch.setenv("MEDDLE_WITH", str(path))
    found = Found(str(path), path.stat().st_size, path.stat().st_mtime_ns)
    [(_, failure)] = hear([found], Listening(windows=2, frontend=meddling.Meddling()), workers=1)
    assert (failure.reason, failure.lasting) == ("it changed while it was read", False)  # type: ignore[union-attr]


@pytest.mark.usefixtures("heard_here")
def test_a_song_that_changed_unseen_gets_no_vectors_of_another_sound(
    music: Path, tmp_path: Path, told: Any, song: Callable[..., Path], known: Callable[..., dict]
) -> None:
    """An encoder that hears a song again, because the cache does not hold it, must hear the song that is meant."""
    home = Home(tmp_path / "home")
    pipeline.learn(home, music, encoder="timbre", cache_bytes=1, windows=3, workers=1)
    path = sorted(music.rglob("*.flac"))[0]

    def change(stage: str, done: int) -> None:
        if stage == "encoding" and done == 1:
            song(path, 77)

    reporter = told(change)
    pipeline.learn(home, music, encoder="pca", cache_bytes=1, windows=3, workers=1, reporter=reporter)
    assert [sentence for sentence in reporter.sentences if "has changed since" in sentence]
    assert str(path) not in known(home.folder, encoders=["pca"])
    report = pipeline.update(home, workers=1)
    assert (report.songs, report.tally.new) == (18, 1)
    assert str(path) in known(home.folder, encoders=["pca"])


EMPTY = int(os.environ.get("SONGSPACE_EMPTY", "5000"))


def test_a_folder_of_empty_files_costs_little(music: Path, tmp_path: Path) -> None:
    """``SONGSPACE_EMPTY=100000`` makes them 100,000."""
    for number in range(EMPTY):
        os.close(os.open(music / f"{number:06d}.mp3", os.O_CREAT | os.O_WRONLY))
    home = Home(tmp_path / "home")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = pipeline.learn(home, music, **TIMBRE)
    assert report.songs == 18 and len(report.tally.failures) == EMPTY
    assert {reason for _, reason in report.tally.failures} == {"the file is empty"}
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 2000 * EMPTY + 10**8
    again = pipeline.update(home, workers=1)
    assert again.tally.failures == report.tally.failures
