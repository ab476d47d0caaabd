"""Walking folders, identities, tags."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import ID3, TALB, TCON, TDOR, TDRC, TIT2, TPE1, TPE2, TPOS, TRCK, TXXX, UFID

from songspace.library.identity import identify
from songspace.library.scan import is_inside, scan
from songspace.library.tags import Tags, read_tags


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


def _song(path: Path) -> Path:
    soundfile.write(path, np.zeros(44100, np.float32), 44100)
    return path


FULL = Tags(
    title="Blue",
    artist="Ann",
    albumartist="Ann & Co",
    album="Colours",
    genre="Jazz",
    year=1990,
    track=3,
    disc=2,
    recording_mbid="aaaaaaaa-0000-0000-0000-000000000000",
    release_mbid="bbbbbbbb-0000-0000-0000-000000000000",
    artist_mbid="cccccccc-0000-0000-0000-000000000000",
    artists=("Ann",),
    genres=("Jazz",),
)


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_vorbis_comments(tmp_path: Path, suffix: str) -> None:
    path = _song(tmp_path / f"song.{suffix}")
    file = mutagen.File(path)
    file["title"], file["artist"], file["albumartist"], file["album"] = "Blue", "Ann", "Ann & Co", "Colours"
    file["genre"], file["originaldate"], file["date"] = "Jazz", "1990-02-03", "2011"
    file["tracknumber"], file["discnumber"] = "03/12", "2/2"
    file["musicbrainz_trackid"], file["musicbrainz_albumid"] = FULL.recording_mbid, FULL.release_mbid
    file["musicbrainz_artistid"] = FULL.artist_mbid
    file.save()
    assert read_tags(path) == FULL


def test_all_values_of_artist_and_genre_are_kept(tmp_path: Path) -> None:
    path = _song(tmp_path / "song.flac")
    file = mutagen.File(path)
    file["artist"], file["genre"] = ["Ann", "Bea", "Ann"], ["Jazz", "Jazz/Funk"]
    file.save()
    tags = read_tags(path)
    assert (tags.artist, tags.artists) == ("Ann, Bea", ("Ann", "Bea"))
    assert (tags.genre, tags.genres) == ("Jazz; Jazz/Funk", ("Jazz", "Jazz/Funk"))


@pytest.mark.parametrize("suffix", ["mp3", "wav", "aiff"])
def test_id3(tmp_path: Path, suffix: str) -> None:
    path = _song(tmp_path / f"song.{suffix}")
    frames = [
        TIT2(text="Blue"),
        TPE1(text="Ann"),
        TPE2(text="Ann & Co"),
        TALB(text="Colours"),
        TCON(text="(8)"),
        TDOR(text="1990-02-03"),
        TDRC(text="2011"),
        TRCK(text="3/12"),
        TPOS(text="2/2"),
        UFID(owner="http://musicbrainz.org", data=FULL.recording_mbid.encode()),
        TXXX(desc="MusicBrainz Album Id", text=FULL.release_mbid),
        TXXX(desc="MusicBrainz Artist Id", text=FULL.artist_mbid),
    ]
    if suffix == "mp3":
        tags = ID3()
        for frame in frames:
            tags.add(frame)
        tags.save(path)
    else:
        file = mutagen.File(path)
        file.add_tags()
        for frame in frames:
            file.tags.add(frame)
        file.save()
    assert read_tags(path) == FULL


def test_tags_are_cleaned(tmp_path: Path) -> None:
    path = _song(tmp_path / "song.flac")
    file = mutagen.File(path)
    file["title"], file["artist"], file["album"], file["date"] = "two\nlines\x00", "   ", "long" * 1000, "unknown"
    file.save()
    tags = read_tags(path)
    assert tags.title == "two lines"
    assert tags.artist is None
    assert tags.album is not None and len(tags.album) == 1000
    assert tags.year is None


@pytest.mark.parametrize("content", [b"", b"ID3\x04\x00\x00\xff\xff\xff\xff" * 20, b"OggS" * 100, os.urandom(5000)])
def test_no_tags_from_what_is_no_music(tmp_path: Path, content: bytes) -> None:
    assert read_tags(_touch(tmp_path / "song.mp3", content)) == Tags()


def test_whatever_mutagen_raises_means_no_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: object) -> None:
        raise AttributeError("a damaged file")

    path = _song(tmp_path / "song.flac")
    file = mutagen.File(path)
    file["title"] = "Blue"
    file.save()
    assert read_tags(path).title == "Blue"
    monkeypatch.setattr(mutagen, "File", broken)
    assert read_tags(path) == Tags()


def test_is_inside() -> None:
    assert is_inside("/music/a/b.mp3", "/music")
    assert is_inside("/music", "/music")
    assert not is_inside("/musicals/b.mp3", "/music")
    assert is_inside("/b.mp3", "/")
