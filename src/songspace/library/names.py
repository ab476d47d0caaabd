"""Finding the song that a person means: by path, by number, or by a part of "artist - title"."""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections.abc import Sequence

from songspace.errors import SongspaceError
from songspace.library.catalog import Song

SHOWN = 8

_TO_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum()}


def folded(text: str) -> str:
    """Text without case and accents.

    Examples
    --------
    >>> folded("Été/Sigur Rós.mp3")
    'ete/sigur ros.mp3'
    """
    if text.isascii():
        return text.lower()
    for _ in range(2):  # folding a letter may bring forth one that decomposes, and the other way round
        text = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in text if not unicodedata.combining(c))


def plain(text: str) -> str:
    """Text as it is compared: without case, accents and punctuation.

    Examples
    --------
    >>> plain("Sigur Rós – Ágætis byrjun!")
    'sigur ros agætis byrjun'
    """
    bare = folded(text)
    # The same either way; most titles are ASCII, and this is asked of every song of a library.
    spaced = bare.translate(_TO_BLANKS) if bare.isascii() else "".join(c if c.isalnum() else " " for c in bare)
    return " ".join(spaced.split())


def find(songs: Sequence[Song], text: str) -> Song:
    """The one song that ``text`` names.

    Tried in this order: the whole name or title, a part of the name, and all the words anywhere in artist, title,
    album and file name. A title that several files share is answered by the first of them by path.

    Raises
    ------
    SongspaceError
        If none fits, with the nearest names; if several do, with their numbers.

    Examples
    --------
    >>> songs = [Song(1, "/a.mp3", 60.0, "Blue", "Ann"), Song(2, "/b.mp3", 60.0, "Green", "Bea")]
    >>> find(songs, "green").id
    2
    """
    wanted = plain(text)
    names = [plain(song.name) for song in songs]
    titles = [plain(song.title or "") for song in songs]
    words = wanted.split()

    def anywhere(i: int) -> str:
        song = songs[i]
        return f"{names[i]} {plain(song.album or '')} {plain(os.path.basename(song.path))}"

    tests = (
        lambda i: wanted in (names[i], titles[i]),
        lambda i: wanted in names[i],
        lambda i: all(word in anywhere(i) for word in words),
    )
    for test in tests if wanted else ():
        fitting = [song for i, song in enumerate(songs) if test(i)]
        if len({plain(song.name) for song in fitting}) == 1:
            return fitting[0]
        if fitting:
            shown = "; ".join(f"{song.name} (id {song.id})" for song in fitting[:SHOWN])
            more = f"; and {len(fitting) - SHOWN} more" if len(fitting) > SHOWN else ""
            raise SongspaceError(f"{len(fitting)} songs fit “{text}”: {shown}{more}. Say more, or give the id.")
    near = _nearest(wanted, names, titles)
    hint = " Did you mean: " + "; ".join(songs[i].name for i in near) + "?" if near else ""
    raise SongspaceError(f"No song of the library is called “{text}”.{hint}")


def _nearest(wanted: str, names: Sequence[str], titles: Sequence[str]) -> list[int]:
    where: dict[str, int] = {}
    for i, (name, title) in enumerate(zip(names, titles, strict=True)):
        where.setdefault(name, i)
        where.setdefault(title, i)
    close = difflib.get_close_matches(wanted, where, n=4, cutoff=0.5)
    return list(dict.fromkeys(where[name] for name in close))[:3]
