"""The baselines: PCA against scikit-learn's, out of core; Raw and Timbre against their definitions."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from sklearn import decomposition
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from songspace.encoders.baselines import PCA, Raw, Timbre
from songspace.encoders.descriptors import MOTION, N_DESCRIPTORS, SOUND, descriptors
from songspace.errors import SongspaceError
from songspace.frontends import Codes, LogMel, PowerSpectrogram

SHAPE = (12, 25)


class Rows:
    """Spectrograms that exist only when they are asked for; notes how many were asked for at a time."""

    def __init__(self, n: int, shape: tuple[int, int] = SHAPE) -> None:
        random = np.random.default_rng(5)
        self.shape = (n, *shape)
        self.dtype = np.dtype(np.float32)
        self.patterns = random.normal(size=(30, *shape)) * 0.8 ** np.arange(30)[:, None, None]
        self.mean = random.normal(-30, 5, shape)
        self.asked: list[int] = []

    def __getitem__(self, rows) -> np.ndarray:
        rows = np.arange(self.shape[0])[rows]
        self.asked.append(len(rows))
        weights = np.stack([np.random.default_rng(row).normal(size=30) for row in rows])
        return (self.mean + np.tensordot(weights, self.patterns, axes=1)).astype(np.float32)


def varied(n: int = 400, scale: float = 1.0) -> np.ndarray:
    """Spectrograms whose variance falls as in music: as a power, over all the directions there are."""
    random = np.random.default_rng(3)
    d = SHAPE[0] * SHAPE[1]
    axes = np.linalg.qr(random.normal(size=(d, d)))[0]
    flat = (random.normal(size=(n, d)) * 10 / np.arange(1, d + 1) ** 0.7) @ axes.T
    flat *= np.exp(scale * random.normal(size=d))
    return (flat - 40).reshape(n, *SHAPE).astype(np.float32)


def explained(axes: np.ndarray, X: np.ndarray) -> float:
    centred = X.reshape(len(X), -1) - X.reshape(len(X), -1).mean(axis=0)
    return np.square(centred @ axes.T).sum() / np.square(centred).sum()


# Raw


def test_raw_is_the_spectrogram():
    X = varied(5)
    np.testing.assert_array_equal(Raw().fit(X).transform(X), X.reshape(5, -1))


def test_raw_takes_eight_bits_for_decibels():
    codes = np.random.default_rng(0).integers(0, 256, (3, *SHAPE), dtype=np.uint8)
    expected = -80 + 0.5 * codes.reshape(3, -1)
    np.testing.assert_array_equal(Raw().fit(codes.view(Codes)).transform(codes.view(Codes)), expected)


# PCA


@pytest.mark.parametrize("scale", [False, True])
def test_pca_equals_scikit_learns(scale):
    X = Rows(500)[:]
    flat = X.reshape(len(X), -1)
    found = PCA(n_components=12, scale=scale).fit(X)
    reference = decomposition.PCA(12, svd_solver="full")
    model = make_pipeline(StandardScaler(with_std=scale), reference).fit(flat.astype(np.float64))
    np.testing.assert_allclose(found.mean_, flat.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.explained_variance_, reference.explained_variance_, rtol=1e-4)
    np.testing.assert_allclose(found.explained_variance_ratio_, reference.explained_variance_ratio_, rtol=1e-4)
    sign = np.sign((found.components_ * reference.components_).sum(axis=1))
    np.testing.assert_allclose(found.components_, sign[:, None] * reference.components_, atol=2e-3)
    np.testing.assert_allclose(found.transform(X), sign * model.transform(flat), atol=2e-2)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e9])
def test_pca_keeps_nearly_all_that_any_axes_could_keep(factor):
    X = varied() * np.float32(factor)
    best = decomposition.PCA(16, svd_solver="full").fit(X.reshape(len(X), -1).astype(np.float64)).components_
    assert explained(PCA(n_components=16).fit(X).components_, X) > 0.9999 * explained(best, X)


def test_pca_axes_are_orthonormal_and_point_to_their_largest_entry():
    model = PCA(n_components=20).fit(varied())
    np.testing.assert_allclose(model.components_ @ model.components_.T, np.eye(20), atol=1e-5)
    assert (np.diff(model.explained_variance_) < 0).all()
    largest = np.abs(model.components_).argmax(axis=1)
    assert (model.components_[np.arange(20), largest] > 0).all()


def test_pca_reads_a_few_rows_at_a_time_and_all_of_them_five_times():
    lazy = Rows(1500)
    model = PCA(n_components=8).fit(lazy)
    assert max(lazy.asked) <= PCA.batch_rows == 128
    assert sum(lazy.asked) == 5 * 1500 + 1  # one more row: the origin of the moments
    in_memory = PCA(n_components=8).fit(Rows(1500)[:])
    np.testing.assert_array_equal(model.components_, in_memory.components_)
    lazy.asked.clear()
    np.testing.assert_array_equal(model.transform(lazy), in_memory.transform(Rows(1500)[:]))
    assert max(lazy.asked) <= 128


def test_pca_repeats_itself_and_hardly_depends_on_its_seed():
    X = varied()
    first, again, other = (PCA(n_components=8, random_state=seed).fit(X) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.components_, again.components_)
    assert (first.components_ != other.components_).any()
    np.testing.assert_allclose(first.components_, other.components_, atol=1e-2)


def test_pca_brings_back_what_lies_in_its_axes():
    X = Rows(200)[:]
    model = PCA(n_components=30).fit(X)
    again = model.inverse_transform(model.transform(X))
    assert again.shape == X.shape
    np.testing.assert_allclose(again, X, atol=1e-3)


def test_scaling_makes_every_pixel_count_alike():
    X = varied(scale=0)
    loud = X.copy()
    loud[:, 3, 4] *= 1e6
    plain, scaled = PCA(n_components=4).fit(loud), PCA(n_components=4, scale=True).fit(loud)
    pixel = np.ravel_multi_index((3, 4), SHAPE)
    assert plain.components_[0, pixel] == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(scaled.transform(loud), PCA(n_components=4, scale=True).fit_transform(X), atol=1e-2)


def test_pca_of_fewer_spectrograms_than_components_has_fewer():
    X = varied(5)
    model = PCA().fit(X)
    assert model.transform(X).shape == (5, 5)
    assert model.explained_variance_[-1] < 1e-6 * model.explained_variance_[0]
    assert model.explained_variance_ratio_.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("scale", [False, True])
def test_pca_of_one_thing_said_again_is_zero(scale):
    X = np.full((6, *SHAPE), -37.5, np.float32)
    assert (PCA(n_components=3, scale=scale).fit_transform(X) == 0).all()


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"n_components": 0}, "n_components"),
        ({"n_components": 2.5}, "n_components"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_pca_says_which_parameter_is_wrong(params, names):
    with pytest.raises(ValueError, match=names):
        PCA(**params).fit(varied(10))


def test_pca_needs_two_spectrograms():
    with pytest.raises(SongspaceError, match="at least 2 spectrograms"):
        PCA().fit(varied(1))


# Timbre


def textures(n: int = 30, seconds: float = 5.0) -> np.ndarray:
    """Log-mels by turns of dark and bright noise, steady and beaten: four textures."""
    bands, frames = LogMel(seconds=seconds).shape
    random = np.random.default_rng(2)
    X = random.normal(-30, 5, (n, bands, frames))
    X[::2] -= np.linspace(0, 20, bands)[:, None]
    beat = 15 * ((np.arange(frames) % 25) < 3)
    X[np.arange(n) % 4 < 2] += beat
    return X.astype(np.float32)


def test_timbre_gives_sound_and_motion_an_equal_share():
    V = Timbre().fit_transform(textures())
    assert V.shape == (30, N_DESCRIPTORS)
    np.testing.assert_allclose(V.mean(axis=0), 0, atol=1e-4)
    assert V[:, SOUND].var(axis=0).sum() == pytest.approx(1, abs=1e-3)
    assert V[:, MOTION].var(axis=0).sum() == pytest.approx(1, abs=1e-3)
    within = V[:, SOUND].std(axis=0)
    np.testing.assert_allclose(within, within[0], rtol=1e-3)


def test_timbre_learns_the_same_from_stored_descriptors():
    X = textures()
    described = descriptors(X, frame_rate=50)
    whole, stored = Timbre().fit(X), Timbre().fit_descriptors(described)
    assert whole.fingerprint_ == stored.fingerprint_
    np.testing.assert_array_equal(stored.transform(X), whole.standardize(described))


@pytest.mark.parametrize("size", [1, 7, 400])
def test_timbre_learns_the_same_in_parts(size):
    described = np.random.default_rng(0).normal(30, 5, (400, N_DESCRIPTORS)).astype(np.float32)
    model = Timbre().fit_descriptors(lambda: (described[at : at + size] for at in range(0, 400, size)))
    assert model.fingerprint_ == Timbre().fit_descriptors(described).fingerprint_
    np.testing.assert_array_equal(model.mean_, described.mean(axis=0, dtype=np.float64).astype(np.float32))


def test_timbre_learns_from_many_parts_without_holding_them():
    def parts() -> Iterator[np.ndarray]:
        return (np.full((10, N_DESCRIPTORS), at % 7, np.float32) for at in range(1000))

    tracemalloc.start()
    try:
        Timbre().fit_descriptors(parts)
        assert tracemalloc.get_traced_memory()[1] < 1e6  # all of them are 5 MB
    finally:
        tracemalloc.stop()


def test_timbre_leaves_constant_descriptors_in_their_scale():
    described = descriptors(textures(), frame_rate=50)
    described[:, [3, 100]] = [7.0, 0.0]
    model = Timbre().fit_descriptors(described)
    np.testing.assert_array_equal(model.scale_[[3, 100]], 1)
    assert (model.standardize(described)[:, [3, 100]] == 0).all()
    one = Timbre().fit_descriptors(described[:1])
    assert (one.scale_ == 1).all()
    assert (one.standardize(described[:1]) == 0).all()


def test_timbre_hears_which_textures_are_alike():
    V = Timbre().fit_transform(textures())
    distances = np.linalg.norm(V[:, None] - V[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    kind = np.arange(30) % 4
    assert (kind[distances.argmin(axis=1)] == kind).all()


def test_timbre_takes_the_frame_rate_of_its_frontend():
    X = textures()
    slow = Timbre(frontend=LogMel(hop=882, seconds=10)).fit(X)
    assert np.abs(slow.mean_ - Timbre().fit(X).mean_)[MOTION].max() > 0.1


def test_timbre_takes_log_mels_only():
    with pytest.raises(ValueError, match="LogMel"):
        Timbre(frontend=PowerSpectrogram()).fit(np.ones((3, 257, 430)))


def test_timbre_takes_no_segments_but_learns_from_some():
    none = np.empty((0, N_DESCRIPTORS))
    assert Timbre().fit(textures()).standardize(none).shape == (0, N_DESCRIPTORS)
    with pytest.raises(ValueError, match="at least one segment"):
        Timbre().fit_descriptors(none)


@pytest.mark.parametrize("shape", [(124,), (3, 123), (2, 124, 1)])
def test_descriptors_of_a_wrong_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"\(n, 124\)"):
        Timbre().fit_descriptors(np.zeros(shape))
    with pytest.raises(ValueError, match=r"\(n, 124\)"):
        Timbre().fit_descriptors(np.zeros((2, 124))).standardize(np.zeros(shape))


@pytest.mark.parametrize(
    "call", [lambda: Timbre().standardize(np.zeros((1, 124))), lambda: PCA().inverse_transform([])]
)
def test_what_was_not_fitted_says_so(call):
    with pytest.raises(NotFittedError):
        call()
