"""Who belongs together: labels, units, names that people give."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from songspace.errors import SongspaceError
from songspace.geometry.groups import album_labels, called, genre_labels, grouped, sample
from songspace.space import Space


def space(n: int) -> Space:
    return Space.from_vectors(np.random.default_rng(0).standard_normal((n, 5)))


def test_labels_that_differ_in_case_and_space_are_one_and_small_ones_are_set_aside() -> None:
    labels = ["rock", "Rock", " ROCK ", "Rock", "jazz", "jazz", "jazz", "jazz", "folk", None, ""]
    found = grouped(space(11), labels, ["a", "A ", "b", None, *"ccdd", "e", "e", "e"])
    assert found.names == ["jazz", "Rock"] and found.small == [("folk", 1)] and found.unlabelled == 2
    assert [found.rows[found.of(g)].tolist() for g in range(2)] == [[4, 5, 6, 7], [0, 1, 2, 3]]
    rock = found.units[found.of(1)]
    assert rock[0] == rock[1] and len(set(rock.tolist())) == 3  # "a" is "A ", and a song without is its own


def test_only_the_largest_and_those_that_are_asked_for() -> None:
    labels = ["a"] * 6 + ["b"] * 5 + ["c"] * 4 + ["d"] * 4
    found = grouped(space(19), labels, most=1, keep=["D", "nothing"])
    assert found.names == ["a", "d"] and found.beyond == 2 and found.sizes.tolist() == [6, 4]


def test_a_song_without_a_direction_is_in_no_group() -> None:
    points = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1], [0, 0]])
    found = grouped(Space.from_vectors(points), ["a"] * 5, fewest=4)
    assert found.rows.tolist() == [0, 1, 2, 3] and found.unlabelled == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": ["a"]}, "a label .* each of 3 songs, got 1"),
        ({"labels": ["a"] * 3, "units": ["b"]}, "a unit .* each of 3 songs, got 1"),
        ({"labels": ["a"] * 3, "fewest": 1}, "fewest must be at least 2"),
        ({"labels": ["a"] * 3, "most": 0}, "most at least 1"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        grouped(space(3), **arguments)


def test_a_name_in_any_case_or_spelling() -> None:
    names = ["Sigur Rós", "Hip-Hop", "日本", "Hip"]
    assert called(" sigur ros", names) == "Sigur Rós"
    assert called("hip", names) == "Hip" and called("hip hop", names) == "Hip-Hop"
    assert called("日本", names) == "日本"


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(SongspaceError, match=r"no genre called “jaz”\. Did you mean: Acid Jazz; Jazz\?"):
        called("jaz", ["Rock", "Acid Jazz", "Jazz"], "genre")
    with pytest.raises(SongspaceError, match=r"called “qqq”\.$"):
        called("qqq", ["Rock", "Jazz"], "genre")


def test_of_several_genres_the_first_counts() -> None:
    tags = ["Rock; Pop", ";Pop", "R&B/Soul", "Folk, World, & Country", None, " ; "]
    assert genre_labels([SimpleNamespace(genre=tag) for tag in tags]) == [
        "Rock",
        "Pop",
        "R&B/Soul",
        "Folk, World, & Country",
        None,
        None,
    ]


def test_albums_of_one_title_are_told_apart_by_their_artist() -> None:
    def song(album: str | None, artist: str | None, albumartist: str | None = None) -> SimpleNamespace:
        return SimpleNamespace(album=album, artist=artist, albumartist=albumartist)

    mixed = [song("Mixed", "Ann", "Various"), song("Mixed", "Bea", "Various")]
    assert album_labels([song("Hits", "Ann"), song("hits ", "Bea"), *mixed, song("Hits", None), song(None, "Ann")]) == [
        "Hits (Ann)",
        "hits (Bea)",
        "Mixed",
        "Mixed",
        "Hits (unknown)",
        None,
    ]


def test_a_sample_is_spread_over_the_ids() -> None:
    ids = np.arange(1000)
    drawn = sample(ids, 200)
    assert len(set(drawn.tolist())) == 200
    assert 60 < (drawn < 500).sum() < 140
    assert set(drawn) != set(sample(ids, 200, seed=1))
    assert sample(ids[:5], 7).tolist() == [0, 1, 2, 3, 4]
