"""The language of ``--where``: a filter of songs by their tags. The conditions are in `conditions`.

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

Text is compared without case, accents and punctuation (in ``path``: without case and accents). ``~`` means that the
text contains the value. Text with blanks needs quotes. Durations are whole seconds, written ``210`` or ``3:30``.

``tags`` are the words that stand out in a song, if the encoder in use knows words; otherwise no song has any.

A song has each artist that its tags credit, and the credit as a whole: ``artist = Mau`` is true for "Mau feat. Rob" and
for "Mau & Rob". If a song has several genres, each of them counts.

A song without a tag fulfils no comparison with this tag, not even ``!=``, ``!~`` and ``not in``. ``not`` negates the
condition after it: ``genre != jazz`` is true for songs with a known genre other than jazz, ``not genre = jazz`` also
for songs without a genre. There are only two truth values, unlike in SQL.

The parser is written by hand, so that its messages name the place of an error and what was expected there. Text is
never evaluated, and the length and depth of a filter are bounded.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, NoReturn

from songspace.errors import SongspaceError
from songspace.library.conditions import KEYWORDS, NUMBERS, ORDER, TEXTS, And, Comparison, Not, Or, Where

LONGEST = 10_000
"""Characters in a filter."""
DEEPEST = 50
"""The largest depth of nested parentheses and ``not``."""

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


def parse(text: str) -> Where:
    """Parse a filter into its condition.

    Parameters
    ----------
    text : str
        At most :data:`LONGEST` characters, nested at most :data:`DEEPEST` deep.

    Returns
    -------
    Where
        ``where(song)`` is true or false; ``where.mask(songs)`` tests many songs at once.

    Raises
    ------
    SongspaceError
        If the text is no filter; the message names the place and what was expected there.

    Examples
    --------
    >>> from songspace.library import Song
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
        """Keyword or sign; empty for a quoted word."""
        return {"sign": self.text, "word": self.text.lower(), "end": "end"}.get(self.kind, "")


class _Parser:
    """A recursive-descent parser: one method for each rule of the grammar."""

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
        return self._joined("or", self._and, Or)

    def _and(self) -> Where:
        return self._joined("and", self._one, And)

    def _joined(self, keyword: str, part: Callable[[], Where], join: type[And | Or]) -> Where:
        parts = [part()]
        while self._seen.keyword == keyword:
            self._take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else join(tuple(parts))

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
        if token.kind != "word" or token.keyword in KEYWORDS:
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
        usable = ("=", "!=", "~", "!~", "in", "not") if field in TEXTS else (*ORDER, "in", "not")
        if sign not in usable:
            what = "text" if field in TEXTS else "a number"
            wanted = _either([*usable[:-2], "in"])
            self._fail(
                f"expected {wanted} after {field}"
                if not sign or sign not in (*ORDER, "~", "!~")
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
        if token.kind not in ("word", "quoted") or token.keyword in KEYWORDS:
            also = " (in quotes, if it is meant as text)" if token.keyword in KEYWORDS and field in TEXTS else ""
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


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        assert match is not None  # every other character is "odd"
        assert match.lastgroup is not None
        kind, start = match.lastgroup, match.start(match.lastgroup)
        if kind == "open":
            place = f"“{_short(text[start:])}” (character {start + 1})"
            raise SongspaceError(f"The filter cannot be read at {place}: its quotes never close.")
        yield _Token(kind, match[kind], start)
        if kind == "end":
            return
        at = match.end()


def _unquoted(text: str) -> str:
    return text[1:-1] if text[0] == "“" else re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def _short(text: str) -> str:
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text[:25])
    return shown[:24] + "…" if len(text) > 24 else shown


def _either(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
