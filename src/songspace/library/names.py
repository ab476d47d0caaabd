"""Names, normalized to be compared, and the search for a song by a part of "artist - title"."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from songspace.errors import SongspaceError
from songspace.library.records import Song

NEAR = 0.75
"""Smallest likeness of a name that is suggested for a wrong one: three of four letters, in their order."""

_TO_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum()}
# Marks that do not make another letter: the accents of Latin, Greek and Cyrillic, the points that most texts in Hebrew
# and Arabic leave out, and variation selectors. The vowels of Devanagari and Thai, and the two strokes that make
# another syllable of a kana, are not among them.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
_BETWEEN = re.compile(r"\s[-–—]\s")  # an artist and a title
_DRAWN_OTHERWISE = str.maketrans("’‘ʼ`´“”–—‐‑−", "'''''\"\"-----")
_ARTICLES = frozenset(("the", "a", "an"))

_NOTE = re.compile(r"[(\[]|\s[-–—]\s")
_APOSTROPHES = re.compile(r"['’‘ʼ`´]")
_AND = re.compile(r"[&+]")
ROMAN = {
    ten + one: str(10 * tens + ones)
    for tens, ten in enumerate(("", "x", "xx", "xxx"))
    for ones, one in enumerate(("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"))
    if ten + one
}
"""The Roman numbers up to 39, as titles count their parts."""
_PART = re.compile(r"\b(?:parts?|pts?|teil|partie|parte) ?(\d+|[ivx]+)\b")


class AmbiguousError(SongspaceError):
    """The name that a person gave fits several songs.

    Attributes
    ----------
    songs : list of Song
        The songs to choose from.
    """

    def __init__(self, text: str, songs: Sequence[Song]) -> None:
        super().__init__(f"{len(songs)} songs fit “{text}”: say more, or give the id of one.")
        self.songs = list(songs)


def folded(text: str) -> str:
    """Remove case and accents.

    Examples
    --------
    >>> folded("Été/Sigur Rós.mp3")
    'ete/sigur ros.mp3'
    """
    if text.isascii():
        return text.lower()
    for _ in range(2):  # a folded letter may decompose again, and the other way round
        text = unicodedata.normalize("NFKD", text).casefold()
    return _ACCENTS.sub("", text)


def plain(text: str) -> str:
    """Remove case, accents and punctuation.

    Examples
    --------
    >>> plain("Sigur Rós – Ágætis byrjun!")
    'sigur ros agætis byrjun'
    """
    bare = folded(text)
    # Both ways give the same; the first is fast for ASCII, as most titles are.
    spaced = bare.translate(_TO_BLANKS) if bare.isascii() else "".join(map(_or_blank, bare))
    return " ".join(spaced.split())


def signs(text: str) -> str:
    """Normalize a text that has no letter and no digit.

    Examples
    --------
    >>> signs("? ! …")
    '?!...'
    """
    return "".join(folded(text).split())


def compared(text: str) -> str:
    """Normalize a name: "Rock 'n' Roll, Pt. II" is "Rock & Roll (Part 2)", and "÷ (Live)" is not "× (Live)".

    The result is empty only if the text is blank.
    """
    begins = text.lstrip()
    if not begins[:1].isalnum():
        head = _NOTE.split(begins, maxsplit=1)[0]  # "÷" of "÷ (Live)"
        if not plain(head or text):
            return signs(text)
    words = f" {plain(_AND.sub(' and ', _APOSTROPHES.sub('', text)))} ".replace(" n ", " and ").strip()
    return _PART.sub(lambda part: f"part {ROMAN.get(part[1], part[1])}", words)


def sought(text: str) -> str:
    """Normalize a text for a search, as :func:`plain`, but keep an artist or a title that has only punctuation.

    Symbols outside ASCII ("÷", a heart) are words.

    Examples
    --------
    >>> sought("!!! - Slyd!"), sought("Xx – ?"), sought("Ed ÷"), sought("+/-")
    ('!!! slyd', 'xx ?', 'ed ÷', '+/-')
    """
    if not text.isascii():
        text = folded(text)
        text = "".join(f" {c} " if not c.isascii() and unicodedata.category(c) in ("So", "Sm") else c for c in text)
        parts = [_words(part) or signs(part) for part in _BETWEEN.split(text)]
    else:
        parts = [plain(part) or signs(part) for part in (text.split(" - ") if " - " in text else (text,))]
    return " ".join(filter(None, parts))


def find(songs: Sequence[Song], text: str) -> Song:
    """Return the song that ``text`` names.

    These are tried in order: the whole name or title as it is written; without case and accents; without punctuation; a
    part of the name; and all words, anywhere in artist, title, album and file name. If several files share the whole
    name, the first one by path is returned.

    Raises
    ------
    AmbiguousError
        If several songs fit.
    SongspaceError
        If no song fits; the message suggests similar names.

    Examples
    --------
    >>> songs = [Song(1, "/a.mp3", 60.0, "Blue", "Ann"), Song(2, "/b.mp3", 60.0, "Green", "Bea")]
    >>> find(songs, "green").id
    2
    """
    wanted = sought(text)
    if wanted:
        for spelled in (_exactly, _in_any_case):
            if fitting := _called(songs, text, spelled):
                return _one(fitting, text)
        names = [
            f"{sought(song.artist)} {sought(_titled(song))}" if song.artist else sought(_titled(song)) for song in songs
        ]
        titles = [sought(song.title or "") for song in songs]
        words = wanted.split()

        def anywhere(i: int) -> str:
            song = songs[i]
            return f"{names[i]} {sought(song.album or '')} {sought(os.path.basename(song.path))}"

        tests: tuple[Callable[[int], bool], ...] = (
            lambda i: wanted in (names[i], titles[i]),
            lambda i: wanted in names[i],
            lambda i: all(word in anywhere(i) for word in words),
        )
        for test in tests:
            if fitting := [song for i, song in enumerate(songs) if test(i)]:
                return _one(fitting, text)
        where: dict[str, int] = {}
        for i, pair in enumerate(zip(names, titles, strict=True)):
            for name in filter(None, pair):
                where.setdefault(name, i)
        near = dict.fromkeys(where[name] for name in nearest(wanted, where, 6))
        artists = {sought(song.artist): song.artist for song in songs if song.artist}
        meant = [songs[i].name for i in list(near)[:3]]
        meant += [f"the artist {artists[name]}" for name in nearest(wanted, artists, 1)]
        hint = f" Did you mean: {'; '.join(meant)}?" if meant else ""
    else:
        hint = ""
    raise SongspaceError(f"No song of the library is called “{text}”.{hint}")


def nearest(wanted: str, names: Iterable[str], most: int) -> list[str]:
    """Return the names that a misspelled one may mean, the most similar first.

    Two names are similar if they share three of four letters in the same order (the ratio of Ratcliff and Obershelp, as
    in difflib), either as written or with sorted words and without articles: a typing error or two, words in another
    order, a missing "The".

    Parameters
    ----------
    wanted : str
    names : iterable of str
        Normalized by :func:`plain` or :func:`sought`, like ``wanted``.
    most : int
        Largest number of names.

    Examples
    --------
    >>> names = ["ann blue moon", "the beatles help", "bea green"]
    >>> nearest("ann blew mon", names, 3), nearest("help beatles", names, 3), nearest("dan brown", names, 3)
    (['ann blue moon'], ['the beatles help'], [])
    """
    if not wanted:
        return []
    # difflib analyses its second text once, and compares others with it.
    as_written, in_order = (difflib.SequenceMatcher(None, "", b, autojunk=False) for b in (wanted, _sorted(wanted)))
    near = []
    for name in names:
        as_written.set_seq1(name)
        likeness = 0.0
        if as_written.real_quick_ratio() >= NEAR and as_written.quick_ratio() >= NEAR:
            likeness = as_written.ratio()
        by_words = _sorted(name)
        in_order.set_seq1(by_words)
        if likeness < 1 and in_order.real_quick_ratio() >= NEAR and in_order.quick_ratio() >= NEAR:
            likeness = max(likeness, in_order.ratio())
        if likeness >= NEAR:
            near.append((-likeness, name))
    return [name for _, name in sorted(near)[:most]]


def _sorted(name: str) -> str:
    words = name.split()
    return " ".join(sorted([word for word in words if word not in _ARTICLES] or words))


def _called(songs: Sequence[Song], text: str, spelled: Callable[[str], str]) -> list[Song]:
    wanted = spelled(text)
    return [song for song in songs if wanted in (spelled(song.name), song.title and spelled(song.title))]


def is_called(songs: Sequence[Song], text: str) -> bool:
    """Return True if a text is the whole name or title of a song, without regard to case and accents."""
    return bool(_called(songs, text, _in_any_case))


def _exactly(text: str) -> str:
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


def _in_any_case(text: str) -> str:
    return " ".join(folded(text if text.isascii() else text.translate(_DRAWN_OTHERWISE)).split())


def _one(fitting: Sequence[Song], text: str) -> Song:
    """Return the first of some songs if all have the same name, so that they are copies."""
    if len({_in_any_case(song.name) for song in fitting}) == 1:
        return fitting[0]
    raise AmbiguousError(text, fitting)


def _titled(song: Song) -> str:
    return song.name[len(song.artist) + 3 :] if song.artist else song.name


def _or_blank(c: str) -> str:
    """Return a character if it is part of a word (vowels written as marks, too), else a blank."""
    return c if c.isalnum() or unicodedata.category(c)[0] == "M" else " "


def _words(bare: str) -> str:
    """Normalize folded text, as :func:`plain`, but keep symbols as words."""
    if not any(c.isalnum() for c in bare):
        return ""
    kept = (c if not c.isascii() and unicodedata.category(c) in ("So", "Sm") else _or_blank(c) for c in bare)
    return " ".join("".join(kept).split())


VARIOUS_MBID = "89ad4ac3-39f7-470e-963a-56509c546377"
"""MusicBrainz id of "Various Artists"."""

GUESTS = re.compile(r"\s[(\[]?(?:feat\b\.?|ft\.|featuring\b)\s*\S.*", re.IGNORECASE | re.DOTALL)
"""Guests, from the word that begins them to the end."""

# "Various Artists" in the languages of taggers ...
_SEVERAL = frozenset(
    map(
        compared,
        "various artists|various artist|various|various performers|various interprets|va|v.a.|v/a|compilation|"
        "compilations|verschiedene interpreten|verschiedene künstler|verschiedene|diverse interpreten|diverse künstler|"
        "diverse|divers|artistes divers|divers artistes|artistes variés|interprètes divers|varios artistas|"
        "artistas varios|varios intérpretes|varios|vários artistas|vários intérpretes|vários|artisti vari|vari artisti|"
        "autori vari|interpreti vari|aa.vv.|diverse artiesten|verschillende artiesten|diverse artister|"
        "forskellige kunstnere|olika artister|blandade artister|eri esittäjiä|różni wykonawcy|różni artyści|"
        "různí interpreti|různí umělci|rôzni interpreti|különböző előadók|diverși artiști|razni izvođači|"
        "çeşitli sanatçılar|разные исполнители|различные исполнители|сборник|різні виконавці|διάφοροι καλλιτέχνες|"
        "διάφοροι|ヴァリアス・アーティスト|ヴァリアスアーティスト|オムニバス|群星|合輯|여러 아티스트".split("|"),
    )
)
# ... and names for unknown artists.
_UNKNOWN = frozenset(
    map(
        compared,
        "unknown artist|unknown|unbekannter interpret|unbekannter künstler|unbekannt|artista desconocido|"
        "artiste inconnu|artista sconosciuto|artista desconhecido|неизвестный исполнитель|неизвестен|"
        "soundtrack|original soundtrack|ost|no artist|none".split("|"),
    )
)


@lru_cache(maxsize=65536)
def artist_of(text: str | None) -> str | None:
    """Normalize an artist, without guests and a "The"; None for "Various Artists" and "Unknown Artist".

    The article is dropped because taggers forget it, and hardly any two artists differ in it alone.

    Examples
    --------
    >>> artist_of("The Beatles"), artist_of("Simon & Garfunkel feat. X"), artist_of("Various Artists")
    ('beatles', 'simon and garfunkel', None)
    """
    if not text:
        return None
    name = compared(GUESTS.sub("", text))
    if name in _SEVERAL or name in _UNKNOWN:
        return None
    return name.removeprefix("the ").removesuffix(" the") or None


def are_several(text: str | None) -> bool:
    """Return True if a tag means "Various Artists"."""
    return bool(text) and compared(text or "") in _SEVERAL
