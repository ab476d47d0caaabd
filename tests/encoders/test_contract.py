"""What every encoder of the registry keeps to: scikit-learn's contract, as far as it applies, and ours.

A new encoder is covered by adding a small, quick instance of it to ``SMALL``.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any

import numpy as np
import pandas
import pytest
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from songspace import encoders
from songspace.encoders.base import REGISTRY, Encoder, encoder_class, load
from songspace.encoders.descriptors import descriptors
from songspace.errors import SongspaceError
from songspace.frontends import LogMel

FRONTEND = LogMel(n_mels=32, seconds=0.8)
SMALL: dict[str, dict[str, Any]] = {
    "raw": {},
    "pca": {"n_components": 3},
    "timbre": {},
    "linear": {"n_components": 5},
    "random": {"width": 4},
    "contrastive": {"width": 4, "steps": 1, "batch_size": 4, "crop": 30, "device": "cpu"},
    "ali": {"latent": 4, "steps": 1, "batch_size": 2, "device": "cpu"},
}


def small(name: str) -> Encoder:
    return encoder_class(name)(**SMALL[name], frontend=FRONTEND)


def songs(n: int = 12, seed: int = 0) -> np.ndarray:
    """Eight-bit log-mels of little structure: each of its own brightness and unevenness."""
    random = np.random.default_rng(seed)
    bands, frames = FRONTEND.shape
    slope = random.uniform(-40, 0, (n, 1, 1)) * np.linspace(0, 1, bands)[:, None]
    decibels = -20 + slope + random.uniform(1, 8, (n, 1, 1)) * random.normal(size=(n, bands, frames))
    return FRONTEND.quantize(decibels)


def test_every_registered_encoder_is_covered():
    classes = {name: encoder_class(name) for name in REGISTRY}
    assert {name: cls.name for name, cls in classes.items()} == {name: name for name in REGISTRY}
    # Some learn nothing, or only what an ear says: they have test files of their own.
    assert set(SMALL) == {name for name, cls in classes.items() if not (cls.pretrained or cls.taught_by)}


def test_every_registered_encoder_can_be_imported_from_the_package():
    for name in REGISTRY:
        cls = encoder_class(name)
        assert getattr(encoders, cls.__name__) is cls and cls.__name__ in dir(encoders)


# scikit-learn's checks


class Flat:
    """An encoder as scikit-learn's checks can call it: each row of a matrix, repeated, fills a spectrogram."""

    def fit(self, X: Any, y: Any = None) -> Any:
        X = validate_data(self, X, dtype=np.float64)
        super().fit(self._fill(X))  # type: ignore[misc]
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return super().transform(self._fill(validate_data(self, X, dtype=np.float64, reset=False)))  # type: ignore[misc]

    def _fill(self, X: np.ndarray) -> np.ndarray:
        bands, frames = FRONTEND.shape
        return np.take(X, np.arange(bands * frames) % X.shape[1], axis=1).reshape(-1, bands, frames)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False
        return tags


def flat(name: str) -> Encoder:
    """A small encoder behind :class:`Flat`; its class has a place in this module, so that it can be pickled."""
    cls = encoder_class(name)
    made = type(f"Flat{cls.__name__}", (Flat, cls), {"__init__": cls.__init__, "__module__": __name__})
    setattr(sys.modules[__name__], made.__name__, made)
    return made(**SMALL[name], frontend=FRONTEND)


def expected_to_fail(encoder: Encoder) -> dict[str, str]:
    """The checks that do not apply, and why."""
    if encoder.name in ("pca", "contrastive", "ali"):
        return {"check_fit2d_1sample": "a SongspaceError, not a ValueError: a listener can have a single song"}
    return {}


@parametrize_with_checks([flat(name) for name in SMALL], expected_failed_checks=expected_to_fail)
def test_scikit_learns_contract(estimator, check):
    check(estimator)


# Ours


@pytest.fixture(scope="module", params=list(SMALL))
def fitted(request) -> Encoder:
    return small(request.param).fit(songs())


@pytest.fixture(params=list(SMALL))
def unfitted(request) -> Encoder:
    return small(request.param)


