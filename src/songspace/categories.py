"""Names that people gave: sorted into categories without regard to case and space, numbered, made printable."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

OTHER, UNKNOWN = -1, -2
"""The codes of songs outside the named categories, and of songs without any."""


@dataclass(frozen=True)
class Categories:
    """The named categories, largest first, and the code of each song: a row of ``names``, or one of the above."""

    names: list[str]
    counts: list[int]
    codes: np.ndarray

    def count(self, code: int) -> int:
        """Return how many songs have a code."""
        return int((self.codes == code).sum())


def categorize(values: Sequence[str | None], *, most: int | None = None) -> Categories:
    """Sort songs into the ``most`` most frequent values, or into all of them.

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
    """Return a text on one line, with control characters replaced; empty if there is none.

    Examples
    --------
    >>> printable(" a\\tb\\x00 ") == "a b\\ufffd"
    True
    """
    text = " ".join((value or "").split())
    return "".join("\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character for character in text)


def artist_codes(artists: Sequence[Hashable | None] | np.ndarray | None, n: int) -> np.ndarray:
    """Return one integer for each song's artist; a song without a known artist (None, "") is its own.

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
    """Number values by their first appearance, from 0: equal values, equal integers.

    Examples
    --------
    >>> integers(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)
