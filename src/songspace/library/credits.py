"""The artists of songs: each artist that the tags credit, split by comparing the credits of the whole library.

"Mau feat. Rob" and several values ("Mau; Rob") are always several artists. "Mau & Rob", "Mau, Rob", "Mau x Rob" are
several only if one of them stands alone somewhere in the library: "Simon & Garfunkel", "Earth, Wind & Fire" and "Tyler,
the Creator" are names. "with" is treated like these signs, for it stands in names ("Sleeping with Sirens") as often as
between artists.

"Various Artists" is no artist. If a tag has it, and the title is "Artist - Title" (programs that copy sampler CDs write
it so), the artist is the one in the title; otherwise it is the artist of the album, if that is known.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from html import unescape
from itertools import pairwise
from typing import NamedTuple, Protocol

from songspace.library.names import VARIOUS_MBID, are_several, artist_of
from songspace.library.records import Song
from songspace.library.titles import artist_and_title

ALBUM = 30
"""Most songs of a folder without artists that is taken for an album."""

_LONGEST = 1000  # characters of a credit that are read
_MOST = 4  # parts of a name with "&" or "," in it: Crosby, Stills, Nash & Young

_VALUES = re.compile(r"[;\0]")
_GUESTS = re.compile(r"\s[(\[]?(?:feat\b\.?|ft\.|featuring\b)\s*", re.IGNORECASE)
_IN_TITLE = re.compile(r"[(\[](?:feat\b\.?|ft\b\.?|featuring\b)\s*([^()\[\]]+)[)\]]", re.IGNORECASE)
_PERHAPS = re.compile(
    r",\s+(?!the\s*$)(?:(?:&|and|und|et|y)\s+)?|\s+(?:[&+x×]|and|und|et|y|vs\.?|versus|with|ft)\s+|\s*[/、]\s*",
    re.IGNORECASE,
)


class Credited(Protocol):
    """A song with the tags for credits; :class:`songspace.library.Song` is one."""

    @property
    def artist(self) -> str | None: ...
    @property
    def albumartist(self) -> str | None: ...


class _Credit(NamedTuple):
    """The tags of a song that its artists depend on."""

    values: tuple[str, ...]
    is_various: bool
    title: str  # empty if the artists do not depend on it
    albumartist: str | None


class Credits:
    """The artists of the songs of a library.

    Parameters
    ----------
    songs : sequence of songs
        All songs of the library: they show which names stand alone.

    Examples
    --------
    >>> from songspace.library import Song
    >>> names = ["Mau", "MAU feat. Rob", "Kas & The Mau", "Simon & Garfunkel", "Various Artists"]
    >>> songs = [Song(number, f"/{number}", 60.0, "Night", name) for number, name in enumerate(names)]
    >>> credits = Credits(songs)
    >>> [credits.of(song) for song in songs]
    [('mau',), ('mau', 'rob'), ('kas', 'mau'), ('simon and garfunkel',), ()]
    >>> credits.main(songs[1])
    'Mau'
    """

    def __init__(self, songs: Sequence[Credited]) -> None:
        self._songs = songs
        self._parts: dict[str, tuple[str, ...]] = {}  # artists in a name
        self._known: dict[_Credit, tuple[tuple[str, str], ...]] = {}
        self._usual: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}  # by the artist tags, if they suffice

    @cached_property
    def _standing(self) -> tuple[set[str], set[str]]:
        """Names that stand alone somewhere: names of one part, and names with a sign that may join several."""
        alone: set[str] = set()
        joined: set[str] = set()
        for text in {
            text for song in self._songs for text in (*_values(song), getattr(song, "albumartist", None)) if text
        }:
            for name in _certain(text):
                key = artist_of(name)
                if key is not None:
                    (joined if _PERHAPS.search(name) else alone).add(key)
        return alone, joined

    def is_compiled(self, song: Credited) -> bool:
        """Return True if the album of a song is a compilation ("Various Artists"), by its tags."""
        return any(are_several(text) for text in (song.artist, song.albumartist)) or (
            getattr(song, "artist_mbid", None) == VARIOUS_MBID
        )

    def of(self, song: Credited) -> tuple[str, ...]:
        """Return the artists of a song, normalized by :func:`~songspace.library.names.artist_of`, the main one first.

        Empty if no artist is known.
        """
        return tuple(key for key, _ in self._credited(song))

    def written(self, song: Credited) -> tuple[str, ...]:
        """Return the artists of a song as they are written in its tags."""
        return tuple(name for _, name in self._credited(song))

    def names_in(self, text: str | None) -> tuple[str, ...]:
        """Return the known artists in a credit, as they are written."""
        return tuple(name for name in self._split(text or "") if artist_of(name))

    def named(self, text: str | None) -> tuple[str, ...]:
        """Return the known artists in a credit, normalized."""
        return tuple(dict.fromkeys(key for name in self.names_in(text) if (key := artist_of(name))))

    def main(self, song: Credited) -> str | None:
        """Return the main artist of a song, in the most frequent spelling; None if no artist is known."""
        credited = self._credited(song)
        return self.spelled[credited[0][0]] if credited else None

    @cached_property
    def spelled(self) -> dict[str, str]:
        """The most frequent spelling of each artist's name, or the first of several."""
        written: dict[str, Counter[str]] = defaultdict(Counter)
        for song in self._songs:
            for key, name in self._credited(song):
                written[key][name] += 1
        return {key: max(names, key=names.__getitem__) for key, names in written.items()}

    def _credited(self, song: Credited) -> tuple[tuple[str, str], ...]:
        title: str = getattr(song, "title", None) or ""
        is_various = getattr(song, "artist_mbid", None) == VARIOUS_MBID
        values = _values(song)
        if not is_various and "(" not in title and "[" not in title and (usual := self._usual.get(values)) is not None:
            return usual
        # Only tags that matter go into the key, so that each credit is split once.
        is_known = not is_various and any(map(artist_of, values))
        album = None if is_known else getattr(song, "albumartist", None)
        title_matters = _IN_TITLE.search(title) if is_known else " - " in title
        credit = _Credit(values, is_various, title if title_matters else "", album)
        if credit not in self._known:
            self._known[credit] = tuple(self._read(credit))
        if is_known and not title_matters:
            self._usual[values] = self._known[credit]
        return self._known[credit]

    def _read(self, credit: _Credit) -> Iterator[tuple[str, str]]:
        several = credit.is_various or any(map(are_several, (*credit.values, credit.albumartist)))
        names = [] if credit.is_various else [name for value in credit.values for name in self._split(value)]
        if not any(map(artist_of, names)):
            names = list(self._split(credit.albumartist or ""))
            if several and credit.title and not any(map(artist_of, names)):
                names = list(self._split(artist_and_title(credit.title)[0] or ""))
        names += [name for guests in _IN_TITLE.findall(credit.title) for name in self._split(guests)]
        seen = set()
        for name in names:
            if (key := artist_of(name)) and key not in seen:
                seen.add(key)
                yield key, " ".join(name.split())

    def _split(self, text: str) -> Iterator[str]:
        for name in _certain(text):
            if name not in self._parts:
                self._parts[name] = tuple(self._apart(name))
            yield from self._parts[name]

    def _apart(self, name: str) -> Iterator[str]:
        """Yield the artists in a text that may be one name or several."""
        between = [(0, 0), *(names.span() for names in _PERHAPS.finditer(name)), (len(name), len(name))]
        parts = [(before[1], after[0]) for before, after in pairwise(between)]
        texts = [name[begin:end] for begin, end in parts]
        if len(parts) == 1 or not all(map(artist_of, texts)):
            yield name
            return
        names: list[str] = []
        apart = False
        at = 0
        while at < len(parts):
            for end in range(min(len(parts), at + _MOST), at, -1):
                text = name[parts[at][0] : parts[end - 1][1]]
                if end - at < len(parts) and self._stands(text, end - at):
                    apart = True
                    break
            else:
                end, text = at + 1, texts[at]
            names.append(text)
            at = end
        yield from names if apart else [name]

    def _stands(self, text: str, parts: int) -> bool:
        """Return True if a text of some parts stands alone somewhere in the library."""
        key, (alone, joined) = artist_of(text), self._standing
        return key in alone if parts == 1 else key in joined and [*self._split(text)] == [text]


