"""Catalogs that released versions made, kept as files: read, brought up to date, and nothing in them lost."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from songspace.errors import SongspaceError
from songspace.library import schema
from songspace.library.catalog import Catalog
from songspace.library.cue import Part
from songspace.library.mending import damage, mend, put_aside
from songspace.library.records import Link, Song, Track
from songspace.library.scan import Found

CATALOGS = Path(__file__).with_name("catalogs")
VERSIONS = range(1, schema.VERSION + 1)

BLUE = Song(
    1, "/music/caf\udce9.mp3", 60.0, "Blau", "Ann, Bea", "Ann", "Farben", "Jazz; Pop", 1990, 3, 1, "r", "l", "a",
    ("Ann", "Bea"), ("Jazz", "Pop"), b"a" * 16,
)  # fmt: skip
LOUD = replace(
    BLUE, side=2, track_gain=-6.5, track_peak=0.9, album_gain=-7.25, album_peak=1.0, pictured=True
)  # what version 1 does not keep
AWAY = [
    Song(
        2, "/music/usb/album.flac", 40.0, "Eins", identity=b"\0" * 16, start=0.0, end=40.0, away=1e9
    ),
    Song(3, "/music/usb/album.flac", 40.0, "Zwei", identity=b"\1" * 16, start=40.0, away=1e9),
]  # fmt: skip


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def kept(version: int, tmp_path: Path) -> Path:
    """A catalog as a released version made it."""
    return Path(shutil.copy(CATALOGS / f"version-{version}.sqlite", tmp_path / "catalog.sqlite"))


@pytest.fixture
def blue(version: int) -> Song:
    """The song of these catalogs that can be reached."""
    return LOUD if version > 1 else BLUE


def test_a_writer_brings_it_up_to_date_and_loses_nothing(kept: Path, version: int, blue: Song) -> None:
    Catalog(kept, write=True).close()
    told: list[str] = []
    mend(kept, told.append)
    assert told == [] and damage(kept) == []  # its checksums are those of its rows
    with Catalog(kept) as catalog:
        assert catalog.roots() == ["/music"] and catalog.fact("encoder") == "enc"
        assert catalog.songs() == [blue] and catalog.away() == AWAY
        assert catalog.failures() == [("/music/b.mp3", "no sound")]
        assert catalog.left_out() == [("/music/.hidden", "a folder that is hidden")]
        assert catalog.links() == {"http://s": [Link("x", 1, "art")]}
        assert catalog.slots() == [(1, b"a" * 16, 3, 2, 77)]
        row = catalog.file(BLUE.path)
        assert row is not None and row.songs == (1,)
        # Version 2 reads the tags of every file again.
        assert row.stamp == ((5, 6, 7, 8, 9) if version > 1 else (5, -1, -1, 8, 9))
        [(song, vectors, silent)] = catalog.vectors("enc")
        assert song == 1 and silent.tolist() == [False, True]
        np.testing.assert_array_equal(vectors, np.arange(6).reshape(2, 3))


def test_no_number_of_it_is_given_again(kept: Path) -> None:
    with Catalog(kept, write=True) as catalog:
        assert catalog.record(Found("/music/new.mp3", 1, 1), [Track(b"n" * 16, Part())])[0] > 4


def test_its_tables_are_then_those_of_a_new_one(kept: Path, tmp_path: Path) -> None:
    Catalog(kept, write=True).close()
    Catalog(tmp_path / "new.sqlite", write=True).close()
    old, new = (sqlite3.connect(path) for path in (kept, tmp_path / "new.sqlite"))
    assert schema.tables_of(old) == schema.tables_of(new)
    assert schema.marks(old) == schema.marks(new) == (schema.APPLICATION, schema.VERSION)


def test_released_steps_are_never_edited(kept: Path) -> None:
    with sqlite3.connect(kept) as db:
        assert schema.tables_of(db) == schema.tables(schema.marks(db)[1])


def test_a_step_that_fails_leaves_the_old_one_whole(
    kept: Path, version: int, blue: Song, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_STEPS", (*schema._STEPS, ("ALTER TABLE tracks ADD COLUMN mood", "nonsense")))
        patch.setattr(schema, "VERSION", schema.VERSION + 1)
        schema.tables.cache_clear()
        with pytest.raises(SongspaceError, match="nonsense"):
            Catalog(kept, write=True)
    schema.tables.cache_clear()
    assert sqlite3.connect(kept).execute("PRAGMA user_version").fetchone() == (version,)
    assert len(before) == kept.stat().st_size
    with Catalog(kept, write=True) as catalog:
        assert catalog.songs() == [blue]


def test_a_step_that_adds_a_column_keeps_every_row(kept: Path, blue: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a later version will do it: the next run must not take all rows for damaged."""
    step = ("ALTER TABLE tracks ADD COLUMN mood TEXT",)
    monkeypatch.setattr(schema, "_STEPS", (*schema._STEPS, step))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    schema.tables.cache_clear()
    try:
        with Catalog(kept, write=True) as catalog:
            assert catalog.songs() == [blue] and catalog.away() == AWAY
        told: list[str] = []
        mend(kept, told.append)
        assert told == [] and damage(kept) == []
    finally:
        monkeypatch.undo()
        schema.tables.cache_clear()


def test_one_from_before_the_first_release_is_put_aside(tmp_path: Path) -> None:
    path, told = tmp_path / "catalog.sqlite", list[str]()
    with sqlite3.connect(path) as db:
        db.executescript("PRAGMA journal_mode = WAL; CREATE TABLE songs (title); PRAGMA user_version = 4;")
    before = path.read_bytes()
    put_aside(path, told.append)
    assert not path.exists() and (tmp_path / "catalog.older.sqlite").read_bytes() == before
    assert len(told) == 1 and "before its first release" in told[0]


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_what_is_none_stays_where_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalog.sqlite"
    put_aside(path, print)
    path.write_bytes(content)
    put_aside(path, print)
    assert path.read_bytes() == content


def test_one_of_this_version_stays_where_it_is(kept: Path) -> None:
    before = kept.read_bytes()
    put_aside(kept, print)
    assert kept.read_bytes() == before


@pytest.mark.parametrize("place", [63, 68], ids=["the version", "whose it is"])
def test_first_bytes_that_were_damaged_are_put_right(kept: Path, blue: Song, place: int) -> None:
    Catalog(kept, write=True).close()
    content = bytearray(kept.read_bytes())
    content[place] ^= schema.VERSION  # the version becomes 0
    kept.write_bytes(content)
    mend(kept, print)
    with Catalog(kept) as catalog:
        assert catalog.songs() == [blue]
