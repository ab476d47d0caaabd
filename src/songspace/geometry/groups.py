"""Groups of songs by their labels, and the units (artists) within them.

A *group* is the songs of one label. A *unit* is a subset of similar songs in it: the artists of a genre. Songs of one
artist share a voice, a studio, often an album, so that a genre of one artist would seem well separated. All measures
therefore compare songs of different units only (an artist filter; Pampalk, Flexer and Widmer 2005), and intervals draw
whole units.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from songspace.categories import artist_codes, categorize, printable
from songspace.errors import SongspaceError
from songspace.library.names import nearest, plain
from songspace.space import Space

FEWEST = 4
"""Fewest songs for a group to have a centre.

The error of a mean of n songs is their spread divided by the root of n: with four songs or more, it is at most half the
spread of the songs.
"""

MOST = 500
"""The most groups by default; the largest are kept, and all their pairs are compared."""


@dataclass(frozen=True)
class Groups:
    """Songs sorted by their group.

    Attributes
    ----------
    names : list of str
        Names of the groups, the largest first, those of one size by name.
    rows : ndarray of shape (m,), int64
        Rows of the space, group after group.
    codes : ndarray of shape (m,), int64
        The group of each row.
    units : ndarray of shape (m,), int64
        The unit of each row, from 0.
    starts : ndarray of shape (len(names) + 1,), int64
        Index of the first row of each group.
    small : list of (str, int)
        Groups with too few songs, with their number of songs; the largest first.
    beyond : int
        Number of groups with enough songs that are left out, because there are more than ``most``.
    unlabelled : int
        Number of songs without a label, or without a direction in the space.
    """

    names: list[str]
    rows: np.ndarray
    codes: np.ndarray
    units: np.ndarray
    starts: np.ndarray
    small: list[tuple[str, int]]
    beyond: int
    unlabelled: int

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sizes(self) -> np.ndarray:
        """Number of songs of each group."""
        return np.diff(self.starts)

    def of(self, group: int) -> slice:
        """Return the slice of a group in ``rows``, ``codes`` and ``units``."""
        return slice(int(self.starts[group]), int(self.starts[group + 1]))


def grouped(
    space: Space,
    labels: Sequence[str | None],
    units: Sequence[str | None] | None = None,
    *,
    fewest: int = FEWEST,
    most: int = MOST,
    keep: Sequence[str] = (),
) -> Groups:
    """Sort the songs of a space into groups.

    Parameters
    ----------
    space : Space
    labels : sequence of str or None, one for each row
        The label of each song. Labels that differ only in case or surrounding space are equal.
    units : sequence of str or None, one for each row, optional
        The unit of each song; a song without one is its own unit, as all are by default.
    fewest : int
        Fewest songs of a group.
    most : int
        The most groups that are kept, the largest; those named in ``keep`` are added.

    Raises
    ------
    ValueError
        If the number of labels (or units) is not that of the rows, or a number is out of its range.

    Examples
    --------
    >>> space = Space.from_vectors(np.eye(5))
    >>> groups = grouped(space, ["Jazz", "rock", "jazz ", None, "Jazz"], fewest=2)
    >>> groups.names, groups.rows.tolist(), groups.small, groups.unlabelled
    (['Jazz'], [0, 2, 4], [('rock', 1)], 1)
    """
    n = len(space)
    for what, values in (("label", labels), ("unit", units)):
        if values is not None and len(values) != n:
            raise ValueError(f"Expected a {what} (or None) for each of {n} songs, got {len(values)}")
    if fewest < 2 or most < 1:
        raise ValueError(f"fewest must be at least 2 and most at least 1, got {fewest} and {most}")
    placed = np.ones(n, bool)
    placed[space.undirected] = False
    categories = categorize([label if there else None for label, there in zip(labels, placed.tolist(), strict=True)])
    wanted = {name.casefold() for name in keep}
    enough = [code for code, count in enumerate(categories.counts) if count >= fewest]
    kept = [c for place, c in enumerate(enough) if place < most or categories.names[c].casefold() in wanted]
    number = np.full(len(categories.names) + 1, -1)  # the last one is for songs without a label
    number[kept] = np.arange(len(kept))
    codes = number[np.where(categories.codes < 0, len(categories.names), categories.codes)]
    rows = np.argsort(codes, kind="stable")[(codes < 0).sum() :]
    unit_names = None if units is None else [printable(unit).casefold() for unit in units]
    return Groups(
        names=[categories.names[code] for code in kept],
        rows=rows,
        codes=codes[rows],
        units=artist_codes(unit_names, n)[rows],
        starts=np.searchsorted(codes[rows], np.arange(len(kept) + 1)),
        small=[
            (categories.names[c], categories.counts[c])
            for c in range(len(categories.names))
            if categories.counts[c] < fewest
        ],
        beyond=len(enough) - len(kept),
        unlabelled=int((categories.codes < 0).sum()),
    )


def called(name: str, names: Sequence[str], what: str = "group") -> str:
    """Find a name among others, in any case, with or without accents and punctuation.

    Raises
    ------
    SongspaceError
        If there is none; the message has the most similar names.

    Examples
    --------
    >>> called("hip hop", ["Hip-Hop", "Jazz"])
    'Hip-Hop'
    """
    same = [known for known in names if known.casefold() == printable(name).casefold()]
    same = same or [known for known in names if plain(known) == plain(name) != ""]
    if same:
        return same[0]
    near: dict[str, str] = {}
    for known in names:
        near.setdefault(plain(known) or known.casefold(), known)
    wanted = plain(name) or name.casefold()
    within = [key for key in near if wanted and wanted in key]
    close = list(dict.fromkeys([*within[:3], *nearest(wanted, near, 3)]))[:3]
    hint = f" Did you mean: {'; '.join(near[key] for key in close)}?" if close else ""
    raise SongspaceError(f"There is no {what} called “{printable(name)}”.{hint}")


def genre_labels(songs: Sequence[Any]) -> list[str | None]:
    """Return the genre of each song; the first one of several ("Rock; Pop"), which taggers put first as the main one.

    A song in two regions would make them overlap by its tag, not by its sound. Other separators stay in the name,
    because they are part of some names ("R&B/Soul", "Folk, World, & Country").
    """
    return [next(iter(genres_of(song)), None) for song in songs]


def genres_of(song: Any) -> list[str]:
    """Return the genres of a song: the values of its tags, split at semicolons.

    Examples
    --------
    >>> from types import SimpleNamespace as Song
    >>> genres_of(Song(genre="Rock; Pop", genres=())), genres_of(Song(genre="A; B", genres=("A", "B")))
    (['Rock', 'Pop'], ['A', 'B'])
    """
    values = getattr(song, "genres", ()) or (song.genre or "",)
    return [part.strip() for value in values for part in value.split(";") if part.strip()]


def album_labels(songs: Sequence[Any]) -> list[str | None]:
    """Return the album of each song, as "Title (Artist)" if several artists have an album of that title.

    Examples
    --------
    >>> from types import SimpleNamespace as Song
    >>> pairs = [("Ann", "Hits"), ("Bea", "Hits"), ("Bea", "Blue"), (None, None)]
    >>> album_labels([Song(artist=artist, albumartist=None, album=album) for artist, album in pairs])
    ['Hits (Ann)', 'Hits (Bea)', 'Blue', None]
    """
    owners = [printable(song.albumartist or song.artist) for song in songs]
    titles = [printable(song.album) for song in songs]
    owners_of: dict[str, set[str]] = defaultdict(set)
    for owner, title in zip(owners, titles, strict=True):
        owners_of[title.casefold()].add(owner.casefold())
    return [
        (f"{title} ({owner or 'unknown'})" if len(owners_of[title.casefold()]) > 1 else title) if title else None
        for owner, title in zip(owners, titles, strict=True)
    ]


def sample(ids: np.ndarray, most: int, seed: int = 0) -> np.ndarray:
    """Choose at most ``most`` indices of ids, ascending; the choice depends on the ids, not on their order.

    Examples
    --------
    >>> ids = np.arange(100)
    >>> set(ids[sample(ids, 5)]) == set(ids[::-1][sample(ids[::-1], 5)])
    True
    """
    if len(ids) <= most:
        return np.arange(len(ids))
    mixed = ids.astype(np.uint64) + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # SplitMix64 (Steele et al. 2014)
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return np.sort(np.argsort(mixed, kind="stable")[:most])
