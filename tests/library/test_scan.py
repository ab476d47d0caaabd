"""Walking folders, and identities."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from songspace.library.identity import identify
from songspace.library.scan import is_inside, scan


def _touch(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _names(folder: Path) -> list[str]:
    return [os.path.relpath(found.path, folder) for found in scan(folder)]


def test_walks_in_the_order_of_names_and_takes_what_promises_sound(tmp_path: Path) -> None:
    for name in ["b/2.MP3", "b/1.flac", "a.ogg", "cover.jpg", "notes.txt", "b/c/3.opus"]:
        _touch(tmp_path / name)
    assert _names(tmp_path) == ["a.ogg", "b/1.flac", "b/2.MP3", "b/c/3.opus"]


def test_leaves_out_marked_hidden_and_system_folders(tmp_path: Path) -> None:
    kept = _touch(tmp_path / "kept" / "song.mp3")
    for name in [
        "audiobooks/.notmusic",
        "audiobooks/one/book.mp3",
        "ringtones/.nomedia",
        "ringtones/ring.mp3",
        ".trash/song.mp3",
        "@eaDir/song.mp3",
        "System Volume Information/song.mp3",
        "kept/._song.mp3",
    ]:
        _touch(tmp_path / name)
    assert [found.path for found in scan(tmp_path)] == [str(kept)]


def test_tells_what_cannot_be_a_song_without_opening_it(tmp_path: Path) -> None:
    (tmp_path / "album.flac").mkdir()
    _touch(tmp_path / "album.flac" / "inside.mp3")
    _touch(tmp_path / "empty.mp3", b"")
    (tmp_path / "dangling.mp3").symlink_to(tmp_path / "nowhere.mp3")
    (tmp_path / "circle.mp3").symlink_to(tmp_path / "circle.mp3")
    os.mkfifo(tmp_path / "pipe.mp3")
    problems = {os.path.relpath(found.path, tmp_path): found.problem for found in scan(tmp_path)}
    assert problems["album.flac"] == "a folder, not a file"
    assert problems["album.flac/inside.mp3"] is None
    assert problems["empty.mp3"] == "the file is empty"
    assert problems["dangling.mp3"] == "a link that leads nowhere"
    assert "link" in (problems["circle.mp3"] or "")
    assert problems["pipe.mp3"] == "not a regular file"


def test_a_circle_of_folders_ends_and_each_file_comes_once(tmp_path: Path) -> None:
    _touch(tmp_path / "a" / "song.mp3")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "b").symlink_to(tmp_path / "a", target_is_directory=True)
    assert _names(tmp_path) == ["a/song.mp3"]


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    _touch(tmp_path / "song.mp3")
    real = os.scandir

    def scandir(path: str) -> object:
        if path == str(locked):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = {found.path: found.problem for found in scan(tmp_path)}
    assert found[str(locked)] == "the folder cannot be read: permission denied"
    assert found[str(tmp_path / "song.mp3")] is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are not UTF-8")
def test_names_that_are_not_utf8_survive(tmp_path: Path) -> None:
    raw = os.path.join(os.fsencode(tmp_path), b"caf\xe9 \xff.mp3")
    with open(raw, "wb") as file:
        file.write(b"x")
    [found] = scan(tmp_path)
    assert os.fsencode(found.path) == raw


def test_identity_is_of_the_content_alone(tmp_path: Path) -> None:
    one = _touch(tmp_path / "one.mp3", b"abc" * 1000)
    same = _touch(tmp_path / "renamed.mp3", b"abc" * 1000)
    other = _touch(tmp_path / "other.mp3", b"abc" * 999 + b"abd")
    assert identify(one) == identify(same)
    assert identify(one) != identify(other)
    assert len(identify(one)) == 16


def test_is_inside() -> None:
    assert is_inside("/music/a/b.mp3", "/music")
    assert is_inside("/music", "/music")
    assert not is_inside("/musicals/b.mp3", "/music")
    assert is_inside("/b.mp3", "/")
