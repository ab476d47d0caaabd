"""Labels of songs for evaluation, from tags, folders, a table or a data set.

Labels only score. They are never used to learn or to choose.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from songspace.categories import integers
from songspace.errors import SongspaceError
from songspace.evaluation.tables import MIRDATA, LabelRow, Named, cleaned, read_folder, read_mirdata, read_table
from songspace.library.credits import Credits

_TAGS = {"genre": "genre tags", "folder": "folder names", "artist": "artist tags"}


class TaggedSong(Protocol):
    """The attributes of a song that are read; :class:`songspace.library.Song` has them."""

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
    """The labels of songs, in the order of the songs.

    Attributes
    ----------
    values : tuple of str or None
        One label for each song; None if it has none, or if no other song has the same.
    artists : tuple of str or None
        The main artist of each song, for the artist filter; None where unknown, as for "Various Artists". All None if
        the artists are the labels. Guests do not count: songs that share guests form no partition, which the intervals
        need, and would soon join half a library.
    source : str
        "genre", "folder", "artist", or the table or data set.
    missing : int
        Number of songs for which the source has no label.
    alone : int
        Number of songs whose label no other song has; they count as songs without a label.
    unmatched : int
        Number of rows of the table that name no song.
    ambiguous : int
        Number of rows of the table that may mean several songs.
    split : str or None
        The part of the data set whose songs have labels; None for all parts.
    outside : int
        Number of songs that do not belong to that part.
    """

    values: tuple[str | None, ...]
    artists: tuple[str | None, ...]
    source: str
    missing: int = 0
    alone: int = 0
    unmatched: int = 0
    ambiguous: int = 0
    split: str | None = None
    outside: int = 0

    def left_out(self) -> dict[str, int]:
        """Count the songs and the rows of the table that were left out, by reason."""
        return {
            "other_splits": self.outside,
            "without_label": self.missing,
            "label_of_one_song": self.alone,
            "unknown_paths": self.unmatched,
            "ambiguous_paths": self.ambiguous,
        }

    def sentence(self) -> str:
        """Describe in a sentence how many songs have labels, and how many were left out.

        Examples
        --------
        >>> Labels(("folk", "folk", "jazz", "jazz", None, None), (None,) * 6, "t.csv", 2, split="test").sentence()
        'By t.csv 4 songs of the split test have labels; left out: 2 songs without a label.'
        """
        used = sum(value is not None for value in self.values)
        of_split = f" of the split {self.split}" if self.split is not None else ""
        counts = (
            (self.outside, "song", "of other splits"),
            (self.missing, "song", "without a label"),
            (self.alone, "song", "whose label no other has"),
            (self.unmatched, "row", "that name no song" if self.unmatched > 1 else "that names no song"),
            (self.ambiguous, "row", "that may mean several songs"),
        )
        out = ", ".join(f"{n} {noun}{'s' if n > 1 else ''} {reason}" for n, noun, reason in counts if n)
        return f"By {self.source} {used} songs{of_split} have labels" + (f"; left out: {out}." if out else ".")


def labels(songs: Sequence[TaggedSong], source: str | os.PathLike[str], *, split: str | None = None) -> Labels:
    """Read the labels of songs.

    Case and spacing do not count ("Hip Hop" equals "hip  hop"); the most frequent spelling is shown.

    Parameters
    ----------
    songs : sequence of songs
        Objects with ``path``, ``genre``, ``artist`` and ``albumartist``.
    source : str or path
        "genre" (the tag), "folder" (the name of the folder that holds the file), "artist" (the tag), or

        - a CSV file, separated by commas, semicolons or tabs. One column names the songs (path, file, filename or
          track_id): by paths, absolute or relative to the folder of the CSV, or by the last parts of a path; by file
          names with or without ending; or by the number that a file name is. One column is the label (label, genre,
          genre_top, style or class). A column artist, if there is one, replaces the tags.
        - the folder of a data set laid out as FMA or GTZAN (see :mod:`songspace.evaluation.tables`).
        - ``mirdata:NAME`` or ``mirdata:NAME:FOLDER``: a data set of mirdata, if that is installed.
    split : str, optional
        Part of the data set; other songs get no labels. Parts come from the table's column split (or set), the splits
        of FMA, or the fault-filtered lists of GTZAN.

    Raises
    ------
    SongspaceError
        If the table cannot be used, has no such split, or if there are fewer than two different labels.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> songs = [
    ...     SimpleNamespace(path=f"/music/{name}", genre=None, artist=None, albumartist=None)
    ...     for name in ("folk/a.mp3", "folk/b.mp3", "jazz/c.mp3", "jazz/d.mp3", "tango/e.mp3")
    ... ]
    >>> result = labels(songs, "folder")
    >>> result.values, result.alone
    (('folk', 'folk', 'jazz', 'jazz', None), 1)
    """
    source = os.fspath(source)
    credits = Credits(songs)
    artists = [cleaned(credits.main(song)) for song in songs]
    unmatched = ambiguous = outside = 0
    if split is not None and source in _TAGS:
        raise SongspaceError(f"A split is one of a table or a data set: {_TAGS[source]} have none.")
    if source == "genre":
        values = [cleaned(song.genre) for song in songs]
    elif source == "folder":
        values = [cleaned(Path(song.path).parent.name) for song in songs]
    elif source == "artist":
        values, artists = artists, [None] * len(songs)
    else:
        rows, unmatched, ambiguous = _rows_of_songs(source, [song.path for song in songs])
        values = [row.label if row else None for row in rows]
        artists = [(row.artist if row else None) or tag for row, tag in zip(rows, artists, strict=True)]
        if split is not None:
            inside = _inside(rows, source, split)
            outside = inside.count(False)
            values = [value if here else None for value, here in zip(values, inside, strict=True)]
    missing = sum(value is None for value in values) - outside
    values = _one_spelling(values)
    counts = Counter(values)
    shared = tuple(value if counts[value] > 1 else None for value in values)
    different = len(set(shared) - {None})
    if different < 2:
        raise SongspaceError(_nothing(source, different, missing, len(songs) - outside))
    alone = sum(value is None for value in shared) - missing - outside
    artists = _one_spelling(artists)
    return Labels(shared, tuple(artists), source, missing, alone, unmatched, ambiguous, split, outside)


def _nothing(source: str, different: int, missing: int, total: int) -> str:
    where = _TAGS.get(source, source)
    count = "one label" if different == 1 else "no label"
    without = f" ({missing} have none)" if missing else ""
    return f"There is nothing to compare: by {where} the {total} songs have {count} that several share{without}."


def _one_spelling(values: Iterable[str | None]) -> list[str | None]:
    """Replace every value by its most frequent spelling in upper and lower case."""
    values = list(values)
    spelling: dict[str, str] = {}
    for value, _ in Counter(value for value in values if value).most_common():
        spelling.setdefault(value.casefold(), value)
    return [spelling[value.casefold()] if value else None for value in values]


def _rows_of_songs(source: str, paths: Sequence[str]) -> tuple[list[LabelRow | None], int, int]:
    """Return the row of a table for each song, the number of rows that name no song, and of those that name several."""
    table = Path(source)
    if source.startswith(MIRDATA):
        rows = read_mirdata(source)
    else:
        rows = read_folder(table) if table.is_dir() else read_table(table)
    # The path of the table may contain links: its folder is tried as given and with the links resolved.
    named = Named(paths, (Path(os.path.abspath(table)).parent, table.resolve().parent))
    by_song: list[LabelRow | None] = [None] * len(paths)
    unmatched = ambiguous = 0
    for row in rows:
        matches = named.find(row.name)
        if len(matches) != 1:
            unmatched, ambiguous = unmatched + (not matches), ambiguous + bool(matches)
            continue
        [song] = matches
        known = by_song[song]
        if known is not None and known.label is not None:
            if row.label is None:  # a row without label does not replace one with a label
                continue
            if row.label.casefold() != known.label.casefold():
                raise SongspaceError(f"{source} gives two labels to {row.name}: {known.label} and {row.label}.")
        by_song[song] = row
    if unmatched + ambiguous == len(rows):
        raise SongspaceError(
            f"None of the {len(rows)} {'paths' if not ambiguous else 'names'} in {source} is a song of the library "
            f"({rows[0].name} ...){', or they may mean several' if ambiguous else ''}."
        )
    return by_song, unmatched, ambiguous


def _inside(rows: Sequence[LabelRow | None], source: str, split: str) -> list[bool]:
    """Return True for each song that belongs to a split."""
    theirs = [row.split if row else None for row in rows]
    inside = [name is not None and name.casefold() == split.casefold() for name in theirs]
    if not any(inside):
        counts = ", ".join(f"{name} ({count})" for name, count in sorted(Counter(filter(None, theirs)).items()))
        has = f"its splits are {counts}" if counts else "it has no column split"
        raise SongspaceError(f"No song of the library belongs to a split {split} of {source}: {has}.")
    return inside


def check_labels(labels: Sequence[Hashable] | np.ndarray, n: int) -> np.ndarray:
    """Return one integer for each of ``n`` labels, from 0; equal labels have equal integers.

    Raises
    ------
    ValueError
        If the number of labels is not ``n``, or one is None.
    SongspaceError
        If all labels are the same.
    """
    if len(labels) != n:
        raise ValueError(f"Expected one label for each of {n} songs, got {len(labels)}")
    if any(label is None for label in labels):
        raise ValueError("A label is None: leave out the songs that have no label")
    codes = integers(labels)
    if codes.max() == 0:
        raise SongspaceError(f"There is nothing to compare: all songs have the one label {labels[0]!r}.")
    return codes
