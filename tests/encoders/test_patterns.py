"""Patterns: every family against a plain version with loops, and what must not change them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from songspace.encoders.patterns import n_patterns, patterns
from songspace.frontends import LogMel

RATE = 50.0
SHAPES = [(64, 251), (48, 40), (21, 9)]
"""That of LogMel, one so short that some ranges of rates lie between two rates, and the smallest."""


def noise(shape: tuple[int, int] = (64, 251), *, n: int = 1, seed: int = 0) -> np.ndarray:
    """Decibels that no two bands or moments share, with some silence 100 dB below."""
    random = np.random.default_rng(seed)
    slope = random.normal(0, 10, (n, shape[0], 1))
    decibels = np.float32(-30 + slope + random.normal(0, 6, (n, *shape)))
    decibels[random.random((n, *shape)) < 0.02] = -160
    return decibels


def plain_level(decibels: np.ndarray) -> np.ndarray:
    """One spectrogram relative to its highest value, without two frames at either end, at most 80 dB below it."""
    level = decibels[:, 2:-2].astype(float)
    return np.maximum(level - level.max(), -80)


def place(values: np.ndarray, quantile: float) -> float:
    return np.sort(values)[round(quantile * (len(values) - 1))]


def rises(band: np.ndarray) -> np.ndarray:
    return np.array([max(band[t + 3] - band[t], 0) for t in range(len(band) - 3)])


def plain_groups(level: np.ndarray) -> list[np.ndarray]:
    """The course of the level of 16 groups of neighbouring bands, about its mean."""
    edges = [round(len(level) * group / 16) for group in range(17)]
    courses = [level[low:high].mean(axis=0) for low, high in pairwise(edges)]
    return [course - course.mean() for course in courses]


def plain_loud(level: np.ndarray) -> list[float]:
    loud = [place(band, 0.9) for band in level]
    return [value - np.mean(loud) for value in loud]


def plain_soft(level: np.ndarray) -> list[float]:
    return [place(band, 0.1) - place(band, 0.9) for band in level]


def plain_attacks(level: np.ndarray) -> list[float]:
    return [place(rises(band), 0.9) for band in level]


def plain_spread(level: np.ndarray) -> list[float]:
    return [np.log(rises(band).std() + 0.1) for band in level]


def plain_fluctuations(level: np.ndarray) -> list[float]:
    """For each of 14 ranges of rates, the largest amplitude of each group."""
    frames = level.shape[1]
    rates = np.arange(frames // 2 + 1) * RATE / frames
    edges = [0.4 * 30 ** (k / 14) for k in range(15)]
    described = []
    for low, high in pairwise(edges):
        inside = [k for k, rate in enumerate(rates) if low <= rate < high]
        inside = inside or [min(range(len(rates)), key=lambda k: abs(rates[k] - np.sqrt(low * high)))]
        for course in plain_groups(level):
            amplitude = abs(np.fft.rfft(course * np.hanning(frames))) / frames
            described.append(np.log(max(amplitude[inside]) + 0.01))
    return described


def plain_correlations(level: np.ndarray) -> list[float]:
    courses = plain_groups(level)
    described = []
    for i in range(16):
        for j in range(i + 1, 16):
            lengths = [np.sqrt(np.sum(courses[k] ** 2)) + 1e-3 for k in (i, j)]
            described.append(np.sum(courses[i] * courses[j]) / lengths[0] / lengths[1])
    return described


FAMILIES: dict[str, tuple[Callable[[np.ndarray], list[float]], Callable[[int], int]]] = {
    "loud": (plain_loud, lambda bands: bands),
    "soft": (plain_soft, lambda bands: bands),
    "attacks": (plain_attacks, lambda bands: bands),
    "spread": (plain_spread, lambda bands: bands),
    "fluctuations": (plain_fluctuations, lambda bands: 16 * 14),
    "correlations": (plain_correlations, lambda bands: 120),
}
"""In their order: the plain version, and how many numbers it has."""


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_equals_its_plain_version(name, shape):
    decibels = noise(shape, n=2, seed=1)
    start = sum(size(shape[0]) for _, size in list(FAMILIES.values())[: list(FAMILIES).index(name)])
    plain, size = FAMILIES[name]
    found = patterns(decibels, frame_rate=RATE)[:, start : start + size(shape[0])]
    wanted = [plain(plain_level(one)) for one in decibels]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    assert np.std(wanted) > 0.05  # a family of equal numbers would show nothing


@pytest.mark.parametrize("shape", SHAPES)
def test_their_number_is_known(shape):
    found = patterns(noise(shape, n=3), frame_rate=RATE)
    assert found.shape == (3, n_patterns(shape[0])) == (3, 4 * shape[0] + 344)
    assert found.dtype == np.float32


def test_correlations_are_those_of_numpy():
    decibels = noise(seed=2)
    wanted = np.corrcoef(plain_groups(plain_level(decibels[0])))[np.triu_indices(16, 1)]
    np.testing.assert_allclose(patterns(decibels, frame_rate=RATE)[0, -120:], wanted, atol=1e-4)


@pytest.mark.parametrize("decibels", [-60.0, 7.5, 40.0])
def test_the_level_does_not_count(decibels):
    quiet = noise(n=2)
    found = patterns(quiet + np.float32(decibels), frame_rate=RATE)
    np.testing.assert_allclose(found, patterns(quiet, frame_rate=RATE), atol=1e-3)


def test_what_lies_far_below_the_highest_value_does_not_count():
    some = noise()
    deeper = np.where(some < some[:, :, 2:-2].max() - 80, some - 50, some)
    assert (deeper != some).any()
    np.testing.assert_array_equal(patterns(deeper, frame_rate=RATE), patterns(some, frame_rate=RATE))


def test_the_padded_frames_at_the_ends_do_not_count():
    some = noise()
    other = some.copy()
    other[:, :, :2] = other[:, :, -2:] = 60
    np.testing.assert_array_equal(patterns(other, frame_rate=RATE), patterns(some, frame_rate=RATE))


@pytest.mark.parametrize("length", [5.0, 12.5])
def test_a_fluctuation_is_heard_in_its_range_of_rates_whatever_the_frame_rate(length):
    frames = round(length * RATE)
    time = np.arange(frames + 4) / RATE
    decibels = np.tile(-30 + 6 * np.sin(2 * np.pi * 4.0 * time), (1, 64, 1))
    found = patterns(decibels, frame_rate=RATE)[0, 256:480].reshape(14, 16)
    edges = np.geomspace(0.4, 12, 15)
    [heard] = np.flatnonzero((edges[:-1] <= 4.0) & (edges[1:] > 4.0))
    assert (found.argmax(axis=0) == heard).all()
    np.testing.assert_allclose(found[heard], np.log(6 / 4 + 0.01), atol=0.05)  # half of a half-wave, under the window


def test_groups_that_never_move_correlate_with_nothing():
    decibels = noise()
    decibels[:, :4] = -30
    found = np.zeros((16, 16))
    found[np.triu_indices(16, 1)] = patterns(decibels, frame_rate=RATE)[0, -120:]
    np.testing.assert_allclose(found[0], 0, atol=1e-2)
    assert abs(found[1:]).max() > 0.05


def test_a_row_is_described_in_the_same_way_in_whatever_company():
    rows = noise(n=5, seed=3)
    together = patterns(rows, frame_rate=RATE)
    alone = np.concatenate([patterns(row[None], frame_rate=RATE) for row in rows])
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(patterns(rows[::-1], frame_rate=RATE), together[::-1])


def test_what_is_given_stays_as_it_is():
    rows = noise(n=2)
    before = rows.copy()
    patterns(rows, frame_rate=RATE)
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize("value", [-200.0, -80.0, 0.0, 300.0])
def test_nothing_that_moves_gives_finite_numbers(value):
    found = patterns(np.full((2, 64, 251), value, np.float32), frame_rate=RATE)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:, :192], 0, atol=1e-6)
    np.testing.assert_allclose(found[:, -120:], 0, atol=1e-6)


def test_silence_and_a_single_click_give_finite_numbers():
    frontend = LogMel()
    sound = np.zeros((3, frontend.samples), np.float32)
    sound[1, frontend.samples // 2] = 1
    sound[2] = 1e-7
    assert np.isfinite(patterns(frontend(sound), frame_rate=frontend.frame_rate)).all()


@settings(max_examples=30)
@given(arrays(np.float32, (2, 22, 13), elements=st.floats(-1e4, 1e4, width=32)))
def test_anything_finite_gives_finite_numbers(decibels):
    assert np.isfinite(patterns(decibels, frame_rate=RATE)).all()
