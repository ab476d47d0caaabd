"""Labels from tags, folders and tables, and what is said when they cannot be used."""

from __future__ import annotations

import os
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from songspace.errors import SongspaceError
from songspace.evaluation.labels import labels
from songspace.evaluation.tables import Named


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


def test_a_song_named_twice(songs: list[Tune], tmp_path: Path) -> None:
    """Once without a label, or in another case: neither is a contradiction."""
    rows = [
        "folk/a.mp3,Slow",
        "folk/b.mp3,Slow",
        "folk/a.mp3,",
        "folk/b.mp3,slow",
        "jazz/c.mp3,Fast",
        "jazz/d.mp3,Fast",
    ]
    (tmp_path / "t.csv").write_text("\n".join(["path,label", *rows, "9" * 5000 + ",Slow"]))
    found = labels(songs, tmp_path / "t.csv")
    assert found.values == ("Slow", "Slow", "Fast", "Fast")
    assert found.unmatched == 1


@pytest.mark.parametrize("path", ["01.flac", "/01.flac", "a/01.flac", "/m/a/01.flac"])
def test_a_name_means_the_only_song_that_ends_in_it(path: str) -> None:
    named = Named([path, "/other/02.flac"], [])
    parts = path.strip("/").split("/")
    for begin in range(len(parts)):
        assert named.find("/".join(parts[begin:])) == [0]
    assert named.find("1") == [0] and named.find("b/01.flac") == []


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
        ("", r"no column is called path, filename or track_id \(it has none\)"),
        ("path,label\n", "below its first line nothing names a song"),
        ("name,label\nfolk/a.mp3,X\n", r"no column is called path, filename or track_id \(it has name, label\)"),
        ("path,mood\nfolk/a.mp3,X\n", r"no column is called label or genre \(it has path, mood\)"),
        ("path,label\nx.mp3,X\ny.mp3,Y\n", r"None of the 2 paths in .* is a song of the library \(x.mp3"),
        ("path,label\n,X\n", "below its first line nothing names a song"),
        ("path,label\nfolk/a.mp3,X\nfolk/a.mp3,Y\n", "gives two labels to folk/a.mp3: X and Y"),
        ("path,label\nfolk/a.mp3\nfolk/b.mp3,X,Z,Z\n", "no label that several share"),
        ("\x00\x01\x89PNG\n\n\x00", "no column is called path"),
        ('path,label\n"' + "x" * 200_000 + '",X\n', "cannot be read as a CSV file"),
    ],
)
def test_wrong_tables(songs: list[Tune], tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SongspaceError, match=message) as caught:
        labels(songs, write(tmp_path, text))
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_nobody_waits_for_a_pipe(songs: list[Tune], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(SongspaceError, match=r"cannot be read as a CSV file \(it is no ordinary file"):
        labels(songs, tmp_path / "pipe.csv")


def test_no_table(songs: list[Tune], tmp_path: Path) -> None:
    with pytest.raises(SongspaceError, match=r"There is no file genres. Labels come from genre, folder, artist"):
        labels(songs, "genres")
    with pytest.raises(SongspaceError, match=r"has neither FMA's layout \(.*\) nor GTZAN's"):
        labels(songs, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "filename,genre_top\na.mp3,X\nb.mp3,X\nc.mp3,Y\nd.mp3,Y\n",
        "track_id,genre_top\na,X\nb,X\nc,Y\nd,Y\n",
        "Track ID;Class\nfolk/a;X\nfolk/b;X\njazz/c;Y\njazz/d;Y\n",
        "path,label\nmusic/folk/a.mp3,X\nb.mp3,X\njazz/c.mp3,Y\nd.mp3,Y\n",
    ],
)
def test_songs_are_named_as_people_name_them(tmp_path: Path, text: str) -> None:
    songs = [Tune(f"/far/music/{name}") for name in ("folk/a.mp3", "folk/b.mp3", "jazz/c.mp3", "jazz/d.mp3")]
    found = labels(songs, write(tmp_path, text))
    assert found.values == ("X", "X", "Y", "Y")
    assert not any(found.left_out().values())


