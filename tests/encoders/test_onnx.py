"""Models made elsewhere: what they take is what they were made for, and whatever is wrong is one sentence."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import librosa
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from songspace.encoders.base import load
from songspace.encoders.onnx import ONNX
from songspace.encoders.onnx_session import threads
from songspace.encoders.onnx_settings import settings_of
from songspace.errors import SongspaceError
from songspace.frontends import MelSpectrogram, Waveform

Change = Callable[[dict[str, Any]], Any]


def sounds(samples: int, n: int = 3) -> np.ndarray:
    random = np.random.default_rng(0)
    time = np.arange(samples) / 16000
    tone = np.sin(2 * np.pi * np.array([220, 1000, 3000])[:n, None] * time)
    return (0.3 * tone * np.exp(-time) + random.normal(0, 0.01, (n, samples))).astype(np.float32)


# What models take


def test_what_musicnn_takes(onnx_files: ModuleType, tmp_path: Path) -> None:
    encoder = ONNX(onnx_files.mel_model(tmp_path / "m.onnx"), device="cpu").fit()
    windows = sounds(48000)
    frontend = encoder.get_frontend()
    assert frontend.shape == (96, 187)
    expected = onnx_files.by_librosa(windows)
    np.testing.assert_allclose(frontend(windows).transpose(0, 2, 1), expected, rtol=1e-4, atol=1e-4)
    vectors = encoder.transform(frontend(windows))
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected.mean(axis=1) @ onnx_files.weights(96, 8), rtol=1e-3, atol=1e-4)
    assert encoder.get_feature_names_out().tolist() == [f"onnx{k}" for k in range(8)]


@pytest.mark.parametrize("model", ["CLAP", "MERT"])
def test_what_takes_the_sound_itself(onnx_files: ModuleType, tmp_path: Path, model: str) -> None:
    settings = getattr(onnx_files, model)
    encoder = ONNX(onnx_files.sound_model(tmp_path / "m.onnx", settings), device="cpu").fit()
    frontend = encoder.get_frontend()
    assert frontend == Waveform(settings["rate"], settings["seconds"])
    windows = sounds({"CLAP": 480_000, "MERT": 120_000}[model])
    np.testing.assert_allclose(encoder.transform(frontend(windows)), onnx_files.by_numpy(windows), rtol=1e-4)


MELS = [
    {"mel": "htk", "norm": None, "power": 1, "window": "hamming", "padding": "reflect", "fmin": 30.0, "fmax": 7000.0},
    {"n_fft": 400, "hop": 160, "n_mels": 64, "mel": "htk", "norm": "slaney", "center": False},
    {"n_fft": 1024, "win_length": 800, "hop": 320, "n_mels": 128, "window": "blackman", "power": 2},
]


@pytest.mark.parametrize("fields", MELS, ids=["htk", "uncentred", "short window"])
@pytest.mark.parametrize(
    ("log", "by_hand"),
    [
        ({"log": "none"}, lambda x, power: x),
        ({"log": "log10", "scale": 10000.0, "offset": 1.0}, lambda x, power: np.log10(1 + 10000 * x)),
        ({"log": "ln", "offset": 1e-6}, lambda x, power: np.log(x + 1e-6)),
        ({"log": "ln", "floor": 1e-5}, lambda x, power: np.log(np.maximum(x, 1e-5))),
        (
            {"log": "db", "floor": 1e-10},
            lambda x, power: (
                librosa.power_to_db(x, top_db=None)
                if power == 2
                else librosa.amplitude_to_db(x, amin=1e-10, top_db=None)
            ),
        ),
    ],
    ids=["none", "log10", "ln", "floor", "db"],
)
def test_mel_spectrograms_of_any_kind_equal_librosas(fields: dict[str, Any], log: dict[str, Any], by_hand: Any) -> None:
    frontend = MelSpectrogram(rate=16000, seconds=1.0, **fields, **log)
    windows = sounds(16000)
    mel = librosa.feature.melspectrogram(
        y=windows,
        sr=16000,
        n_fft=frontend.n_fft,
        hop_length=frontend.hop,
        win_length=frontend.win_length,
        window=frontend.window,
        center=frontend.center,
        pad_mode=frontend.padding,
        power=frontend.power,
        n_mels=frontend.n_mels,
        fmin=frontend.fmin,
        fmax=frontend.fmax,
        htk=frontend.mel == "htk",
        norm=frontend.norm,
    )
    found = frontend(windows)
    assert found.shape == (3, *frontend.shape) and found.dtype == np.float32
    np.testing.assert_allclose(found, by_hand(mel, frontend.power), rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        (["batch", "bands", "frames"], ["n", 96, 187]),
        (["batch", "channel", "bands", "frames"], ["n", 1, 96, 187]),
        (["batch", "frames", "bands", "channel"], [4, 187, 96, 1]),
        (["frames", "batch", "bands"], [187, "n", 96]),
    ],
    ids=str,
)
def test_axes_in_any_order(onnx_files: ModuleType, tmp_path: Path, axes: list[str], shape: list[Any]) -> None:
    mean = helper.make_node("ReduceMean", ["mel"], ["mean"], axes=[axes.index("frames")], keepdims=0)
    left = [axis for axis in axes if axis != "frames"]
    outputs = [side for side, axis in zip(shape, axes, strict=True) if axis != "frames"]
    told = [{"bands": "features"}.get(axis, axis) for axis in left]
    inputs = {"mel": (TensorProto.FLOAT, shape)}
    model = onnx_files.save(tmp_path / "m.onnx", [mean], inputs, {"mean": (TensorProto.FLOAT, outputs)})
    settings = onnx_files.MEL | {"input": {"axes": axes}, "output": {"name": "mean", "axes": told}}
    encoder = ONNX(onnx_files.write(model, settings), device="cpu").fit()
    windows = sounds(48000)
    X = encoder.get_frontend()(np.concatenate([windows] * 3))  # nine rows: of four at a time, the last are not all
    np.testing.assert_allclose(encoder.transform(X), X.mean(axis=2), rtol=1e-4, atol=1e-5)


def test_several_inputs_of_a_segment(onnx_files: ModuleType, tmp_path: Path) -> None:
    path = onnx_files.mel_model(tmp_path / "m.onnx")
    windows = sounds(48000)
    for pooling in ("mean", "max"):
        onnx_files.write(path, onnx_files.MEL | {"patches": 3, "pooling": pooling})
        encoder = ONNX(path, device="cpu").fit()
        X = encoder.get_frontend()(np.concatenate([windows, windows[::-1] / 2]))
        expected = getattr(encoder.transform(X).reshape(2, 3, 8), pooling)(axis=1)
        np.testing.assert_array_equal(encoder.keep_song(X), expected)


# Kept and found again


@pytest.fixture
def model(onnx_files: ModuleType, tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return onnx_files.mel_model(tmp_path / "models" / "mine.onnx")


def test_a_saved_encoder_goes_on_when_the_model_is_gone(model: Path, tmp_path: Path) -> None:
    encoder = ONNX(model, device="cpu").fit()
    X = encoder.get_frontend()(sounds(48000))
    expected, fingerprint = encoder.transform(X), encoder.fingerprint_
    folder = encoder.save(tmp_path / "saved")
    shutil.rmtree(model.parent)
    loaded = load(folder)
    assert loaded.fingerprint_ == fingerprint
    np.testing.assert_array_equal(loaded.transform(X), expected)
    description = json.loads((folder / "encoder.json").read_text())
    assert set(description["sha256"]) == {"model.onnx"} and len(description["sha256"]["model.onnx"]) == 64
    assert "mine" not in (folder / "encoder.json").read_text()
    again = load(loaded.save(tmp_path / "again"))
    loaded.save(tmp_path / "again")
    np.testing.assert_array_equal(again.transform(X), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(loaded)).transform(X), expected)
    with pytest.raises(NotFittedError):
        clone(encoder).transform(X)


def test_a_copy_that_changed_is_noticed(model: Path, tmp_path: Path) -> None:
    folder = ONNX(model, device="cpu").fit().save(tmp_path / "saved")
    content = bytearray((folder / "model.onnx").read_bytes())
    content[-100] ^= 1
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(SongspaceError, match=r"model.onnx is not the file that was taken"):
        load(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(SongspaceError, match=r"There is no file .*model\.onnx"):
        load(folder)


def test_another_model_or_other_settings_have_another_fingerprint(onnx_files: ModuleType, model: Path) -> None:
    before = ONNX(model, device="cpu").fit().fingerprint_
    onnx_files.write(model, onnx_files.MEL | {"patches": 2})
    other = ONNX(model, device="cpu").fit().fingerprint_
    onnx_files.mel_model(model, features=9)
    assert len({before, other, ONNX(model, device="cpu").fit().fingerprint_}) == 3


# What is wrong


def removed(key: str) -> Change:
    return lambda said: said["frontend"].pop(key) if key in said["frontend"] else said.pop(key)


def changed(where: str, value: Any) -> Change:
    *path, last = where.split(".")

    def change(said: dict[str, Any]) -> None:
        for key in path:
            said = said[key]
        said[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *((removed(key), f"{key} is missing") for key in ("rate", "seconds", "frontend", "input")),
        *((removed(key), f"frontend.{key} is missing") for key in ("kind", "n_fft", "hop", "n_mels", "fmin", "fmax")),
        *(
            (removed(key), f"frontend.{key} is missing")
            for key in ("mel", "norm", "window", "center", "padding", "log")
        ),
        *((changed("rate", value), "rate must be a whole number above 0") for value in (0, 1.5, "16000", None, True)),
        *((changed("seconds", value), "seconds must be a number above 0") for value in (0, -1, "3", [3], 1e9)),
        (changed("frontend", 7), "frontend must be an object"),
        (changed("frontend.kind", "cqt"), "frontend.kind must be one of mel, waveform"),
        (changed("frontend.n_fft", 1), "frontend: n_fft must be a whole number >= 2"),
        (changed("frontend.n_fft", 10**9), "frontend.n_fft must be a whole number above 0 and at most 262144"),
        (changed("rate", 10**6), "rate must be a whole number above 0 and at most 384000"),
        (changed("frontend.hop", 0), "frontend: hop must be"),
        (changed("frontend.n_mels", 9.5), "frontend.n_mels must be"),
        (changed("frontend.fmax", 9000), "frontend: 0 <= fmin < fmax <= rate / 2"),
        (changed("frontend.fmin", -1), "frontend: fmin must be a number >= 0"),
        (changed("frontend.mel", "bark"), "frontend: mel must be one of"),
        (changed("frontend.norm", "area"), "frontend: norm must be one of"),
        (changed("frontend.window", "kaiser"), "frontend: window must be one of"),
        (changed("frontend.center", 1), "frontend: center must be one of"),
        (changed("frontend.padding", "wrap"), "frontend: padding must be one of"),
        (changed("frontend.power", 3), "frontend: power must be one of"),
        (changed("frontend.log", "log10"), "frontend.log must be an object"),
        (changed("frontend.log.kind", "log2"), "frontend: log must be one of"),
        (changed("frontend.log.scale", 0), "frontend: scale must be a number > 0"),
        (changed("frontend.log.offset", 0), "frontend: offset or floor must be above 0"),
        (changed("frontend.log.floor", "low"), "frontend: floor must be a number"),
        (changed("frontend.log.base", 2), "there is no field frontend.log.base"),
        (changed("frontend.frames", 189), "frontend: frames must be at most 188"),
        (changed("frontend.win_length", 513), "frontend: win_length must be at most n_fft"),
        (changed("frontend.sr", 16000), "there is no field frontend.sr"),
        (changed("frontend", {"kind": "waveform", "n_fft": 512}), "there is no field frontend.n_fft"),
        (changed("input", {}), "input.axes is missing"),
        (changed("input.axes", ["batch", "bands"]), "input.axes must name frames once"),
        (changed("input.axes", ["batch", "samples"]), "input.axes must be a list of batch, bands, frames, channel"),
        (changed("input.axes", ["batch", "batch", "bands", "frames"]), "input.axes must name batch once"),
        (changed("input.name", 3), "input.name must be text"),
        (changed("output.axes", "features"), "output.axes must be a list"),
        (changed("patches", 0), "patches must be a whole number above 0"),
        (lambda said: said.update(patches=2, seconds=5), "patches must be 1 where seconds is 5 or more"),
        (changed("pooling", "median"), "pooling must be one of mean, max"),
        (changed("colour", "red"), "there is no field colour"),
        (changed("text", {}), "text.model is missing"),
        (lambda said: said.update(rate=384_000, seconds=600), "the samples of an input are 230400000, and must be"),
        (
            lambda said: (said.update(rate=48_000, seconds=60), said["frontend"].update(hop=1, frames=None)),
            "its frames times n_fft are 1474560512, and must be at most 33554432",
        ),
    ],
)
def test_every_field_is_checked(onnx_files: ModuleType, change: Change, reason: str) -> None:
    said = copy.deepcopy(onnx_files.MEL)
    change(said)
    with pytest.raises(ValueError, match=reason) as told:
        settings_of(said)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed("model", "../words.onnx"), "text.model must be the name of a file beside this one"),
        (changed("tokenizer", ""), "text.tokenizer must be text"),
        (changed("max_length", 0), "text.max_length must be a whole number above 0"),
        (changed("max_length", 10**6), "text.max_length must be a whole number above 0 and at most 4096"),
        (changed("pad", -1), "text.pad must be"),
        (changed("inputs", {}), "text.inputs.ids is missing"),
        (changed("inputs.attention", "mask"), "there is no field text.inputs.attention"),
        (changed("language", "en"), "there is no field text.language"),
    ],
)
def test_every_field_of_words_is_checked(onnx_files: ModuleType, change: Change, reason: str) -> None:
    text = copy.deepcopy(onnx_files.TEXT)
    change(text)
    with pytest.raises(ValueError, match=reason):
        settings_of(onnx_files.MEL | {"text": text})


def refused(path: Path | None, reason: str) -> None:
    with pytest.raises(SongspaceError, match=reason) as told:
        ONNX(path, device="cpu").fit()
    assert "\n" not in str(told.value)


def test_files_that_are_missing_or_none(onnx_files: ModuleType, model: Path, tmp_path: Path) -> None:
    refused(None, "needs a model: --model FILE.onnx")
    for name in ("", ".", "/"):
        refused(Path(name), "is no file of a model")
    refused(tmp_path / "no.onnx", r"There is no file .*no\.onnx")
    (tmp_path / "alone.onnx").write_bytes(model.read_bytes())
    refused(tmp_path / "alone.onnx", r"There is no .*alone\.json: it has to say")
    onnx_files.write(tmp_path / "no.onnx", onnx_files.MEL)
    refused(tmp_path / "no.onnx", "There is no file .*no.onnx")
    model.with_suffix(".json").write_text("{")
    refused(model, r"mine\.json cannot be read")
    onnx_files.write(model, onnx_files.MEL)
    whole = model.read_bytes()
    for damaged in (b"", b"\x00" * 100, b"no model at all", whole[: len(whole) // 2], whole[:-1]):
        model.write_bytes(damaged)
        refused(model, r"mine\.onnx is empty|mine\.onnx is damaged|ONNX Runtime cannot use .*mine\.onnx")
    for seed in range(20):
        content = bytearray(whole)
        for place in np.random.default_rng(seed).integers(0, min(len(whole), 120), 3):
            content[place] ^= 0xFF
        model.write_bytes(content)
        try:
            ONNX(model, device="cpu").fit()
        except SongspaceError as error:
            assert "\n" not in str(error)


def test_weights_in_other_files_are_refused(model: Path) -> None:
    proto = onnx.load(model)
    onnx.save_model(proto, model, save_as_external_data=True, location="weights.bin", size_threshold=0)
    refused(model, r"mine\.onnx has weights in other files beside it: save it as one file")
    proto = onnx.load(model)
    inner = copy.deepcopy(proto.graph.initializer[0])
    constant = helper.make_node("Constant", [], ["W2"], value=inner)
    inner.data_location = TensorProto.EXTERNAL
    constant.attribute[0].t.CopyFrom(inner)
    proto.graph.node.append(constant)
    model.write_bytes(proto.SerializeToString())
    refused(model, "has weights in other files")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"frames": 100}, "The input mel of .* takes 100 frames, but the settings make 187"),
        ({"bands": 64}, "takes 64 bands, but the settings make 96"),
    ],
    ids=str,
)
def test_inputs_that_do_not_fit(onnx_files: ModuleType, tmp_path: Path, how: dict[str, int], reason: str) -> None:
    nodes = [helper.make_node("ReduceMean", ["mel"], ["embedding"], axes=[1], keepdims=0)]
    shape = ["n", how.get("frames", 187), how.get("bands", 96)]
    inputs, outputs = {"mel": (TensorProto.FLOAT, shape)}, {"embedding": (TensorProto.FLOAT, ["n", shape[2]])}
    path = onnx_files.save(tmp_path / "m.onnx", nodes, inputs, outputs)
    refused(onnx_files.write(path, onnx_files.MEL), reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed("input.name", "sound"), "has no input called sound: it has mel"),
        (changed("output.name", "logits"), "has no output called logits: it has embedding"),
        (changed("input.axes", ["batch", "channel", "frames", "bands"]), "has 3 axes, and input.axes names 4"),
        (changed("output.axes", ["batch", "time", "features"]), r"has the shape \(2, 8\), which is not"),
    ],
)
def test_names_and_axes_that_do_not_fit(onnx_files: ModuleType, model: Path, change: Change, reason: str) -> None:
    said = copy.deepcopy(onnx_files.MEL)
    change(said)
    refused(onnx_files.write(model, said), reason)


def test_models_that_cannot_be_used(onnx_files: ModuleType, tmp_path: Path) -> None:
    path, mel = tmp_path / "m.onnx", (TensorProto.FLOAT, ["n", 187, 96])
    out = {"embedding": (TensorProto.FLOAT, ["n", 96])}
    mean = helper.make_node("ReduceMean", ["mel"], ["mean"], axes=[1], keepdims=0)
    minus = [helper.make_node("Neg", ["mean"], ["less"]), helper.make_node("Log", ["less"], ["embedding"])]
    refused(onnx_files.write(onnx_files.save(path, [mean, *minus], {"mel": mel}, out), onnx_files.MEL), "not finite")
    add = helper.make_node("Add", ["mean", "more"], ["embedding"])
    onnx_files.save(path, [mean, add], {"mel": mel, "more": (TensorProto.FLOAT, [96])}, out)
    refused(path, "has inputs that nothing is said of: more")
    foreign = helper.make_node("Transmogrify", ["mel"], ["embedding"], domain="com.example")
    graph = helper.make_graph(
        [foreign],
        "g",
        [helper.make_tensor_value_info("mel", *mel)],
        [helper.make_tensor_value_info("embedding", *out["embedding"])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    refused(path, "ONNX Runtime cannot use .*Transmogrify")
    whole = [helper.make_node("ReduceMean", ["mel"], ["embedding"], axes=[1], keepdims=0)]
    onnx_files.save(
        path, whole, {"mel": (TensorProto.INT64, ["n", 187, 96])}, {"embedding": (TensorProto.INT64, ["n", 96])}
    )
    refused(path, r"takes tensor\(int64\), not floats")
    texts = helper.make_node("Cast", ["mean"], ["embedding"], to=TensorProto.STRING)
    onnx_files.save(path, [mean, texts], {"mel": mel}, {"embedding": (TensorProto.STRING, ["n", 96])})
    refused(path, "The output embedding of .* has no numbers in it")
    none = helper.make_node("Slice", ["mean", "zero", "zero", "one"], ["embedding"])
    arrays = {"zero": np.array([0]), "one": np.array([1])}
    onnx_files.save(path, [mean, none], {"mel": mel}, {"embedding": (TensorProto.FLOAT, ["n", "d"])}, **arrays)
    refused(path, "The output embedding of .* has no numbers in it")
    refused(onnx_files.mel_model(path, batch=100_000), "takes 100000 inputs at once: that is too much")


def test_without_onnx_runtime_it_is_said_how_to_get_it(model: Path) -> None:
    code = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from songspace.encoders import encoder_class\n"
        f"encoder_class('onnx')({str(model)!r}).fit()"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    assert told.strip().endswith('SongspaceError: The onnx encoder needs ONNX Runtime: pip install "songspace[onnx]".')


def test_as_many_threads_as_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "0")
    assert threads() >= 1
