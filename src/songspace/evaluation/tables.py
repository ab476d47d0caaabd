"""Tables of labels and data sets on disk: their songs, labels, artists and splits.

Besides CSV files, two layouts are read: FMA's (``fma_metadata/tracks.csv`` beside ``000/000002.mp3``) and GTZAN's
(``genres/blues/blues.00000.wav``, with the fault-filtered lists ``train_filtered.txt``, ``valid_filtered.txt`` and
``test_filtered.txt`` if they are there). Other data sets are read through mirdata, if that is installed.
"""

from __future__ import annotations

import csv
import importlib
import io
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from songspace.errors import SongspaceError
from songspace.plainfiles import open_plain

NAMES = (
    *("path", "file_path", "filepath", "file", "filename", "file_name"),
    *("track_id", "id", "track", "clip_id", "song_id"),
)
"""Names of columns that name a song; the first one in a table counts."""

LABELS = ("label", "genre", "genre_top", "track_genre_top", "top_genre", "style", "class", "category")
ARTISTS = ("artist", "albumartist", "album_artist", "artist_name")
SPLITS = ("split", "set_split", "set", "fold", "partition")

_SHOWN, _SHOWN_LENGTH = 8, 40
"""The most columns of an invalid table that a message names, and the most letters of each."""

_NOTHING = frozenset({"", "nan", "none", "null", "n/a", "na", "<na>"})
"""Words for a missing value."""

MIRDATA = "mirdata:"
"""Prefix of a source that is a data set of mirdata."""

_CLIP = re.compile(r"([a-z]+)\.\d{5}\.\w+")  # blues.00000.wav
_LIST = "_filtered.txt"


@dataclass(frozen=True)
class LabelRow:
    """One row of a table.

    Attributes
    ----------
    name : str
        The path of a song's file (absolute, relative to the table's folder, or its last parts), its file name with or
        without ending, or the number that this name is ("2" for ``000002.mp3``).
    label, artist, split : str or None
    """

    name: str
    label: str | None = None
    artist: str | None = None
    split: str | None = None


def cleaned(text: str | None) -> str | None:
    """Return printable text in Unicode form NFC with single spaces; None if it is empty.

    Examples
    --------
    >>> cleaned("  Hip   Hop "), cleaned(" ")
    ('Hip Hop', None)
    """
    if text is None:
        return None
    printable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return unicodedata.normalize("NFC", " ".join(printable.split())) or None


def read_table(table: Path) -> list[LabelRow]:
    """Read the rows of a CSV file that name a song, separated by commas, semicolons or tabs.

    The head may have two or three lines, as in FMA's ``tracks.csv``.

    Raises
    ------
    SongspaceError
        If it is no such file, or has no column of names or of labels.
    """
    try:
        with (
            open_plain(table, links=True) as file,  # does not wait for a pipe or read a device
            io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="") as lines,
        ):
            first = lines.readline()
            lines.seek(0)
            cells = list(csv.reader(lines, delimiter=max(",;\t", key=first.count)))
    except FileNotFoundError:
        raise SongspaceError(
            f"There is no file {table}. Labels come from genre, folder, artist, a CSV file, the folder of a data set, "
            "or mirdata:NAME."
        ) from None
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SongspaceError(f"{table} cannot be read as a CSV file ({reason}).") from error
    head, rows = _head([row for row in cells if row])
    name, label, artist, split = (
        next((head[known] for known in names if known in head), None) for names in (NAMES, LABELS, ARTISTS, SPLITS)
    )
    named = [row for row in rows if name is not None and _cell(row, name).strip()]
    if name is None or label is None or not named:
        if name is not None and label is not None:
            raise SongspaceError(f"{table} is no table of labels: below its first line nothing names a song.")
        missing = "path, filename or track_id" if name is None else "label or genre"
        columns = [shown[:_SHOWN_LENGTH] for column in list(head)[:_SHOWN] if (shown := cleaned(column))]
        has = (", ".join(columns) or "none") + (", ..." if len(head) > _SHOWN else "")
        raise SongspaceError(
            f"{table} is no table of labels: no column is called {missing} (it has {has}). docs/data.md has all names "
            "that are understood."
        )
    return [
        LabelRow(
            _cell(row, name).strip(),
            *(None if column is None else _value(_cell(row, column)) for column in (label, artist, split)),
        )
        for row in named
    ]


def _head(rows: list[list[str]]) -> tuple[dict[str, int], list[list[str]]]:
    """Return the number of the column of each name in the head, and the rows below the head."""
    if len(rows) > 1 and rows[0][0].strip() == rows[1][0].strip() == "" and len(rows[0]) == len(rows[1]) > 1:
        names = [f"{above}_{below}" for above, below in zip(rows[0], rows[1], strict=True)]
        names[0], rows = "track_id", rows[2:]
        if rows and not any(cell.strip() for cell in rows[0][1:]):  # a line with only the name of the first column
            names[0], rows = rows[0][0], rows[1:]
    else:
        names, rows = (rows[0], rows[1:]) if rows else ([], [])
    head: dict[str, int] = {}
    for column, name in enumerate(names):
        head.setdefault(re.sub(r"[\s.\-]+", "_", name.strip().casefold()), column)
    return head, rows


def _cell(row: Sequence[str], column: int) -> str:
    return row[column] if column < len(row) else ""


def _value(text: str) -> str | None:
    return None if text.strip().casefold() in _NOTHING else cleaned(text)


