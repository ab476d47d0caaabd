"""Saving, loading and identity of encoders; damaged and foreign files; the registry."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace import encoders
from songspace.encoders.base import REGISTRY, Encoder, check_spectrograms, encoder_class, load
from songspace.encoders.baselines import PCA, Raw, Timbre
from songspace.errors import SongspaceError
from songspace.frontends import Codes, Frontend, LogMel, PowerSpectrogram, register
from songspace.frontends.base import REGISTERED

X = np.random.default_rng(0).normal(-30, 10, (20, 24, 30)).astype(np.float32)


def pca() -> PCA:
    return PCA(n_components=3, frontend=LogMel(n_mels=24)).fit(X)


@pytest.fixture
def folder(tmp_path) -> Path:
    return pca().save(tmp_path / "pca")


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A folder that a test may damage, if it mends it."""
    return pca().save(tmp_path_factory.mktemp("saved"))


def edit(folder: Path, **changes) -> None:
    """Change fields of ``encoder.json``; a field set to ``...`` goes."""
    description = json.loads((folder / "encoder.json").read_text()) | changes
    kept = {key: value for key, value in description.items() if value is not ...}
    (folder / "encoder.json").write_text(json.dumps(kept))


# What is written


def test_an_encoder_is_two_files_of_numbers_and_text(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["encoder.json", "weights.safetensors"]
    description = json.loads((folder / "encoder.json").read_text())
    assert description["encoder"] == "pca"
    assert description["pipeline"] == encoders.PIPELINE
    assert description["shape"] == [24, 30]
    assert description["params"]["n_components"] == 3
    assert description["params"]["frontend"]["n_mels"] == 24
    assert description["fingerprint"] == pca().fingerprint_


def test_saving_again_replaces(folder):
    other = Raw().fit(X)
    assert other.save(folder) == folder
    assert load(folder).fingerprint_ == other.fingerprint_
    assert len(list(folder.iterdir())) == 2


def test_a_save_that_was_cut_short_is_no_encoder(tmp_path):
    pca().save(tmp_path)
    (tmp_path / "encoder.json").unlink()
    with pytest.raises(SongspaceError, match="no encoder"):
        load(tmp_path)


def test_a_folder_may_be_named_by_a_string(tmp_path):
    pca().save(str(tmp_path / "x"))
    assert load(str(tmp_path / "x")).fingerprint_ == pca().fingerprint_


def test_parameters_may_be_numpy_scalars(tmp_path):
    model = PCA(n_components=np.int64(3), scale=np.bool_(False), frontend=LogMel(n_mels=24)).fit(X)
    assert model.fingerprint_ == pca().fingerprint_
    assert load(model.save(tmp_path)).n_components == 3


def test_a_loaded_encoder_knows_what_it_learnt(folder):
    model, loaded = pca(), load(folder)
    assert isinstance(loaded, PCA)
    for name in ("components_", "explained_variance_", "explained_variance_ratio_", "mean_", "scale_"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(model, name))


# Identity


def test_a_fingerprint_is_16_hexadecimal_digits_and_the_same_in_every_process():
    code = (
        "import numpy as np\n"
        "from songspace.encoders import Timbre\n"
        "print(Timbre().fit_descriptors(np.arange(248.0).reshape(2, 124)).fingerprint_)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    here = Timbre().fit_descriptors(np.arange(248.0).reshape(2, 124)).fingerprint_
    assert len(here) == 16
    assert int(here, 16) >= 0
    assert printed.strip() == here


def test_a_fingerprint_changes_with_anything_that_changes_the_answer():
    scaled = PCA(n_components=3, scale=True, frontend=LogMel(n_mels=24)).fit(X)
    moved = pca()
    moved.mean_ = moved.mean_ + np.float32(1e-3)
    known = [
        pca(),
        scaled,
        moved,
        PCA(n_components=2, frontend=LogMel(n_mels=24)).fit(X),
        PCA(n_components=3, frontend=LogMel(n_mels=24, fmin=1.0)).fit(X),
        PCA(n_components=3, frontend=LogMel(n_mels=24)).fit(X + 1),
        Raw(frontend=LogMel(n_mels=24)).fit(X),
        Raw(frontend=LogMel(n_mels=24)).fit(X[:, :, 1:]),
        Raw(frontend=PowerSpectrogram()).fit(X),
    ]
    assert len({encoder.fingerprint_ for encoder in known}) == len(known)


def test_a_fingerprint_does_not_change_with_the_order_in_memory():
    model = pca()
    model.components_ = np.asfortranarray(model.components_)
    assert model.fingerprint_ == pca().fingerprint_


def test_no_frontend_means_log_mel():
    assert Raw().get_frontend() == LogMel()
    assert Raw().fit(X).fingerprint_ == Raw(frontend=LogMel()).fit(X).fingerprint_


# Damaged and foreign files


@pytest.mark.parametrize("missing", ["encoder.json", "weights.safetensors", "folder"])
def test_what_is_not_there_is_said_to_be_missing(folder, missing):
    if missing == "folder":
        folder = folder / "elsewhere"
    else:
        (folder / missing).unlink()
    with pytest.raises(SongspaceError, match=r"There is no encoder in .*pca"):
        load(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"encoder"',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"pipeline": 1}',
        pickle.dumps({"pipeline": 1}),
    ],
    ids="empty cut list null number text not-utf-8 deep little pickle".split(),
)
def test_a_description_that_is_none_is_refused(folder, content):
    (folder / "encoder.json").write_bytes(content)
    with pytest.raises(SongspaceError, match="cannot be read"):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pipeline": encoders.PIPELINE + 1}, "another version of songspace: learn again"),
        ({"encoder": "oracle"}, "no encoder called 'oracle'"),
        ({"encoder": ["pca"]}, "cannot be read"),
        ({"encoder": ...}, "cannot be read"),
        ({"encoder": "raw"}, "cannot be read"),
        ({"params": ...}, "cannot be read"),
        ({"params": {"n_components": 3}}, "cannot be read"),
        ({"params": "none"}, "cannot be read"),
        ({"shape": ...}, "cannot be read"),
        ({"shape": [720]}, "cannot be read"),
        ({"shape": 720}, "cannot be read"),
        ({"shape": ["a", "b"]}, "cannot be read"),
        ({"shape": [30, 24]}, "is damaged"),
        ({"facts": ...}, "cannot be read"),
        ({"fingerprint": "0" * 16}, "is damaged"),
        ({"fingerprint": None}, "is damaged"),
    ],
    ids=str,
)
def test_a_description_of_something_else_is_refused(folder, changes, reason):
    edit(folder, **changes)
    with pytest.raises(SongspaceError, match=reason):
        load(folder)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("n_components", 2, "is damaged"),
        ("scale", True, "is damaged"),
        ("colour", "red", "cannot be read"),
        ("frontend", {"name": "Ear"}, "cannot be read"),
        ("frontend", {"name": "LogMel", "seconds": float("inf")}, "cannot be read"),
        ("frontend", {"name": "LogMel", "n_mels": 25}, "is damaged"),
        ("frontend", 7, "cannot be read"),
    ],
)
def test_changed_parameters_are_noticed(folder, name, value, reason):
    params = json.loads((folder / "encoder.json").read_text())["params"]
    edit(folder, params=params | {name: value})
    with pytest.raises(SongspaceError, match=reason):
        load(folder)