def test_numbers_are_the_names_that_they_are() -> None:
    named = Named(["/m/000/000002.mp3", "/m/000/000020.mp3", "/m/2b.mp3", "/m/x/7.mp3", "/m/y/007.mp3"], [Path("/t")])
    assert [named.find(name) for name in ("2", "20", "02", "200", "2b", "")] == [[0], [1], [0], [], [2], []]
    assert named.find("7") == [3]  # that very name comes before the same number
    assert named.find("07") == [3, 4]


def test_a_name_that_several_songs_have_labels_none_of_them(tmp_path: Path) -> None:
    songs = [Tune(f"/m/{name}") for name in ("a/01.mp3", "b/01.mp3", "c.mp3", "d.mp3", "e.mp3", "f.mp3")]
    table = write(tmp_path, "filename,label\n01.mp3,X\nb/01.mp3,X\nc.mp3,X\nd.mp3,Y\ne.mp3,Y\nanother.mp3,Y\n")
    found = labels(songs, table)
    assert found.values == (None, "X", "X", "Y", "Y", None)
    assert (found.ambiguous, found.unmatched, found.missing) == (1, 1, 2)
    assert found.sentence().endswith(
        "left out: 2 songs without a label, 1 row that names no song, 1 row that may mean several songs."
    )
    with pytest.raises(SongspaceError, match="or they may mean several"):
        labels(songs, write(tmp_path, "filename,label\n01.mp3,X\n"))


@pytest.mark.parametrize("nothing", ["", "  ", "nan", "NaN", "None", "N/A", "null", "<NA>"])
def test_missing_labels_are_left_out_and_counted(tmp_path: Path, nothing: str) -> None:
    songs = [Tune(f"/m/{name}.mp3") for name in "abcdef"]
    table = write(tmp_path, f"id,label\na,X\nb,X\nc,Y\nd,Y\ne,{nothing}\nf,{nothing}\n")
    found = labels(songs, table)
    assert found.values == ("X", "X", "Y", "Y", None, None)
    assert found.missing == 2


def test_only_one_split_has_labels(tmp_path: Path) -> None:
    songs = [Tune(f"/m/{name}.mp3") for name in "abcdefgh"]
    rows = "a,X,train\nb,X,Test\nc,X,test\nd,Y,test\ne,Y,test\nf,,test\ng,Y,\n"
    table = write(tmp_path, f"id,label,split\n{rows}")
    found = labels(songs, table, split="test")
    assert found.values == (None, "X", "X", "Y", "Y", None, None, None)
    assert (found.outside, found.missing, found.split) == (3, 1, "test")
    assert "4 songs of the split test have labels; left out: 3 songs of other splits, 1 song w" in found.sentence()
    assert labels(songs, table).values == ("X", "X", "X", "Y", "Y", None, "Y", None)
    with pytest.raises(
        SongspaceError, match=r"to a split valid of .*: its splits are Test \(1\), test \(4\), train \(1\)\."
    ):
        labels(songs, table, split="valid")
    with pytest.raises(SongspaceError, match="it has no column split"):
        labels(songs, write(tmp_path, "id,label\na,X\nb,Y\n"), split="test")
    with pytest.raises(SongspaceError, match="A split is one of a table or a data set: genre tags have none"):
        labels(songs, "genre", split="test")


FMA = """,album,artist,set,set,track,track
,title,name,split,subset,genre_top,title
track_id,,,,,,
2,AWOL,AWOL,training,small,Hip-Hop,Food
3,AWOL,AWOL,test,medium,Hip-Hop,Electric Ave
5,AWOL,Nicky Cook,test,small,Hip-Hop,"This
World"
10,Constant Hitmaker,Kurt Vile,test,small,Pop,Freeway
134,AWOL,Kurt Vile,test,small,Pop,Street Music
139,Arc,Nicky Cook,test,large,,CandyAss
"""


