"""What each song is, according to its tags, its folder or a table: the labels that a score compares with.

Labels only score. Nothing is ever learnt or chosen by them.
"""

from __future__ import annotations

import csv
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from songspace.errors import SongspaceError
from songspace.playlists.credits import Credits

_PATH = ("path", "file", "filename", "filepath", "file_path")
_LABEL = ("label", "genre", "style", "class")
_ARTIST = ("artist", "albumartist", "album_artist")


class Labelled(Protocol):
    """What is asked of a song; :class:`songspace.library.Song` has it."""

    @property
    def path(self) -> str: ...
    @property
    def genre(self) -> str | None: ...
    @property
    def artist(self) -> str | None: ...
    @property
    def albumartist(self) -> str | None: ...


@dataclass(frozen=True)
class Labels:
    """The labels of some songs, in the songs' order.

    Attributes
    ----------
    values : tuple of str or None
        One label for each song; None where there is none, or where no other song has it.
    artists : tuple of str or None
        The main artist of each song, so that songs by one artist can be kept apart; None where unknown, as behind
        "Various Artists". All None when the artists are the labels. Guests do not count: who shares a guest with whom
        is no partition, which the intervals need, and soon joins half a library.
    source : str
        "genre", "folder", "artist" or the path of the table.
    missing : int
        Songs for which the source has no label.
    alone : int
        Songs whose label no other song has: nothing could be right for them, so they count as without.
    unmatched : int
        Rows of the table that name no song.
    """

    values: tuple[str | None, ...]
    artists: tuple[str | None, ...]
    source: str
    missing: int = 0
    alone: int = 0
    unmatched: int = 0


def labels(songs: Sequence[Labelled], source: str | os.PathLike[str]) -> Labels:
    """Find the labels of songs.

    Labels are told apart without regard to case and spacing ("Hip Hop" is "hip  hop"), and shown in their most
    frequent spelling.

    Parameters
    ----------
    songs : sequence of songs
        Anything with ``path``, ``genre``, ``artist`` and ``albumartist``.
    source : str or path
        "genre" (the tag), "folder" (the name of the folder that holds the file), "artist" (the tag), or a CSV
        file: a column path (or file, filename), absolute or from the CSV's folder; a column label (or genre); if
        there is a column artist, it is believed more than the tags. Separated by commas, semicolons or tabs.

    Raises
    ------
    SongspaceError
        If the table cannot be used, or if there are fewer than two different labels.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> songs = [
    ...     SimpleNamespace(path=f"/music/{name}", genre=None, artist=None, albumartist=None)
    ...     for name in ("folk/a.mp3", "folk/b.mp3", "jazz/c.mp3", "jazz/d.mp3", "tango/e.mp3")
    ... ]
    >>> found = labels(songs, "folder")
    >>> found.values, found.alone
    (('folk', 'folk', 'jazz', 'jazz', None), 1)
    """
    source = os.fspath(source)
    credits = Credits(songs)
    artists = [_clean(credits.main(song)) for song in songs]
    unmatched = 0
    if source == "genre":
        values = [_clean(song.genre) for song in songs]
    elif source == "folder":
        values = [_clean(Path(song.path).parent.name) for song in songs]
    elif source == "artist":
        values, artists = artists, [None] * len(songs)
    else:
        values, given, unmatched = _from_table(Path(source), [song.path for song in songs])
        artists = [theirs or tag for theirs, tag in zip(given, artists, strict=True)]
    missing = sum(value is None for value in values)
    values = _one_spelling(values)
    counts = Counter(values)
    shared = tuple(value if counts[value] > 1 else None for value in values)
    different = len(set(shared) - {None})
    if different < 2:
        raise SongspaceError(_nothing(source, different, missing, len(songs)))
    alone = sum(value is None for value in shared) - missing
    return Labels(shared, tuple(_one_spelling(artists)), source, missing, alone, unmatched)


def _nothing(source: str, different: int, missing: int, total: int) -> str:
    where = {"genre": "genre tags", "folder": "folder names", "artist": "artist tags"}.get(source, source)
    count = "one label" if different == 1 else "no label"
    without = f" ({missing} have none)" if missing else ""
    return f"There is nothing to compare: by {where} the {total} songs have {count} that several share{without}."


def _clean(text: str | None) -> str | None:
    """Text without needless space, in one Unicode form, fit to be printed; None if nothing is left."""
    if text is None:
        return None
    printable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return unicodedata.normalize("NFC", " ".join(printable.split())) or None


def _one_spelling(values: Iterable[str | None]) -> list[str | None]:
    """Replace every value by the most frequent of those that differ from it only in case."""
    values = list(values)
    spelling: dict[str, str] = {}
    for value, _ in Counter(value for value in values if value).most_common():
        spelling.setdefault(value.casefold(), value)
    return [spelling[value.casefold()] if value else None for value in values]


def _from_table(table: Path, paths: Sequence[str]) -> tuple[list[str | None], list[str | None], int]:
    """The label and the artist of each path, and how many rows of the table name none of the paths."""
    of_song = {_key(path): row for row, path in enumerate(paths)}
    # Links may lie on the way to the table: its folder is tried as it was called, and as it really is.
    folders = (Path(os.path.abspath(table)).parent, table.resolve().parent)
    values: list[str | None] = [None] * len(paths)
    artists: list[str | None] = [None] * len(paths)
    rows = _read(table)
    unmatched = 0
    for path, label, artist in rows:
        song = next((of_song[key] for folder in folders if (key := _key(folder / path)) in of_song), None)
        if song is None:
            unmatched += 1
        elif values[song] not in (None, label):
            raise SongspaceError(f"{table} gives two labels to {path}: {values[song]} and {label}.")
        else:
            values[song], artists[song] = label, artist
    if unmatched == len(rows):
        raise SongspaceError(f"None of the {len(rows)} paths in {table} is a song of the library ({rows[0][0]} ...).")
    return values, artists, unmatched


def _key(path: str | Path) -> str:
    return unicodedata.normalize("NFC", os.path.normcase(os.path.normpath(path)))


def _read(table: Path) -> list[tuple[str, str | None, str | None]]:
    """The rows of a table: path, label, artist."""
    try:
        with table.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            first = lines.readline()
            lines.seek(0)
            found = list(csv.DictReader(lines, delimiter=max(",;\t", key=first.count)))
    except FileNotFoundError:
        raise SongspaceError(f"Labels come from genre, folder, artist or a CSV file, and {table} is none.") from None
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SongspaceError(f"{table} cannot be read as a CSV file ({reason}).") from error
    names = {name.strip().casefold(): name for name in (found[0] if found else {}) if name}
    path, label, artist = (next((names[n] for n in known if n in names), None) for known in (_PATH, _LABEL, _ARTIST))
    if path is None or label is None or not any(row[path] for row in found):
        missing = "a column label or genre" if path and not label else "a column path"
        raise SongspaceError(f"{table} is no table of labels: it needs {missing} in its first line, and rows below.")
    return [
        (row[path].strip(), _clean(row[label]), _clean(row[artist]) if artist else None) for row in found if row[path]
    ]