@settings(max_examples=150, deadline=None)
@given(
    position=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
    name=st.sampled_from(["encoder.json", "weights.safetensors"]),
)
def test_a_changed_bit_never_changes_the_answer(saved, position, bit, name):
    """Wherever it is: the encoder is refused, or the bit said nothing that matters."""
    path = saved / name
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[int(position * len(whole))] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        loaded = load(saved)
    except SongspaceError:
        return
    finally:
        path.write_bytes(whole)
    assert loaded.fingerprint_ == pca().fingerprint_
    np.testing.assert_array_equal(loaded.transform(X), pca().transform(X))


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1, exclude_max=True))
def test_cut_weights_are_refused(saved, share):
    path = saved / "weights.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    try:
        with pytest.raises(SongspaceError, match="cannot be read"):
            load(saved)
    finally:
        path.write_bytes(whole)


class Exploit:
    def __reduce__(self):
        return Path.touch, (Path(os.environ["EXPLOITED"]),)


def test_weights_are_never_unpickled(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLOITED", str(tmp_path / "exploited"))
    (folder / "weights.safetensors").write_bytes(pickle.dumps(Exploit()))
    with pytest.raises(SongspaceError, match="cannot be read"):
        load(folder)
    assert not (tmp_path / "exploited").exists()


def test_weights_of_another_encoder_are_noticed(folder, tmp_path):
    other = PCA(n_components=3, frontend=LogMel(n_mels=24)).fit(X[::-1] * 2).save(tmp_path / "other")
    (other / "weights.safetensors").replace(folder / "weights.safetensors")
    with pytest.raises(SongspaceError, match="is damaged"):
        load(folder)


def test_a_folder_in_place_of_a_file_is_refused(folder):
    (folder / "weights.safetensors").unlink()
    (folder / "weights.safetensors").mkdir()
    with pytest.raises(SongspaceError, match="cannot be read"):
        load(folder)


# The registry


def test_an_unknown_encoder_is_answered_with_the_known_ones():
    with pytest.raises(SongspaceError, match=", ".join(REGISTRY)):
        encoder_class("oracle")


def test_encoders_are_there_by_name():
    assert encoders.PCA is PCA
    assert encoders.Encoder is Encoder
    assert {"Raw", "PCA", "Timbre", "RandomConv", "ALI", "Contrastive"} <= set(dir(encoders))
    with pytest.raises(AttributeError, match="Oracle"):
        _ = encoders.Oracle


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import songspace.encoders", {"torch", "sklearn", "scipy", "safetensors"}),
        (
            "from songspace.encoders import encoder_class\n[encoder_class(n) for n in ('raw', 'pca', 'timbre')]",
            {"torch"},
        ),
    ],
    ids=["the room", "the baselines"],
)
def test_nothing_is_loaded_before_it_is_needed(code, absent):
    code += f"\nimport sys; print(*{absent} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == ""


