"""Lyrics: in the tags of music files, and in LRC files beside them.

LRC has no standard: this reads what players write. A line begins with its times, ``[01:23.45]``; ``<01:23.45>`` before
a word is the time of the word, and is removed. ``[offset:500]`` shows all lines half a second sooner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from songspace.library.eight_bits import utf8_or
from songspace.library.tagged import MUTAGEN_RAISES, id3_lyrics, texts
from songspace.library.tags import plain_text, spelled

LARGEST = 2**18
"""Largest size of lyrics, in bytes; an opera has a third of it."""

UNKNOWN = "und"
"""The language, if it is unknown."""

_MOST_LINES = 5_000
_LATEST = 10**9  # milliseconds
_NAMES = frozenset({"lyrics", "unsyncedlyrics", "unsynchronisedlyrics", "syncedlyrics", "\xa9lyr", "wmlyrics", "lyric"})

_CLOCK = r"(\d{1,4}):(\d{1,2})(?:[.:](\d{1,3}))?"
_TIMES = re.compile(rf"(?:\s*\[{_CLOCK}\])+", re.ASCII)
_TIME = re.compile(rf"\[{_CLOCK}\]", re.ASCII)
_WORD = re.compile(rf"(?:(?<!\s)\s+)?<{_CLOCK}>\s*", re.ASCII)  # a row of blanks is tried once, from its first
_FACT = re.compile(r"\[(ti|ar|al|au|lr|by|re|ve|length|offset|la|lang|tool|id|#)\s*:(.*)\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and when it begins in the song, in milliseconds; None if that is unknown."""

    text: str
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Lyrics:
    """The lyrics of a song.

    Attributes
    ----------
    lines : tuple of Line
    language : str
        Code of ISO 639.
    offset : int
        Milliseconds by which all lines are sooner than they say.
    """

    lines: tuple[Line, ...]
    language: str = UNKNOWN
    offset: int = 0

    @property
    def are_timed(self) -> bool:
        """True if the starts of the lines are known."""
        return self.lines[0].start is not None

    @property
    def text(self) -> str:
        """All lines in one text."""
        return "\n".join(line.text for line in self.lines)


def read_lyrics(file: BinaryIO, encoding: str | None = None) -> list[Lyrics]:
    """Read the lyrics in the tags of a music file; those that are in several tags once.

    Parameters
    ----------
    file : binary file
    encoding : str, optional
        Encoding of texts that declare none; see :func:`songspace.library.eight_bits.decoded`.
    """
    import mutagen

    found: list[Lyrics | None] = []
    try:
        for language, sung in id3_lyrics(file, encoding):
            if isinstance(sung, str):
                found.append(parse_lyrics(sung, language))
            else:
                found.append(_lyrics(_joined(sung), language))
    except (mutagen.MutagenError, *MUTAGEN_RAISES):
        pass
    try:
        for tag in texts(file, encoding):
            found += [parse_lyrics(text) for name, value in tag if spelled(name) in _NAMES for text in _texts(value)]
    except MUTAGEN_RAISES:
        pass
    return once(lyrics for lyrics in found if lyrics is not None)


def once(several: Iterable[Lyrics]) -> list[Lyrics]:
    """Return lyrics without those that have the lines of others before them."""
    found: dict[tuple[Line, ...], Lyrics] = {}
    for lyrics in several:
        found.setdefault(lyrics.lines, lyrics)
    return list(found.values())


def parse_file(data: bytes, encoding: str | None = None) -> Lyrics | None:
    """Parse an LRC file: UTF-8, UTF-16 with its mark, or else as :func:`songspace.library.eight_bits.decoded` does."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return parse_lyrics(data.decode("utf-16", "replace"))
    return parse_lyrics(utf8_or(data.removeprefix(b"\xef\xbb\xbf"), encoding))


def parse_lyrics(text: str, language: str = UNKNOWN) -> Lyrics | None:
    """Parse a text that may be in the format LRC; None if it has no words.

    Examples
    --------
    >>> parse_lyrics("[offset:+250]\\n[00:12.5][01:02.50]Oh <00:13>yes\\n[00:20]no").lines
    (Line(text='Oh yes', start=12500), Line(text='no', start=20000), Line(text='Oh yes', start=62500))
    >>> parse_lyrics("[Chorus]\\nOh yes").lines
    (Line(text='[Chorus]', start=None), Line(text='Oh yes', start=None))
    """
    timed: list[Line] = []
    plain: list[Line] = []
    offset = 0
    for raw in text[:LARGEST].replace("\r\n", "\n").replace("\r", "\n").split("\n")[:_MOST_LINES]:
        if (fact := _FACT.fullmatch(raw.strip())) is not None:
            name, value = fact[1].lower(), fact[2].strip()
            if name == "offset" and re.fullmatch(r"[+-]?\d{1,7}", value, re.ASCII):
                offset = int(value)
            elif name in ("la", "lang"):
                language = value
            continue
        times = _TIMES.match(raw)
        words = plain_text(_WORD.sub(_space, raw[times.end() :] if times is not None else raw))
        if times is None:
            plain.append(Line(words))
        else:
            timed += [Line(words, _milliseconds(*time.groups())) for time in _TIME.finditer(times[0])]
    if timed:
        return _lyrics(timed[:_MOST_LINES], language, offset)
    return _lyrics(plain, language)


def _space(time_of_word: re.Match[str]) -> str:
    return " " if time_of_word[0] != time_of_word[0].strip() else ""  # between words, not between syllables


def _milliseconds(minutes: str, seconds: str, part: str | None) -> int:
    return (int(minutes) * 60 + int(seconds)) * 1000 + int((part or "").ljust(3, "0"))


def _lyrics(lines: Iterable[Line], language: str, offset: int = 0) -> Lyrics | None:
    lines = sorted(lines, key=lambda line: line.start or 0)
    while lines and not lines[-1].text and lines[-1].start is None:
        lines.pop()
    while lines and not lines[0].text and lines[0].start is None:
        lines.pop(0)
    if not any(line.text for line in lines):
        return None
    code = language.strip().lower()
    known = re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", code, re.ASCII) is not None and code != "xxx"
    return Lyrics(tuple(lines), code if known else UNKNOWN, offset)


def _joined(pieces: list[tuple[str, int]]) -> Iterator[Line]:
    """Yield the lines of timed pieces: syllables, if any of them begins or ends a line, or else whole lines."""
    pieces = [(text.replace("\r\n", "\n").replace("\r", "\n"), time) for text, time in pieces[:_MOST_LINES]]
    pieces = [(text, time) for text, time in pieces if 0 <= time <= _LATEST]
    if not any("\n" in text for text, _ in pieces):
        yield from (Line(plain_text(text), time) for text, time in pieces)
        return
    line, start = "", None
    for text, time in pieces:
        for number, part in enumerate(text.split("\n")):
            if number and start is not None:
                yield Line(plain_text(line), start)
            if number:
                line, start = "", None
            if part:
                line, start = line + part, time if start is None else start
    if start is not None:
        yield Line(plain_text(line), start)


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list | tuple) else [value]:
        one = getattr(one, "value", one)  # ASF attributes
        yield one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
