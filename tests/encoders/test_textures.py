"""Textures: every family against a plain version, and what must not change them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.fft import dct

from songspace.encoders.descriptors import N_TEXTURES, TEXTURE_FAMILIES, textures
from songspace.frontends import LogMel

RATE = 50.0
SHAPES = [(64, 251), (48, 40), (21, 9)]
"""That of LogMel, one so short that some ranges of rates lie between two rates, and the smallest."""


def noise(shape: tuple[int, int] = (64, 251), *, n: int = 1, seed: int = 0) -> np.ndarray:
    """Decibels that no two bands or moments share, with some silence 100 dB below."""
    random = np.random.default_rng(seed)
    slope = random.normal(0, 10, (n, shape[0], 1))
    together = random.normal(0, 4, (n, 1, shape[1]))
    decibels = np.float32(-30 + slope + together + random.normal(0, 6, (n, *shape)))
    decibels[random.random((n, *shape)) < 0.02] = -160
    return decibels


def described(decibels: np.ndarray) -> np.ndarray:
    return np.concatenate(textures(decibels, frame_rate=RATE), axis=1)


def plain_level(decibels: np.ndarray) -> np.ndarray:
    """One spectrogram relative to its highest value, without two frames at either end, at most 80 dB below it."""
    level = decibels[:, 2:-2].astype(float)
    return np.maximum(level - level.max(), -80)


def plain_together(curves: np.ndarray) -> list[float]:
    """Correlations, and logarithms of deviations; a thousandth beside each variance keeps both in bounds."""
    apart = [curve - curve.mean() for curve in curves]
    deviations = [np.sqrt(np.mean(curve**2) + 1e-3) for curve in apart]
    pairs = [
        np.mean(apart[i] * apart[j]) / (deviations[i] * deviations[j])
        for i in range(len(apart))
        for j in range(i + 1, len(apart))
    ]
    return [*pairs, *np.log(deviations)]


def plain_cepstra(level: np.ndarray) -> np.ndarray:
    return dct(level, axis=0, norm="ortho")[1:21]


def plain_changes(level: np.ndarray) -> list[float]:
    cepstra = plain_cepstra(level)
    return plain_together(np.stack([cepstra[:, t + 2] - cepstra[:, t] for t in range(cepstra.shape[1] - 2)], axis=1))


def groups(bands: np.ndarray, count: int) -> np.ndarray:
    """The means of neighbouring bands; of fewer bands than groups, some are a group twice."""
    edges = [int(len(bands) * k / count) for k in range(count + 1)]
    return np.stack([bands[low : max(high, low + 1)].mean(axis=0) for low, high in pairwise(edges)])


def plain_attacks(level: np.ndarray) -> list[float]:
    rises = np.array([[max(band[t + 3] - band[t], 0) for t in range(len(band) - 3)] for band in level])
    return plain_together(groups(rises, 16))[:120]


def plain_levels(level: np.ndarray) -> list[float]:
    ordered = [sorted(group) for group in groups(level, 32)]
    found = np.array([[one[round(q * (len(one) - 1))] for q in (0.05, 0.25, 0.5, 0.75, 0.95)] for one in ordered])
    return (found - found.mean()).ravel().tolist()


def plain_fluctuations(level: np.ndarray) -> list[float]:
    frames = level.shape[1]
    rates = np.arange(frames // 2 + 1) * RATE / frames
    edges = np.geomspace(0.3, 25, 10)
    found = []
    for low, high in pairwise(edges):
        inside = [k for k, rate in enumerate(rates) if low <= rate < high]
        inside = inside or [min(range(len(rates)), key=lambda k: abs(rates[k] - np.sqrt(low * high)))]
        for curve in plain_cepstra(level):
            amplitude = abs(np.fft.rfft((curve - curve.mean()) * np.hanning(frames)))
            found.append(np.log(np.mean(amplitude[inside]) + 0.01))
    return found


PLAIN: dict[str, Callable[[np.ndarray], list[float]]] = {
    "cepstra together": lambda level: plain_together(plain_cepstra(level)),
    "changes together": plain_changes,
    "attacks together": plain_attacks,
    "levels": plain_levels,
    "fluctuations": plain_fluctuations,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", PLAIN)
def test_a_family_equals_its_plain_version(name, shape):
    decibels = noise(shape, n=2, seed=1)
    found = textures(decibels, frame_rate=RATE)[list(TEXTURE_FAMILIES).index(name)]
    wanted = [PLAIN[name](plain_level(one)) for one in decibels]
    np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=2e-3)
    assert np.std(wanted) > 0.05  # a family of equal numbers would show nothing


def test_correlations_are_those_of_numpy():
    decibels = noise(seed=2)
    wanted = np.corrcoef(plain_cepstra(plain_level(decibels[0])))[np.triu_indices(20, 1)]
    np.testing.assert_allclose(textures(decibels, frame_rate=RATE)[0][0, :190], wanted, atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_their_number_is_known(shape):
    found = textures(noise(shape, n=3), frame_rate=RATE)
    assert [family.shape for family in found] == [(3, count) for count in TEXTURE_FAMILIES.values()]
    assert sum(TEXTURE_FAMILIES.values()) == N_TEXTURES and all(family.dtype == np.float32 for family in found)


@pytest.mark.parametrize("decibels", [-60.0, 7.5, 40.0])
def test_the_level_does_not_count(decibels):
    quiet = noise(n=2)
    np.testing.assert_allclose(described(quiet + np.float32(decibels)), described(quiet), atol=1e-2)


def test_what_lies_far_below_the_highest_value_does_not_count():
    some = noise()
    deeper = np.where(some < some[:, :, 2:-2].max() - 80, some - 50, some)
    assert (deeper != some).any()
    np.testing.assert_array_equal(described(deeper), described(some))


def test_the_padded_frames_at_the_ends_do_not_count():
    some = noise()
    other = some.copy()
    other[:, :, :2] = other[:, :, -2:] = 60
    np.testing.assert_array_equal(described(other), described(some))


@pytest.mark.parametrize("length", [5.0, 12.5])
def test_a_fluctuation_is_heard_in_its_range_of_rates_whatever_the_frame_rate(length):
    time = np.arange(round(length * RATE) + 4) / RATE
    tilt = np.linspace(1, -1, 64)[:, None]  # brighter and darker: no coefficient of the level
    decibels = (-30 + 6 * tilt * np.sin(2 * np.pi * 4.0 * time))[None]
    found = textures(decibels, frame_rate=RATE)[-1].reshape(9, 20)
    edges = np.geomspace(0.3, 25, 10)
    [heard] = np.flatnonzero((edges[:-1] <= 4.0) & (edges[1:] > 4.0))
    assert found[:, 0].argmax() == heard


def test_what_never_moves_correlates_with_nothing():
    decibels = noise()
    decibels[:, :4] = -30
    found = np.zeros((16, 16))
    found[np.triu_indices(16, 1)] = textures(decibels, frame_rate=RATE)[2][0]
    np.testing.assert_allclose(found[0], 0, atol=1e-6)
    assert abs(found[1:]).max() > 0.05


def test_a_row_is_described_in_the_same_way_in_whatever_company():
    rows = noise(n=5, seed=3)
    together = described(rows)
    np.testing.assert_array_equal(np.concatenate([described(row[None]) for row in rows]), together)
    np.testing.assert_array_equal(described(rows[::-1]), together[::-1])


def test_what_is_given_stays_as_it_is():
    rows = noise(n=2)
    before = rows.copy()
    textures(rows, frame_rate=RATE)
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize("value", [-200.0, -80.0, 0.0, 300.0])
def test_nothing_that_moves_gives_finite_numbers(value):
    cepstra, changes, attacks, levels, _ = textures(np.full((2, 64, 251), value, np.float32), frame_rate=RATE)
    for family in (cepstra[:, :190], changes[:, :190], attacks, levels):
        np.testing.assert_allclose(family, 0, atol=1e-3)
    assert np.isfinite(described(np.full((2, 64, 251), value, np.float32))).all()


def test_silence_and_a_single_click_give_finite_numbers():
    frontend = LogMel()
    sound = np.zeros((3, frontend.samples), np.float32)
    sound[1, frontend.samples // 2] = 1
    sound[2] = 1e-7
    assert np.isfinite(described(frontend(sound))).all()


@settings(max_examples=30)
@given(arrays(np.float32, (2, 22, 13), elements=st.floats(-1e4, 1e4, width=32)))
def test_anything_finite_gives_finite_numbers(decibels):
    assert np.isfinite(described(decibels)).all()
