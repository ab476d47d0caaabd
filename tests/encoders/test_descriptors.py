"""Descriptors: against librosa where it has them, otherwise by what they must hear in made-up music."""

from __future__ import annotations

import subprocess
import sys

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from songspace.encoders.descriptors import FAMILIES, MOTION, N_DESCRIPTORS, SOUND, descriptors
from songspace.frontends import LogMel

RATE = 50
BANDS, FRAMES = 64, 251
SEEN = slice(2, -2)
"""The frames that count: the outer two see padding."""


def family(described: np.ndarray, name: str) -> np.ndarray:
    start = sum(FAMILIES[other] for other in list(FAMILIES)[: list(FAMILIES).index(name)])
    return described[:, start : start + FAMILIES[name]]


def noise(seed: int = 0, n: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(-30, 6, (n, BANDS, FRAMES)).astype(np.float32)


def clicks(period: float, height: float = 20.0) -> np.ndarray:
    """A rise in every band each ``period`` seconds, over a little noise."""
    log_mel = noise() / 10
    log_mel[..., np.unique(np.rint(np.arange(0, FRAMES / RATE, period) * RATE).astype(int))] += height
    return log_mel


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """Log-mels of forty short pieces that differ in pitch, brightness, tempo, noise and loudness."""
    frontend = LogMel()
    random = np.random.default_rng(1)
    time = np.arange(frontend.samples) / frontend.rate
    pieces = []
    for _ in range(40):
        beat = np.exp(-((time * random.uniform(0.8, 4)) % 1) * random.uniform(0, 8))
        pitch, brightness = random.uniform(60, 900), random.uniform(0.3, 1)
        tone = sum(brightness**k * np.sin(2 * np.pi * pitch * (k + 1) * time) for k in range(10))
        hiss = random.normal(0, random.choice([0.01, 0.1, 0.5]), len(time))
        pieces.append(random.uniform(0.03, 0.3) * (beat * tone + hiss))
    return frontend(np.stack(pieces).astype(np.float32))


def test_their_number_is_known():
    assert descriptors(noise(n=3), frame_rate=RATE).shape == (3, N_DESCRIPTORS) == (3, 124)
    assert descriptors(noise(), frame_rate=RATE).dtype == np.float32
    assert (SOUND.start, SOUND.stop, MOTION.start, MOTION.stop) == (0, 78, 78, 124)


def test_cepstrum_equals_librosas(music):
    found = family(descriptors(music, frame_rate=RATE), "cepstrum")
    for log_mel, (mean, deviation, slope) in zip(music, found.reshape(-1, 3, 20), strict=True):
        level = log_mel[:, SEEN].astype(np.float64)
        cepstra = librosa.feature.mfcc(S=np.maximum(level, level.max() - 80), n_mfcc=21)[1:]
        slopes = librosa.feature.delta(cepstra, width=5, mode="nearest")
        np.testing.assert_allclose(mean, cepstra.mean(axis=1), atol=1e-3)
        np.testing.assert_allclose(deviation, cepstra.std(axis=1), atol=1e-3)
        np.testing.assert_allclose(slope, slopes.std(axis=1), atol=1e-3)


def test_shape_equals_librosas(music):
    found = family(descriptors(music, frame_rate=RATE), "shape")
    for log_mel, numbers in zip(music, found, strict=True):
        level = log_mel[:, SEEN].astype(np.float64)
        power = 10 ** (np.maximum(level - level.max(), -80) / 10)
        position = np.linspace(0, 1, BANDS)
        shares = power / power.sum(axis=0)
        curves = [
            librosa.feature.spectral_centroid(S=power, freq=position)[0],
            librosa.feature.spectral_bandwidth(S=power, freq=position)[0],
            librosa.feature.spectral_rolloff(S=power, freq=np.arange(BANDS) / BANDS)[0],
            10 * np.log10(librosa.feature.spectral_flatness(S=power, power=1.0)[0]),
            np.array([np.linalg.norm(shares[:, t] - shares[:, max(0, t - 1)]) for t in range(power.shape[1])]),
        ]
        np.testing.assert_allclose(numbers[:5], np.mean(curves, axis=1), atol=2e-3)
        np.testing.assert_allclose(numbers[5:10], np.std(curves, axis=1), atol=2e-3)


def test_contrast_is_the_height_of_peaks_over_valleys():
    log_mel = np.zeros((1, BANDS, FRAMES), np.float32)
    log_mel[:, 8:16:4] = 30  # two of the eight bands of the second region
    contrast = family(descriptors(log_mel, frame_rate=RATE), "shape")[0, 10:]
    np.testing.assert_allclose(contrast, [0, 30, 0, 0, 0, 0, 0, 0], atol=1e-4)


def test_dynamics_equal_their_definitions(music):
    found = family(descriptors(music, frame_rate=RATE), "dynamics")
    for log_mel, numbers in zip(music, found, strict=True):
        power = (10 ** (np.maximum(log_mel - log_mel.max(), -80).astype(np.float64) / 10))[:, SEEN].mean(axis=0)
        level = 10 * np.log10(power)
        low, high = np.percentile(level, [5, 95])
        steps = np.abs(np.diff(level)).sum() / len(level)
        crest = 10 * np.log10(power.max() / power.mean())
        expected = [level.std(), high - low, steps, crest, (power < power.mean()).mean()]
        np.testing.assert_allclose(numbers, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("rate", "octave"), [(1.5, 0), (3.0, 1), (6.0, 2), (12.0, 3)])
def test_modulation_is_heard_in_its_region_and_octave(rate, octave):
    log_mel = np.zeros((1, BANDS, FRAMES), np.float32)
    log_mel[:, 16:24] += 10 * np.sin(2 * np.pi * rate * np.arange(FRAMES) / RATE).astype(np.float32)
    modulation = family(descriptors(log_mel, frame_rate=RATE), "modulation").reshape(4, 8)
    assert modulation[octave, 2] == pytest.approx(10 / np.sqrt(2), rel=0.1)
    rest = np.delete(modulation[:, 2], octave)
    assert (rest < 2.5).all()
    assert (np.delete(modulation, 2, axis=1) < 1e-3).all()


@pytest.mark.parametrize(("period", "half_octave"), [(0.3, 0), (0.42, 1), (0.6, 2), (0.84, 3), (1.2, 4), (1.7, 5)])
def test_the_pulse_of_clicks_is_found_at_their_period(period, half_octave):
    correlation = family(descriptors(clicks(period), frame_rate=RATE), "pulse")[0, 2:8]
    assert correlation[half_octave] > 0.4
    assert (correlation[:half_octave] < 0.2).all()


def test_a_pulse_is_clearer_than_noise():
    clarity = [family(descriptors(x, frame_rate=RATE), "pulse")[0, -1] for x in (clicks(0.5), noise())]
    assert clarity[0] > 0.8
    assert clarity[1] < 0.4


def test_onsets_are_counted_by_their_height():
    weak, strong = (family(descriptors(clicks(0.5, h), frame_rate=RATE), "pulse")[0, :2] for h in (10, 20))
    assert (strong > 1.5 * weak).all()


@settings(max_examples=20)
@given(st.floats(-60, 60))
def test_loudness_does_not_matter(gain):
    expected = descriptors(noise(), frame_rate=RATE)
    np.testing.assert_allclose(descriptors(noise() + np.float32(gain), frame_rate=RATE), expected, atol=2e-3)


def test_what_is_80_db_below_the_peak_does_not_matter():
    level = noise(n=2) * 3
    level -= level[..., SEEN].max(axis=(1, 2), keepdims=True)
    assert 0.02 < (level < -80).mean() < 0.9
    above = np.where(level < -80, -80, level)
    below = np.where(level < -80, level - 30, level)
    np.testing.assert_array_equal(descriptors(above, frame_rate=RATE), descriptors(below, frame_rate=RATE))


def test_eight_bits_hardly_matter(music):
    frontend = LogMel()
    exact = descriptors(music, frame_rate=RATE)
    rounded = descriptors(frontend.dequantize(frontend.quantize(music)), frame_rate=RATE)
    error = np.sqrt(np.square(rounded - exact).mean(axis=0)) / exact.std(axis=0)
    assert np.median(error) < 0.01
    assert error.max() < 0.25  # the mean flux, of sounds as steady as these


def test_the_padding_at_the_edges_is_not_heard():
    log_mel = noise()
    padded = log_mel.copy()
    padded[..., :2] = padded[..., -2:] = -100
    np.testing.assert_array_equal(descriptors(log_mel, frame_rate=RATE), descriptors(padded, frame_rate=RATE))


@pytest.mark.parametrize("level", [-100.0, 0.0, 47.5])
def test_a_constant_has_no_timbre_and_no_rhythm(level):
    described = descriptors(np.full((2, BANDS, FRAMES), level, np.float32), frame_rate=RATE)
    assert np.isfinite(described).all()
    np.testing.assert_allclose(family(described, "cepstrum"), 0, atol=1e-4)
    for name in ("dynamics", "modulation", "pulse"):
        np.testing.assert_allclose(family(described, name), 0, atol=1e-4)


@settings(max_examples=50, deadline=None)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 2), st.integers(21, 30), st.integers(9, 60)),
        elements=st.sampled_from([-100.0, -79.5, -3.0, 0.0, 47.5, 1e-30]) | st.floats(-1e6, 1e6, width=32),
        fill=st.sampled_from([-100.0, 0.0]),
    ),
    st.floats(0.5, 500),
)
def test_they_are_always_finite(log_mel, frame_rate):
    with np.errstate(invalid="raise", divide="raise", over="raise"):
        described = descriptors(log_mel, frame_rate=frame_rate)
    assert described.shape == (len(log_mel), N_DESCRIPTORS)
    assert np.isfinite(described).all()


def test_a_segment_is_described_by_itself(music):
    together = descriptors(music, frame_rate=RATE)
    for row in (0, 17, 39):
        np.testing.assert_array_equal(descriptors(music[row : row + 1], frame_rate=RATE)[0], together[row])


def test_the_input_is_left_alone(music):
    before = music.copy()
    descriptors(music, frame_rate=RATE)
    np.testing.assert_array_equal(music, before)


@pytest.mark.parametrize("shape", [(64, 251), (1, 20, 251), (1, 64, 8), (1, 1, 64, 251)])
def test_what_is_too_small_is_refused(shape):
    with pytest.raises(ValueError, match="at least 21 bands and 9 frames"):
        descriptors(np.zeros(shape, np.float32), frame_rate=RATE)


def test_decoding_workers_need_no_scikit_learn():
    code = (
        "import sys, numpy\n"
        "from songspace.encoders.descriptors import descriptors\n"
        "descriptors(numpy.zeros((1, 64, 251)), frame_rate=50)\n"
        "print(*{'torch', 'sklearn', 'safetensors'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == ""
