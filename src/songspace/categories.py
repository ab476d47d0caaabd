"""Names such as genres and artists: categories without regard to case and space, numbers, printable forms."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

OTHER, UNKNOWN = -1, -2
"""Codes of songs in other categories, and of songs without a category."""


@dataclass(frozen=True)
class Categories:
    """The named categories, largest first, and the code of each song: an index of ``names``, OTHER or UNKNOWN."""

    names: list[str]
    counts: list[int]
    codes: np.ndarray

    def count(self, code: int) -> int:
        """Count the songs with a code."""
        return int((self.codes == code).sum())


def categorize(values: Sequence[str | None], *, most: int | None = None) -> Categories:
    """Sort songs into the ``most`` most frequent values; by default into all.

    Values that differ only in case or surrounding space are equal; the most frequent spelling is the name.

    Examples
    --------
    >>> genres = categorize(["Rock", "rock ", "Rock", "Jazz", "", None, "Folk"], most=2)
    >>> genres.names, genres.counts, genres.codes.tolist()
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
    """Return a text on one line, with control characters replaced; "" for None.

    Examples
    --------
    >>> printable(" a\\tb\\x00 ") == "a b\\ufffd"
    True
    """
    text = " ".join((value or "").split())
    return "".join("\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character for character in text)


def artist_codes(artists: Sequence[Hashable | None] | np.ndarray | None, n: int) -> np.ndarray:
    """Return one integer for the artist of each song; each unknown artist (None, "") has a different one.

    Examples
    --------
    >>> artist_codes(["Ada", None, "Ada", ""], 4).tolist()
    [0, 1, 0, 2]
    """
    if artists is None:
        return np.arange(n)
    if len(artists) != n:
        raise ValueError(f"Expected one artist for each of {n} songs, got {len(artists)}")
    return integers([(i,) if artist in (None, "") else artist for i, artist in enumerate(artists)])


def integers(values: Iterable[Hashable]) -> np.ndarray:
    """Number values by their first appearance, from 0; equal values have equal integers.

    Examples
    --------
    >>> integers(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)
