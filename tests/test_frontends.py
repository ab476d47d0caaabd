"""Frontends against the libraries that the field takes for the reference."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import dataclass

import librosa
import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from songspace.errors import SongspaceError
from songspace.frontends import Codes, Frontend, LogMel, PowerSpectrogram, build, describe, register
from songspace.frontends.base import REGISTERED

LOG_MELS = [
    LogMel(),
    LogMel(seconds=1.3),
    LogMel(rate=16000, n_fft=512, hop=160, n_mels=48, fmin=50.0, fmax=7000.0, seconds=1.0),
    LogMel(rate=44100, n_fft=2048, hop=1000, n_mels=128, seconds=0.7),
    LogMel(n_fft=1023, hop=100, n_mels=20, seconds=0.5),
]
POWERS = [
    PowerSpectrogram(),
    PowerSpectrogram(seconds=0.31),
    PowerSpectrogram(rate=22050, n_fft=301, hop=77, full_scale=1.0, seconds=1.0),
    PowerSpectrogram(log=True, seconds=1.0),
    PowerSpectrogram(standardize=True, seconds=1.0),
    PowerSpectrogram(log=True, standardize=True, seconds=1.0),
]


def sounds(samples: int, rate: int) -> np.ndarray:
    """Five windows: noise, a falling chord over faint noise, clicks, a song that ends, a loud sine."""
    random = np.random.default_rng(0)
    time = np.arange(samples) / rate
    noise = random.normal(0, 0.1, samples)
    chord = sum(np.sin(2 * np.pi * f * time) / k for k, f in enumerate([220, 277, 330, 440, 554], 1))
    clicks = np.where(np.arange(samples) % (rate // 4) < 20, 0.9, 0) + 0.01 * noise
    ends = np.where(np.arange(samples) < samples // 3, noise, 0)
    sine = np.sin(2 * np.pi * 1000 * time) + 1e-4 * noise
    return np.stack([noise, 0.2 * chord * np.exp(-time) + 0.001 * noise, clicks, ends, sine]).astype(np.float32)


def by_librosa(frontend: LogMel, windows: np.ndarray) -> np.ndarray:
    power = librosa.feature.melspectrogram(
        y=windows.astype(np.float64),
        sr=frontend.rate,
        n_fft=frontend.n_fft,
        hop_length=frontend.hop,
        n_mels=frontend.n_mels,
        fmin=frontend.fmin,
        fmax=frontend.fmax,
        dtype=np.float64,
    )
    return librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)


def by_scipy(frontend: PowerSpectrogram, windows: np.ndarray) -> np.ndarray:
    power = scipy.signal.spectrogram(
        windows.astype(np.float64) * frontend.full_scale,
        fs=frontend.rate,
        window="hann",
        nperseg=frontend.n_fft,
        noverlap=frontend.n_fft - frontend.hop,
        detrend=False,
        scaling="spectrum",
        mode="psd",
    )[2]
    if frontend.log:
        power = 10 * np.log10(np.maximum(power, 1e-10))
    if frontend.standardize:
        power = power - power.mean(axis=(1, 2), keepdims=True)
        power = power / power.std(axis=(1, 2), keepdims=True)
    return power


@pytest.mark.parametrize("frontend", LOG_MELS, ids=str)
def test_log_mel_equals_librosa(frontend):
    windows = sounds(frontend.samples, frontend.rate)
    decibels = frontend(windows)
    expected = by_librosa(frontend, windows)
    assert decibels.dtype == np.float32
    assert decibels.shape == expected.shape == (5, *frontend.shape)
    # A float32 transform resolves what is 60 dB below the strongest band of a frame to 1e-4 dB.
    resolved = expected > expected.max(axis=1, keepdims=True) - 60
    assert resolved.mean() > 0.6
    np.testing.assert_allclose(decibels[resolved], expected[resolved], atol=1e-4, rtol=0)
    np.testing.assert_allclose(decibels, expected, atol=0.25, rtol=0)


@pytest.mark.parametrize("frontend", POWERS, ids=str)
def test_power_spectrogram_equals_scipy(frontend):
    windows = sounds(frontend.samples, frontend.rate)
    power = frontend(windows)
    expected = by_scipy(frontend, windows)
    assert power.dtype == np.float32
    assert power.shape == expected.shape == (5, *frontend.shape)
    np.testing.assert_allclose(power, expected, rtol=1e-5, atol=1e-5 if frontend.log or frontend.standardize else 0)


def test_the_posters_spectrogram_is_257_by_430():
    assert PowerSpectrogram().shape == (257, 430)
    assert PowerSpectrogram().samples == 220500


@pytest.mark.parametrize("frontend", LOG_MELS + POWERS, ids=str)
def test_torch_gives_the_same_values(frontend):
    windows = sounds(frontend.samples, frontend.rate)
    tensor = frontend(torch.from_numpy(windows))
    assert isinstance(tensor, torch.Tensor)
    assert tensor.dtype == torch.float32
    expected = frontend(windows)
    assert tuple(tensor.shape) == expected.shape
    resolved = np.ones_like(expected, bool)
    if isinstance(frontend, LogMel):
        resolved = expected > expected.max(axis=1, keepdims=True) - 60
    np.testing.assert_allclose(tensor.numpy()[resolved], expected[resolved], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("frontend", [LogMel(seconds=0.5), PowerSpectrogram(seconds=0.5)], ids=str)
def test_a_window_does_not_see_its_neighbours(frontend):
    windows = sounds(frontend.samples, frontend.rate)
    windows[2, 100] = np.nan
    before = windows.copy()
    together = frontend(windows)
    for row, window in enumerate(windows):
        np.testing.assert_array_equal(together[row], frontend(window[None])[0])
    assert np.isnan(together[2]).any()
    assert np.isfinite(np.delete(together, 2, axis=0)).all()
    np.testing.assert_array_equal(windows, before)


@pytest.mark.parametrize("frontend", [LogMel(seconds=0.5), PowerSpectrogram(seconds=0.5)], ids=str)
def test_no_windows_give_no_spectrograms(frontend):
    assert frontend(np.empty((0, frontend.samples), np.float32)).shape == (0, *frontend.shape)


def test_silence():
    assert (LogMel(seconds=0.5)(np.zeros((1, 11025), np.float32)) == -100).all()
    frontend = PowerSpectrogram(standardize=True, seconds=0.5)
    silence = np.zeros((1, frontend.samples), np.float32)
    assert (frontend(silence) == 0).all()
    assert (frontend(torch.from_numpy(silence)) == 0).all()
    assert (PowerSpectrogram(log=True, seconds=0.5)(silence) == -100).all()


def test_gain_is_added_in_decibels():
    frontend = LogMel(seconds=0.5)
    windows = sounds(frontend.samples, frontend.rate)[:1]
    np.testing.assert_allclose(frontend(windows / 10), frontend(windows) - 20, atol=1e-3)


@pytest.mark.parametrize("shape", [(11025,), (1, 1, 11025), (1, 11024), (2, 11026)])
@pytest.mark.parametrize("kind", [np.zeros, torch.zeros])
@pytest.mark.parametrize("frontend", [LogMel(seconds=0.5), PowerSpectrogram(rate=22050, seconds=0.5)], ids=str)
def test_windows_of_a_wrong_shape_are_refused(frontend, shape, kind):
    with pytest.raises(ValueError, match=r"Expected windows of shape \(n, 11025\)"):
        frontend(kind(shape))


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"rate": 0}, "rate"),
        ({"rate": 22050.5}, "rate"),
        ({"n_fft": 1}, "n_fft"),
        ({"hop": 0}, "hop"),
        ({"n_mels": 0}, "n_mels"),
        ({"n_mels": 6.5}, "n_mels"),
        ({"fmin": -1.0}, "fmin"),
        ({"fmin": 8000.0, "fmax": 8000.0}, "fmin"),
        ({"fmax": 12000.0}, "fmax"),
        ({"seconds": 0.01}, "window"),
        ({"seconds": -1.0}, "seconds"),
        ({"seconds": float("inf")}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
    ],
)
def test_impossible_log_mels_are_refused(fields, names):
    with pytest.raises(ValueError, match=names):
        LogMel(**fields)


@pytest.mark.parametrize("fields", [{"full_scale": 0.0}, {"seconds": 0.001}, {"hop": 0}])
def test_impossible_power_spectrograms_are_refused(fields):
    with pytest.raises(ValueError, match="got"):
        PowerSpectrogram(**fields)


@given(arrays(np.float32, st.integers(1, 50), elements=st.floats(-80, 47.5, width=32)))
def test_eight_bits_are_within_a_quarter_of_a_decibel(decibels):
    codes = LogMel().quantize(decibels)
    assert codes.dtype == np.uint8
    again = LogMel().dequantize(codes)
    assert again.dtype == np.float32
    assert np.abs(again - decibels).max() <= 0.25 + 1e-5  # what float32 can tell apart at 80 dB


@given(st.floats(-1e30, 1e30))
def test_eight_bits_are_clipped_at_their_ends(decibels):
    code = int(LogMel().quantize(np.array([decibels]))[0])
    assert (code == 0) if decibels < -79.75 else (code == 255) if decibels > 47.25 else 0 <= code <= 255


def test_every_code_survives():
    codes = np.arange(256, dtype=np.uint8)
    decibels = LogMel().dequantize(codes)
    np.testing.assert_array_equal(decibels, -80 + 0.5 * np.arange(256))
    np.testing.assert_array_equal(LogMel().quantize(decibels), codes)


def test_a_power_spectrogram_has_no_eight_bit_form():
    with pytest.raises(ValueError, match="no 8-bit form"):
        PowerSpectrogram().quantize(np.zeros((1, 257, 430)))
    with pytest.raises(ValueError, match="no 8-bit form"):
        PowerSpectrogram().dequantize(np.zeros((1, 257, 430), np.uint8))


log_mels = st.builds(
    LogMel,
    rate=st.sampled_from([8000, 22050, 48000]),
    n_fft=st.integers(16, 2048),
    hop=st.integers(1, 4096),
    n_mels=st.integers(1, 128),
    fmin=st.floats(0, 1000),
    fmax=st.none() | st.floats(1001, 4000),
    seconds=st.floats(0.3, 30),
)
powers = st.builds(
    PowerSpectrogram,
    n_fft=st.integers(2, 2048),
    hop=st.integers(1, 4096),
    full_scale=st.floats(0.1, 1e6),
    log=st.booleans(),
    standardize=st.booleans(),
    seconds=st.floats(0.3, 30),
)


@given(log_mels | powers)
def test_a_description_survives_json(frontend):
    assert build(json.loads(json.dumps(describe(frontend)))) == frontend


@settings(max_examples=25)
@given(log_mels | powers)
def test_the_shape_is_known_beforehand(frontend):
    if frontend.samples * frontend.n_fft / frontend.hop > 5e6:
        return
    assert frontend(np.zeros((1, frontend.samples), np.float32)).shape == (1, *frontend.shape)


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"name": "Mel"},
        {"name": None, "rate": 22050},
        {"name": "LogMel", "frames": 3},
        {"name": "LogMel", "rate": "fast"},
        {"name": "LogMel", "seconds": "5"},
        {"name": "LogMel", "fmin": None},
        {"name": "PowerSpectrogram", "n_mels": 64},
        {"name": "PowerSpectrogram", "hop": -1},
        {"name": "PowerSpectrogram", "full_scale": [1]},
    ],
    ids=str,
)
def test_what_describes_no_frontend_is_refused(description):
    with pytest.raises(ValueError, match=r"frontend|cannot be made|got"):
        build(description)


@pytest.mark.parametrize("frontend", [LogMel(seconds=0.5), PowerSpectrogram(rate=22050, seconds=0.5)], ids=str)
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_whole_numbers_are_scaled_by_their_type(frontend, bits):
    sound = np.clip(sounds(frontend.samples, frontend.rate)[:2], -0.99, 0.99)
    whole = np.rint(sound.astype(np.float64) * 2 ** (bits - 1)).astype(f"int{bits}")
    expected = frontend(whole / np.float64(2 ** (bits - 1)))
    np.testing.assert_allclose(frontend(whole), expected, rtol=1e-4, atol=1e-4)
    tensor = frontend(torch.from_numpy(whole))
    np.testing.assert_array_equal(tensor.numpy(), frontend(torch.from_numpy(whole).float() / 2 ** (bits - 1)).numpy())
    if bits == 8:  # as WAV files have them
        np.testing.assert_array_equal(frontend((whole.astype(int) + 128).astype(np.uint8)), frontend(whole))


@pytest.mark.parametrize("dtype", ["int64", "uint16", "bool", "complex64"])
@pytest.mark.parametrize("kind", [np.zeros, torch.zeros])
def test_sound_of_no_known_scale_is_refused(dtype, kind):
    windows = kind((1, 11025), dtype=getattr(torch if kind is torch.zeros else np, dtype))
    with pytest.raises(ValueError, match=f"got {dtype}"):
        LogMel(seconds=0.5)(windows)


def test_codes_stay_codes_wherever_they_go():
    codes = LogMel().quantize(np.linspace(-80, 47.5, 256).reshape(4, 64))
    for same in (codes[1:], codes[[0, 2]], codes.reshape(-1), np.concatenate([codes, codes]), codes.copy()):
        assert type(same) is Codes and same.dtype == np.uint8
    again = pickle.loads(pickle.dumps(codes))
    assert type(again) is Codes
    np.testing.assert_array_equal(again, codes)
    assert type(codes + 1) is type(codes == 0) is type(np.sqrt(codes)) is np.ndarray
    assert isinstance(codes.max(), np.uint8)
    np.testing.assert_array_equal(codes.decibels(), LogMel().dequantize(codes))


# A frontend of one's own


@dataclass(frozen=True)
class Envelope(Frontend):
    rate: int = 100
    seconds: float = 2.0
    parts: int = 4

    @property
    def shape(self) -> tuple[int, int]:
        return 1, self.parts

    def compute(self, windows: np.ndarray) -> np.ndarray:
        return np.abs(windows).reshape(len(windows), 1, self.parts, -1).mean(axis=3)


def test_a_frontend_of_ones_own_takes_arrays_and_tensors():
    sound = np.random.default_rng(0).normal(size=(3, 200))
    expected = np.abs(sound).reshape(3, 1, 4, 50).mean(axis=3)
    np.testing.assert_allclose(Envelope()(sound), expected)
    tensor = Envelope()(torch.from_numpy(sound))
    assert isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float32
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="windows of shape"):
        Envelope()(sound[:, 1:])
    with pytest.raises(ValueError, match="rate"):
        Envelope(rate=0)
    with pytest.raises(ValueError, match="no 8-bit form"):
        Envelope().quantize(expected)


def test_a_name_finds_a_frontend_that_is_registered_and_no_other():
    description = describe(Envelope(parts=5))
    with pytest.raises(ValueError, match="no frontend is called 'Envelope'"):
        build(description)
    with pytest.raises(ValueError, match="no frontend is called 'tests"):
        build(description | {"name": "tests.test_frontends:Envelope"})
    try:
        assert register(register(Envelope)) is Envelope
        assert build(json.loads(json.dumps(description))) == Envelope(parts=5)
        other = dataclass(frozen=True)(type("Envelope", (Frontend,), {"__module__": "elsewhere"}))
        with pytest.raises(ValueError, match=f"called Envelope already, in {__name__}"):
            register(other)
    finally:
        REGISTERED.pop("Envelope", None)
    for wrong in (Frontend, dict, 7):
        with pytest.raises(ValueError, match="a frontend is a dataclass"):
            register(wrong)


def test_packages_offer_frontends(tmp_path, monkeypatch):
    """By entry points: nothing that an encoder's file says is imported."""
    source = """
from dataclasses import dataclass
from songspace.frontends import Frontend

@dataclass(frozen=True)
class Loud(Frontend):
    rate: int = 10
    seconds: float = 1.0
"""
    (tmp_path / "toy_ears.py").write_text(source, "utf-8")
    (tmp_path / "toy_ears-1.0.dist-info").mkdir()
    (tmp_path / "toy_ears-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: toy-ears\nVersion: 1.0\n"
    )
    points = "[songspace.frontends]\nLoud = toy_ears:Loud\nDeaf = toy_ears:Deaf\nSoft = toy_ears:Loud\n"
    (tmp_path / "toy_ears-1.0.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert build({"name": "Loud", "rate": 20, "seconds": 1.0}).samples == 20
        with pytest.raises(SongspaceError, match=r"The frontend 'Deaf' of the package toy-ears cannot be loaded"):
            build({"name": "Deaf"})
        with pytest.raises(SongspaceError, match=r"'Soft' of the package toy-ears is called Loud"):
            build({"name": "Soft"})
    finally:
        REGISTERED.pop("Loud", None)
        sys.modules.pop("toy_ears", None)


def test_decoding_workers_need_neither_torch_nor_scikit_learn():
    code = (
        "import sys, numpy\n"
        "from songspace.frontends import LogMel\n"
        "LogMel()(numpy.zeros((1, 110250)))\n"
        "print(*{'torch', 'sklearn', 'librosa', 'scipy.signal'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == ""
