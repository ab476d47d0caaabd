"""The filter language: what it means, what it refuses, and that no text whatever does harm."""

from __future__ import annotations

import math
import operator
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.library.conditions import NUMBERS, TEXTS, And, Comparison, Not, Or, Where
from songspace.library.records import Song
from songspace.library.where import DEEPEST, LONGEST, parse

NINA = Song(
    1, "/m/Nina/Blues/01 Do I Move You.flac", 166.4, "Do I Move You?", "Nina Simone", "Nina Simone", "Blues",
    "Vocal Jazz", 1967, 1, recording_mbid="e8f9b188-f819-4e43-ab0f-4bd26ce9ff56",
)  # fmt: skip
ROS = Song(2, "/m/Rós/Live/Ágætis.mp3", 475.6, "Ágætis byrjun", "Sigur Rós", genre="Post-Rock", year=1999, track=9)
CHK = Song(3, "/m/x.mp3", 210.4, "Don't", "!!!", year=2010)
BARE = Song(4, "/m/bare.mp3", 0.0)
SONGS = [NINA, ROS, CHK, BARE]


def ids(text: str) -> list[int]:
    where = parse(text)
    found = [song.id for song in SONGS if where(song)]
    assert found == [song.id for song, said in zip(SONGS, where.mask(SONGS), strict=True) if said]
    return found


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("year >= 1990 and genre ~ rock", [2]),
        ("year>=1990", [2, 3]),
        ("YEAR < 1999 OR year > 1999", [1, 3]),
        ("year = 1967", [1]),
        ("year == 1967", [1]),
        ("year != 1967", [2, 3]),
        ("year in (1967, 1999)", [1, 2]),
        ("year not in (1967, 1999)", [3]),
        ("track <= 1", [1]),
        ("has year", [1, 2, 3]),
        ("not has genre", [3, 4]),
        ("has duration", [1, 2, 3]),
        # Missing values: no comparison is true, and "not" turns that round.
        ("genre != jazz", [1, 2]),
        ("not genre = jazz", [1, 2, 3, 4]),
        ("genre !~ jazz", [2]),
        ("not genre ~ jazz", [2, 3, 4]),
        ("duration > 0", [1, 2, 3]),
        # Case, accents and punctuation.
        ("artist = 'sigur ros'", [2]),
        ("artist = “SIGUR RÓS”", [2]),
        ("title = 'do i move you'", [1]),
        ("title = don't", [3]),
        ("title ~ ÁGÆTIS", [2]),
        ("genre = 'post rock'", [2]),
        ("genre ~ vocal", [1]),
        ("genre = vocal", []),
        ("genre in (post-rock, 'VOCAL  JAZZ')", [1, 2]),
        ("artist = '!!!'", [3]),
        ("artist ~ '!!'", [3]),
        ("artist in ('!!!', 'nina simone')", [1, 3]),
        ("album ~ '?'", []),
        ("title ~ '?'", [1]),
        # In a path the punctuation counts.
        ("path ~ /live/", [2]),
        ("path ~ '/m/ros/'", [2]),
        ("path ~ 'm ros'", []),
        ("recording_mbid = E8F9B188-F819-4E43-AB0F-4BD26CE9FF56", [1]),
        # Whole seconds, as players show them.
        ("duration = 3:30", [3]),
        ("duration = 210", [3]),
        ("duration <= 2:46", [1]),
        ("duration in (166, 0:07:56)", [1, 2]),
        # "and" binds more than "or", "not" more than both.
        ("year = 1967 or year = 1999 and track = 1", [1]),
        ("(year = 1967 or year = 1999) and track = 9", [2]),
        ("not year = 1967 and has year", [2, 3]),
        ("not (year = 1967 or not has year)", [2, 3]),
        ("not not has genre", [1, 2]),
        # Words of the language are text in quotes, and titles may look like anything.
        ("title ~ 'and' or title = \"(or\\\"\" or title ~ 'MOVE'", [1]),
        ("title!~move and artist!='!!!'", [2]),
    ],
)  # fmt: skip
def test_what_fits(text: str, fitting: list[int]) -> None:
    assert ids(text) == fitting


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("", None, "is empty"),
        ("  ", None, "is empty"),
        ("year", "its end", "expected =, !=, <, <=, >, >= or in after year"),
        ("genre", "its end", "expected =, !=, ~, !~ or in after genre"),
        ("year >=", "its end", "expected a value after “>=”"),
        ("year >> 3", "“>” (character 7)", "expected a value after “>”"),
        ("year > jazz", "“jazz” (character 8)", "a whole number, such as 1990"),
        ("year > 3:30", "“3:30” (character 8)", "a whole number, such as 1990"),
        ("duration < 3:30:00:00", "“3:30:00:00” (character 12)", "210 or 3:30"),
        ("genre > a", "“>” (character 7)", "genre is text, and is compared by =, !=, ~, !~ or in"),
        ("year ~ 19", "“~” (character 6)", "year is a number, and is compared by =, !=, <, <=, >, >= or in"),
        ("genre ~ hip hop", "“hop” (character 13)", 'text with blanks needs quotes: "hip hop"'),
        ("year = 1990 && x", "“&&” (character 13)", "expected “and”, “or” or the end."),
        ("year = 1990 (", "“(” (character 13)", "expected “and”, “or” or the end."),
        ("(year > 3", "its end", "the “)” to the “(” of character 1"),
        ("year > 3)", "“)” (character 9)", "expected “and”, “or” or the end."),
        ("gender = 1", "“gender” (character 1)", "did you mean genre?"),
        ("length < 3", "“length” (character 1)", "did you mean duration?"),
        ("qqq = 1", "“qqq” (character 1)", "there are title, artist"),
        ("has", "its end", "expected a field"),
        ("= 3", "“=” (character 1)", "expected a field"),
        ("'genre' = 3", "“'genre'” (character 1)", "expected a field"),
        ("! year = 3", "“!” (character 1)", "expected a field"),
        ("title = 'abc", "“'abc” (character 9)", "quotes never close"),
        ("genre in jazz", "“jazz” (character 10)", "expected “(” and values"),
        ("genre in (a b)", "“b” (character 13)", "expected “,” or “)”"),
        ("genre in ()", "“)” (character 11)", "expected a value after “(”"),
        ("genre not jazz", "“jazz” (character 11)", "expected “in”"),
        ("genre = and year = 3", "“and” (character 9)", "in quotes, if it is meant as text"),
        ("title = ' '", "“' '” (character 9)", "“has title”"),
        ("year = 1\n\x1b[31m2", "“\ufffd[31m2” (character 10)", "the end"),
    ],
)
def test_what_cannot_be_read(text: str, place: str | None, why: str) -> None:
    with pytest.raises(SongspaceError) as raised:
        parse(text)
    message = str(raised.value)
    assert why in message
    assert place is None or message.startswith(f"The filter cannot be read at {place}: ")
    assert message[-1] in ".?"
    assert "\n" not in message


