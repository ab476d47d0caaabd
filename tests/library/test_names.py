"""Finding the song that a person means."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.library.catalog import Song
from songspace.library.names import find, folded, plain

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
    with pytest.raises(SongspaceError, match=r"3 songs fit “green”: Cy - Green \(id 5\).*Dan - Green \(id 7\)"):
        find(SONGS, "green")


def test_none_gives_the_nearest() -> None:
    with pytest.raises(SongspaceError, match=r"Did you mean: .*Ann - Blue Moon"):
        find(SONGS, "Ann - Blew Mon")
    with pytest.raises(SongspaceError, match=r"No song of the library is called “zzzzqqq”.$"):
        find(SONGS, "zzzzqqq")
    with pytest.raises(SongspaceError, match="No song"):
        find(SONGS, "  ")


@given(st.text())
def test_plain_is_stable(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_ascii_is_compared_like_everything_else(text: str) -> None:
    """It takes a shorter way; this is the whole way."""
    whole = text
    for _ in range(2):
        whole = unicodedata.normalize("NFKD", whole).casefold()
    whole = "".join(c for c in whole if not unicodedata.combining(c))
    assert folded(text) == whole
    assert plain(text) == " ".join("".join(c if c.isalnum() else " " for c in whole).split())


@given(st.sampled_from(SONGS))
def test_every_song_is_found_by_its_whole_name_or_a_namesake_is(song: Song) -> None:
    assert find(SONGS, song.name).name == song.name
