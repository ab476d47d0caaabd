"""Whom a song is by: every artist whom its tags credit, told apart as far as the library tells.

"Mau feat. Rob" and several values ("Mau; Rob") are always several artists. "Mau & Rob", "Mau, Rob", "Mau x Rob" are
several only if one of them stands alone somewhere in the library: "Simon & Garfunkel", "Earth, Wind & Fire" and "Tyler,
the Creator" are names. "with" is among these signs, for it joins as many names ("Sleeping with Sirens") as people.

"Various Artists" is nobody. Where a tag says that, and the title is "Artist - Title" as programs write it that copy
sampler CDs, the artist is the one in the title; else the album's artist, if that is somebody.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from html import unescape
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

from songspace.library.names import VARIOUS_MBID, are_several, artist_of
from songspace.library.titles import artist_and_title

if TYPE_CHECKING:
    from songspace.library.catalog import Song

ALBUM = 30
"""Songs that an album has at most, where only the folder tells that there is one."""

_LONGEST = 1000  # characters of a credit that are looked at
_MOST = 4  # parts of a name with "&" or "," in it: Crosby, Stills, Nash & Young

_VALUES = re.compile(r"[;\0]")
_GUESTS = re.compile(r"\s[(\[]?(?:feat\b\.?|ft\.|featuring\b)\s*", re.IGNORECASE)
_IN_TITLE = re.compile(r"[(\[](?:feat\b\.?|ft\b\.?|featuring\b)\s*([^()\[\]]+)[)\]]", re.IGNORECASE)
_PERHAPS = re.compile(
    r",\s+(?!the\s*$)(?:(?:&|and|und|et|y)\s+)?|\s+(?:[&+x×]|and|und|et|y|vs\.?|versus|with|ft)\s+|\s*[/、]\s*",
    re.IGNORECASE,
)


class Credited(Protocol):
    """The tags that credits are read from; :class:`songspace.library.Song` has them."""

    @property
    def artist(self) -> str | None: ...
    @property
    def albumartist(self) -> str | None: ...


class _Said(NamedTuple):
    """The tags of a song that its artists depend on."""

    values: tuple[str, ...]
    nobody: bool
    title: str  # where it has a part in it
    albumartist: str | None


class Credits:
    """The artists of the songs of a library.

    Parameters
    ----------
    songs : sequence of songs
        All of the library: they tell which names stand alone.

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
        self._people: dict[str, tuple[str, ...]] = {}
        self._known: dict[_Said, tuple[tuple[str, str], ...]] = {}
        self._usual: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}  # of most songs: their artists say all

    @cached_property
    def _standing(self) -> tuple[set[str], set[str]]:
        """Names that stand alone somewhere: those of one part, and those with a sign in them that may join."""
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
        """Return whether the tags of a song call its album a compilation ("Various Artists")."""
        return any(are_several(text) for text in (song.artist, song.albumartist)) or (
            getattr(song, "artist_mbid", None) == VARIOUS_MBID
        )

    def of(self, song: Credited) -> tuple[str, ...]:
        """Return the artists of a song as :func:`~songspace.library.names.artist_of` compares them, the main one first.

        Empty if that is nobody in particular.
        """
        return tuple(key for key, _ in self._credited(song))

    def written(self, song: Credited) -> tuple[str, ...]:
        """Return the artists of a song as its tags write them."""
        return tuple(name for _, name in self._credited(song))

    def names_in(self, text: str | None) -> tuple[str, ...]:
        """Return the artists whom a text credits, as it writes them, without those that are nobody."""
        return tuple(name for name in self._split(text or "") if artist_of(name))

    def named(self, text: str | None) -> tuple[str, ...]:
        """Return the artists whom a text credits, as they are compared."""
        return tuple(dict.fromkeys(key for name in self.names_in(text) if (key := artist_of(name))))

    def main(self, song: Credited) -> str | None:
        """Return the first artist of a song, as the library writes the name most often; None if that is nobody."""
        credited = self._credited(song)
        return self.spelled[credited[0][0]] if credited else None

    @cached_property
    def spelled(self) -> dict[str, str]:
        """Each artist's name as it is written most often, or first of several ways."""
        written: dict[str, Counter[str]] = defaultdict(Counter)
        for song in self._songs:
            for key, name in self._credited(song):
                written[key][name] += 1
        return {key: max(names, key=names.__getitem__) for key, names in written.items()}

    def _credited(self, song: Credited) -> tuple[tuple[str, str], ...]:
        title: str = getattr(song, "title", None) or ""
        nobody = getattr(song, "artist_mbid", None) == VARIOUS_MBID
        values = _values(song)
        if not nobody and "(" not in title and "[" not in title and (usual := self._usual.get(values)) is not None:
            return usual
        # Each of what tags say is looked at once, so that nothing is in it that has no part in the answer.
        somebody = not nobody and any(map(artist_of, values))
        album = None if somebody else getattr(song, "albumartist", None)
        tells = _IN_TITLE.search(title) if somebody else " - " in title
        said = _Said(values, nobody, title if tells else "", album)
        if said not in self._known:
            self._known[said] = tuple(self._read(said))
        if somebody and not tells:
            self._usual[values] = self._known[said]
        return self._known[said]

    def _read(self, said: _Said) -> Iterator[tuple[str, str]]:
        several = said.nobody or any(map(are_several, (*said.values, said.albumartist)))
        names = [] if said.nobody else [name for value in said.values for name in self._split(value)]
        if not any(map(artist_of, names)):
            names = list(self._split(said.albumartist or ""))
            if several and said.title and not any(map(artist_of, names)):
                names = list(self._split(artist_and_title(said.title)[0] or ""))
        names += [name for guests in _IN_TITLE.findall(said.title) for name in self._split(guests)]
        seen = set()
        for name in names:
            if (key := artist_of(name)) and key not in seen:
                seen.add(key)
                yield key, " ".join(name.split())

    def _split(self, text: str) -> Iterator[str]:
        for name in _certain(text):
            if name not in self._people:
                self._people[name] = tuple(self._apart(name))
            yield from self._people[name]

    def _apart(self, name: str) -> Iterator[str]:
        """Yield the parts of what may be a name, or the whole."""
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
        """Return whether this is a name in the library without the others."""
        key, (alone, joined) = artist_of(text), self._standing
        return key in alone if parts == 1 else key in joined and [*self._split(text)] == [text]


