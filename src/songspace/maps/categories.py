"""What songs are coloured by: the largest genres or artists, all others, and those that say nothing."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Color = Literal["genre", "artist", "year"]
COLORS: tuple[Color, ...] = ("genre", "artist", "year")

PALETTE = (
    "#428ce8", "#eccf42", "#bd5007", "#4ee6fe", "#7553bc", "#90bb7e",
    "#ca77ac", "#ab3b75", "#019c69", "#fba8be", "#e69306", "#95b4fd",
)  # fmt: skip
"""Twelve colours that stay apart on white and on black, for normal and for red- or green-blind eyes.

Found by maximising the least distance in OKLab over normal vision, protanopia and deuteranopia.
"""

OTHER, UNKNOWN = -1, -2
"""The codes of songs outside the named categories, and of songs without any."""


@dataclass(frozen=True)
class Categories:
    """The named categories, largest first, and the code of each song: a row of ``names``, or one of the above."""

    names: list[str]
    counts: list[int]
    codes: np.ndarray

    def count(self, code: int) -> int:
        """How many songs have a code."""
        return int((self.codes == code).sum())


def categorize(values: Sequence[str | None], *, most: int = len(PALETTE)) -> Categories:
    """Sort songs into the ``most`` most frequent values.

    Values that differ in case or surrounding space only are one, under their most frequent spelling.

    Examples
    --------
    >>> found = categorize(["Rock", "rock ", "Rock", "Jazz", "", None, "Folk"], most=2)
    >>> found.names, found.counts, found.codes.tolist()
    (['Rock', 'Folk'], [3, 1], [0, 0, 0, -1, -2, -2, 1])
    """
    spelled = [printable(value) for value in values]
    keys = [text.casefold() for text in spelled]
    counts = Counter(key for key in keys if key)
    spellings: dict[str, Counter[str]] = {key: Counter() for key in counts}
    for key, text in zip(keys, spelled, strict=True):
        if key:
            spellings[key][text] += 1
    largest = sorted(counts, key=lambda key: (-counts[key], key))[:most]
    code_of = {key: code for code, key in enumerate(largest)} | {"": UNKNOWN}
    return Categories(
        [min(spellings[key], key=lambda text: (-spellings[key][text], text)) for key in largest],
        [counts[key] for key in largest],
        np.array([code_of.get(key, OTHER) for key in keys], dtype=np.int64),
    )


def printable(value: str | None) -> str:
    """A text on one line, with nothing in it that is no character; empty if there is none.

    Examples
    --------
    >>> printable(" a\\tb\\x00 ") == "a b\\ufffd"
    True
    """
    text = " ".join((value or "").split())
    return "".join("\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character for character in text)


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


def note(method: str) -> str:
    """What one may read from a map, and what not."""
    if method == "pca":
        return "PCA: the two directions in which these songs differ most."
    return "t-SNE: songs that sound alike lie together. Axes, and how far apart distant groups are, mean nothing."
