"""The plugin for beets, in the real ``beet``: a library of the tunes, and the two commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from songspace import Library, interchange
from songspace.answers.playlists import make_path, make_radio
from songspace.answers.request import ListRequest, Ruling
from songspace.answers.similar import find_similar
from songspace.answers.view import Asked, View

CONFIG = """
directory: {folder}/music
library: {folder}/library.db
plugins: songspace
songspace:
    home: {home}
import:
    copy: no
    write: no
    autotag: no
"""


@dataclass
class Beets:
    """A beets library, and ``beet`` for it."""

    folder: Path

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        environ = os.environ | {"BEETSDIR": str(self.folder), "SONGSPACE_HOME": "/nowhere"}
        command = [sys.executable, "-m", "beets", *map(str, arguments)]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)

    def lines(self, *arguments: object) -> list[str]:
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture(scope="module")
def beet(tunes: Path, learnt_home: Path, song: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Beets:
    """A beets library of the tunes but for those of "Artist 21", and of a song that songspace has never heard."""
    folder = tmp_path_factory.mktemp("beets")
    (folder / "config.yaml").write_text(CONFIG.format(folder=folder, home=learnt_home))
    other = song(folder / "other" / "Unheard.flac", 99, seconds=1, title="Unheard", artist="Nobody")
    made = Beets(folder)
    artists = sorted(path for path in tunes.iterdir() if path.name != "Artist 21")
    made.lines("import", "-q", "-s", *artists, other.parent)
    assert len(made.lines("list")) == 16
    return made


def test_similar_items_are_those_of_songspace_that_beets_has(beet: Beets, learnt_home: Path) -> None:
    lines = beet.lines("songspace-similar", "-n", 4, "-f", "$songspace_similarity $title", "title:=Tune 7")
    view = View(Library(learnt_home))
    found = find_similar(Asked(view, ["Tune 7"]), 17)
    expected = [
        f"{1 - distance**2 / 2:.3f} {song.title}"
        for song, distance in zip(found.songs, found.distances, strict=True)
        if song.artist != "Artist 21"
    ]
    assert any(song.artist == "Artist 21" for song in found.songs[:17])
    assert lines == expected[:4]


def test_a_radio_is_written_and_printed_as_beets_prints(beet: Beets, learnt_home: Path, tmp_path: Path) -> None:
    target = tmp_path / "radio.m3u8"
    options = ("-l", 6, "--variety", 0.5, "--seed", 3, "--artist-gap", 1, "--minus", "title:='Tune 2'")
    done = beet("songspace-playlist", *options, "-o", target, "-p", "title:=Tune 7")
    assert done.returncode == 0, done.stderr
    paths = done.stdout.splitlines()
    assert f"Wrote 6 items to {target}." in done.stderr

    view = View(Library(learnt_home))
    missing = tuple(song.id for song in view.songs if song.artist == "Artist 21")
    request = ListRequest(Ruling(1, without=missing), length=6, variety=0.5, seed=3)
    expected = make_radio(view, ["Tune 7"], ["Tune 2"], request)
    assert paths == [song.path for song in expected.songs]
    assert [os.path.realpath(path) for path in interchange.read(target)] == [os.path.realpath(path) for path in paths]


def test_a_path_goes_through_the_items_asked_for(beet: Beets, learnt_home: Path) -> None:
    lines = beet.lines(
        *("songspace-playlist", "-f", "$title", "-l", 5, "--to", "title:='Tune 8'", "--via", "title:='Tune 3'"),
        *("--among", "album:'Album 0' , album:'Album 2'", "title:=Tune 0"),
        *("--artist-gap", 1),
    )
    view = View(Library(learnt_home))
    without = tuple(song.id for song in view.songs if song.genre == "Middle" or song.artist == "Artist 21")
    expected = make_path(view, ["Tune 0", "Tune 3", "Tune 8"], ListRequest(Ruling(1, without=without), length=5))
    assert lines == [song.title for song in expected.songs]
    assert (lines[0], lines[-1]) == ("Tune 0", "Tune 8") and "Tune 3" in lines
    everything = make_path(view, ["Tune 0", "Tune 3", "Tune 8"], ListRequest(Ruling(1), length=5))
    assert lines != [song.title for song in everything.songs]  # so that --among did something


def test_files_that_have_moved_are_found(tunes: Path, learnt_home: Path, beet: Beets, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.format(folder=tmp_path, home=learnt_home))
    moved = Beets(tmp_path)
    shutil.copytree(tunes / "Artist 00", tmp_path / "music" / "Artist 00")
    moved.lines("import", "-q", "-s", tmp_path / "music")
    lines = moved.lines("songspace-similar", "-f", "$title", "title:=Tune 0")
    similar = beet.lines("songspace-similar", "-n", 99, "-f", "$title", "title:=Tune 0")
    assert lines == [title for title in similar if title in ("Tune 6", "Tune 12")]
    (path,) = moved.lines("songspace-playlist", "-l", 1, "-p", "title:=Tune 6")
    assert path.startswith(str(tmp_path))


def test_items_that_songspace_does_not_know_are_named(beet: Beets) -> None:
    done = beet("songspace-similar", "-n", 2, "title:=Tune 7", ",", "title:Unheard")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
    assert "songspace does not know 1 of 2: Nobody - Unheard." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("songspace-similar", "Unheard"), "songspace does not know Nobody - Unheard: run `songspace update`."),
        (("songspace-similar", "Nothing of this name"), "No item of beets matches “Nothing of this name”."),
        (("songspace-similar",), "give a query"),
        (("songspace-playlist", "album:Album 0", "--to", "title:='Tune 5'"), "6 match “album:Album 0”"),
        (("songspace-playlist", "title:=Tune 0", "--variety", "2"), "--variety 2.0: expected a number from 0 to 1."),
        (("songspace-playlist", "title:=Tune 0", "-o", "list.doc"), "is no playlist file"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(beet: Beets, arguments: tuple[str, ...], said: str) -> None:
    done = beet(*arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_without_a_library_of_songspace(beet: Beets, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(folder=beet.folder, home=tmp_path / "nowhere"))
    done = Beets(tmp_path)("songspace-similar", "title:=Tune 7")
    assert done.returncode == 1
    assert "There is no library in" in done.stderr
