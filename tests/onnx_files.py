"""Small ONNX models that take what models of the field take, each with its JSON, and the same worked out by NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MEL: dict[str, Any] = {  # as MusiCNN takes it
    "rate": 16000,
    "seconds": 3,
    "frontend": {
        "kind": "mel",
        "n_fft": 512,
        "hop": 256,
        "n_mels": 96,
        "fmin": 0,
        "fmax": 8000,
        "mel": "slaney",
        "norm": "slaney",
        "window": "hann",
        "center": True,
        "padding": "constant",
        "power": 2,
        "log": {"kind": "log10", "scale": 10000, "offset": 1},
        "frames": 187,
    },
    "input": {"name": "mel", "axes": ["batch", "frames", "bands"]},
    "output": {"name": "embedding", "axes": ["batch", "features"]},
}
CLAP: dict[str, Any] = {
    "rate": 48000,
    "seconds": 10,
    "frontend": {"kind": "waveform"},
    "input": {"name": "sound", "axes": ["batch", "samples"]},
    "output": {"name": "embedding"},
}
MERT: dict[str, Any] = {
    "rate": 24000,
    "seconds": 5,
    "frontend": {"kind": "waveform"},
    "input": {"name": "sound", "axes": ["batch", "samples"]},
    "output": {"name": "hidden", "axes": ["batch", "time", "features"]},
}
WORDS = {"[UNK]": 0, "low": 1, "high": 2, "[PAD]": 3}
TEXT: dict[str, Any] = {
    "model": "words.onnx",
    "tokenizer": "words.json",
    "max_length": 6,
    "pad": 3,
    "inputs": {"ids": "ids", "mask": "mask"},
    "output": {"name": "embedding"},
}


def weights(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, rows**-0.5, (rows, columns)).astype(np.float32)


def save(path: Path, nodes: list[Any], inputs: dict[str, Any], outputs: dict[str, Any], **arrays: np.ndarray) -> Path:
    """Write a model; inputs and outputs are (type, shape) by name."""
    told = [
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in each.items()]
        for each in (inputs, outputs)
    ]
    held = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", *told, held), opset_imports=opset, ir_version=8), path)
    return path


def write(path: Path, settings: dict[str, Any], model: Path | None = None) -> Path:
    """Write the JSON beside a model."""
    path.with_suffix(".json").write_text(json.dumps(settings), "utf-8")
    return path


def mel_model(path: Path, *, features: int = 8, batch: Any = "n", frames: Any = 187, bands: Any = 96) -> Path:
    """The mean over time of each band, and a product with a matrix."""
    nodes = [
        helper.make_node("ReduceMean", ["mel"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "W"], ["embedding"]),
    ]
    inputs = {"mel": (TensorProto.FLOAT, [batch, frames, bands])}
    outputs = {"embedding": (TensorProto.FLOAT, [batch, features])}
    return write(save(path, nodes, inputs, outputs, W=weights(96, features)), MEL)


def by_librosa(windows: np.ndarray) -> np.ndarray:
    """What MusiCNN's own package makes of windows of 3 s: (n, frames, bands)."""
    mel = librosa.feature.melspectrogram(y=windows, sr=16000, n_fft=512, hop_length=256, n_mels=96, pad_mode="constant")
    return np.log10(1 + 10000 * mel)[:, :, :187].transpose(0, 2, 1)


def sound_model(path: Path, settings: dict[str, Any], *, pieces: int = 100) -> Path:
    """How loud the sound and its steps are in each piece: (n, 2), or (n, pieces, 2) where the settings name a time."""
    samples = round(settings["rate"] * settings["seconds"])
    output = settings["output"]["name"]
    over_time = "time" in settings["output"].get("axes", [])
    nodes = [
        helper.make_node("Reshape", ["sound", "shape"], ["pieces"]),
        helper.make_node("Slice", ["pieces", "one", "end", "two"], ["after"]),
        helper.make_node("Slice", ["pieces", "zero", "last", "two"], ["before"]),
        helper.make_node("Sub", ["after", "before"], ["steps"]),
        helper.make_node("ReduceL2", ["pieces"], ["loud"], axes=[2], keepdims=1),
        helper.make_node("ReduceL2", ["steps"], ["rough"], axes=[2], keepdims=1),
        helper.make_node("Concat", ["loud", "rough"], [output if over_time else "both"], axis=2),
    ]
    if not over_time:
        nodes.append(helper.make_node("ReduceMean", ["both"], [output], axes=[1], keepdims=0))
    numbers = {
        "one": [1],
        "zero": [0],
        "two": [2],
        "end": [2**40],
        "last": [-1],
        "shape": [-1, pieces, samples // pieces],
    }
    arrays = {name: np.array(value, np.int64) for name, value in numbers.items()}
    shape = ["n", pieces, 2] if over_time else ["n", 2]
    inputs = {"sound": (TensorProto.FLOAT, ["n", samples])}
    return write(save(path, nodes, inputs, {output: (TensorProto.FLOAT, shape)}, **arrays), settings)


def by_numpy(windows: np.ndarray, pieces: int = 100) -> np.ndarray:
    """What :func:`sound_model` gives, averaged over time: (n, 2)."""
    cut = windows.reshape(len(windows), pieces, -1)
    both = np.stack([np.linalg.norm(cut, axis=2), np.linalg.norm(np.diff(cut, axis=2), axis=2)], axis=2)
    return both.mean(axis=1)


def words_model(folder: Path, vectors: np.ndarray) -> dict[str, Any]:
    """A text tower: the mean of the vectors (4, d) of the words that are no filling. Returns its part of the JSON."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / TEXT["tokenizer"]))
    nodes = [
        helper.make_node("Gather", ["V", "ids"], ["each"]),
        helper.make_node("Cast", ["mask"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["real", "last"], ["column"]),
        helper.make_node("Mul", ["each", "column"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "one"], ["embedding"], keepdims=0),
    ]
    tokens = (TensorProto.INT64, ["n", 6])
    save(
        folder / TEXT["model"],
        nodes,
        {"ids": tokens, "mask": tokens},
        {"embedding": (TensorProto.FLOAT, ["n", vectors.shape[1]])},
        V=vectors.astype(np.float32),
        last=np.array([2], np.int64),
        one=np.array([1], np.int64),
    )
    return TEXT