class Named:
    """Index of songs by the names that rows of tables use.

    Parameters
    ----------
    paths : sequence of str
        Paths of the songs' files.
    folders : iterable of Path
        Folders that paths in the table may be relative to.

    Examples
    --------
    >>> songs = Named(["/music/000/000002.mp3", "/music/a/01.wav", "/music/b/01.wav"], [Path("/tables")])
    >>> songs.find("2"), songs.find("000002.mp3"), songs.find("b/01.wav"), songs.find("01.wav"), songs.find("x.mp3")
    ([0], [0], [2], [1, 2], [])
    """

    def __init__(self, paths: Sequence[str], folders: Iterable[Path]) -> None:
        self._folders = list(folders)
        self._of_path = {key(path): song for song, path in enumerate(paths)}
        self._parts = [PurePath(key(path)).parts for path in paths]
        self._of_name: dict[
            tuple[str, ...], list[int]
        ] = {}  # also with the name of its folder: many files are called 01.flac
        for song, parts in enumerate(self._parts):
            for name in dict.fromkeys(_names(parts[-1] if parts else "")):
                for names in {(name,), (*parts[-2:-1], name)}:
                    self._of_name.setdefault(names, []).append(song)

    def find(self, name: str) -> list[int]:
        """Return the songs that match a name: none, one, or several if it is the end of several paths."""
        for folder in self._folders:
            if (song := self._of_path.get(key(folder / name))) is not None:
                return [song]
        parts = PurePath(key(name)).parts
        if not parts or os.path.isabs(name):
            return []
        for last in _names(parts[-1], whole=True):
            matches = [
                song
                for song in self._of_name.get((*parts[-2:-1], last), ())
                if self._parts[song][-len(parts) : -1] == parts[:-1] and len(self._parts[song]) >= len(parts)
            ]
            if matches:
                return matches
        return []


def _names(name: str, *, whole: bool = False) -> Iterator[str]:
    """Yield the names of a file: its full name, that without ending, and the latter as a number if it is one."""
    yield name
    stem = name if whole else PurePath(name).stem
    yield stem
    if stem.isascii() and stem.isdigit():
        yield f"number {stem.lstrip('0') or 0}"


def key(path: str | Path) -> str:
    """Return the normal form of a path, by which paths are compared."""
    return unicodedata.normalize("NFC", os.path.normcase(os.path.normpath(path)))


def read_folder(folder: Path) -> list[LabelRow]:
    """Read the songs of a folder in FMA's or GTZAN's layout.

    Raises
    ------
    SongspaceError
        If it has neither layout.
    """
    for table in (folder / "tracks.csv", folder / "fma_metadata" / "tracks.csv"):
        if table.is_file():
            return read_table(table)
    for clips in (folder, folder / "genres", folder / "genres_original"):
        if rows := list(_gtzan(clips, (folder, clips, clips.parent))):
            return rows
    raise SongspaceError(
        f"The folder {folder} has neither FMA's layout (fma_metadata/tracks.csv) nor GTZAN's "
        "(genres/blues/blues.00000.wav); `--labels folder` takes the names of folders as labels."
    )


def _gtzan(clips: Path, lists: tuple[Path, ...]) -> Iterator[LabelRow]:
    splits: dict[str, str] = {}
    for file in sorted({file for place in lists for file in place.glob(f"*{_LIST}")}):
        try:
            lines = file.read_text("utf-8", "surrogateescape").split()
        except OSError as error:
            raise SongspaceError(f"{file} cannot be read ({error.strerror}).") from error
        splits |= dict.fromkeys((Path(line).stem for line in lines), file.name.removesuffix(_LIST))
    for file in sorted(clips.glob("*/*")):
        if (named := _CLIP.fullmatch(file.name)) and named[1] == file.parent.name:
            yield LabelRow(str(file.absolute()), cleaned(named[1]), split=splits.get(file.stem))


def read_mirdata(source: str) -> list[LabelRow]:
    """Read the songs of a data set through mirdata: ``mirdata:NAME`` or ``mirdata:NAME:FOLDER``.

    Raises
    ------
    SongspaceError
        If mirdata is not installed or does not know the data set, or the data set has no labels.
    """
    name, _, folder = source.removeprefix(MIRDATA).partition(":")
    try:
        mirdata = importlib.import_module("mirdata")
    except ImportError:
        raise SongspaceError(f"{source} needs mirdata: `pip install mirdata`.") from None
    if name not in mirdata.list_datasets():
        raise SongspaceError(f"mirdata knows no data set {name}; `mirdata.list_datasets()` names them.")
    data = mirdata.initialize(name, data_home=folder or None)
    try:
        tracks = data.load_tracks()
    except FileNotFoundError:
        raise SongspaceError(
            f"mirdata has not the index of {name}: `mirdata.initialize('{name}').download(['index'])` fetches it."
        ) from None
    splits = _splits(data)
    rows = [
        LabelRow(
            track.audio_path,
            _first(track, ("genre", "label", "class_label", "style", "tag")),
            _first(track, ("artist", "artist_name")),
            splits.get(id),
        )
        for id, track in tracks.items()
        if getattr(track, "audio_path", None)
    ]
    if not any(row.label for row in rows):
        raise SongspaceError(f"mirdata gives the songs of {name} no genre and no label.")
    return rows


def _splits(data: Any) -> dict[str, str]:
    try:
        splits = data.get_track_splits()
    except (AttributeError, NotImplementedError):  # the data set has no splits
        return {}
    return {id: str(name) for name, ids in splits.items() for id in ids}


def _first(track: Any, names: tuple[str, ...]) -> str | None:
    values = (getattr(track, name, None) for name in names)
    return next((cleaned(value) for value in values if isinstance(value, str) and cleaned(value)), None)
