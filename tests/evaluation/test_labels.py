"""Labels from tags, folders and tables, and what is said when they cannot be used."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pytest

from songspace.errors import SongspaceError
from songspace.evaluation.labels import labels


@dataclass
class Tune:
    path: str
    genre: str | None = None
    artist: str | None = None
    albumartist: str | None = None


@pytest.fixture
def songs(tmp_path: Path) -> list[Tune]:
    names = ("folk/a.mp3", "folk/b.mp3", "jazz/c.mp3", "jazz/d.mp3")
    return [Tune(str(tmp_path / name), artist=f"Tag {name[5]}") for name in names]


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    table = folder / "labels.csv"
    table.write_bytes(text.encode(encoding))
    return table


def test_genre_tags() -> None:
    tags = ["Rock", "rock", "ROCK ", "Hip  Hop", "hip hop", "", None, "Polka"]
    found = labels([Tune(f"/{i}", genre=tag) for i, tag in enumerate(tags)], "genre")
    assert found.values == ("Rock", "Rock", "Rock", "Hip Hop", "Hip Hop", None, None, None)
    assert (found.missing, found.alone, found.unmatched, found.source) == (2, 1, 0, "genre")


def test_the_most_frequent_spelling_is_shown() -> None:
    found = labels([Tune(f"/{i}", genre=tag) for i, tag in enumerate(["EDM", "Edm", "Edm", "Pop", "Pop"])], "genre")
    assert found.values == ("Edm", "Edm", "Edm", "Pop", "Pop")


def test_folders(songs: list[Tune]) -> None:
    assert labels(songs, "folder").values == ("folk", "folk", "jazz", "jazz")


def test_artists_come_along(songs: list[Tune]) -> None:
    songs[1].artist, songs[1].albumartist = None, "TAG A"
    songs[3].artist = None
    assert labels(songs, "folder").artists == ("Tag a", "Tag a", "Tag c", None)


def test_artists_as_labels_are_not_filtered_by() -> None:
    found = labels([Tune(f"/{i}", artist=name) for i, name in enumerate(["A", "A", "B", "B"])], "artist")
    assert found.values == ("A", "A", "B", "B")
    assert found.artists == (None,) * 4


def test_table(songs: list[Tune], tmp_path: Path) -> None:
    table = write(tmp_path, "path,genre\nfolk/a.mp3,X\nfolk/b.mp3,Y\njazz/c.mp3,X\njazz/d.mp3,Y\ngone.mp3,Y\n")
    found = labels(songs, table)
    assert found.values == ("X", "Y", "X", "Y")
    assert (found.unmatched, found.missing, found.source) == (1, 0, str(table))
    assert found.artists == ("Tag a", "Tag b", "Tag c", "Tag d")


@pytest.mark.parametrize(
    ("head", "separator"),
    [
        ("Filename;LABEL;Artist", ";"),
        ("\ufeffFile\tStyle\tartist", "\t"),
        (" path , title,label , Artist".replace(" title,", ""), ","),
    ],
)
def test_heads_and_separators(songs: list[Tune], tmp_path: Path, head: str, separator: str) -> None:
    rows = [("folk/a.mp3", "X", "One"), (songs[1].path, "Y", ""), ("./jazz/../jazz/c.mp3", "X", "One")]
    lines = [head, *(separator.join(row) for row in rows), separator.join(("jazz/d.mp3", "y", "Two")), ""]
    found = labels(songs, write(tmp_path, "\r\n".join(lines)))
    assert found.values == ("X", "Y", "X", "Y")
    assert found.artists == ("One", "Tag b", "One", "Two")


def test_songs_that_a_table_does_not_name_have_no_label(songs: list[Tune], tmp_path: Path) -> None:
    songs += [Tune("/elsewhere/e.mp3"), Tune("/elsewhere/f.mp3")]
    table = write(tmp_path, "path,label\nfolk/a.mp3,X\nfolk/b.mp3,X\njazz/c.mp3,Y\njazz/d.mp3,Y\n/elsewhere/e.mp3,\n")
    found = labels(songs, table)
    assert found.values == ("X", "X", "Y", "Y", None, None)
    assert found.missing == 2


def test_table_behind_a_link(songs: list[Tune], tmp_path: Path) -> None:
    write(tmp_path, "path,label\nfolk/a.mp3,X\nfolk/b.mp3,X\njazz/c.mp3,Y\njazz/d.mp3,Y\n")
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(tmp_path, target_is_directory=True)
    assert labels(songs, link / "labels.csv").values == ("X", "X", "Y", "Y")
    for song in songs:
        song.path = song.path.replace(str(tmp_path), str(link))
    assert labels(songs, link / "labels.csv").values == ("X", "X", "Y", "Y")


def test_names_match_in_any_unicode_form_and_without_one(tmp_path: Path) -> None:
    composed, broken = "Café.mp3", "caf\udce9.mp3"
    songs = [Tune(str(tmp_path / name)) for name in (unicodedata.normalize("NFD", composed), broken, "c.mp3", "d.mp3")]
    table = tmp_path / "labels.csv"
    text = f"path,label\n{composed},Y\n{broken},Y\nc.mp3,\u017dal\nd.mp3,Z\u030cal\n"
    table.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert labels(songs, table).values == ("Y", "Y", "Žal", "Žal")


def test_labels_can_always_be_printed() -> None:
    for label in labels([Tune(f"/caf\udce9{i % 2}/{i}") for i in range(4)], "folder").values:
        assert label.encode("utf-8")


def test_nothing_to_compare(songs: list[Tune]) -> None:
    with pytest.raises(SongspaceError, match=r"by genre tags the 4 songs have no label that several share \(4 have"):
        labels(songs, "genre")
    for song in songs:
        song.genre = "Rock"
    with pytest.raises(SongspaceError, match="by genre tags the 4 songs have one label that several share"):
        labels(songs, "genre")
    with pytest.raises(SongspaceError, match="by artist tags the 4 songs have no label that several share"):
        labels(songs, "artist")
    with pytest.raises(SongspaceError, match="0 songs have no label"):
        labels([], "folder")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a column path"),
        ("path,label\n", "and rows below"),
        ("name,label\nfolk/a.mp3,X\n", "needs a column path in its first line"),
        ("path,mood\nfolk/a.mp3,X\n", "needs a column label or genre in its first line"),
        ("path,label\nx.mp3,X\ny.mp3,Y\n", r"None of the 2 paths in .* is a song of the library \(x.mp3"),
        ("path,label\n,X\n", "and rows below"),
        ("path,label\nfolk/a.mp3,X\nfolk/a.mp3,Y\n", "gives two labels to folk/a.mp3: X and Y"),
        ("path,label\nfolk/a.mp3\nfolk/b.mp3,X,Z,Z\n", "no label that several share"),
        ("\x00\x01\x89PNG\n\n\x00", "needs a column path"),
        ('path,label\n"' + "x" * 200_000 + '",X\n', "cannot be read as a CSV file"),
    ],
)
def test_wrong_tables(songs: list[Tune], tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SongspaceError, match=message) as caught:
        labels(songs, write(tmp_path, text))
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_no_table(songs: list[Tune], tmp_path: Path) -> None:
    with pytest.raises(SongspaceError, match=r"genre, folder, artist or a CSV file, and genres is none"):
        labels(songs, "genres")
    with pytest.raises(SongspaceError, match=r"cannot be read as a CSV file \(Is a directory\)"):
        labels(songs, tmp_path)
