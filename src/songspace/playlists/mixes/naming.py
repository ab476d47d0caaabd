"""Names for lists of songs, from tags that are characteristic of them in the library.

A name consists of genre, artists and years of the core of a list, if its songs have such tags, and if these distinguish
it from the rest of the library. A tag is characteristic by its log-odds ratio against the rest of the library, with a
prior that shrinks the ratio of rare tags (Monroe et al. 2008).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from songspace.library import Song
from songspace.library.credits import Credits
from songspace.library.names import plain

_NO_GENRE = frozenset(
    ("other", "unknown", "unknown genre", "misc", "miscellaneous", "none", "undefined", "genre", "music")
)
_HALF = 0.5  # least share of the songs with a tag that may name the list
_SECOND = 0.25  # least share of the songs with a second genre
_LONGEST_YEARS = 15  # longest span of years in a name
_BYTES = 150  # of a file name: systems allow 255, and other programs add to it

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u2028\u2029\ud800-\udfff\ufffe\uffff]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)


def name_lists(lists: Sequence[Sequence[Song]], library: Sequence[Song]) -> list[str]:
    """Return a unique name for each list, also without case and accents.

    Parameters
    ----------
    lists : sequence of sequences of songs
        Each with at least one song, the most typical songs first.
    library : sequence of songs
        All songs of the library.

    Examples
    --------
    >>> from songspace.library import Song
    >>> bach = [Song(n, f"/{n}", 60.0, "Aria", artist="Bach", genre="Baroque", year=1990 + n) for n in range(4)]
    >>> dub = [Song(n, f"/{n}", 60.0, "Version", genre="dub") for n in range(4, 8)]
    >>> tape = Song(9, "/tape 9.mp3", 60.0, year=1950)
    >>> name_lists([bach, dub, [tape]], [*bach, *dub, tape])
    ['Baroque · Bach · 1990–1993', 'dub · Around Version', 'Around tape 9 · 1950']
    """
    common = _Common(library)
    names: list[str] = []
    taken: set[str] = set()
    named: set[str] = set()
    for songs in lists:
        genres = _characteristic_genres(songs, common)
        artists = _characteristic_artists(songs, genres, common, named)
        name = next(name for name in _candidates(songs, genres, artists, common) if plain(name) not in taken)
        taken.add(plain(name))
        named |= {artist for artist in artists[:2] if common.people[artist] in name}
        names.append(name)
    return names


def file_name(name: str) -> str:
    """Return a file name without suffix for a name, valid on all systems.

    Examples
    --------
    >>> file_name("AC/DC: Live?"), file_name("con"), file_name("...")
    ('AC-DC- Live', '_con', 'Mix')
    """
    text = unicodedata.normalize("NFC", _FORBIDDEN.sub("-", name))
    text = " ".join(text.split()).strip(" .-")
    if _RESERVED.match(text):
        text = f"_{text}"
    return text.encode()[:_BYTES].decode("utf-8", "ignore").rstrip(" .-") or "Mix"


class _Common:
    """Tags of a whole library: counts, spellings and years."""

    def __init__(self, library: Sequence[Song]) -> None:
        self.genres = Counter(key for song in library for key in _genres(song))
        self.credits = Credits(library)
        self.artists = Counter(key for song in library for key in self.credits.of(song))
        self.years = _range([song.year for song in library if song.year])
        self.spelling = _spellings(part for song in library for part in _parts(song))
        self.people = self.credits.spelled


def _candidates(songs: Sequence[Song], genres: Sequence[str], artists: Sequence[str], common: _Common) -> Iterator[str]:
    """Yield names for a list, endlessly, the best first."""
    genre = " & ".join(common.spelling[key] for key in genres)
    people = [common.people[key] for key in artists]
    years = _years(songs, common)
    for first in range(0, len(people), 2):
        yield _joined(genre, ", ".join(people[first : first + 2]), years)
    for song in songs:
        yield _joined(genre, f"Around {song.name}", years)
    for number in count(2):
        yield _joined(genre, f"Around {songs[0].name} ({number})", years)


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _characteristic_genres(songs: Sequence[Song], common: _Common) -> list[str]:
    """Return one or two genres that are more frequent in a list than elsewhere; empty if there are none."""
    tagged = [keys for song in songs if (keys := _genres(song))]
    if len(tagged) < _HALF * len(songs):
        return []
    here = Counter(key for keys in tagged for key in keys)
    shares = {key: here[key] / len(tagged) for key in here if _log_odds(key, here, common.genres) > 0}
    first, *others = [*sorted(shares, key=lambda key: (-shares[key], key)), ""]
    if not first:
        return []
    second = others[0]
    if shares[first] >= _HALF and (not second or shares[second] < _SECOND):
        return [first]
    together = shares[first] + shares.get(second, 0.0)
    return [first, second] if second and shares[second] >= _SECOND and together > _HALF else []


def _characteristic_artists(
    songs: Sequence[Song], genres: Sequence[str], common: _Common, named: set[str]
) -> list[str]:
    """Return artists for the name of a list, the most characteristic first.

    Beside a genre, only artists of this genre count. Artists in the name of another list come last, unless a quarter of
    this list is theirs.
    """
    known = [key for song in songs if not genres or _genres(song) & {*genres} for key in common.credits.of(song)]
    if len(known) < _HALF * len(songs):
        return []
    here = Counter(known)
    place = {key: number for number, key in reversed(list(enumerate(known)))}

    def rank(key: str) -> tuple[bool, float, int]:
        used = key in named and here[key] < _SECOND * len(songs)
        return used, -_log_odds(key, here, common.artists), place[key]

    return sorted(here, key=rank)


def _log_odds(key: str, here: Counter[str], everywhere: Counter[str]) -> float:
    """Return the log-odds ratio of a tag in a list against the rest of the library, in standard deviations."""
    n, total = sum(here.values()), sum(everywhere.values())
    if everywhere[key] == total:
        return 0.0  # the library has no other tag
    prior = everywhere[key] / total
    inside, outside = here[key] + prior, everywhere[key] - here[key] + prior
    odds = math.log(inside / (n + 1 - inside)) - math.log(outside / (total - n + 1 - outside))
    return odds / math.sqrt(1 / inside + 1 / outside)


def _years(songs: Sequence[Song], common: _Common) -> str:
    """Return the years of the middle four fifths of a list; empty if their span is long."""
    known = [song.year for song in songs if song.year]
    if len(known) < _HALF * len(songs):
        return ""
    begin, end = _range(known)
    whole = common.years[1] - common.years[0] + 1
    if end - begin + 1 > min(_LONGEST_YEARS, whole / 2):
        return ""
    return str(begin) if begin == end else f"{begin}–{end}"


def _range(years: Sequence[int]) -> tuple[int, int]:
    """Return the first and the last year without a tenth of the songs at either end."""
    ordered = sorted(years)
    skipped = len(ordered) // 10
    return (ordered[skipped], ordered[-1 - skipped]) if ordered else (0, 0)


def _parts(song: Song) -> list[str]:
    """Return the genres of a song, split at ``;``, ``/`` and ``|``; without any, the words of a trained ear."""
    values = song.genres or ((song.genre,) if song.genre else song.words)
    return [part.strip() for value in values for part in re.split(r"[;/|\0]", value) if plain(part)]


def _genres(song: Song) -> set[str]:
    return {plain(part) for part in _parts(song)} - _NO_GENRE


def _spellings(texts: Iterable[str]) -> dict[str, str]:
    """Return the most frequent spelling of each text, by its form in :func:`plain`."""
    spellings: dict[str, str] = {}
    for text, _ in sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0])):
        spellings.setdefault(plain(text), text)
    return spellings
