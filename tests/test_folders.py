"""The folders of a library: several, absent, moved, one inside another, forgotten; and what commands say of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from songspace import Library, SongspaceError, pipeline
from songspace.cli.commands import app
from songspace.library import Home
from songspace.library.catalog import Catalog
from songspace.space import Space

pytestmark = pytest.mark.usefixtures("heard_here")


@pytest.fixture
def music(tmp_path: Path, song: Callable[..., Path]) -> Path:
    """Two folders: six songs at home, three on a disk."""
    for number in range(6):
        song(tmp_path / "music" / f"home/{number}.flac", number, style=number % 3, title=f"Home {number}")
    for number in range(3):
        song(tmp_path / "usb" / f"{number}.flac", 30 + number, style=number, title=f"Far {number}")
    return tmp_path


@pytest.fixture
def call(music: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call a command on a home that has learnt both folders."""
    monkeypatch.setenv("SONGSPACE_HOME", str(music / "library"))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    for folder in ("music", "usb"):
        _learn(music, music / folder)
    return run


def _learn(music: Path, folder: Path) -> pipeline.Report:
    return pipeline.learn(Home(music / "library"), folder, encoder="timbre", windows=2, workers=1)


def _titles(music: Path) -> set[str]:
    library = Library(music / "library")
    placed = set(Space.open(library.home.space).ids.tolist())
    songs = library.songs()
    assert placed == {one.id for one in songs}  # what answers is what is here
    assert all(Path(one.path).exists() for one in songs)
    return {one.title or "" for one in songs}


def test_an_absent_folder_is_named_and_the_others_are_worked_on(
    music: Path, call: Callable[..., Result], song: Callable[..., Path]
) -> None:
    (music / "usb").rename(music / "unplugged")
    song(music / "music" / "new.flac", 50, title="New")
    done = call("update", "--workers", 1)
    assert done.exit_code == 0
    assert f"{music / 'usb'} is not there; the other folders were worked on." in done.stderr
    assert f"3 songs in {music / 'usb'} are away (its folder is not there): nothing is lost" in done.stderr
    assert _titles(music) == {f"Home {number}" for number in range(6)} | {"New"}
    told = json.loads(call("status", "--json").stdout)
    assert [(one["path"], one["songs"]) for one in told["away"]] == [(str(music / "usb"), 3)]
    assert str(music / "usb") in told["summary"]["away"]
    folders = json.loads(call("folders", "--json").stdout)["folders"]
    assert folders == [
        {"path": str(music / "music"), "there": True, "songs": 7, "away": 0},
        {"path": str(music / "usb"), "there": False, "songs": 3, "away": 3},
    ]
    assert "not there" in call("folders").stdout
    asked = call("similar", "Far 1")
    assert asked.exit_code == 1 and "away" in str(asked.exception)
    (music / "list.m3u").write_text("usb/1.flac\nmusic/home/1.flac\nmusic/home/4.flac\nnowhere.flac\n")
    listed = call("playlist", "--order", music / "list.m3u")
    assert "1 of 4 are away: Far 1." in listed.stderr and "1 of 4 are not in the library: nowhere." in listed.stderr
    (music / "unplugged").rename(music / "usb")
    assert "3 back" in call("update").stderr
    assert len(_titles(music)) == 10


def test_where_no_folder_is_there_a_sentence_says_so_and_nothing_changes(
    music: Path, call: Callable[..., Result]
) -> None:
    before = _titles(music)
    for name in ("music", "usb"):
        (music / name).rename(music / f"{name} away")
    done = call("update")
    assert done.exit_code == 1 and "is its disk mounted?" in str(done.exception)
    assert "`songspace update` and that folder" in str(done.exception)
    told = json.loads(call("status", "--json").stdout)["away"]
    assert [(one["path"], one["songs"], one["since"]) for one in told] == [
        (str(music / "music"), 6, "now"),
        (str(music / "usb"), 3, "now"),
    ]
    folders = json.loads(call("folders", "--json").stdout)["folders"]
    assert [(one["there"], one["songs"], one["away"]) for one in folders] == [(False, 6, 6), (False, 3, 3)]
    for name in ("music", "usb"):
        (music / f"{name} away").rename(music / name)
    assert _titles(music) == before


