"""What a map's colours mean, and what one may read from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from songspace.drawing import PALETTE
from songspace.library.names import artist_of

Color = Literal["genre", "artist", "year", "tags"]
COLORS: tuple[Color, ...] = ("genre", "artist", "year", "tags")


def span(years: np.ndarray) -> tuple[float, float]:
    """The first and last year of the scale, but for those far outside the others: slips, mostly.

    Far is three interquartile ranges (Tukey's outer fences), and never less than sixty years.

    Examples
    --------
    >>> span(np.array([1970, 1985, 2003, 2010, 9999]))
    (1970.0, 2010.0)
    """
    low, high = np.quantile(years, (0.25, 0.75))
    far = 3 * max(high - low, 20)
    inside = years[(years >= low - far) & (years <= high + far)]
    return float(inside.min()), float(max(inside.max(), inside.min() + 1))


def check(xy: np.ndarray, songs: Sequence[Any], color: str) -> np.ndarray:
    """The positions as float64, if they belong to the songs.

    Raises
    ------
    ValueError
        If they do not, or there is no such colouring.
    """
    xy = np.asarray(xy, dtype=np.float64)
    if xy.shape != (len(songs), 2):
        raise ValueError(f"xy must have shape ({len(songs)}, 2), one place for each song, got {xy.shape}")
    if not np.isfinite(xy).all():
        raise ValueError("xy must be finite, but some places are NaN or infinite")
    if color not in COLORS:
        raise ValueError(f"color must be one of {', '.join(COLORS)}, got {color!r}")
    return xy


def values_of(songs: Sequence[Any], color: str) -> list[str | None]:
    """What each song says of its genre or artist ("Various Artists" is none), or a word that an ear has for it.

    Of a song's words, the first that is among the words of most songs: a map has few colours.
    """
    if color == "tags":
        each = [getattr(song, "words", ()) for song in songs]
        told = Counter(word for words in each for word in words)
        often = {word for word, _ in sorted(told.items(), key=lambda item: (-item[1], item[0]))[: len(PALETTE)]}
        return [next((word for word in words if word in often), next(iter(words), None)) for words in each]
    values = [getattr(song, color) for song in songs]
    return values if color != "artist" else [value if artist_of(value) else None for value in values]


def note(method: str) -> str:
    """What one may read from a map, and what not."""
    if method == "pca":
        return "PCA: the two directions in which these songs differ most."
    return "t-SNE: songs that sound alike lie together. Axes, and how far apart distant groups are, mean nothing."
