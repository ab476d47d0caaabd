"""The bootstrap over artists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from songspace.intervals import DRAWS, MIN_ARTISTS, Score, interval, resamples


@given(st.floats(-1, 1), arrays(float, st.integers(1, 50), elements=st.floats(-1, 1)))
def test_interval_is_as_wide_as_the_draws_and_does_not_mind_their_bias(value: float, draws: np.ndarray) -> None:
    low, high = interval(value, draws)
    assert high - low == pytest.approx(np.subtract(*np.quantile(draws, [0.975, 0.025])), abs=1e-9)
    assert interval(value, draws + 0.5) == pytest.approx([low, high], abs=1e-9)


def test_covers_the_truth_in_95_of_100_collections() -> None:
    rng = np.random.default_rng(0)
    artists = np.repeat(np.arange(40), 5)
    covered = 0
    for collection in range(60):
        songs = rng.normal(size=40)[artists] + 0.5 * rng.normal(size=200)
        draws = np.array([w @ songs / w.sum() for w in resamples(artists, random_state=collection)])
        low, high = interval(songs.mean(), draws)
        covered += low <= 0.0 <= high
    assert covered >= 51  # fewer in one of 1,000 tries, were it 94 of 100


def test_draws_whole_artists() -> None:
    artists = np.arange(60) % 12
    drawn = np.array(list(resamples(artists)))
    assert drawn.shape == (DRAWS, 60)
    for artist in range(12):
        songs = drawn[:, artists == artist]
        assert np.all(songs == songs[:, :1])
    assert np.all(drawn[:, :12].sum(axis=1) == 12)
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.15)


def test_same_state_same_draws() -> None:
    artists = np.arange(20)
    first, again, other = (np.array(list(resamples(artists, random_state=s))) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_few_artists_draw_nothing() -> None:
    assert not list(resamples(np.arange(MIN_ARTISTS - 1)))
    assert interval(0.5, np.array([])) is None


def test_score_keeps_its_interval_within_what_is_possible() -> None:
    draws = np.linspace(-0.5, 0.5, 101)
    assert Score(0.1, 0.0, draws).as_dict()["interval"] == pytest.approx([0.0, 0.575])
    assert Score(0.1, 0.0, draws, lowest=-1.0).as_dict()["interval"] == pytest.approx([-0.375, 0.575])
    assert Score(0.9, 0.0, draws).as_dict()["interval"] == pytest.approx([0.425, 1.0])
    assert "spread" not in Score(0.9, 0.0, draws).as_dict()
    assert Score(0.9, 0.0, draws, spread=0.25).as_dict()["spread"] == 0.25


def test_difference_is_paired() -> None:
    draws = np.random.default_rng(0).normal(0, 0.1, size=DRAWS)
    difference = Score(0.6, 0.0, draws + 0.1).minus(Score(0.5, 0.0, draws))
    assert difference["value"] == pytest.approx(0.1)
    assert difference["interval"] == pytest.approx([0.1, 0.1])