@pytest.mark.parametrize("command", ["learn", "update"])
def test_a_library_that_moved_is_recognised_by_naming_its_new_place(
    music: Path, call: Callable[..., Result], command: str
) -> None:
    library = Library(music / "library")
    before = {one.title: one.id for one in library.songs()}
    (music / "usb").rename(music / "new disk")
    done = call(command, music / "new disk", *(["--encoder", "timbre"] if command == "learn" else []))
    assert done.exit_code == 0 and f"{music / 'usb'} is no more" in done.stderr
    assert library.catalog.roots() == [str(music / "music"), str(music / "new disk")]
    assert {one.title: one.id for one in library.songs()} == before and len(_titles(music)) == 9


def test_a_folder_is_forgotten_with_its_songs(music: Path, call: Callable[..., Result]) -> None:
    done = call("forget", music / "usb")
    assert done.exit_code == 0 and "6 songs: 3 gone" in done.stderr
    assert _titles(music) == {f"Home {number}" for number in range(6)}
    assert Library(music / "library").catalog.roots() == [str(music / "music")]
    assert sorted(path.name for path in (music / "usb").iterdir()) == ["0.flac", "1.flac", "2.flac"]
    wrong = call("forget", music / "usb")
    assert wrong.exit_code == 1 and f"Its folders: {music / 'music'}." in str(wrong.exception)


def test_the_last_folder_can_be_forgotten_and_learnt_again(music: Path, call: Callable[..., Result]) -> None:
    assert call("forget", music / "usb").exit_code == 0
    assert "6 gone: no song is left in the library." in call("forget", music / "music").stderr
    asked = call("similar", "Home 1")
    assert asked.exit_code == 1 and "songspace learn" in str(asked.exception)
    assert _learn(music, music / "music").tally.new == 6
    assert len(_titles(music)) == 6


def test_a_folder_inside_another_is_worked_on_once(
    music: Path, call: Callable[..., Result], song: Callable[..., Path]
) -> None:
    roots = Library(music / "library").catalog.roots
    (music / "link").symlink_to(music / "music")
    for inside in (music / "music" / "home", music / "link", music / "link" / "home"):
        assert _learn(music, inside).tally.new == 0
        assert roots() == [str(music / "music"), str(music / "usb")]
    assert _learn(music, music / "music").tally.files == 9
    song(music / "new.flac", 60, title="New")
    assert _learn(music, music).tally.new == 1  # the folder of both
    assert roots() == [str(music)]


def test_folders_are_taken_in_by_a_link_to_the_folder_around_them(music: Path, call: Callable[..., Result]) -> None:
    (music.parent / f"{music.name} link").symlink_to(music)
    report = _learn(music, music.parent / f"{music.name} link")
    assert report.tally.new == 0 and Library(music / "library").catalog.roots() == [str(music.resolve())]
    assert len(_titles(music)) == 9


def test_many_songs_that_vanish_are_let_go_of_when_asked_to(music: Path, call: Callable[..., Result]) -> None:
    for number in range(3):
        (music / "music" / "home" / f"{number}.flac").unlink()
    done = call("update")
    assert "3 away" in done.stderr and "`songspace update --forget-missing`" in done.stderr
    assert "3 gone" in call("update", "--forget-missing").stderr
    assert len(_titles(music)) == 6


def test_what_is_left_out_is_counted_and_listed(
    music: Path, call: Callable[..., Result], song: Callable[..., Path]
) -> None:
    for number, name in enumerate(("...And Justice", ".5", "!!!", "÷", ".private", "books")):
        song(music / "music" / name / "song.flac", 70 + number, title=name)
    (music / "music" / "books" / ".notmusic").touch()
    done = call("update", "--workers", 1)
    assert "4 new" in done.stderr and "Left out: 2 more hidden or marked places" in done.stderr
    assert "Left out" not in call("update").stderr  # it is told once
    assert {"...And Justice", ".5", "!!!", "÷"} < _titles(music)
    listed = json.loads(call("status", "--left-out", "--json").stdout)["left_out"]
    assert [(Path(one["path"]).name, one["reason"]) for one in listed] == [
        (".private", "a folder that is hidden"),
        ("books", "it holds .notmusic"),
    ]
    assert "it holds .notmusic" in call("status", "--left-out").stdout


def test_a_library_of_before_the_first_release_asks_to_learn_and_is_learnt_anew(
    music: Path, call: Callable[..., Result]
) -> None:
    home = Home(music / "library")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{home.catalog}{suffix}").unlink(missing_ok=True)
    with sqlite3.connect(home.catalog) as db:
        db.executescript("CREATE TABLE songs (id INTEGER PRIMARY KEY, title); PRAGMA user_version = 4;")
    for command in (["status"], ["similar", "Home 1"], ["update"]):
        asked = call(*command)
        assert asked.exit_code == 1 and "run `songspace learn FOLDER` again" in str(asked.exception)
    assert _learn(music, music / "music").tally.new == 6
    assert len(_titles(music)) == 6


