"""Conditions on songs: the parts of a ``--where`` filter. :mod:`songspace.library.where` reads them from text."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from songspace.library.credits import Credits
from songspace.library.names import folded, plain
from songspace.library.records import Song

TEXTS = (
    *("title", "artist", "albumartist", "album", "genre", "tags", "path"),
    *("recording_mbid", "release_mbid", "artist_mbid"),
)
NUMBERS = ("year", "track", "duration")

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
KEYWORDS = frozenset({"and", "or", "not", "in", "has"})
_BARE = re.compile(r"[\w.&/][\w.&/'-]*")


@dataclass(frozen=True)
class Where:
    """A condition on songs. :func:`songspace.library.where.parse` reads it from text; ``str`` turns it into text."""

    def mask(self, songs: Sequence[Song]) -> np.ndarray:
        """Return True for each song that matches: shape (n,), bool."""
        raise NotImplementedError

    def comparisons(self) -> Iterator[Comparison]:
        """Yield all comparisons in it, from left to right."""
        raise NotImplementedError

    def __call__(self, song: Song) -> bool:
        """Return True if a song matches."""
        return bool(self.mask([song])[0])


@dataclass(frozen=True)
class Comparison(Where):
    """A comparison of a field with one value, with several (``in``, ``not in``), or with none (``has``)."""

    field: str
    operator: str
    values: tuple[str | int, ...] = ()

    def mask(self, songs: Sequence[Song]) -> np.ndarray:
        column = _column(self.field, songs)
        test = _test(self.field, self.operator, self.values)
        results = {values: test(values) for values in set(column)}  # tags repeat: each is tested once
        return np.fromiter((results[values] for values in column), bool, len(column))

    def comparisons(self) -> Iterator[Comparison]:
        yield self

    def __str__(self) -> str:
        if self.operator == "has":
            return f"has {self.field}"
        values = [_written(self.field, value) for value in self.values]
        return f"{self.field} {self.operator} " + (f"({', '.join(values)})" if "in" in self.operator else values[0])


@dataclass(frozen=True)
class Not(Where):
    """The negation of a condition."""

    of: Where

    def mask(self, songs: Sequence[Song]) -> np.ndarray:
        return ~self.of.mask(songs)

    def comparisons(self) -> Iterator[Comparison]:
        return self.of.comparisons()

    def __str__(self) -> str:
        return f"not {self.of}" if isinstance(self.of, Comparison | Not) else f"not ({self.of})"


@dataclass(frozen=True)
class _Compound(Where):
    """A condition made of several others."""

    of: tuple[Where, ...]

    def comparisons(self) -> Iterator[Comparison]:
        return chain.from_iterable(part.comparisons() for part in self.of)


class And(_Compound):
    """A condition that holds if all its parts hold."""

    def mask(self, songs: Sequence[Song]) -> np.ndarray:
        return np.logical_and.reduce([part.mask(songs) for part in self.of])

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, _Compound) else str(part) for part in self.of)


class Or(_Compound):
    """A condition that holds if at least one of its parts holds."""

    def mask(self, songs: Sequence[Song]) -> np.ndarray:
        return np.logical_or.reduce([part.mask(songs) for part in self.of])

    def __str__(self) -> str:
        return " or ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.of)


def _column(field: str, songs: Sequence[Song]) -> list[tuple[Any, ...]]:
    """Return the values of a field for each song; for artist and genre, the whole text and each single value."""
    if field == "artist":
        credits = Credits(songs)
        # ``of`` gives the names without articles, so that "The Mau" is "Mau".
        return [(song.artist, *credits.written(song), *credits.of(song)) if song.artist else (None,) for song in songs]
    if field == "genre":
        return [(song.genre, *(song.genres or (song.genre or "").split(";"))) for song in songs]
    if field == "tags":
        return [song.words or (None,) for song in songs]
    return [(getattr(song, field),) for song in songs]


def _test(field: str, sign: str, values: Sequence[Any]) -> Callable[[Sequence[Any]], bool]:
    """Return the test of a song's values of a field."""
    if sign == "has":
        return lambda tags: any(_is_present(field, tag) for tag in tags)
    if field in NUMBERS:
        if sign in ("in", "not in"):
            wanted = frozenset(values)
            return lambda tags: _is_present(field, tags[0]) and (round(tags[0]) in wanted) == (sign == "in")
        compare, number = ORDER[sign], values[0]
        return lambda tags: _is_present(field, tags[0]) and compare(round(tags[0]), number)
    # A value of punctuation alone is compared as it is written: there is a band called "!!!".
    exact = [folded(value).strip() for value in values if field == "path" or not plain(value)]
    by_words = [plain(value) for value in values if field != "path" and plain(value)]
    contains = "~" in sign
    negated = sign in ("!=", "!~", "not in")

    def fits(value: str) -> bool:
        for key, fold in ((exact, folded), (by_words, plain)):
            if key:
                text = fold(value).strip()
                if any(wanted in text for wanted in key) if contains else text in key:
                    return True
        return False

    def holds(tags: Sequence[Any]) -> bool:
        present = [tag for tag in tags if _is_present(field, tag)]
        return bool(present) and any(map(fits, present)) != negated

    return holds


def _is_present(field: str, value: Any) -> bool:
    if field == "duration":  # 0 if it was not measured
        return 0 < value < math.inf
    return value is not None and value != ""


def _written(field: str, value: str | int) -> str:
    if isinstance(value, int):
        return f"{value // 60}:{value % 60:02d}" if field == "duration" else str(value)
    if _BARE.fullmatch(value) and value.lower() not in KEYWORDS:
        return value
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