class Rows:
    """No more of an array than an encoder may ask for: its shape, its dtype and some of its rows."""

    def __init__(self, X: np.ndarray) -> None:
        self.shape, self.dtype, self._X, self.asked = X.shape, X.dtype, X, 0

    def __getitem__(self, rows: Any) -> np.ndarray:
        assert isinstance(rows, slice) or (isinstance(rows, np.ndarray) and rows.dtype.kind == "i")
        self.asked = max(self.asked, len(self._X[rows]))
        return self._X[rows]


def test_vectors_are_rows_of_finite_float32(fitted):
    V = fitted.transform(songs(5, seed=1))
    assert V.dtype == np.float32
    assert V.ndim == 2
    assert len(V) == 5
    assert np.isfinite(V).all()
    assert (V.std(axis=0) > 0).any()


def test_fit_returns_the_encoder_and_takes_groups(unfitted):
    assert unfitted.fit(songs(), groups=np.arange(12) // 3) is unfitted


def test_the_same_seed_learns_the_same(fitted):
    again = clone(fitted)
    with pytest.raises(NotFittedError):
        check_is_fitted(again)
    assert again.get_params() == fitted.get_params()
    assert again.fit(songs()).fingerprint_ == fitted.fingerprint_


def test_before_fit_nothing_is_answered(unfitted, tmp_path):
    for question in (
        lambda: unfitted.transform(songs()),
        lambda: unfitted.save(tmp_path / "encoder"),
        lambda: unfitted.fingerprint_,
    ):
        with pytest.raises(NotFittedError):
            question()
    assert not (tmp_path / "encoder").exists()


def test_parameters_can_be_read_and_set(unfitted):
    params = unfitted.get_params()
    for name, value in params.items():
        assert unfitted.set_params(**{name: value}) is unfitted
    assert unfitted.get_params() == params
    assert unfitted.get_frontend() == FRONTEND
    with pytest.raises(ValueError, match="Invalid parameter"):
        unfitted.set_params(colour="red")


def test_a_pickle_gives_the_same_vectors(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(songs()), fitted.transform(songs()))
    assert again.fingerprint_ == fitted.fingerprint_


def test_a_pipeline_clusters_what_it_encodes(unfitted):
    model = make_pipeline(unfitted, KMeans(2, n_init=1, random_state=0))
    labels = model.fit_predict(songs())
    assert set(labels) == {0, 1}
    np.testing.assert_array_equal(model.predict(songs()), labels)


def test_eight_bits_and_their_decibels_are_the_same(fitted):
    codes = songs(7, seed=2)
    decibels = FRONTEND.dequantize(codes)
    expected = fitted.transform(codes)
    np.testing.assert_array_equal(fitted.transform(decibels), expected)
    np.testing.assert_array_equal(fitted.transform(decibels.astype(np.float64)), expected)
    assert clone(fitted).fit(FRONTEND.dequantize(songs())).fingerprint_ == fitted.fingerprint_


def test_tensors_are_taken_and_given(fitted):
    X = FRONTEND.dequantize(songs(6, seed=6))
    vectors = fitted.transform(torch.from_numpy(X))
    assert isinstance(vectors, torch.Tensor) and vectors.dtype == torch.float32
    np.testing.assert_array_equal(vectors.numpy(), fitted.transform(X))
    again = clone(fitted).fit(torch.from_numpy(FRONTEND.dequantize(songs())).double().requires_grad_())
    assert again.fingerprint_ == fitted.fingerprint_


def test_vectors_as_a_table(fitted):
    X = songs(4, seed=7)
    vectors = fitted.transform(X)
    names = [f"{fitted.name}{number}" for number in range(vectors.shape[1])]
    assert fitted.get_feature_names_out().tolist() == names
    framed = clone(fitted).set_output(transform="pandas").fit(songs())
    for given in (X, torch.from_numpy(FRONTEND.dequantize(X))):
        table = framed.transform(given)
        assert isinstance(table, pandas.DataFrame)
        assert table.columns.tolist() == names
        np.testing.assert_array_equal(table.to_numpy(), vectors)
    assert isinstance(next(framed.transform_each([X])), np.ndarray)


def test_a_vector_depends_on_its_row_only(fitted):
    X = songs(2 * fitted.batch_rows + 3, seed=3)
    together = fitted.transform(X)
    tolerance = 1e-5 * np.abs(together).max()
    for row in (0, fitted.batch_rows, len(X) - 1):
        np.testing.assert_allclose(fitted.transform(X[row : row + 1])[0], together[row], atol=tolerance)
    np.testing.assert_allclose(fitted.transform(X[::-1]), together[::-1], atol=tolerance)


def test_descriptors_that_are_known_change_nothing(fitted):
    X = songs(25)
    known = descriptors(FRONTEND.dequantize(X), frame_rate=FRONTEND.frame_rate)
    np.testing.assert_array_equal(fitted.transform_described(X, known), fitted.transform(X))


def test_spectrograms_need_not_fit_in_memory(fitted):
    lazy = Rows(songs(300))
    expected = clone(fitted).fit(songs(300))
    encoder = clone(fitted).fit(lazy)
    assert encoder.fingerprint_ == expected.fingerprint_
    np.testing.assert_array_equal(encoder.transform(lazy), expected.transform(songs(300)))
    assert 0 < lazy.asked <= 128


def test_spectrograms_are_left_alone(fitted):
    X = FRONTEND.dequantize(songs())
    before = X.copy()
    clone(fitted).fit(X).transform(X)
    np.testing.assert_array_equal(X, before)


def test_another_fit_forgets_the_first(fitted):
    other = FRONTEND.dequantize(songs(8, seed=4))[:, :, :32]
    again = clone(fitted).fit(songs()).fit(other)
    assert again.shape_ == other.shape[1:]
    assert again.fingerprint_ == clone(fitted).fit(other).fingerprint_
    with pytest.raises(ValueError, match="32x41"):
        again.transform(songs())


def nan_in_one_pixel() -> np.ndarray:
    X = FRONTEND.dequantize(songs())
    X[5, 3, 4] = np.nan
    return X


@pytest.mark.parametrize(
    ("X", "reason"),
    [
        (songs()[0], r"shape \(n, bands, frames\)"),
        (songs()[None], r"shape \(n, bands, frames\)"),
        (songs()[:0], "at least one spectrogram"),
        (songs()[:, :, :0], "at least one spectrogram"),
        (nan_in_one_pixel(), "NaN or infinity"),
        (np.where(songs() > 100, np.inf, 0.0), "NaN or infinity"),
        (songs().astype(complex), "real numbers"),
        (songs().astype(str), "real numbers"),
        ([[["a"]]], "real numbers"),
    ],
    ids="2-d 4-d no-rows no-frames nan infinity complex text list-of-text".split(),
)
def test_what_are_no_spectrograms_is_refused(fitted, X, reason):
    with pytest.raises(ValueError, match=reason):
        fitted.transform(X)
    with pytest.raises(ValueError, match=reason):
        clone(fitted).fit(X).transform(X)  # one that reads no more than a sample notices in the end


def test_spectrograms_of_another_size_are_refused(fitted):
    with pytest.raises(ValueError, match=r"spectrograms of 32x40, but .* was fitted on 32x41"):
        fitted.transform(songs()[:, :, 1:])


def test_what_was_saved_answers_the_same(fitted, tmp_path):
    assert fitted.save(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert {path.name for path in (tmp_path / "a" / "b").iterdir()} == {"encoder.json", "weights.safetensors"}
    loaded = load(tmp_path / "a" / "b")
    assert type(loaded) is type(fitted)
    assert loaded.fingerprint_ == fitted.fingerprint_
    assert loaded.shape_ == fitted.shape_
    assert loaded.n_features_in_ == fitted.n_features_in_
    assert loaded.get_frontend() == FRONTEND
    X = songs(7, seed=5)
    np.testing.assert_array_equal(loaded.transform(X), fitted.transform(X))
    assert loaded.save(tmp_path / "c") == tmp_path / "c"
    assert load(tmp_path / "c").fingerprint_ == fitted.fingerprint_


def test_a_changed_byte_in_the_weights_is_noticed(fitted, tmp_path):
    fitted.save(tmp_path)
    weights = tmp_path / "weights.safetensors"
    whole = weights.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    if start == len(whole):
        assert fitted.name == "raw"  # nothing was learnt
        return
    for position in {start, len(whole) - 1, *np.random.default_rng(0).integers(start, len(whole), 12).tolist()}:
        damaged = bytearray(whole)
        damaged[position] ^= 1
        weights.write_bytes(damaged)
        with pytest.raises(SongspaceError, match=r"is damaged|cannot be read"):
            load(tmp_path)
    weights.write_bytes(whole)
    assert load(tmp_path).fingerprint_ == fitted.fingerprint_
