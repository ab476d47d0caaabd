"""Catalogs of older versions, whose tables stand here as they were: read so, and brought up to date by a writer."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from songspace.library import schema
from songspace.library.cache import SpectrogramCache
from songspace.library.catalog import Catalog, Link, Song
from songspace.library.mending import mend
from songspace.library.scan import Found, Tags

FIRST = """
CREATE TABLE roots (path BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE songs (
    id INTEGER PRIMARY KEY, identity BLOB NOT NULL UNIQUE, duration REAL NOT NULL, starts BLOB NOT NULL,
    silent BLOB NOT NULL, slot INTEGER UNIQUE, title, artist, albumartist, album, genre, year, track, recording_mbid,
    release_mbid, artist_mbid
);
CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, song INTEGER REFERENCES songs (id),
    failure TEXT, CHECK ((song IS NULL) <> (failure IS NULL))
) WITHOUT ROWID;
CREATE INDEX files_of_song ON files (song, path);
CREATE TABLE vectors (
    encoder TEXT NOT NULL, song INTEGER NOT NULL REFERENCES songs (id) ON DELETE CASCADE, segments BLOB NOT NULL,
    PRIMARY KEY (encoder, song)
) WITHOUT ROWID;
CREATE INDEX vectors_of_song ON vectors (song);
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
SECOND = """
CREATE TABLE links (
    server TEXT NOT NULL, item TEXT NOT NULL, identity BLOB NOT NULL, artist TEXT, PRIMARY KEY (server, item)
) WITHOUT ROWID;
PRAGMA user_version = 2;
"""
THIRD = "ALTER TABLE songs ADD COLUMN disc; PRAGMA user_version = 3;"
VERSIONS = {1: FIRST, 2: FIRST + SECOND, 3: FIRST + SECOND + THIRD}

VECTORS = np.arange(6, dtype=np.float32).reshape(2, 3)
BEFORE = Song(7, "/music/caf\udce9.mp3", 60.0, title="Blau", artist="Ann", year=1990, track=3, recording_mbid="x")


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A catalog with a song, a failure and a fact."""
    path = tmp_path / "catalog.sqlite"
    db = sqlite3.connect(path)
    db.executescript("PRAGMA journal_mode = WAL;" + VERSIONS[request.param])
    db.execute("INSERT INTO roots VALUES (?)", (b"/music",))
    db.execute(
        "INSERT INTO songs (id, identity, duration, starts, silent, slot, title, artist, year, track, recording_mbid) "
        "VALUES (7, ?, 60, ?, ?, 0, 'Blau', 'Ann', 1990, 3, 'x')",
        (b"a" * 16, np.array([0.0, 30.0]).tobytes(), np.array([False, True]).tobytes()),
    )
    db.execute("INSERT INTO files VALUES (?, 5, 6, 7, NULL)", (b"/music/caf\xe9.mp3",))
    db.execute("INSERT INTO files VALUES (?, 8, 9, NULL, 'no sound')", (b"/music/b.mp3",))
    db.execute("INSERT INTO vectors VALUES ('enc', 7, ?)", (VECTORS.tobytes(),))
    db.execute("INSERT INTO facts VALUES ('encoder', 'enc')")
    db.commit()
    db.close()
    return path


def test_it_is_read_as_it_is(old: Path) -> None:
    with Catalog(old) as catalog:
        assert catalog.songs() == [BEFORE] and catalog.song_at(BEFORE.path) == BEFORE
        assert catalog.links() == {}
        assert catalog.slots() == [(7, b"a" * 16, 0, 2, None)]


def test_it_is_brought_up_to_date_by_a_writer_and_loses_nothing(old: Path) -> None:
    tags = Tags(title="Rot", disc=2)
    with Catalog(old) as reader:
        with Catalog(old, write=True) as writer:
            new = writer.record_song(Found("/music/c.mp3", 1, 1), b"c" * 16, tags, duration=9)
            writer.set_links("http://s", [Link("y", 7, "art")])
        assert reader.song(7) == BEFORE  # whoever was reading goes on
    told: list[str] = []
    mend(old, told.append)
    assert told == []  # its checksums are those of its rows
    with Catalog(old) as catalog:
        assert catalog.songs() == [Song(new, "/music/c.mp3", 9.0, title="Rot", disc=2), BEFORE]
        assert catalog.failures() == [("/music/b.mp3", "no sound")]
        assert catalog.roots() == ["/music"] and catalog.fact("encoder") == "enc"
        assert catalog.links() == {"http://s": [Link("y", 7, "art")]}
        [(song, vectors, silent)] = catalog.vectors("enc")
        assert song == 7 and silent.tolist() == [False, True]
        np.testing.assert_array_equal(vectors, VECTORS)


def test_its_tables_are_then_those_of_a_new_one(old: Path, tmp_path: Path) -> None:
    Catalog(old, write=True).close()
    Catalog(tmp_path / "new.sqlite", write=True).close()
    assert _tables(old) == _tables(tmp_path / "new.sqlite")


def _tables(path: Path) -> dict[str, object]:
    db = sqlite3.connect(path)
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_master ORDER BY name")]
    found: dict[str, object] = {
        name: sorted(row[1:] for row in db.execute(f"PRAGMA table_info({name})")) for name in names
    }
    return found | {"version": db.execute("PRAGMA user_version").fetchone()}


def test_what_an_older_version_cached_is_believed_once_and_watched_from_then_on(old: Path, tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 256, (2, 2, 4), np.uint8)
    (tmp_path / "cache").write_bytes(codes.tobytes())
    with Catalog(old, write=True) as catalog:
        cache = SpectrogramCache(tmp_path / "cache", catalog, shape=codes.shape)
        assert cache.forget_damaged() == 0
        np.testing.assert_array_equal(cache.get(7), codes)
        (tmp_path / "cache").write_bytes((codes ^ 1).tobytes())
        assert SpectrogramCache(tmp_path / "cache", catalog, shape=codes.shape).forget_damaged() == 1


def test_a_step_that_fails_leaves_the_old_one_whole(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_STEPS", schema._STEPS | {3: (*schema._SUMS, "nonsense")})
        with pytest.raises(Exception, match="nonsense"):
            Catalog(old, write=True)
    with Catalog(old, write=True) as catalog:
        assert catalog.songs() == [BEFORE]