@pytest.mark.parametrize("text", [FMA, FMA.replace("track_id,,,,,,\n", "")], ids=["three lines", "two lines"])
def test_the_layout_of_fma(tmp_path: Path, text: str) -> None:
    (tmp_path / "fma_metadata").mkdir()
    (tmp_path / "fma_metadata" / "tracks.csv").write_text(text, encoding="utf-8")
    numbers = (2, 3, 5, 10, 134, 139)
    songs = [Tune(f"/elsewhere/fma_large/000/{number:06d}.mp3", artist="Tag") for number in numbers]
    for source in (tmp_path, tmp_path / "fma_metadata", tmp_path / "fma_metadata" / "tracks.csv"):
        found = labels(songs, source)
        assert found.values == ("Hip-Hop", "Hip-Hop", "Hip-Hop", "Pop", "Pop", None)
        assert found.artists == ("AWOL", "AWOL", "Nicky Cook", "Kurt Vile", "Kurt Vile", "Nicky Cook")
        assert found.missing == 1
    found = labels(songs, tmp_path, split="test")
    assert found.values == (None, "Hip-Hop", "Hip-Hop", "Pop", "Pop", None)
    assert (found.outside, found.missing) == (1, 1)


@pytest.mark.parametrize("inside", ["genres", "genres_original", "."])
def test_the_layout_of_gtzan(tmp_path: Path, inside: str) -> None:
    clips = [f"{genre}/{genre}.{number:05d}.wav" for genre in ("blues", "metal") for number in range(4)]
    for clip in (*clips, "metal/notes.txt", "metal/blues.00001.wav"):
        (tmp_path / inside / clip).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / inside / clip).touch()
    (tmp_path / "test_filtered.txt").write_text("\n".join(clips[1:7]) + "\n", encoding="utf-8")
    (tmp_path / "train_filtered.txt").write_text(f"{clips[0]}\n", encoding="utf-8")
    songs = [Tune(str(tmp_path / inside / clip)) for clip in clips]
    assert labels(songs, tmp_path).values == ("blues",) * 4 + ("metal",) * 4
    found = labels(songs, tmp_path, split="test")
    assert found.values == (None, *("blues",) * 3, *("metal",) * 3, None)
    assert (found.outside, found.missing, found.unmatched) == (2, 0, 0)


@dataclass
class Track:
    """What mirdata's tracks have of what is asked."""

    audio_path: str | None
    genre: str | None = None
    artist: str | None = None


class Dataset:
    """A data set with mirdata's methods."""

    def load_tracks(self) -> dict[str, Track]:
        return {f"t{n}": Track(f"/m/{n}.wav", "folk" if n < 3 else "jazz", artist=f"A{n}") for n in range(5)}

    def get_track_splits(self) -> dict[str, list[str]]:
        return {"train": ["t0"], "test": ["t1", "t2", "t3", "t4"]}


def test_what_mirdata_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    module = SimpleNamespace(
        list_datasets=lambda: ["orchset", "tunes"],
        initialize=lambda name, data_home: asked.append((name, data_home)) or Dataset(),
    )
    monkeypatch.setitem(sys.modules, "mirdata", module)
    songs = [Tune(f"/m/{n}.wav") for n in range(5)]
    found = labels(songs, "mirdata:tunes:/somewhere")
    assert found.values == ("folk", "folk", "folk", "jazz", "jazz")
    assert found.artists == ("A0", "A1", "A2", "A3", "A4")
    assert labels(songs, "mirdata:tunes", split="test").values == (None, "folk", "folk", "jazz", "jazz")
    assert asked == [("tunes", "/somewhere"), ("tunes", None)]
    with pytest.raises(SongspaceError, match="mirdata knows no data set other"):
        labels(songs, "mirdata:other")
    monkeypatch.setitem(sys.modules, "mirdata", None)
    with pytest.raises(SongspaceError, match="needs mirdata: `pip install mirdata`"):
        labels(songs, "mirdata:tunes")
