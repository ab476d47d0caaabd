"""The catalog remembers, forgets, and survives."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from songspace.errors import SongspaceError
from songspace.library import schema
from songspace.library.catalog import UNREAD, Catalog
from songspace.library.cue import Part
from songspace.library.listening import Listening
from songspace.library.mending import damage, mend
from songspace.library.records import Link, Song, Track
from songspace.library.scan import Found
from songspace.library.tags import Tags

FILE = Found("/music/a.mp3", 10, 20)
TAGS = Tags(title="Blue", artist="Ann", year=1990)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog.sqlite", write=True)


def record_song(catalog: Catalog, file: Found, identity: bytes, tags: Tags, **heard: Any) -> int:
    [song] = catalog.record(file, [Track(identity, Part(tags=tags), **heard)])
    return song


def _record(catalog: Catalog, path: str, identity: bytes, segments: int = 2) -> int:
    vectors = {"enc": np.full((segments, 3), len(path), np.float32)}
    return record_song(
        catalog,
        Found(path, 1, 2),
        identity,
        TAGS,
        duration=9.0,
        starts=[0.0, 4.0],
        silent=[False, True],
        vectors=vectors,
    )


def test_a_song_comes_back_as_it_was_recorded(catalog: Catalog) -> None:
    id = _record(catalog, "/music/a.mp3", b"a" * 16)
    assert catalog.song(id) == Song(id, "/music/a.mp3", 9.0, title="Blue", artist="Ann", year=1990, identity=b"a" * 16)
    assert catalog.song_at("/music/a.mp3") == catalog.song(id)
    starts, silent = catalog.segments(id)
    assert starts.tolist() == [0.0, 4.0] and silent.tolist() == [False, True]
    [(song, segments, flags)] = catalog.vectors("enc")
    assert song == id and segments.shape == (2, 3) and flags.tolist() == [False, True]
    row = catalog.files()["/music/a.mp3"]
    assert (row.size, row.mtime_ns, row.songs, row.failure) == (1, 2, (id,), None)


def test_copies_are_one_song_with_the_first_path_that_has_a_title(catalog: Catalog) -> None:
    one = _record(catalog, "/music/z.mp3", b"a" * 16)
    two = record_song(catalog, Found("/music/b.mp3", 1, 2), b"a" * 16, Tags(title="Blue again"))
    three = record_song(catalog, Found("/music/a.mp3", 1, 2), b"a" * 16, Tags())
    assert one == two == three and catalog.count() == 1
    assert catalog.songs() == [catalog.song(one)]
    assert (catalog.songs()[0].path, catalog.songs()[0].title) == ("/music/b.mp3", "Blue again")


def test_a_moved_song_keeps_its_vectors_and_a_gone_one_leaves(catalog: Catalog) -> None:
    moved, gone = _record(catalog, "/music/a.mp3", b"a" * 16), _record(catalog, "/music/b.mp3", b"b" * 16)
    record_song(catalog, Found("/music/new/a.mp3", 1, 2), b"a" * 16, Tags())
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
    assert catalog.files()["/music/a.mp3"].stamp == UNREAD
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


def test_reset_keeps_the_folders_and_the_numbers_of_songs(catalog: Catalog) -> None:
    catalog.add_root("/m")
    other, song = _record(catalog, "/m/b", b"a" * 16), _record(catalog, "/m/a", b"b" * 16)
    catalog.reset()
    assert catalog.roots() == ["/m"] and catalog.count() == 0 and catalog.songs() == [] and catalog.identities() == {}
    assert catalog.song(song) is None and list(catalog.vectors("enc")) == []
    assert all(row.stamp == UNREAD for row in catalog.files().values())
    assert (_record(catalog, "/m/a", b"b" * 16, 2), _record(catalog, "/m/b", b"a" * 16)) == (song, other)
    assert catalog.count() == 2 and catalog.segments(song)[0].tolist() == [0.0, 4.0]


def test_a_number_is_never_given_to_another_song(catalog: Catalog, tmp_path: Path) -> None:
    last = _record(catalog, "/m/a", b"a" * 16)
    catalog.forget(["/m/a"])
    catalog.drop_orphans()
    catalog.close()
    with Catalog(tmp_path / "catalog.sqlite", write=True) as again:
        assert _record(again, "/m/b", b"b" * 16) > last


def test_what_is_away_keeps_everything_and_answers_nothing(catalog: Catalog) -> None:
    here, away = _record(catalog, "/m/a.mp3", b"a" * 16), _record(catalog, "/m/usb/b.mp3", b"b" * 16)
    catalog.set_links("http://s", [Link("x", away)])
    before = catalog.digest("enc")
    catalog.set_away({"/m/usb/b.mp3": "a link that leads nowhere"})
    assert [song.id for song in catalog.songs()] == [here] and catalog.count() == 1
    assert [song.id for song in catalog.away()] == [away]
    assert catalog.song(away).away > 1.7e9 and catalog.song_of(b"b" * 16) == catalog.song(away)  # type: ignore[union-attr]
    assert catalog.links() == {} and catalog.seconds() == 9.0
    assert {song for song, _, _ in catalog.vectors("enc")} == {here, away}
    assert catalog.digest("enc") != before
    since = catalog.file("/m/usb/b.mp3").away  # type: ignore[union-attr]
    catalog.set_away({"/m/usb/b.mp3": "its folder is empty"})
    assert catalog.file("/m/usb/b.mp3").away == since  # type: ignore[union-attr]
    assert catalog.drop_orphans() == 0
    catalog.set_back([Found("/m/usb/b.mp3", 1, 2)])
    assert catalog.digest("enc") == before and catalog.links() == {"http://s": [Link("x", away)]}


def test_a_copy_that_is_here_is_the_song(catalog: Catalog) -> None:
    song = _record(catalog, "/m/a.mp3", b"a" * 16)
    _record(catalog, "/m/z.mp3", b"a" * 16)
    catalog.set_away({"/m/a.mp3": "gone fishing"})
    assert [(one.id, one.path, one.away) for one in catalog.songs()] == [(song, "/m/z.mp3", None)]
    assert catalog.song_at("/m/a.mp3") == catalog.song(song) == catalog.songs()[0]
    assert catalog.away() == []


def test_a_file_of_several_songs(catalog: Catalog) -> None:
    tags = [Tags(title=title, artists=("Ann", "Bea"), genres=("Jazz",)) for title in ("One", "Two")]
    parts = [Part(1, 0.0, 100.0, tags[0]), Part(2, 100.0, None, tags[1])]
    tracks = [Track(bytes([n]) * 16, part, 100.0, [0.0], [False]) for n, part in enumerate(parts)]
    file = Found("/m/album.flac", 9, 9, parts=tuple(parts))
    one, two = catalog.record(file, tracks)
    assert [(song.id, song.title, song.start, song.end) for song in catalog.songs()] == [
        (one, "One", 0.0, 100.0),
        (two, "Two", 100.0, None),
    ]
    assert catalog.songs()[1].artists == ("Ann", "Bea") and catalog.songs()[1].genres == ("Jazz",)
    row = catalog.file(file.path)
    assert row is not None and row.songs == (one, two) and row.sheet == file.sheet != 0
    assert catalog.song_at(file.path).id == one  # type: ignore[union-attr]
    assert catalog.record(file, tracks[1:]) == [two] and catalog.drop_orphans() == 1


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("songs", "starts", b"\0" * 7),
        ("songs", "silent", b"\0\0\0"),
        ("vectors", "segments", b"\0" * 13),
        ("vectors", "segments", b""),
    ],
)
def test_a_row_of_the_wrong_length_is_told_and_mended(
    catalog: Catalog, tmp_path: Path, table: str, column: str, value: bytes
) -> None:
    song = _record(catalog, "/m/a", b"a" * 16)
    db = sqlite3.connect(catalog.path)
    schema.prepare(db)
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute(f"UPDATE {table} SET {column} = ?", (value,))
    schema.change(db, table, "sum = NULL")  # a stranger can also write the checksum that fits
    db.commit()
    db.close()
    with pytest.raises(SongspaceError, match="do not fit together"):
        catalog.segments(song)
        catalog.encoded("enc", song)
    catalog.close()
    told: list[str] = []
    mend(catalog.path, told.append)
    assert "was damaged" in told[0]
    with Catalog(catalog.path) as mended:
        assert mended.encoded("enc", song) is None


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("roots", "path", 7),
        ("files", "path", "text"),
        ("files", "size", "many"),
        ("files", "failure", b"\xff"),
        ("files", "away", "yesterday"),
        ("files", "away", 2**62),
        ("files", "why", b"\xff"),
        ("songs", "duration", "long"),
        ("songs", "duration", float("inf")),
        ("songs", "silent", 7),
        ("songs", "identity", b"short"),
        ("songs", "slot", "abc"),
        ("songs", "id", -7),
        ("tracks", "title", b"\xff"),
        ("tracks", "year", "nineteen"),
        ("tracks", "start", "now"),
        ("vectors", "segments", "text"),
        ("links", "artist", b"\xff"),
        ("left_out", "reason", b"\xff"),
        ("facts", "value", b"\xff"),
    ],
)
def test_what_no_column_may_hold_is_refused_found_and_mended(
    catalog: Catalog, table: str, column: str, value: object
) -> None:
    _record(catalog, "/m/a", b"a" * 16)
    catalog.record_failure(FILE, "no sound")
    catalog.add_root("/m")
    catalog.set_links("http://s", [Link("x", 1, "art")])
    catalog.set_left_out("/m", {"/m/.x": "hidden"})
    catalog.set_fact("key", "value")
    catalog.close()
    db = sqlite3.connect(catalog.path, isolation_level=None)
    schema.prepare(db)
    key = schema.summed(table)[0].name
    first = f"WHERE {key} = (SELECT MIN({key}) FROM {table})"
    with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"):
        db.execute(f"UPDATE {table} SET {column} = ? {first}", (value,))
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute(f"UPDATE {table} SET {column} = ? {first}", (value,))
    db.close()
    assert damage(catalog.path) != []
    told: list[str] = []
    mend(catalog.path, told.append)
    assert "was damaged" in told[0] and damage(catalog.path) == []


@pytest.mark.parametrize("value", ["", "{", "[]", "{}", '{"windows": null}', '{"windows": 1e999}', "[" * 100_000])
def test_a_fact_that_makes_no_sense_is_told_in_a_sentence(catalog: Catalog, value: str) -> None:
    assert Listening.of(catalog).windows == 10
    catalog.set_fact("listening", value)
    with pytest.raises(SongspaceError, match="the entry “listening” makes no sense"):
        Listening.of(catalog)


def _strange(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW peeking AS SELECT * FROM songs",
        "CREATE TRIGGER springing AFTER INSERT ON songs BEGIN DELETE FROM files; END",
        "CREATE VIRTUAL TABLE searching USING fts5(x)",
        "CREATE TABLE more (x)",
        "DROP TABLE links",
        "ALTER TABLE songs ADD COLUMN endless GENERATED ALWAYS AS (hex(zeroblob(1000000000)))",
    ],
)
def test_a_strangers_catalog_is_refused_in_a_sentence(catalog: Catalog, statement: str) -> None:
    path = catalog.path
    catalog.close()
    _strange(path, statement)
    with pytest.raises(SongspaceError, match="has other tables than songspace makes"):
        Catalog(path)
    with pytest.raises(SongspaceError, match="has other tables than songspace makes"):
        Catalog(path, write=True)


def test_a_text_of_too_many_bytes_is_told_in_a_sentence(catalog: Catalog) -> None:
    _record(catalog, "/m/a", b"a" * 16)
    _strange(catalog.path, f"UPDATE tracks SET title = hex(zeroblob({schema.LONGEST}))")
    with pytest.raises(SongspaceError, match=r"cannot be read: string or blob too big"):
        catalog.songs()


def test_a_catalog_from_before_the_first_release_asks_to_learn_again(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript("CREATE TABLE songs (id INTEGER PRIMARY KEY, title); PRAGMA user_version = 4;")
    for write in (False, True):
        with pytest.raises(SongspaceError, match=r"before its first release: run `songspace learn FOLDER` again"):
            Catalog(path, write=write)


def test_what_was_not_committed_is_not_there(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="could not convert"):
        record_song(catalog, FILE, b"a" * 16, TAGS, vectors={"enc": np.array([["x"]])})
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
