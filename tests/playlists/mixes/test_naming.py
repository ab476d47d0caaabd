"""Names: from what is characteristic, different from each other, honest without tags, and safe as files."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.library import Song
from songspace.playlists.mixes.naming import file_name, name_lists


def songs(count: int, **tags: object) -> list[Song]:
    start = songs.made  # type: ignore[attr-defined]
    songs.made += count  # type: ignore[attr-defined]
    return [Song(start + n, f"/music/{start + n}.mp3", 200.0, f"Title {start + n}", **tags) for n in range(count)]


songs.made = 0  # type: ignore[attr-defined]


def test_genre_artists_and_years_of_the_core() -> None:
    early = [
        *songs(6, artist="Processor", genre="Electronic", year=1998),
        *songs(5, artist="Solace", genre="electronic", year=2004),
    ]
    late = songs(12, artist="Nina", genre="Jazz", year=1962)
    rest = [song for year in range(1950, 2020) for song in songs(1, artist=f"Somebody {year}", genre="Folk", year=year)]
    names = name_lists([early, late], [*early, *late, *rest])
    assert names == ["Electronic · Processor, Solace · 1998–2004", "Jazz · Nina · 1962"]


def test_a_genre_is_spelt_as_most_songs_spell_it() -> None:
    several = [*songs(2, genre="hip hop"), *songs(5, genre="Hip-Hop"), *songs(1, genre="HIP HOP")]
    others = songs(8, genre="Folk")
    assert name_lists([several], [*several, *others])[0].startswith("Hip-Hop · Around ")


def test_two_genres_stand_side_by_side_and_tags_of_several_are_taken_apart() -> None:
    both = [*songs(5, genre="Dub; Reggae"), *songs(3, genre="Reggae")]
    others = songs(20, genre="Folk")
    assert name_lists([both], [*both, *others])[0].startswith("Reggae & Dub · ")


def test_what_everything_has_in_common_is_no_name() -> None:
    one, other = (songs(8, artist=artist, genre="Classical", year=2000) for artist in ("Ann", "Bea"))
    assert name_lists([one, other], [*one, *other]) == ["Ann", "Bea"]


def test_an_artist_beside_a_genre_is_of_that_genre() -> None:
    guests = songs(3, artist="The Guests", genre="Folk")
    hosts = [song for n in range(5) for song in songs(2, artist=f"Host {n}", genre="Ambient")]
    others = [song for n in range(5) for song in songs(4, artist=f"Host {n}", genre="Ambient")]
    [name] = name_lists([[*guests, *hosts]], [*guests, *hosts, *others, *songs(30, artist="Else", genre="Metal")])
    assert name.startswith("Ambient · Host") and "Guests" not in name


def test_compilations_and_empty_genres_say_nothing() -> None:
    listed = songs(6, artist="Various Artists", genre="Other")
    assert name_lists([listed], [*listed, *songs(6, artist="Ann")]) == [f"Around {listed[0].name}"]


def test_without_tags_a_list_is_named_after_its_heart() -> None:
    files = [Song(n, f"/music/track {n}.mp3", 60.0) for n in range(6)]
    assert name_lists([files[:3], files[3:]], files) == ["Around track 0", "Around track 3"]
    half = [*songs(2, artist="Ann", genre="Folk"), *files]
    assert name_lists([half], [*half, *songs(3, artist="Bea", genre="Dub")])[0] == f"Around {half[0].name}"


def test_no_two_names_are_the_same() -> None:
    lists = [songs(5, artist="Ann", genre="Folk") for _ in range(3)]
    same = [[Song(n, "/a.mp3", 60.0)] for n in range(100, 104)]
    names = name_lists([*lists, *same], [song for one in [*lists, *same] for song in one])
    assert len({name.casefold() for name in names}) == 7
    assert names[-2:] == ["Around a (3)", "Around a (4)"]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("AC/DC: Back?", "AC-DC- Back"),
        ("..", "Mix"),
        (".hidden", "hidden"),
        ("aux", "_aux"),
        ("COM1.live", "_COM1.live"),
        ("Console", "Console"),
        ("end. ", "end"),
        ("a\nb\tc", "a-b-c"),
        ("Sigur Rós · 音楽", "Sigur Rós · 音楽"),
        ("\udcff", "Mix"),
        ("", "Mix"),
    ],
)
def test_names_of_files(name: str, file: str) -> None:
    assert file_name(name) == file


@given(st.text())
def test_any_name_can_be_a_file_everywhere(name: str) -> None:
    file = file_name(name)
    assert file and len(file.encode()) <= 151
    assert not set(file) & set('<>:"/\\|?*\0\n')
    assert file[-1] not in " ." and file[0] != "." and unicodedata.is_normalized("NFC", file)
