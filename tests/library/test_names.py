"""Finding the song that a person means."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.library.names import AmbiguousError, find, folded, nearest, plain, sought
from songspace.library.records import Song

SONGS = [
    Song(1, "/m/ann/01 Blue.mp3", 60, "Blue", "Ann", album="Colours"),
    Song(2, "/m/ann/02 Blue Moon.mp3", 60, "Blue Moon", "Ann", album="Colours"),
    Song(3, "/m/bea/Été.mp3", 60, "Été indien", "Béa"),
    Song(4, "/m/x/untitled take 7.wav", 60),
    Song(5, "/m/best of/Green.mp3", 60, "Green", "Cy"),
    Song(6, "/m/cy/Green.mp3", 60, "Green", "Cy"),
    Song(7, "/m/dan/Green.mp3", 60, "Green", "Dan"),
]


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("Blue", 1),
        ("ann - blue", 1),
        ("blue moon", 2),
        ("moon", 2),
        ("ete INDIEN", 3),
        ("bea été", 3),
        ("take 7", 4),
        ("Cy - Green", 5),
        ("dan green", 7),
        ("moon colours", 2),
    ],
)
def test_found(text: str, id: int) -> None:
    assert find(SONGS, text).id == id


def test_several_are_listed_with_their_numbers() -> None:
    with pytest.raises(AmbiguousError, match=r"^3 songs fit “green”: say more, or give the id of one\.$") as caught:
        find(SONGS, "green")
    assert [song.id for song in caught.value.songs] == [5, 6, 7]


def test_none_gives_the_nearest() -> None:
    with pytest.raises(SongspaceError, match=r"Did you mean: .*Ann - Blue Moon"):
        find(SONGS, "Ann - Blew Mon")
    with pytest.raises(SongspaceError, match=r"No song of the library is called “zzzzqqq”.$"):
        find(SONGS, "zzzzqqq")
    with pytest.raises(SongspaceError, match="No song"):
        find(SONGS, "  ")


MARKS = ((0x300, 0x36F), (0x483, 0x489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF))
HOW_IT_IS_DRAWN = ((0xFE00, 0xFE0F), (0xFE20, 0xFE2F))


def accent(c: str) -> bool:
    """By Unicode's names and blocks: what stands at a letter and makes no other of it."""
    if unicodedata.category(c) not in ("Mn", "Me"):
        return False
    points = unicodedata.name(c, "").startswith(("HEBREW", "ARABIC")) and ord(c) < 0x700
    return points or any(first <= ord(c) <= last for first, last in (*MARKS, *HOW_IT_IS_DRAWN))


@given(st.text())
def test_plain_is_stable(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_ascii_is_compared_like_everything_else(text: str) -> None:
    """It takes a shorter way; this is the whole way."""
    whole = text
    for _ in range(2):
        whole = unicodedata.normalize("NFKD", whole).casefold()
    whole = "".join(c for c in whole if not accent(c))
    assert folded(text) == whole
    kept = (c if c.isalnum() or unicodedata.category(c).startswith("M") else " " for c in whole)
    assert plain(text) == " ".join("".join(kept).split())


@given(st.sampled_from(SONGS))
def test_every_song_is_found_by_its_whole_name_or_a_namesake_is(song: Song) -> None:
    assert find(SONGS, song.name).name == song.name


SIGNS = [
    Song(number, f"/m/x/{number}.flac", 60, title, artist)
    for number, (artist, title) in enumerate(
        [
            ("!!!", "Slyd"),
            ("!!!", "???"),
            ("Ed", "+"),
            ("Ed", "×"),
            ("Ed", "÷"),
            ("Xx", "?"),
            ("Xx", "..."),
            ("Xx", "\N{BLACK HEART}"),
            ("लता", "हिन्दी"),
            ("लता", "हनद"),
            ("+/-", "Steal"),
            ("Sunn O)))", "It"),
            ("Aphex", "4"),
            ("Aphex", "-4"),
            ("Ann", "I ♥ Tea"),
            ("Zoe\N{COMBINING DIAERESIS}", "Hum"),
        ]
    )
]


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("slyd", 0),
        ("!!! - ???", 1),
        ("???", 1),
        ("Ed - +", 2),
        ("ed - ×", 3),
        ("÷", 4),
        ("Ed ÷", 4),
        ("?", 5),
        ("xx – ?", 5),
        ("...", 6),
        ("…", 6),
        ("Xx - \N{BLACK HEART}", 7),
        ("\N{BLACK HEART}\N{VARIATION SELECTOR-16}", 7),
        ("हिन्दी", 8),
        ("हनद", 9),
        ("+/-", 10),
        ("Sunn O)))", 11),
        ("sunn o", 11),
        ("Aphex - 4", 12),
        ("Aphex - -4", 13),
        ("aphex - -4", 13),
        ("♥ tea", 14),
        ("Zoë - Hum", 15),
        ("zoe hum", 15),
    ],
)
def test_names_made_of_signs(text: str, id: int) -> None:
    assert find(SIGNS, text).id == id


def test_exact_spelling_comes_first() -> None:
    songs = [Song(1, "/1", 60, "été", "Ann"), Song(2, "/2", 60, "Ete", "Bea"), Song(3, "/3", 60, "Été", "Cy")]
    assert [find(songs, text).id for text in ("été", "Ete", "E\u0301te\u0301")] == [1, 2, 3]
    with pytest.raises(AmbiguousError, match="3 songs fit"):
        find(songs, "ETE")


@pytest.mark.parametrize("text", ["Ed - −", "Ed ÷ ×", "Xx - !", "\N{VARIATION SELECTOR-16}", "गीत"])
def test_another_sign_is_another_song(text: str) -> None:
    with pytest.raises(SongspaceError, match="No song of the library is called"):
        find([song for song in SIGNS if song.title != "-4"], text)


def test_what_differs_in_signs_is_no_copy() -> None:
    with pytest.raises(AmbiguousError) as caught:
        find(SIGNS, "aphex 4")
    assert [song.id for song in caught.value.songs] == [12, 13]


def test_a_mark_that_makes_another_letter_stays() -> None:
    assert folded("が") != folded("か")
    assert plain("กี่") != plain("กา")
    assert folded("Ёлка Ñandú Ώ") == "елка nandu ω"


def test_sought_keeps_what_is_all_signs() -> None:
    assert [sought(text) for text in ("Sigur Rós – Ágætis byrjun!", "Rock & Roll", "Xx -", "-", "- ?")] == [
        "sigur ros agætis byrjun",
        "rock roll",
        "xx",
        "-",
        "-?",
    ]


NAMES = ["ann blue moon", "the who my generation", "sigur ros hoppipolla", "simon garfunkel cecilia", "abba waterloo"]


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("ann blew mon", "ann blue moon"),
        ("moon blue ann", "ann blue moon"),
        ("who my generation", "the who my generation"),
        ("my generation who", "the who my generation"),
        ("sigur ros hopipola", "sigur ros hoppipolla"),
        ("cecilia simon and garfunkel", "simon garfunkel cecilia"),
        ("aba watterloo", "abba waterloo"),
    ],
)
def test_slips_are_near(wanted: str, name: str) -> None:
    assert nearest(wanted, NAMES, 3) == [name]


@pytest.mark.parametrize(
    "wanted", ["", "zzzzqqq", "queen bohemian rhapsody", "blue", "ann green day", "asdf jkl", "the"]
)
def test_what_is_far_is_not_offered(wanted: str) -> None:
    assert nearest(wanted, NAMES, 3) == []
