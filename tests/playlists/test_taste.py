"""Suggestions: from every taste in its turn, away from what is disliked, and never what is on the lists."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from songspace.errors import SongspaceError
from songspace.playlists import taste
from songspace.playlists.rules import Rules
from songspace.playlists.taste import suggest, tastes
from songspace.space import Space


def library(kinds: int = 5, each: int = 20, *, noise: float = 0.4) -> Space:
    """Kinds of songs one after the other, each in a direction of its own."""
    rng = np.random.default_rng(0)
    return Space.from_vectors(
        2 * np.eye(12)[np.repeat(np.arange(kinds), each)] + noise * rng.normal(size=(kinds * each, 12))
    )


def test_every_planted_taste_is_found_and_asked_in_proportion() -> None:
    space = library()
    liked = [0, 1, 2, 3, 4, 5, 40, 41, 42, 80]
    assert [sorted({row // 20 for row in group.tolist()}) for group in tastes(space, liked)] == [[0], [2], [4]]
    found = suggest(space, liked, count=10)
    assert Counter(each.row // 20 for each in found) == {0: 6, 2: 3, 4: 1}
    assert len({each.row for each in found} | set(liked)) == 20
    for each in found:
        assert each.because in liked and each.because // 20 == each.row // 20
        assert each.others == {0: 5, 2: 2, 4: 0}[each.row // 20]
        assert each.similarity == pytest.approx(1 - space.distance(each.row, each.because) ** 2 / 2, abs=1e-5)
        same_taste = [row for row in liked if row // 20 == each.row // 20]
        assert each.because == min(same_taste, key=lambda row: space.distance(row, each.row))


def test_more_tastes_than_the_library_shows_at_first_sight_are_told_apart() -> None:
    """Of forty kinds two are as good as unrelated, but some a little less so: they must not be taken for one taste."""
    rng = np.random.default_rng(0)
    kind = np.repeat(np.arange(40), 12)
    space = Space.from_vectors(rng.normal(size=(40, 64))[kind] + 0.7 * rng.normal(size=(480, 64)))
    liked = [12 * k + number for k in range(0, 40, 4) for number in range(4)]
    groups = [{row // 12 for row in group.tolist()} for group in tastes(space, liked)]
    assert sorted(groups, key=min) == [{k} for k in range(0, 40, 4)]
    assert Counter(each.row // 12 for each in suggest(space, liked, count=30)) == dict.fromkeys(range(0, 40, 4), 3)


def test_two_tastes_find_what_their_mean_does_not() -> None:
    """Between two kinds lies a third that is neither: the mean of both points at it."""
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.array([[1, 0, 0], [0, 1, 0], [0.8, 0.8, 0], [-1, -1, 1], [0, 0, -1]]), 20, axis=0)
    space = Space.from_vectors(kinds + 0.05 * rng.normal(size=(100, 3)))
    liked = [0, 1, 2, 20, 21, 22]
    mean = space.vectors @ space.vectors[liked].mean(axis=0)
    assert set(np.argsort(-mean)[:10] // 20) == {2}
    found = [each.row // 20 for each in suggest(space, liked, count=10)]
    assert found.count(0) == found.count(1) == 5


def test_one_taste_is_its_own_nearest_songs_first() -> None:
    space = library()
    found = suggest(space, [0, 1, 2], count=5)
    fit = space.vectors @ space.vectors[:3].mean(axis=0)
    fit[:3] = -np.inf
    assert [each.row for each in found] == np.argsort(-fit)[:5].tolist()
    assert {each.others for each in found} == {2}


def test_disliked_songs_repel() -> None:
    space = library(2, 40, noise=1.5)
    liked, disliked = list(range(5)), list(range(40, 50))
    found = [each.row for each in suggest(space, liked, disliked=disliked, count=80)]
    assert found and not set(found) & {*liked, *disliked}
    for row in range(80):
        if row not in {*liked, *disliked}:
            repelled = max(space.vectors[row] @ space.vectors[disliked].T) >= max(
                space.vectors[row] @ space.vectors[liked].T
            )
            assert (row not in found) == repelled
    without = [each.row for each in suggest(space, liked, count=len(found))]
    assert any(row >= 40 for row in without)
    assert sum(row >= 40 for row in found) < sum(row >= 40 for row in without)


def test_versions_of_listed_songs_barred_songs_and_second_versions_are_left_out() -> None:
    space = library(1, 12)
    versions = np.array([0, 1, 2, 3, 0, 1, 6, 6, 8, 9, 10, 11])
    rules = Rules.of(12, artist_gap=0, versions=versions, barred=np.arange(12) == 11)
    found = {each.row for each in suggest(space, [0], disliked=[1], count=12, rules=rules)}
    assert not found & {0, 1, 4, 5, 11}
    assert len(found & {6, 7}) <= 1


def test_artists_are_spread_where_there_are_others() -> None:
    space = library(1, 20)
    artists = ["Ann" if row % 2 else f"artist {row}" for row in range(20)]
    rules = Rules.of(20, artists=artists, artist_gap=2, most_of_artist=3)
    found = [artists[each.row] for each in suggest(space, [0], count=20, rules=rules)]
    assert found.count("Ann") == 3 and len(found) == 12
    assert not any("Ann" == a == b for apart in (1, 2) for a, b in zip(found, found[apart:], strict=False))


def test_a_gap_ends_a_list_only_when_nobody_else_is_left() -> None:
    space = library(1, 8)
    rules = Rules.of(8, artists=["Ann"] * 8, artist_gap=2)
    assert len(suggest(space, [0], count=5, rules=rules)) == 1


def test_the_order_of_the_rows_changes_nothing() -> None:
    space = library(noise=1.0)
    liked, disliked = [3, 9, 44, 60, 61], [70, 71]
    turn = np.random.default_rng(1).permutation(100)
    where = np.argsort(turn)
    turned = suggest(space.only(turn), where[liked].tolist(), disliked=where[disliked].tolist(), count=12)
    assert [int(turn[each.row]) for each in turned] == [
        each.row for each in suggest(space, liked[::-1], disliked=disliked, count=12)
    ]


def test_a_long_list_is_gathered_by_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    space = library()
    whole = tastes(space, range(60))
    monkeypatch.setattr(taste, "_LIKED", 25)
    assert [group.tolist() for group in tastes(space, range(60))] == [group.tolist() for group in whole]


def test_turns_are_fair() -> None:
    turns = Counter(islice(taste._turns([50, 30, 20]), 100))
    assert turns == {0: 50, 1: 30, 2: 20}


def test_small_and_uniform_libraries() -> None:
    assert suggest(Space.from_vectors([[1.0, 2.0]]), [0]) == []
    same = suggest(Space.from_vectors(np.ones((4, 3))), [0, 1], count=9)
    assert [each.row for each in same] == [2, 3]
    [only] = suggest(Space.from_vectors([[1.0, 0], [0, 1]]), [1])
    assert (only.row, only.because, only.others) == (0, 1, 0)


def test_bad_input() -> None:
    space = library(1, 4)
    with pytest.raises(ValueError, match="at least one liked"):
        suggest(space, [])
    with pytest.raises(ValueError, match="count"):
        suggest(space, [0], count=0)
    with pytest.raises(ValueError, match="no row 4"):
        suggest(space, [4])
    with pytest.raises(SongspaceError, match="both lists"):
        suggest(space, [0, 1], disliked=[1])