def makers(songs: Sequence[Song]) -> dict[int, str]:
    """Return the maker of each song, from which an encoder learns: one name for all songs of an artist.

    Parameters
    ----------
    songs : sequence of Song
        All songs of the library: they show which names stand alone.

    Returns
    -------
    dict of int to str
        By the id of the song: its main artist; for a song without artists its folder, if that looks like an album: one
        of several folders, with at most :data:`ALBUM` songs without artists. Songs with neither are left out.

    Examples
    --------
    >>> from songspace.library import Song
    >>> paths = ["/a/1", "/a/2", "/b/1", "/b/2", "/b/3"]
    >>> songs = [Song(number, path, 60.0) for number, path in enumerate(paths)]
    >>> songs.append(Song(5, "/a/3", 60.0, "Night", "Mau feat. Rob"))
    >>> makers(songs)
    {0: 'folder /a', 1: 'folder /a', 2: 'folder /b', 3: 'folder /b', 4: 'folder /b', 5: 'artist mau'}
    """
    credits = Credits(songs)
    artists = {song.id: credits.of(song)[:1] for song in songs}
    folders = {song.id: os.path.dirname(song.path) for song in songs}
    nameless = Counter(folders[id] for id, artist in artists.items() if not artist)
    several = len(set(folders.values())) > 1
    makers_of = {}
    for song in songs:
        if artists[song.id]:
            makers_of[song.id] = f"artist {artists[song.id][0]}"
        elif several and nameless[folders[song.id]] <= ALBUM and not credits.is_compiled(song):
            makers_of[song.id] = f"folder {folders[song.id]}"
    return makers_of


