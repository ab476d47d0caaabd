"""Intervals from smaller collections: their parts against plain formulas, and that they hold what is true."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from songspace.intervals import (
    HALVES,
    MIN_ARTISTS,
    MOST_DELETIONS,
    NOTHING,
    Scatter,
    Score,
    deletions,
    halves,
    holm,
)

COLLECTIONS = {(40, True): 24, (40, False): 40, (140, False): 20}
"""Number of collections, by their artists and whether these have equally many songs; `bench/coverage.py` tries more."""


@given(st.integers(MIN_ARTISTS, 40), st.integers(0, 1000))
def test_the_jackknife_of_a_mean_is_its_textbook_error(artists: int, seed: int) -> None:
    """One song an artist: leaving each out gives the standard error of a mean, to the last digit."""
    songs = np.random.default_rng(seed).normal(size=artists)
    smaller = deletions(np.arange(artists))
    scatter = smaller.scatter([songs[kept].mean() for kept in smaller.kept])
    assert scatter.error == pytest.approx(songs.std(ddof=1) / np.sqrt(artists))
    expected = stats.t.interval(0.95, artists - 1, songs.mean(), stats.sem(songs))
    assert scatter.around(songs.mean()) == pytest.approx(expected)


def test_halves_of_a_mean_have_its_textbook_error() -> None:
    songs = np.random.default_rng(0).normal(size=41)
    smaller = halves(np.arange(41), draws=4000)
    scatter = smaller.scatter([songs[kept].mean() for kept in smaller.kept])
    assert scatter.error == pytest.approx(stats.sem(songs), rel=0.05)


@pytest.mark.parametrize("way", [deletions, halves])
def test_whole_artists_are_left_out(way) -> None:
    artists = np.arange(60) % 12
    kept = way(artists).kept
    for artist in range(12):
        songs = kept[:, artists == artist]
        assert np.all(songs == songs[:, :1])
    assert np.all(kept[:, :12].sum(axis=1) == (11 if way is deletions else 6))
    assert kept.shape == (12 if way is deletions else HALVES, 60)


def test_of_many_artists_groups_are_left_out_once_each() -> None:
    artists = np.repeat(np.arange(450), 2)
    smaller = deletions(artists)
    assert smaller.kept.shape == (MOST_DELETIONS, 900)
    assert np.all((~smaller.kept).sum(axis=0) == 1)
    gone = (~smaller.kept[:, ::2]).sum(axis=1)
    assert gone.min() == 2 and gone.max() == 3
    assert np.array_equal(smaller.kept[:, ::2], smaller.kept[:, 1::2])


def test_same_state_same_halves() -> None:
    first, again, other = (halves(np.arange(20), random_state=s).kept for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("way", [deletions, halves])
def test_few_artists_give_no_interval(way) -> None:
    smaller = way(np.arange(30) % (MIN_ARTISTS - 1))
    assert smaller.kept.shape == (0, 30)
    assert Score(0.5, 0.1, smaller.scatter([])).as_dict()["interval"] is None
    assert len(way(np.arange(30) % MIN_ARTISTS).kept)


def test_an_artist_with_half_of_the_songs_makes_the_interval_wider() -> None:
    even, uneven = np.arange(40) % 20, np.r_[np.zeros(20, int), np.arange(20)]
    assert deletions(even).degrees == pytest.approx(19)
    assert deletions(uneven).degrees == pytest.approx(40**2 / (21**2 + 19) - 1)
    values = np.random.default_rng(0).normal(0.5, 0.01, size=20)
    wide, narrow = (deletions(artists).scatter(values).around(0.5) for artists in (uneven, even))
    assert wide[1] - wide[0] > 1.3 * (narrow[1] - narrow[0])


def test_what_never_changes_has_no_interval() -> None:
    """Every song finds its like, whoever is left out: that tells nothing about the next artist."""
    assert Score(1.0, 0.5, Scatter(np.ones(50), 49, 49)).as_dict()["interval"] is None
    assert NOTHING.around(0.5) is None


def test_score_keeps_its_interval_within_what_is_possible() -> None:
    scatter = Scatter(np.array([0.0, 1.0]), 1.0, 1e9)  # a standard error of one half
    assert Score(0.1, 0.0, scatter).as_dict()["interval"] == pytest.approx([0.0, 1.0])
    assert Score(0.1, 0.0, scatter, lowest=-1.0).as_dict()["interval"] == pytest.approx([0.1 - 0.98, 1.0], abs=1e-4)
    assert "spread" not in Score(0.9, 0.0, scatter).as_dict()
    assert Score(0.9, 0.0, scatter, spread=0.25).as_dict()["spread"] == 0.25


def test_a_difference_keeps_within_what_is_possible() -> None:
    wide = Scatter(np.array([0.0, 1.0]), 1.0, 1.0)
    difference = Score(0.4, 0.0, wide).minus(Score(0.3, 0.0, Scatter(np.array([1.0, 0.0]), 1.0, 1.0), lowest=-1.0))
    assert difference["interval"] == [-1.0, 2.0]


def test_collections_in_which_nothing_can_be_asked_count_for_nothing() -> None:
    """They stay in their places, so that a difference subtracts what belongs together, and less is known for them."""
    smaller = halves(np.arange(20), draws=6)
    nan = np.nan
    one, other = smaller.scatter([0.1, nan, 0.3, nan, 0.5, 0.6]), smaller.scatter([0.2, 0.2, nan, nan, 0.1, 0.9])
    assert (smaller.degrees, one.degrees, other.degrees) == (5, 3, 3)
    known = np.array([0.1, 0.3, 0.5, 0.6])
    assert one.error == pytest.approx(known.std(ddof=1))
    assert one.minus(other).error == pytest.approx(np.std([-0.1, 0.4, -0.3], ddof=1))
    assert smaller.scatter([nan] * 5 + [0.3]).error is None


def test_difference_is_paired() -> None:
    rng = np.random.default_rng(0)
    both, own = rng.normal(0, 0.1, size=50), rng.normal(0, 0.001, size=50)
    difference = Score(0.6, 0.0, Scatter(both + own, 49, 49)).minus(Score(0.5, 0.0, Scatter(both, 49, 49)))
    assert difference["value"] == pytest.approx(0.1)
    error = np.sqrt(49 * own.var())
    assert difference["interval"] == pytest.approx(list(stats.t.interval(0.95, 49, 0.1, error)))
    assert difference["p"] == pytest.approx(2 * stats.t.sf(0.1 / error, 49))


def test_the_difference_to_itself_is_nothing() -> None:
    score = Score(0.6, 0.0, Scatter(np.linspace(0, 1, 50), 49, 49))
    assert score.minus(score) == {"value": 0.0, "interval": None, "p": None}


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12))
def test_holm_is_the_plain_procedure(chances: list[float | None]) -> None:
    """At any level: go through the p-values from the smallest, and stop at the first that is not small enough."""
    corrected = holm(chances)
    for level in (0.01, 0.05, 0.2):
        sure: list[int] = []
        known = sorted((p, place) for place, p in enumerate(chances) if p is not None)
        for rank, (p, place) in enumerate(known):
            if p * (len(known) - rank) >= level:
                break
            sure.append(place)
        assert [place for place, p in enumerate(corrected) if p is not None and p < level] == sorted(sure)
    assert [p is None for p in corrected] == [p is None for p in chances]


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    path = Path(__file__).parents[1] / "bench" / "coverage.py"
    spec = importlib.util.spec_from_file_location("bench_coverage", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "bench_coverage", module)  # dataclasses look there
        spec.loader.exec_module(module)
        yield module


@pytest.mark.slow
@pytest.mark.parametrize(("artists", "balanced"), COLLECTIONS)
def test_intervals_hold_what_is_true(bench: ModuleType, artists: int, balanced: bool) -> None:
    """Clusters are those of k-means, which are found quickly; `bench/coverage.py` tries both, in more collections."""
    scorer = partial(bench.as_songspace_does, methods=["kmeans"])
    trials = [bench.trial(scorer, artists, balanced, seed) for seed in range(COLLECTIONS[artists, balanced])]
    for name, found in bench.covered(trials).items():
        assert 0.90 <= found.single <= 0.99, (name, found)
        assert found.wrongly_sure <= 0.07, (name, found)