def makers(songs: Sequence[Song]) -> dict[int, str]:
    """Return the maker of each song, as an encoder learns from it: one name for songs of one artist.

    Parameters
    ----------
    songs : sequence of Song
        All of the library: they tell which names stand alone.

    Returns
    -------
    dict of int to str
        By the song's id, where that is known: its main artist; of songs that name none the folder, if it looks like an
        album: one of several, of no more than :data:`ALBUM` songs that name nobody.

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
    """Return the makers of the songs that an encoder learns from, if that can teach it anything.

    Parameters
    ----------
    songs : sequence of Song
        All of the library, as for :func:`makers`.
    learnt_from : iterable of int
        Their ids.

    Returns
    -------
    dict of int to str
        By the song's id, where that is known. Empty if nobody made two of the songs, or somebody made all of them: then
        nothing tells songs of one artist from those of others.

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
    """Return the arguments, beside the spectrograms, for the ``fit`` of an encoder that takes artists.

    Parameters
    ----------
    who : mapping of int to str
        Of :func:`teachers`; empty, if songs alone are to teach.
    owners : iterable of int
        The id of the song of each row.

    Returns
    -------
    dict
        ``artists``, one for each row; nothing, where nobody is known.
    """
    return {"artists": [who.get(owner) for owner in owners]} if who else {}


def _values(song: Credited) -> tuple[str, ...]:
    values: tuple[str, ...] = getattr(song, "artists", ())
    return values or ((song.artist,) if song.artist else ())


def _certain(text: str) -> Iterator[str]:
    """Yield the names in a credit that surely are several."""
    text = text[:_LONGEST]
    if "&" in text and ";" in text:  # "Ann &amp; Bea", from a page: no sign between values
        text = unescape(text)
    for value in _VALUES.split(text):
        name, *guests = _GUESTS.split(f" {value}")
        for one in (name, *(guest.rstrip(" )]") for guest in guests)):
            if bare := one.strip():
                yield bare
