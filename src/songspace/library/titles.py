"""Titles without notes on the version: "- 2011 Remaster", "(Live at ...)", "[Instrumental]", "feat. X".

Players, scrobblers and shops write such notes in brackets or after a dash, with a small vocabulary. A note is removed
only if all its words are known; "(Don't Fear) The Reaper" and "Song, Pt. 2" stay as they are. A title that is only a
note ("Live", "Demo") stays, too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from songspace.library.names import GUESTS, ROMAN, artist_of, compared, plain


class Title(NamedTuple):
    """The parts of a title.

    Attributes
    ----------
    song : str
        Name of the song for comparison: without case, accents, punctuation and notes on the version.
    variant : str
        Notes that may mean another piece of music, such as the name of a remix; empty for most titles.
    telling : bool
        True if the title identifies a song: "Intro", "Untitled", "Track 01" and "II. Allegro" do not.
    """

    song: str
    variant: str
    telling: bool


_LONGEST = 1000  # characters that are read: tags have no more, but playlists may
_BRACKETS = re.compile(r"[(\[{（【〔][^()\[\]{}（）【】〔〕]*[)\]}）】〕]")
_DASH = re.compile(r"\s*[-–—~|]\s+|\s+[-–—~|]\s*|_")
_MAY_HAVE_NOTES = re.compile(r"[\[({（【〔_–—~|-]|feat|ft\.", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d(?: \d\d \d\d)?")
_NUMBER = re.compile(r"\d{1,4}(?:st|nd|rd|th)?|\d+s")

# A segment is a note if it has at least one of these, and no other words than these and _BESIDE ...
_NOTES = frozenset(
    map(
        plain,
        "live remaster remastered remastering remasterizado remasterizada remasterise remasterisee "
        "remasterizzato instrumental instrumentals instrumentale karaoke playback acapella cappella capella "
        "acoustic acustico acustica acoustique akustisch akustik unplugged demo demos mono stereo edit edited "
        "mix version versions versione versao ver take takes outtake outtakes session sessions rehearsal "
        "soundcheck recorded rerecorded rerecording mastered bonus deluxe expanded explicit clean censored "
        "uncensored uncut unedited abridged excerpt unreleased video audio lyric lyrics visualizer visualiser "
        "extended original single album radio vocal vocals stripped slowed sped nightcore hd hq 4k atmos "
        "cover ライブ カラオケ 伴奏".split(),
    )
)
_BESIDE = frozenset(
    "the a and of on in at to or no off without with less from for only new old early late first second final "
    "alternate alternative alt official full complete length long short quick lp ep cd vinyl inch tv music track "
    "tracks hidden film movie studio home piano guitar solo string strings orchestra orchestral symphonic electric "
    "band down club dance digital digitally analog edition anniversary special previously rough uk us usa european "
    "american japanese german spanish french italian english portuguese korean chinese mtv bbc kexp peel spotify "
    "surround dolby re master up reverb backing quality high bit khz channel main".split()
)
# ... or if it has one of these, whatever the other words are.
_STRONG = frozenset("remaster remastered instrumental karaoke acapella cappella acoustic unplugged rerecorded".split())
_LIVE = re.compile(
    r"(?:recorded )?live (?:at|from|in|on|for|with|w|acoustic|bei|im|aus|a|au|en|da|dal|al|no|na)\b.*"
    r"|(?:recorded )?live\b.* (?:19|20)\d\d|recorded live\b.*|(?:en|in|al) (?:vivo|directo|concierto|concert)\b.*"
    r"|ao vivo\b.*|dal vivo\b.*"
)
_VERSION = re.compile(r"(?:\w+ ){1,5}(?:version|ver|versione|versao|sessions?|cover)")
_CREDIT = re.compile(r"(?:feat|ft|featuring|prod|produced|originally|as made|from|taken from|theme from)\b.+")
# Work of other people: perhaps another piece of music.
_VARIANT = re.compile(
    r".*\b(?:remix|remixed|remixes|rmx|mix|mixed|edit|dub|rework|reworked|bootleg|vip|flip|refix|mashup|remake|"
    r"reimagined)\b.*|with .+"
)
_UNTELLING = frozenset(
    "intro introduction introduccion outro interlude interludio intermission untitled unbenannt unnamed unknown titel "
    "title track tracks piste pista traccia hidden skit silence stille prelude preludio prologue prolog epilogue "
    "epilog overture ouverture finale opening ending end credits main theme reprise instr jam solo drum drums guitar "
    "bass medley tuning applause encore banter talk speech spoken word test "
    "allegro allegretto adagio andante andantino largo larghetto presto prestissimo menuet menuett menuetto minuet "
    "minuetto scherzo rondo rondeau vivace moderato lento grave aria sarabande gigue courante allemande gavotte "
    "bourree sinfonia sonata concerto recitativo recitative kyrie sanctus chorus chorale fugue fuga toccata "
    "ma non troppo con brio assai molto poco e ed et un quasi piu mosso sostenuto cantabile "
    "part pt act scene chapter kapitel movement mvt no nr number disc cd side a b c d f g in major minor flat sharp "
    "dur moll the".split()
)


def title_of(text: str, artist: str | None = None) -> Title:
    """Split a title into its parts.

    Parameters
    ----------
    text : str
    artist : str, optional
        Removed if the title begins with it: "Artist - Title".

    Examples
    --------
    >>> title_of("Heroes - 2017 Remaster").song, title_of("“Heroes” (Live in Berlin) [Mono]").song
    ('heroes', 'heroes')
    >>> title_of("Sunset (Night Journey Remix)")
    Title(song='sunset', variant='night journey remix', telling=True)
    >>> title_of("Live").song, title_of("Part II").telling
    ('live', False)
    """
    text = text.strip()[:_LONGEST]
    variants: list[str] = []
    bare = text
    if _MAY_HAVE_NOTES.search(text):
        bare = _without_dashes(_without_brackets(_without_artist(text, artist), variants), variants)
        bare = GUESTS.sub("", bare)
    song = compared(bare) or compared(text)
    return Title(song, " ".join(sorted(variants)), telling=any(map(_is_telling, song.split())))


def artist_and_title(text: str) -> tuple[str | None, str]:
    """Split a text that may be "Artist - Title" into artist and title; the artist is None if it is a title alone.

    Examples
    --------
    >>> artist_and_title("Ann - Blue"), artist_and_title("Blue - Live"), artist_and_title("Blue")
    (('Ann', 'Blue'), (None, 'Blue - Live'), (None, 'Blue'))
    """
    artist, dash, title = text[:_LONGEST].partition(" - ")
    bare = _without_dashes(_without_brackets(title, []), [])
    one = dash and " - " not in bare and plain(artist) and _kind(bare)[0] in ("name", "year")
    return (artist, title) if one else (None, text)


def _is_telling(word: str) -> bool:
    known = word in _UNTELLING or word in _NOTES or word in ROMAN
    return not known and word[0].isalnum() and not (word.isdecimal() and len(word) < 4)


def _without_artist(text: str, artist: str | None) -> str:
    begins, dash, rest = text.partition(" - ")
    return rest if dash and rest.strip() and artist and artist_of(begins) == artist_of(artist) else text


def _without_brackets(text: str, variants: list[str]) -> str:
    while True:
        for match in _BRACKETS.finditer(text):
            kind, note = _kind(match[0])
            without = f"{text[: match.start()]} {text[match.end() :]}"
            if kind != "name" and plain(without):
                variants += [note] if kind == "variant" else []
                text = without
                break
        else:
            return text


def _without_dashes(text: str, variants: list[str]) -> str:
    dropped = False
    while dashes := list(_DASH.finditer(text)):
        kind, note = _kind(text[dashes[-1].end() :])
        without = text[: dashes[-1].start()]
        # "1979" may be a song, "1979 - Remaster" is a note.
        if kind == "name" or (kind == "year" and not dropped) or not plain(without):
            break
        variants += [note] if kind == "variant" else []
        text, dropped = without, True
    return text


@lru_cache(maxsize=4096)
def _kind(segment: str) -> tuple[Literal["name", "note", "year", "variant"], str]:
    """Classify a part of a title; return its kind and its normalized text."""
    note = plain(segment)
    words = note.split()
    if _YEAR.fullmatch(note):
        return "year", note
    if not words or _LIVE.fullmatch(note) or _CREDIT.fullmatch(note):
        return "note", note
    known = all(word in _NOTES or word in _BESIDE or _NUMBER.fullmatch(word) for word in words)
    if known and not _NOTES.isdisjoint(words):
        return "note", note
    if _VARIANT.fullmatch(note):
        return "variant", note
    strong = len(words) <= 6 and not _STRONG.isdisjoint(words)
    return ("note" if strong or _VERSION.fullmatch(note) else "name"), note