@pytest.mark.parametrize("opening", ["(", "not ", "not("])
def test_it_cannot_be_nested_without_bound(opening: str) -> None:
    with pytest.raises(SongspaceError, match=f"nested more than {DEEPEST} deep"):
        parse(opening * 1000 + "has year")
    deep = opening * (DEEPEST // (2 if opening == "not(" else 1))
    parse(deep + "has year" + ")" * deep.count("("))


def test_it_cannot_be_endless() -> None:
    long = " or ".join(["has year"] * 3000)
    with pytest.raises(SongspaceError, match=rf"too long: {len(long)} characters, and {LONGEST} at most"):
        parse(long)
    long = " and ".join(["has year"] * 700)
    assert parse(long)(NINA)
    assert not parse(f"not ({long})")(NINA)


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from([*TEXTS, *NUMBERS, *"=<>~(),!'\"“”\\ 3", "and", "or", "not", "in", "has", "!=", "3:30"]),
            max_size=25,
        ).map(" ".join),
    )
)  # fmt: skip
@settings(max_examples=500)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        where = parse(text)
    except SongspaceError as error:
        assert "\n" not in str(error)
    else:
        assert where.mask(SONGS).shape == (4,)
        assert parse(str(where)) == where


# The language again, as plainly as can be: a condition is a tuple, and a song is asked tag by tag.

WORDS = ("jazz", "Hip Hop", "ÉTÉ", "ete", "a b", "!!!", "and", 'x"y\\', "Straße", "don't", "(", "rock")
OF_TEXT = ("title", "artist", "genre", "path")
OF_NUMBERS = ("year", "track", "duration")
NUMERIC = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