# Validation


def test_lists_become_arrays():
    checked = check_spectrograms([[[1, 2], [3, 4]]])
    assert isinstance(checked, np.ndarray)
    assert checked.shape == (1, 2, 2)


def test_what_is_like_an_array_is_left_as_it_is(tmp_path):
    mapped = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(2, 3, 4)).view(Codes)
    assert check_spectrograms(mapped) is mapped
    assert np.may_share_memory(mapped[1:], mapped)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int64, bool])
def test_whole_numbers_are_not_taken_for_decibels_or_codes(dtype):
    """A picture of somebody's own, for instance: its 255 is not 47.5 dB."""
    picture = np.random.default_rng(0).integers(0, 2, (4, 24, 30)).astype(dtype)
    for look in (picture, Lazy(picture), torch.from_numpy(picture) if dtype != np.uint16 else picture):
        with pytest.raises(ValueError, match=r"as floats .* or as songspace.frontends.Codes, got "):
            Raw(frontend=LogMel(n_mels=24)).fit(X).transform(look)


def test_codes_that_were_cast_are_codes_no_more():
    codes = LogMel().quantize(X)
    encoder = Raw(frontend=LogMel(n_mels=24)).fit(codes)
    np.testing.assert_array_equal(encoder.transform(codes[2:4]), -80 + 0.5 * np.asarray(codes[2:4]).reshape(2, -1))
    np.testing.assert_array_equal(encoder.transform(codes.astype(np.float32)), np.asarray(codes).reshape(len(X), -1))
    with pytest.raises(ValueError, match="whole numbers"):
        encoder.transform(codes.astype(np.int32))


class Lazy:
    """Rows that come as they are asked for."""

    def __init__(self, X):
        self.shape, self.dtype, self._X = X.shape, X.dtype, X

    def __getitem__(self, rows):
        return self._X[rows]


# A frontend of one's own


@dataclass(frozen=True)
class Coarse(Frontend):
    rate: int = 800
    seconds: float = 0.5
    bands: int = 4

    @property
    def shape(self):
        return self.bands, 10

    def compute(self, windows):
        return np.abs(windows).reshape(len(windows), *self.shape, -1).mean(axis=3)


def test_an_encoder_takes_a_frontend_of_ones_own_and_keeps_it(tmp_path):
    frontend = Coarse(bands=8)
    sound = np.random.default_rng(0).normal(0, 0.1, (6, 400))
    encoder = PCA(n_components=2, frontend=frontend).fit(frontend(sound))
    with pytest.raises(SongspaceError, match=r"Coarse .*songspace.frontends.register"):
        encoder.save(tmp_path / "a")
    assert not (tmp_path / "a").exists()
    register(Coarse)
    try:
        loaded = load(encoder.save(tmp_path / "a"))
    finally:
        del REGISTERED["Coarse"]
    assert loaded.get_frontend() == frontend
    np.testing.assert_array_equal(loaded.transform(frontend(sound)), encoder.transform(frontend(sound)))
    with pytest.raises(SongspaceError, match="no frontend is called 'Coarse'"):
        load(tmp_path / "a")


def test_an_encoder_must_say_how():
    class Silent(Encoder):
        name = "silent"

        def __init__(self, frontend=None):
            self.frontend = frontend

        def fit(self, X, y=None):
            self._start_fit(X)
            return self

    silent = Silent().fit(X)
    for question in (lambda: silent.transform(X), lambda: silent.fingerprint_, lambda: silent._restore({}, {})):
        with pytest.raises(NotImplementedError):
            question()