def test_a_song_that_was_tagged_anew_is_not_decoded(music: Path, call: Callable[..., Result]) -> None:
    import mutagen

    library = Library(music / "library")
    before = {one.path: one.id for one in library.songs()}
    for number in range(6):
        file = mutagen.File(music / "music" / "home" / f"{number}.flac")
        file["title"], file["comment"] = f"New name {number}", "long " * 5000
        file.save()
    tally = pipeline.update(Home(music / "library")).tally
    assert (tally.new, tally.linked, tally.gone) == (0, 6, 0)
    assert {one.path: one.id for one in library.songs()} == before
    assert {f"New name {number}" for number in range(6)} < _titles(music)


def test_no_library(tmp_path: Path) -> None:
    with pytest.raises(SongspaceError, match="There is no library"):
        pipeline.forget(Home(tmp_path), tmp_path)


def test_of_two_folders_that_are_one_by_now_the_named_one_is_forgotten(
    tmp_path: Path, song: Callable[..., Path]
) -> None:
    """A link, which comes first by name, leads to the other folder since the disk behind it is away."""
    for number in range(2):
        song(tmp_path / "old" / f"{number}.flac", number)
        song(tmp_path / "new" / f"{number}.flac", 10 + number)
    (tmp_path / "link").symlink_to(tmp_path / "old")
    for folder in ("link", "new"):
        pipeline.learn(Home(tmp_path / "library"), tmp_path / folder, encoder="timbre", windows=2, workers=1)
    catalog = Library(tmp_path / "library").catalog
    before = set(catalog.identities().values())
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to(tmp_path / "new")
    assert pipeline.forget(Home(tmp_path / "library"), tmp_path / "new").tally.gone == 2
    assert catalog.roots() == [str(tmp_path / "link")]
    assert set(catalog.identities().values()) < before


def test_forgetting_one_folder_while_the_other_is_away_keeps_what_was_learnt(
    tmp_path: Path, song: Callable[..., Path]
) -> None:
    home = Home(tmp_path / "library")
    for number in range(4):
        song(tmp_path / "a" / f"{number}.flac", number)
        song(tmp_path / "b" / f"{number}.flac", 10 + number, style=1)
    for folder in ("a", "b"):
        pipeline.learn(home, tmp_path / folder, encoder="timbre", windows=2, workers=1)
    pipeline.learn(home, tmp_path / "b", encoder="pca", windows=2, workers=1)
    used = Library(home.folder).catalog.fact("encoder")
    assert used == "pca"
    (tmp_path / "b").rename(tmp_path / "unplugged")
    pipeline.update(home, workers=1)
    pipeline.forget(home, tmp_path / "a")
    (tmp_path / "unplugged").rename(tmp_path / "b")
    pipeline.update(home, workers=1)
    assert Library(home.folder).catalog.fact("encoder") == used


def test_songs_that_are_away_are_listened_to_in_the_new_way_too(tmp_path: Path, song: Callable[..., Path]) -> None:
    """Also where no other song is there when the way changes: segments of two kinds are never in one library."""
    home = Home(tmp_path / "library")
    for place, name in enumerate("abc"):
        for number in range(2):
            song(tmp_path / name / f"{number}.flac", 10 * place + number, seconds=20)
    for folder in ("a", "b"):
        pipeline.learn(home, tmp_path / folder, encoder="timbre", windows=2, workers=1)
    (tmp_path / "a").rename(tmp_path / "unplugged")
    pipeline.update(home, workers=1)
    pipeline.forget(home, tmp_path / "b")
    pipeline.learn(home, tmp_path / "c", encoder="timbre", windows=3, workers=1)
    (tmp_path / "unplugged").rename(tmp_path / "a")
    pipeline.update(home, workers=1)
    catalog = Library(home.folder).catalog
    assert [len(catalog.segments(one.id)[0]) for one in catalog.songs()] == [3] * 4


def test_a_run_that_is_killed_while_it_puts_a_folder_around_others_loses_none(
    music: Path, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Catalog, "add_root", killed)
        _learn(music, music)
    assert Library(music / "library").catalog.roots() == [str(music / "music"), str(music / "usb")]
