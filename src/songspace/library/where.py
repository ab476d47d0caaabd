"""The language of ``--where``: which songs may be in a playlist, by what their tags say.

.. code-block:: text

    year >= 1990 and genre ~ jazz
    (artist = "Nina Simone" or albumartist = "Nina Simone") and not title ~ live
    genre in (folk, "hip hop") and duration <= 5:00 and has year

::

    filter     = every {"or" every}
    every      = one {"and" one}
    one        = "not" one | "(" filter ")" | "has" FIELD | FIELD operator VALUE
               | FIELD ["not"] "in" "(" VALUE {"," VALUE} ")"
    operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"

Text is compared without case, accents and punctuation (in ``path``: without case and accents), and ``~`` asks whether
it contains the value. Text with blanks needs quotes. Durations are whole seconds, written ``210`` or ``3:30``.

``tags`` are the words that stand out in a song to a trained ear that knows words; no other song has any.

An artist is each one whom the tags credit, and all of them as they are written: ``artist = Mau`` is true of "Mau feat.
Rob" and of "Mau & Rob". Of several genres each one counts.

A song that lacks a tag fulfils no comparison with it, ``!=``, ``!~`` and ``not in`` included. ``not`` turns round
whatever stands behind it: ``genre != jazz`` is true of the songs whose genre is known and another, ``not genre = jazz``
of those without a genre as well. Two truth values are enough for that, and nobody has to know SQL's third.

The parser is written by hand: a hundred lines, whose messages name the place and what was expected there. Text is
never evaluated, and the length and depth of a filter are bounded.
"""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, NoReturn

import numpy as np

from songspace.errors import SongspaceError
from songspace.library.catalog import Song
from songspace.library.credits import Credits
from songspace.library.names import folded, plain

LONGEST = 10_000
"""Characters in a filter."""
DEEPEST = 50
"""Parentheses and ``not`` inside each other."""

TEXTS = (
    *("title", "artist", "albumartist", "album", "genre", "tags", "path"),
    *("recording_mbid", "release_mbid", "artist_mbid"),
)
NUMBERS = ("year", "track", "duration")