def teachers(songs: Sequence[Song], learnt_from: Iterable[int]) -> dict[int, str]:
    """Return the makers of the songs that an encoder learns from, if it can learn from them.

    Parameters
    ----------
    songs : sequence of Song
        All songs of the library, as for :func:`makers`.
    learnt_from : iterable of int
        Ids of the songs that the encoder learns from.

    Returns
    -------
    dict of int to str
        By the id of the song, for songs with a known maker. Empty if no maker has two of the songs, or one maker has
        all of them.

    Examples
    --------
    >>> from songspace.library import Song
    >>> songs = [Song(number, f"/{number}", 60.0, "Night", name) for number, name in enumerate(["Mau", "Mau", "Rob"])]
    >>> teachers(songs, [0, 1, 2])
    {0: 'artist mau', 1: 'artist mau', 2: 'artist rob'}
    >>> teachers(songs, [0, 1]), teachers(songs, [1, 2])
    ({}, {})
    """
    learnt_from = list(learnt_from)
    who = makers(songs)
    known = {id: who[id] for id in learnt_from if id in who}
    most = max(Counter(known.values()).values(), default=0)
    return known if 1 < most < len(learnt_from) else {}


def taught_by(who: Mapping[int, str], owners: Iterable[int]) -> dict[str, list[str | None]]:
    """Return the keyword arguments, beside the spectrograms, of ``fit`` of an encoder that learns from artists.

    Parameters
    ----------
    who : mapping of int to str
        Result of :func:`teachers`; empty if the encoder learns without artists.
    owners : iterable of int
        Id of the song of each row.

    Returns
    -------
    dict
        ``artists``, one for each row (None if it is unknown); empty if ``who`` is.
    """
    return {"artists": [who.get(owner) for owner in owners]} if who else {}


def _values(song: Credited) -> tuple[str, ...]:
    values: tuple[str, ...] = getattr(song, "artists", ())
    return values or ((song.artist,) if song.artist else ())


def _certain(text: str) -> Iterator[str]:
    """Split a credit at the signs that always separate artists."""
    text = text[:_LONGEST]
    if "&" in text and ";" in text:  # "Ann &amp; Bea", from a web page: this one separates nothing
        text = unescape(text)
    for value in _VALUES.split(text):
        name, *guests = _GUESTS.split(f" {value}")
        for one in (name, *(guest.rstrip(" )]") for guest in guests)):
            if bare := one.strip():
                yield bare
