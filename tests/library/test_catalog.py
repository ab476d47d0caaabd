"""The catalog remembers, forgets, and survives."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from songspace.errors import SongspaceError
from songspace.library.catalog import Catalog, Link, Song
from songspace.library.scan import Found, Tags

FILE = Found("/music/a.mp3", 10, 20)
TAGS = Tags(title="Blue", artist="Ann", year=1990)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog.sqlite", write=True)


def _record(catalog: Catalog, path: str, identity: bytes, segments: int = 2) -> int:
    vectors = {"enc": np.full((segments, 3), len(path), np.float32)}
    return catalog.record_song(
        Found(path, 1, 2), identity, TAGS, duration=9.0, starts=[0.0, 4.0], silent=[False, True], vectors=vectors
    )


def test_a_song_comes_back_as_it_was_recorded(catalog: Catalog) -> None:
    id = _record(catalog, "/music/a.mp3", b"a" * 16)
    assert catalog.song(id) == Song(id, "/music/a.mp3", 9.0, title="Blue", artist="Ann", year=1990)
    assert catalog.song_at("/music/a.mp3") == catalog.song(id)
    starts, silent = catalog.segments(id)
    assert starts.tolist() == [0.0, 4.0] and silent.tolist() == [False, True]
    [(song, segments, flags)] = catalog.vectors("enc")
    assert song == id and segments.shape == (2, 3) and flags.tolist() == [False, True]
    row = catalog.files()["/music/a.mp3"]
    assert (row.size, row.mtime_ns, row.song, row.failure) == (1, 2, id, None)


def test_copies_are_one_song_with_the_first_path(catalog: Catalog) -> None:
    one = _record(catalog, "/music/z.mp3", b"a" * 16)
    two = catalog.record_song(Found("/music/b.mp3", 1, 2), b"a" * 16, Tags())
    assert one == two and catalog.count() == 1
    assert [song.path for song in catalog.songs()] == ["/music/b.mp3"]
    assert catalog.songs()[0].title == "Blue"


def test_a_moved_song_keeps_its_vectors_and_a_gone_one_leaves(catalog: Catalog) -> None:
    moved, gone = _record(catalog, "/music/a.mp3", b"a" * 16), _record(catalog, "/music/b.mp3", b"b" * 16)
    catalog.record_song(Found("/music/new/a.mp3", 1, 2), b"a" * 16, Tags())
    catalog.forget(["/music/a.mp3", "/music/b.mp3"])
    assert catalog.drop_orphans() == 1
    assert [(song.id, song.path) for song in catalog.songs()] == [(moved, "/music/new/a.mp3")]
    assert [song for song, _, _ in catalog.vectors("enc")] == [moved]
    assert catalog.song(gone) is None


def test_failures_are_data(catalog: Catalog) -> None:
    catalog.record_failure(FILE, "no sound")
    assert catalog.failures() == [("/music/a.mp3", "no sound")]
    assert catalog.files()["/music/a.mp3"].mtime_ns == 20
    catalog.record_failure(FILE, "gone for now", lasting=False)
    assert catalog.files()["/music/a.mp3"].mtime_ns == 0
    _record(catalog, "/music/a.mp3", b"a" * 16)
    assert catalog.failures() == []


def test_any_file_name(catalog: Catalog) -> None:
    for path in ["/m/caf\udce9.mp3", "/m/日本語 🎵.mp3", "/m/'; DROP TABLE songs; --.mp3"]:
        id = _record(catalog, path, path.encode("utf-8", "surrogateescape")[:16].ljust(16))
        assert catalog.song(id).path == path  # type: ignore[union-attr]  (None would fail, too)
    assert catalog.count() == 3


def test_who_lacks_vectors(catalog: Catalog) -> None:
    one, two = _record(catalog, "/m/a", b"b" * 16), _record(catalog, "/m/b", b"a" * 16)
    assert catalog.without_vectors("other") == [two, one]  # by identity
    catalog.set_vectors("other", two, np.zeros((2, 5)))
    assert catalog.without_vectors("other") == [one]
    catalog.keep_vectors_of(["other"])
    assert list(catalog.vectors("enc")) == []


def test_reset_keeps_the_folders(catalog: Catalog) -> None:
    catalog.add_root("/m")
    _record(catalog, "/m/a", b"b" * 16)
    catalog.reset()
    assert catalog.roots() == ["/m"] and catalog.count() == 0 and catalog.files() == {}


def test_what_was_not_committed_is_not_there(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="could not convert"):
        catalog.record_song(FILE, b"a" * 16, TAGS, vectors={"enc": np.array([["x"]])})
    assert catalog.count() == 0 and catalog.files() == {}


def test_readers_see_what_is_committed_and_cannot_write(catalog: Catalog, tmp_path: Path) -> None:
    reader = Catalog(tmp_path / "catalog.sqlite")
    _record(catalog, "/m/a", b"b" * 16)
    assert reader.count() == 1
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.set_fact("key", "value")


def test_no_library(tmp_path: Path) -> None:
    with pytest.raises(SongspaceError, match="There is no library"):
        Catalog(tmp_path / "catalog.sqlite")
    sqlite3.connect(tmp_path / "empty.sqlite").close()
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(SongspaceError, match="There is no library"):
        Catalog(tmp_path / "empty.sqlite")


def test_a_newer_catalog_is_left_alone(catalog: Catalog, tmp_path: Path) -> None:
    catalog.close()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(SongspaceError, match="newer songspace"):
        Catalog(tmp_path / "catalog.sqlite", write=True)


def test_a_file_that_is_no_catalog(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"not a database, but long enough to look at" * 50)
    with pytest.raises(SongspaceError, match="cannot be opened"):
        Catalog(tmp_path / "catalog.sqlite", write=True)


@pytest.mark.parametrize(
    ("song", "name"),
    [
        (Song(1, "/a.mp3", 1, "Blue", "Ann"), "Ann - Blue"),
        (Song(1, "/a b.mp3", 1, None, "Ann"), "Ann - a b"),
        (Song(1, "/a b.mp3", 1), "a b"),
        (Song(1, "/caf\udce9.mp3", 1), "caf?"),
    ],
)
def test_a_song_has_a_name(song: Song, name: str) -> None:
    assert song.name == name


# What media servers call songs


def test_links_replace_those_of_their_server_only(catalog: Catalog) -> None:
    one, two = _record(catalog, "/music/a.mp3", b"a" * 16), _record(catalog, "/music/b.mp3", b"b" * 16)
    catalog.set_links("http://first", [Link("x", one, "art"), Link("y", two), Link("z", one)])
    catalog.set_links("http://second", [Link("x", two)])
    assert catalog.links() == {
        "http://first": [Link("x", one, "art"), Link("y", two), Link("z", one)],
        "http://second": [Link("x", two)],
    }
    catalog.set_links("http://first", [Link("new", two)])
    assert catalog.links() == {"http://first": [Link("new", two)], "http://second": [Link("x", two)]}


def test_links_outlive_the_songs_number(catalog: Catalog) -> None:
    _record(catalog, "/music/other.mp3", b"b" * 16)
    catalog.set_links("http://s", [Link("x", _record(catalog, "/music/a.mp3", b"a" * 16))])
    catalog.reset()
    assert catalog.links() == {}
    again = _record(catalog, "/music/moved.mp3", b"a" * 16)
    assert catalog.links() == {"http://s": [Link("x", again)]}