_ALSO_CALLED = {
    **dict.fromkeys(("name", "song"), "title"),
    **dict.fromkeys(("band", "performer", "creator", "composer"), "artist"),
    **dict.fromkeys(("length", "time", "seconds", "minutes"), "duration"),
    **dict.fromkeys(("file", "filename", "folder", "location"), "path"),
    **dict.fromkeys(("date", "decade", "released"), "year"),
    **dict.fromkeys(("style", "tag"), "genre"),
    "mbid": "recording_mbid",
    "number": "track",
}

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KEYWORDS = frozenset({"and", "or", "not", "in", "has"})
_BOUND = r"""\s()=<>~,"“”"""
_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|“[^“”]*”)
      | (?P<sign>!=|!~|<=|>=|==|[=<>~(),])
      | (?P<word>(?!['!])(?:(?!!=|!~)[^{_BOUND}])+)
      | (?P<open>["'“])
      | (?P<odd>\S)
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_DURATION = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,6})", re.ASCII)
_BARE = re.compile(r"[\w.&/][\w.&/'-]*")


@dataclass(frozen=True)
class Where:
    """A condition on songs; :func:`parse` makes it from text, and ``str`` makes text of it again."""

    def mask(self, songs: Sequence[Song]) -> np.ndarray:
        """Return which of the songs match: shape (n,), bool."""
        raise NotImplementedError

    def comparisons(self) -> Iterator[Comparison]:
        """Yield the comparisons that it is made of, from left to right."""
        raise NotImplementedError

    def __call__(self, song: Song) -> bool:
        """Return whether a song matches."""
        return bool(self.mask([song])[0])


@dataclass(frozen=True)
class Comparison(Where):
    """A field against one value, or several with ``in`` and ``not in``; ``has`` needs none."""

    field: str
    operator: str
    values: tuple[str | int, ...] = ()

    def mask(self, songs: Sequence[Song]) -> np.ndarray:
        column = _column(self.field, songs)
        test = _test(self.field, self.operator, self.values)
        # Tags repeat: each of them is looked at once.
        verdicts = {value: test(value) for value in set(column)}
        return np.fromiter((verdicts[value] for value in column), bool, len(column))

    def comparisons(self) -> Iterator[Comparison]:
        yield self

    def __str__(self) -> str:
        if self.operator == "has":
            return f"has {self.field}"
        values = [_written(self.field, value) for value in self.values]
        return f"{self.field} {self.operator} " + (f"({', '.join(values)})" if "in" in self.operator else values[0])


@dataclass(frozen=True)
class Not(Where):
    """Turns a condition round."""

    of: Where

    def mask(self, songs: Sequence[Song]) -> np.ndarray:
        return ~self.of.mask(songs)

    def comparisons(self) -> Iterator[Comparison]:
        return self.of.comparisons()

    def __str__(self) -> str:
        return f"not {self.of}" if isinstance(self.of, Comparison | Not) else f"not ({self.of})"


@dataclass(frozen=True)
class And(Where):
    """Every one of some conditions."""

    of: tuple[Where, ...]

    def mask(self, songs: Sequence[Song]) -> np.ndarray:
        return np.logical_and.reduce([part.mask(songs) for part in self.of])

    def comparisons(self) -> Iterator[Comparison]:
        return chain.from_iterable(part.comparisons() for part in self.of)

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, And | Or) else str(part) for part in self.of)


@dataclass(frozen=True)
class Or(Where):
    """At least one of some conditions."""

    of: tuple[Where, ...]

    def mask(self, songs: Sequence[Song]) -> np.ndarray:
        return np.logical_or.reduce([part.mask(songs) for part in self.of])

    def comparisons(self) -> Iterator[Comparison]:
        return chain.from_iterable(part.comparisons() for part in self.of)

    def __str__(self) -> str:
        return " or ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.of)


def parse(text: str) -> Where:
    """Parse a filter into its condition.

    Parameters
    ----------
    text : str
        At most :data:`LONGEST` characters, nested at most :data:`DEEPEST` deep.

    Returns
    -------
    Where
        ``where(song)`` is true or false; ``where.mask(songs)`` answers for many at once.

    Raises
    ------
    SongspaceError
        If it cannot be read, with the place and what was expected there.

    Examples
    --------
    >>> songs = [Song(1, "/a.mp3", 200.0, "Blue", genre="Free Jazz", year=1991), Song(2, "/b.mp3", 100.0, "Été")]
    >>> parse("year >= 1990 and genre ~ jazz").mask(songs).tolist()
    [True, False]
    >>> parse("title = ETE or duration > 3:00").mask(songs).tolist()
    [True, True]
    >>> [each.field for each in parse("year >= 1990 and not genre ~ jazz").comparisons()]
    ['year', 'genre']
    >>> parse("gender = jazz")
    Traceback (most recent call last):
    ...
    songspace.errors.SongspaceError: The filter cannot be read at “gender” (character 1): there is no such field; \
did you mean genre?
    """
    return _Parser(text).whole()


class _Token(NamedTuple):
    kind: str
    text: str
    at: int

    @property
    def keyword(self) -> str:
        """The keyword or sign; a quoted word is neither."""
        return {"sign": self.text, "word": self.text.lower(), "end": "end"}.get(self.kind, "")


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise SongspaceError(f"The filter is too long: {len(text)} characters, and {LONGEST} at most can be read.")
        self._tokens = list(_tokens(text))
        self._next, self._depth = 0, 0

    def whole(self) -> Where:
        if self._seen.kind == "end":
            raise SongspaceError("The filter is empty: it should say something like year >= 1990 and genre ~ jazz.")
        condition = self._or()
        if self._seen.kind != "end":
            *_, field, _, value = [self._seen] * 2 + self._tokens[: self._next]
            split = field.keyword in TEXTS and value.kind == self._seen.kind == "word"
            hint = f'; text with blanks needs quotes: "{_short(f"{value.text} {self._seen.text}")}"' if split else ""
            self._fail(f"expected “and”, “or” or the end{hint}")
        return condition

    @property
    def _seen(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _fail(self, why: str, token: _Token | None = None) -> NoReturn:
        token = token or self._seen
        where = f"“{_short(token.text)}” (character {token.at + 1})" if token.kind != "end" else "its end"
        raise SongspaceError(f"The filter cannot be read at {where}: {why}{'' if why.endswith('?') else '.'}")

    def _or(self) -> Where:
        parts = [self._and()]
        while self._seen.keyword == "or":
            self._take()
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self) -> Where:
        parts = [self._one()]
        while self._seen.keyword == "and":
            self._take()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self) -> Where:
        if self._seen.keyword in ("not", "("):
            if self._depth == DEEPEST:
                self._fail(f"it is nested more than {DEEPEST} deep")
            self._depth += 1
            opening = self._take()
            if opening.keyword == "not":
                condition: Where = Not(self._one())
            else:
                condition = self._or()
                if self._seen.keyword != ")":
                    self._fail(f"expected “and”, “or” or the “)” to the “(” of character {opening.at + 1}")
                self._take()
            self._depth -= 1
            return condition
        if self._seen.keyword == "has":
            self._take()
            return Comparison(self._field(), "has")
        return self._comparison(self._field())

    def _field(self) -> str:
        token = self._seen
        if token.kind != "word" or token.keyword in _KEYWORDS:
            self._fail("expected a field, such as year or genre")
        name = token.text.lower()
        if name not in TEXTS + NUMBERS:
            known = _ALSO_CALLED.get(name)
            near = [known] if known else difflib.get_close_matches(name, TEXTS + NUMBERS, n=3, cutoff=0.5)
            hint = f"did you mean {_either(near)}?" if near else f"there are {', '.join(TEXTS + NUMBERS)}"
            self._fail(f"there is no such field; {hint}", token)
        self._take()
        return name

    def _comparison(self, field: str) -> Where:
        token = self._seen
        sign = "=" if token.keyword == "==" else token.keyword
        usable = ("=", "!=", "~", "!~", "in", "not") if field in TEXTS else (*_ORDER, "in", "not")
        if sign not in usable:
            what = "text" if field in TEXTS else "a number"
            wanted = _either([*usable[:-2], "in"])
            self._fail(
                f"expected {wanted} after {field}"
                if not sign or sign not in (*_ORDER, "~", "!~")
                else f"{field} is {what}, and is compared by {wanted}"
            )
        self._take()
        if sign in ("in", "not"):
            if sign == "not":
                if self._seen.keyword != "in":
                    self._fail("expected “in”")
                self._take()
            return Comparison(field, "in" if sign == "in" else "not in", self._list(field))
        return Comparison(field, sign, (self._value(field, sign),))

    def _list(self, field: str) -> tuple[str | int, ...]:
        if self._seen.keyword != "(":
            self._fail("expected “(” and values with commas between them")
        self._take()
        values = [self._value(field, "(")]
        while self._seen.keyword == ",":
            self._take()
            values.append(self._value(field, ","))
        if self._seen.keyword != ")":
            self._fail("expected “,” or “)”")
        self._take()
        return tuple(values)

    def _value(self, field: str, after: str) -> str | int:
        token = self._seen
        if token.kind not in ("word", "quoted") or token.keyword in _KEYWORDS:
            also = " (in quotes, if it is meant as text)" if token.keyword in _KEYWORDS and field in TEXTS else ""
            self._fail(f"expected a value after “{after}”{also}")
        text = _unquoted(token.text) if token.kind == "quoted" else token.text
        if field in TEXTS:
            if not text.strip():
                self._fail(f"expected some text to compare {field} with; “has {field}” asks whether it is there")
            self._take()
            return text
        match = _DURATION.fullmatch(text.strip())
        if not match or (field != "duration" and ":" in text):
            example = "seconds or m:ss, such as 210 or 3:30" if field == "duration" else "a whole number, such as 1990"
            self._fail(f"{field} is compared with {example}")
        self._take()
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return 3600 * hours + 60 * minutes + seconds


