"""The split of the songs: one training set and two tests.

Every encoder learns once, from the training set. One test has other songs, whose artists may be in the training set
(*by song*: no song on both sides). The other test has songs of artists who are not in it (*by artist*: no artist on
both sides). Both tests score the same encoder.

Genres are used only to give each its share in every set.

A third test is *as on the poster, leaky*: segments of songs whose other segments are in the training set. Its figures
are compared with the poster's, and prove nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from songspace.poster.data import rank

TRAINING, BY_SONG, BY_ARTIST = 0, 1, 2

SHARE = 0.25
"""Share of each genre's songs in each of the two tests."""

SCORED = 50
"""The most segments, and songs, of each genre in a test, as on the poster."""


def split(names: Sequence[str], genres: Sequence[str], artists: Sequence[str | None], *, seed: int = 0) -> np.ndarray:
    """Assign songs to training and to the two tests.

    Parameters
    ----------
    names : sequence of str
        A different name for each song.
    genres : sequence of str
        The genre of each song.
    artists : sequence of str or None
        The artist of each song. Songs of unknown artists (None) are never in the test by artist.
    seed : int
        Seed of the draw.

    Returns
    -------
    int array of shape (n,)
        ``TRAINING``, ``BY_SONG`` or ``BY_ARTIST`` for each song. Every genre with two songs keeps at least one for
        training; a genre with one artist has no song in the test by artist.

    Examples
    --------
    >>> names, genres = list("abcdefgh"), ["folk", "jazz"] * 4
    >>> sides = split(names, genres, ["Ada", "Bob", "Cy", "Dee", "Ada", "Bob", "Cy", "Dee"])
    >>> sorted(sides.tolist())
    [0, 0, 1, 1, 2, 2, 2, 2]
    """
    sides = np.full(len(names), TRAINING)
    size = Counter(genres)
    room = {genre: min(math.ceil(SHARE * count), SCORED) for genre, count in size.items()}
    _hold_artists(sides, genres, artists, size, room, seed)
    left = Counter(genre for genre, side in zip(genres, sides, strict=True) if side == TRAINING)
    held: Counter[str] = Counter()
    for song in sorted(range(len(names)), key=lambda song: rank(seed, "song", names[song])):
        genre = genres[song]
        if sides[song] == TRAINING and held[genre] < room[genre] and left[genre] > 1:
            sides[song] = BY_SONG
            held[genre] += 1
            left[genre] -= 1
    return sides


def _hold_artists(
    sides: np.ndarray,
    genres: Sequence[str],
    artists: Sequence[str | None],
    size: Counter[str],
    room: dict[str, int],
    seed: int,
) -> None:
    """Move artists, with all their songs, to the test by artist."""
    works: dict[str, list[int]] = {}
    for song, artist in enumerate(artists):
        if artist is not None:
            works.setdefault(artist, []).append(song)
    drawn = sorted(works, key=lambda artist: rank(seed, "artist", artist))
    held: Counter[str] = Counter()

    def hold(artist: str, most: dict[str, int]) -> None:
        counts = Counter(genres[song] for song in works[artist])
        if all(held[genre] + count <= most[genre] for genre, count in counts.items()):
            sides[works[artist]] = BY_ARTIST
            held.update(counts)

    for artist in drawn:
        hold(artist, room)
    # If every artist of a genre has too many songs, the one with fewest is taken, if half of the songs stay.
    for genre in sorted(size):
        for artist in sorted(drawn, key=lambda artist: len(works[artist])):
            if not held[genre] and any(genres[song] == genre for song in works[artist]):
                hold(artist, {genre: count // 2 for genre, count in size.items()})


def balanced(
    names: Sequence[str], genres: Sequence[str], rows: Sequence[np.ndarray], *, most: int, seed: int
) -> np.ndarray:
    """Draw the same number of rows of each genre, spread over all of its songs.

    Parameters
    ----------
    names, genres : sequences of length n
        Names and genres of songs.
    rows : sequence of n int arrays
        Rows of each song that may be drawn.
    most : int
        The most rows of each genre.
    seed : int
        Seed of the draw.

    Returns
    -------
    int array
        Rows, ascending.

    Examples
    --------
    >>> rows = [np.arange(3), np.arange(3, 6), np.arange(6, 8)]
    >>> balanced(["a", "b", "c"], ["folk", "folk", "jazz"], rows, most=9, seed=0)
    array([0, 4, 6, 7])
    """
    turns: dict[str, list[tuple[int, bytes, int]]] = {}
    for name, genre, some in zip(names, genres, rows, strict=True):
        place = rank(seed, "turn", name)
        mixed = np.random.default_rng([seed, *place]).permutation(some)
        turns.setdefault(genre, []).extend((turn, place, int(row)) for turn, row in enumerate(mixed))
    count = min(most, *(len(drawn) for drawn in turns.values())) if turns else 0
    return np.sort([row for drawn in turns.values() for _, _, row in sorted(drawn)[:count]]).astype(np.int64)


def leaky(
    names: Sequence[str], genres: Sequence[str], rows: Sequence[np.ndarray], *, most: int = SCORED, seed: int
) -> np.ndarray:
    """Draw segments of training songs for a test like the poster's.

    The poster's 150,000 segments were shuffled before 108,000 of them were taken for training, so that nearly every
    song had segments in both sets; the first 50 of each genre in the test set were scored. Here one segment of a song
    is drawn at random, from songs with another segment for training.

    Parameters
    ----------
    names, genres : sequences of length n
        Names and genres of the training songs.
    rows : sequence of n int arrays
        Rows of each song that may be drawn.
    most : int
        The most rows of each genre.
    seed : int
        Seed of the draw.

    Returns
    -------
    int array
        Rows, ascending, the same number of each genre. They have to be removed from the training set.

    Examples
    --------
    >>> rows = [np.arange(3), np.arange(3, 6), np.arange(6, 8), np.array([8])]
    >>> leaky(["a", "b", "c", "d"], ["folk", "folk", "jazz", "jazz"], rows, seed=0)
    array([1, 6])
    """
    drawn = []
    for name, some in zip(names, rows, strict=True):
        first = np.random.default_rng([seed, *rank(seed, "leaky", name)]).permutation(some)[:1]
        drawn.append(first if len(some) > 1 else first[:0])
    return balanced(names, genres, drawn, most=most, seed=seed)
