"""Radio: from one or several songs, songs like them, varied, and in an order that flows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songspace.errors import SongspaceError
from songspace.playlists.order import arrange
from songspace.playlists.rules import ArtistGap, sitting_out
from songspace.space import Space

_AWAY = 0.5  # how much songs to steer away from weigh against those to start from (Rocchio's gamma / beta)


def radio(
    space: Space,
    seeds: Sequence[int],
    *,
    length: int,
    minus: Sequence[int] = (),
    artists: Sequence[str | None] | None = None,
    artist_gap: int = 2,
    variety: float = 0.0,
    seed: int = 0,
) -> list[int]:
    """Go on from some songs.

    Songs are chosen by how near they are to the seeds and how far from ``minus`` (Rocchio 1971), the more varied
    the higher ``variety`` (maximal marginal relevance, Carbonell & Goldstein 1998), and then put in order.

    Parameters
    ----------
    space : Space
    seeds : sequence of int
        Rows to start from. The first one opens the list; the others are in it, where they flow and the rule allows.
    length : int
        Songs in the list, the seeds included.
    minus : sequence of int
        Rows to steer away from; they are not in the list.
    artists : sequence of str or None, one for each row of the space, optional
        Who plays what; None is unknown.
    artist_gap : int
        At least so many other songs between two of one artist.
    variety : float
        0 takes the nearest songs. Up to 1, it counts more and more how different a song is from those already
        chosen, and more and more songs, chosen by ``seed``, sit out.
    seed : int

    Returns
    -------
    list of int
        Exactly ``length`` different rows; the same for the same arguments.

    Raises
    ------
    SongspaceError
        If no such list exists, with the rule that is in the way and what would do.
    ValueError
        If there is no such row, no seed, or an argument is out of its range.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [0.9, 0.2], [0.8, -0.3], [-1, 0.1], [-1, 0.2]])
    >>> radio(space, [0], length=3)
    [0, 1, 2]
    """
    chosen = list(dict.fromkeys(space.checked(row) for row in seeds))
    away = list(dict.fromkeys(space.checked(row) for row in minus))
    if not chosen:
        raise ValueError("Radio needs at least one song to start from")
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    if set(chosen) & set(away):
        raise SongspaceError("A song to start from cannot also be one to steer away from.")
    if len(chosen) > length:
        raise SongspaceError(f"{len(chosen)} songs to start from do not fit into a list of {length}.")
    if length > len(space) - len(away):
        raise SongspaceError(f"A list of {length} songs was asked for, but there are only {len(space) - len(away)}.")
    rule = ArtistGap.of(artists, n=len(space), gap=artist_gap)
    _check_possible(rule, chosen, away, length)

    def similarity_to(rows: list[int]) -> np.ndarray:
        return space.vectors @ space.vectors[rows].mean(axis=0)

    relevance = similarity_to(chosen) - (_AWAY * similarity_to(away) if away else 0)
    relevance[sitting_out(len(space), variety, seed)] -= 10  # below all others, for when these are not enough
    relevance[[*chosen, *away]] = -np.inf
    likeness = np.full(len(space), -1.0, dtype=np.float32)  # to the most similar song chosen so far
    while len(chosen) < length:
        value = (1 - variety / 2) * relevance - variety / 2 * likeness
        value[~rule.room(rule.count(chosen), length, first=chosen[0])[rule.artist]] = -np.inf
        chosen.append(int(value.argmax()))
        relevance[chosen[-1]] = -np.inf
        if variety:
            likeness = np.maximum(likeness, similarity_to(chosen[-1:]))
    return arrange(space, chosen[1:], rule, opening=chosen[:1])


def _check_possible(rule: ArtistGap, seeds: list[int], away: list[int], length: int) -> None:
    others = np.delete(np.arange(len(rule.artist)), [*away, seeds[0]])
    capacity = rule.count(others)

    def enough(rule: ArtistGap, length: int = length) -> bool:
        return rule.can_finish(capacity, length - 1, played=seeds[:1])

    def fit(rule: ArtistGap) -> bool:
        return all(
            rule.room(rule.count(seeds[:i]), length, first=seeds[0])[rule.artist[seeds[i]]]
            for i in range(1, len(seeds))
        )

    asked = f"keep {rule.gap} other songs between two of one artist"
    if not fit(rule):
        raise SongspaceError(
            f"With these songs to start from, a list of {length} cannot {asked}: {rule.advice(fit)}, or a longer list."
        )
    if not enough(rule):
        most = next(n for n in range(length - 1, 0, -1) if enough(rule, n))
        raise SongspaceError(
            f"There are too few artists for a list of {length} songs to {asked}: {rule.advice(enough)}, "
            f"and so would {most} songs."
        )