some_songs = st.builds(
    Song,
    id=st.just(1),
    path=st.sampled_from(["/a/Jazz/x.mp3", "/ete/(b)/and.mp3"]),
    duration=st.sampled_from([0.0, 2.4, 2.5001, 59.9, math.inf, math.nan]),
    title=st.none() | st.sampled_from(WORDS),
    artist=st.none() | st.sampled_from([*WORDS, "The Jazz Ete!", ""]),
    genre=st.none() | st.sampled_from(WORDS),
    year=st.none() | st.integers(1, 4),
    track=st.none() | st.integers(1, 4),
)
comparisons = st.one_of(
    st.tuples(
        st.just("text"), st.sampled_from(OF_TEXT), st.sampled_from(["=", "!=", "~", "!~"]), st.sampled_from(WORDS)
    ),
    st.tuples(
        st.just("texts"), st.sampled_from(OF_TEXT), st.sampled_from(["in", "not in"]),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    ),
    st.tuples(st.just("number"), st.sampled_from(OF_NUMBERS), st.sampled_from([*NUMERIC]), st.integers(1, 60)),
    st.tuples(
        st.just("numbers"), st.sampled_from(OF_NUMBERS), st.sampled_from(["in", "not in"]),
        st.lists(st.integers(1, 60), min_size=1, max_size=3),
    ),
    st.tuples(st.just("has"), st.sampled_from(OF_TEXT + OF_NUMBERS)),
)  # fmt: skip
conditions = st.recursive(
    comparisons,
    lambda parts: st.one_of(
        st.tuples(st.just("not"), parts),
        st.tuples(st.sampled_from(["and", "or"]), st.lists(parts, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)


def written(condition: tuple) -> str:
    match condition:
        case ("has", field):
            return f"HAS {field}"
        case ("not", part):
            return f"not({written(part)})"
        case ("and" | "or" as word, parts):
            return "(" + f" {word} ".join(f"( {written(part)} )" for part in parts) + ")"
        case ("texts" | "numbers", field, sign, values):
            return f"{field} {sign} (" + " , ".join(map(quoted, values)) + ")"
        case (_, field, sign, value):
            return f"{field}{sign}{quoted(value)}"
    raise AssertionError(condition)


def quoted(value: Any) -> str:
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def without_accents(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return bare.casefold()


def said(song: Song, condition: tuple) -> bool:
    match condition:
        case ("not", part):
            return not said(song, part)
        case ("and", parts):
            return all(said(song, part) for part in parts)
        case ("or", parts):
            return any(said(song, part) for part in parts)
    kind, field, *rest = condition
    value = getattr(song, field)
    if value is None or value == "" or (field == "duration" and not (value > 0 and value != math.inf)):
        return False
    if kind == "has":
        return True
    sign, wanted = rest
    if kind in ("number", "numbers"):
        value = int(value + 0.5)
        if kind == "numbers":
            return (value in wanted) == (sign == "in")
        return bool(NUMERIC[sign](value, wanted))

    def key(text: str, by_words: bool) -> str:
        text = without_accents(text)
        return " ".join("".join(c if c.isalnum() else " " for c in text).split()) if by_words else text.strip()

    def equal(one: str) -> bool:
        by_words = field != "path" and any(c.isalnum() for c in one)
        return key(one, by_words) == key(value, by_words)

    if kind == "texts":
        return any(map(equal, wanted)) == (sign == "in")
    if sign in ("=", "!="):
        return equal(wanted) == (sign == "=")
    by_words = field != "path" and any(c.isalnum() for c in wanted)
    return (key(wanted, by_words) in key(value, by_words)) == (sign == "~")


@given(conditions, st.lists(some_songs, max_size=6))
@settings(max_examples=300)
def test_it_means_what_the_plain_evaluator_says(condition: tuple, songs: list[Song]) -> None:
    where = parse(written(condition))
    expected = [said(song, condition) for song in songs]
    assert where.mask(songs).tolist() == expected
    assert [where(song) for song in songs] == expected
    assert parse(str(where)) == where


def test_what_is_printed() -> None:
    texts = [
        "year >= 1990 and genre ~ jazz",
        'title = "hip hop" or (has year or not has genre) and not (track = 1 and duration <= 3:05)',
        '(has year and has genre) and genre not in (jazz, "in", "a\'\\"\\\\")',
    ]
    assert [str(parse(text)) for text in texts] == texts


def test_it_can_be_built_without_text() -> None:
    where: Where = And((Comparison("year", ">", (1990,)), Not(Or((Comparison("genre", "has"),)))))
    assert where.mask(SONGS).tolist() == [False, False, True, False]


def test_of_several_artists_and_genres_each_one_counts() -> None:
    songs = [
        Song(1, "/1", 60.0, artist="Mau", genre="Jazz"),
        Song(2, "/2", 60.0, artist="Mau feat. Rob", genre="Jazz; Funk", genres=("Jazz", "Funk")),
        Song(3, "/3", 60.0, artist="Kas & The Mau", genre="Funk;Soul"),
        Song(4, "/4", 60.0, artist="Kas, Rob", artists=("Kas", "Rob")),
        Song(5, "/5", 60.0, artist="Maunder & Robin"),
        Song(6, "/6", 60.0, artist="Various Artists", albumartist="Mau"),
        Song(7, "/7", 60.0, albumartist="Mau"),
    ]

    def ids(text: str) -> list[int]:
        return [song.id for song, there in zip(songs, parse(text).mask(songs), strict=True) if there]

    assert ids("artist = Mau") == [1, 2, 3, 6]
    assert ids('artist = "mau feat. rob"') == [2]
    assert ids("artist in (kas, 'maunder & robin')") == [3, 4, 5]
    assert ids("artist != mau") == [4, 5]
    assert ids("artist ~ mau") == [1, 2, 3, 5, 6]
    assert ids('artist = "various artists"') == [6]
    assert ids("has artist") == [1, 2, 3, 4, 5, 6]
    assert (ids("genre = funk"), ids("genre != funk"), ids('genre = "jazz; funk"')) == ([2, 3], [1], [2])
