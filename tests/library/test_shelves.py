"""Which songs belong to one album, and in which order."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.library import Song
from songspace.library.shelves import Album, arrange


def _song(id: int, path: str, album: str | None = "Blue", **facts: Any) -> Song:
    return Song(id, path, 60.0, title=str(id), artist=facts.pop("artist", "Ann"), album=album, **facts)


def _albums(*songs: Song) -> list[tuple[str, str, list[int]]]:
    """Name, artist and songs of the albums."""
    found = arrange(songs, ["/m"], {}).albums.values()
    return sorted((album.name, album.by, [song.id for song in album.songs]) for album in found)


def test_a_song_without_an_artist_of_its_album_joins_it() -> None:
    songs = [_song(1, "/m/b/1.mp3", albumartist="Ann"), _song(2, "/m/b/2.mp3"), _song(3, "/m/b/3.mp3", album="BLUE")]
    assert _albums(*songs) == [("Blue", "Ann", [1, 2, 3])]
    assert arrange(songs, ["/m"], {}).albums.keys() == arrange(songs[:1], ["/m"], {}).albums.keys()  # its id stays


def test_it_joins_none_in_another_folder_nor_one_of_two() -> None:
    songs = [_song(1, "/m/b/1.mp3", albumartist="Ann"), _song(2, "/m/c/2.mp3")]
    assert _albums(*songs) == [("Blue", "Ann", [1]), ("Blue", "Ann", [2])]
    songs = [
        _song(1, "/m/b/1.mp3", albumartist="Ann"),
        _song(2, "/m/b/2.mp3", albumartist="Bea", artist="Bea"),
        _song(3, "/m/b/3.mp3", artist="Cid"),
    ]
    assert _albums(*songs) == [("Blue", "Ann", [1]), ("Blue", "Bea", [2]), ("Blue", "Cid", [3])]
    songs = [_song(1, "/m/b/1.mp3", albumartist="Ann"), _song(2, "/m/b/2.mp3", album=None)]
    assert _albums(*songs) == [("Blue", "Ann", [1]), ("b", "Ann", [2])]


def test_it_joins_an_album_of_a_known_release() -> None:
    songs = [_song(1, "/m/b/1.mp3", release_mbid="R"), _song(2, "/m/b/2.mp3")]
    assert _albums(*songs) == [("Blue", "Ann", [1, 2])]


def test_the_folders_of_discs_are_one() -> None:
    songs = [_song(1, "/m/b/CD1/1.mp3", disc=1, track=1), _song(2, "/m/b/CD 2/1.mp3", disc=2, track=1)]
    assert _albums(*songs) == [("Blue", "Ann", [1, 2])]
    assert _albums(*(_song(song.id, song.path, None) for song in songs)) == [("CD 2", "Ann", [2]), ("CD1", "Ann", [1])]
    songs = [_song(1, "/m/b/CD1/1.mp3", albumartist="Ann"), _song(2, "/m/b/CD2/1.mp3")]
    assert _albums(*songs) == [("Blue", "Ann", [1, 2])]


def _record(*numbers: tuple[int | None, int | None, int]) -> Album:
    """An album of songs of (disc, side, track), found in any order."""
    songs = [
        _song(id, f"/m/b/{99 - id}.mp3", albumartist="Ann", disc=disc, side=side, track=track)
        for id, (disc, side, track) in enumerate(numbers)
    ]
    random.Random(0).shuffle(songs)
    [album] = arrange(songs, ["/m"], {}).albums.values()
    assert [song.id for song in album.songs] == list(range(len(numbers)))
    return album


@pytest.mark.parametrize(
    ("numbers", "discs"),
    [
        ([(None, 1, 1), (None, 1, 2), (None, 2, 1), (None, 2, 2)], [1, 1, 2, 2]),  # A1 A2 B1 B2
        ([(1, 1, 1), (1, 2, 1), (1, 3, 1), (1, 4, 1)], [1, 2, 3, 4]),  # one disc is said of all
        ([(None, 1, 1), (None, 27, 1)], [1, 2]),  # A and AA
        ([(1, 1, 1), (1, 2, 1), (2, 3, 1), (2, 4, 1)], [1, 1, 2, 2]),  # two discs are told apart
        ([(1, None, 1), (1, None, 2), (2, 1, 1), (2, 2, 1)], [1, 1, 2, 2]),
        ([(None, None, 1), (None, None, 2)], [None, None]),
    ],
)
def test_the_sides_of_records(numbers: list[tuple[int | None, int | None, int]], discs: list[int | None]) -> None:
    album = _record(*numbers)
    assert [album.disc_of(song) for song in album.songs] == discs


facts = st.tuples(
    st.sampled_from(["/m/a", "/m/b", "/m/b/CD1", "/m/b/CD2"]),
    st.sampled_from(["Blue", "Red", None]),
    st.sampled_from(["Ann", "Bea", None]),
    st.sampled_from(["R", None, None]),
)


@given(st.lists(facts, max_size=12), st.randoms())
def test_albums_depend_on_no_order_and_hold_each_song_once(given: list[Any], order: random.Random) -> None:
    songs = [
        _song(id, f"{folder}/{id}.mp3", album, albumartist=by, release_mbid=release)
        for id, (folder, album, by, release) in enumerate(given)
    ]
    found = _albums(*songs)
    assert sorted(id for _, _, ids in found for id in ids) == list(range(len(songs)))
    order.shuffle(songs)
    assert _albums(*songs) == found