def _tokens(text: str) -> Iterable[_Token]:
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        assert match is not None  # whatever is not a blank is at least odd
        assert match.lastgroup is not None
        kind, start = match.lastgroup, match.start(match.lastgroup)
        if kind == "open":
            place = f"“{_short(text[start:])}” (character {start + 1})"
            raise SongspaceError(f"The filter cannot be read at {place}: its quotes never close.")
        yield _Token(kind, match[kind], start)
        if kind == "end":
            return
        at = match.end()


def _column(field: str, songs: Sequence[Song]) -> list[tuple[Any, ...]]:
    """Return the values of a field for each song: of artists and genres the whole, and each of several."""
    if field == "artist":
        credits = Credits(songs)
        # As it is compared, "The Mau" is "Mau".
        return [(song.artist, *credits.written(song), *credits.of(song)) if song.artist else (None,) for song in songs]
    if field == "genre":
        return [(song.genre, *(song.genres or (song.genre or "").split(";"))) for song in songs]
    if field == "tags":
        return [song.words or (None,) for song in songs]
    return [(getattr(song, field),) for song in songs]


def _test(field: str, sign: str, values: Sequence[Any]) -> Callable[[Sequence[Any]], bool]:
    """Return the test of one value of a field."""
    if sign == "has":
        return lambda said: any(_present(field, one) for one in said)
    if field in NUMBERS:
        if sign in ("in", "not in"):
            wanted = frozenset(values)
            return lambda said: _present(field, said[0]) and (round(said[0]) in wanted) == (sign == "in")
        compare, number = _ORDER[sign], values[0]
        return lambda said: _present(field, said[0]) and compare(round(said[0]), number)
    # What is nothing but punctuation is compared as it stands: there is a band called "!!!".
    exact = [folded(value).strip() for value in values if field == "path" or not plain(value)]
    by_words = [plain(value) for value in values if field != "path" and plain(value)]
    contains = "~" in sign
    negated = sign in ("!=", "!~", "not in")

    def fits(said: str) -> bool:
        for key, fold in ((exact, folded), (by_words, plain)):
            if key:
                text = fold(said).strip()
                if any(wanted in text for wanted in key) if contains else text in key:
                    return True
        return False

    def verdict(said: Sequence[Any]) -> bool:
        there = [one for one in said if _present(field, one)]
        return bool(there) and any(map(fits, there)) != negated

    return verdict


def _present(field: str, said: Any) -> bool:
    if field == "duration":  # 0 where nobody has measured it
        return 0 < said < math.inf
    return said is not None and said != ""


def _unquoted(text: str) -> str:
    return text[1:-1] if text[0] == "“" else re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def _written(field: str, value: str | int) -> str:
    if isinstance(value, int):
        return f"{value // 60}:{value % 60:02d}" if field == "duration" else str(value)
    if _BARE.fullmatch(value) and value.lower() not in _KEYWORDS:
        return value
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def _short(text: str) -> str:
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text[:25])
    return shown[:24] + "…" if len(text) > 24 else shown


def _either(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
