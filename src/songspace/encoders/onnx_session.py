"""A model in ONNX Runtime: opened, checked against its description, and run. It can only compute.

Libraries of operators are never loaded, and models with weights in other files are refused: a model is one file, of
which the encoder keeps a copy.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from songspace.encoders.onnx_settings import Port
from songspace.errors import EncodingError, SongspaceError
from songspace.plainfiles import open_plain

INSTALL = 'pip install "songspace[onnx]"'

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
_SOUND = ("tensor(float)", "tensor(float16)", "tensor(double)")


class Session:
    """An opened model.

    Parameters
    ----------
    path : Path
    device : {"auto", "cpu", "cuda"}

    Raises
    ------
    SongspaceError
        If ONNX Runtime is not installed, or cannot use the file.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        try:
            import onnxruntime
        except ImportError:
            raise SongspaceError(f"The onnx encoder needs ONNX Runtime: {INSTALL}.") from None
        self.path = path
        check_one_file(path)
        self._errors = _errors_of_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads(), 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads free their core
        options.log_severity_level = 4  # errors are reported by exceptions
        onnxruntime.disable_telemetry_events()
        try:
            self._session = onnxruntime.InferenceSession(
                os.fspath(path), options, providers=_providers(device, onnxruntime.get_available_providers())
            )
        except self._errors as error:
            raise SongspaceError(f"ONNX Runtime cannot use {path}: {_line(error)}.") from error
        self.inputs = {each.name: each for each in self._session.get_inputs()}
        self.outputs = {each.name: each for each in self._session.get_outputs()}

    def input(self, port: Port) -> Any:
        """Return the input of a port, which must be the only input and take floats.

        Raises
        ------
        SongspaceError
            If it is missing, takes other numbers, or the model has more inputs.
        """
        name = self._named(port.name, self.inputs, "input")
        others = [other for other in self.inputs if other != name]
        if others:
            raise SongspaceError(f"{self.path} has inputs that nothing is said of: {', '.join(others)}.")
        node = self.inputs[name]
        if node.type not in _SOUND:
            raise SongspaceError(f"The input {name} of {self.path} takes {node.type}, not floats.")
        return node

    def check_input(self, port: Port, sides: dict[str, int]) -> int | None:
        """Check the shape of an input; return its number of rows, or None if it takes any number.

        Raises
        ------
        SongspaceError
            If its axes differ from those of the settings.
        """
        node = self.input(port)
        expected = [sides.get(axis, 1) for axis in port.axes]
        if len(node.shape) != len(expected):
            raise SongspaceError(
                f"The input {node.name} of {self.path} has {len(node.shape)} axes, and input.axes names "
                f"{len(expected)}: {', '.join(port.axes)}."
            )
        for axis, side, given in zip(port.axes, node.shape, expected, strict=True):
            if axis != "batch" and isinstance(side, int) and side > 0 and side != given:
                raise SongspaceError(
                    f"The input {node.name} of {self.path} takes {side} {axis}, but the settings make {given}."
                )
        batch = node.shape[port.axes.index("batch")]
        return batch if isinstance(batch, int) and batch > 0 else None

    def output_name(self, port: Port) -> str:
        """Return the name of the output of a port; that of the only output, if the port has no name."""
        return self._named(port.name, self.outputs, "output")

    def _named(self, name: str, there: dict[str, Any], what: str) -> str:
        if not name and len(there) == 1:
            return next(iter(there))
        if name not in there:
            problem = f"has no {what} called {name}" if name else f"has several {what}s and {what}.name is missing"
            raise SongspaceError(f"{self.path} {problem}: it has {', '.join(there)}.")
        return name

    def run(self, feeds: dict[str, np.ndarray], port: Port, rows: int) -> np.ndarray:
        """Run the model; return its output as float32 (batch, features), averaged over time.

        Raises
        ------
        EncodingError
            If the output is not finite.
        SongspaceError
            If the model fails, or its output has another shape than the settings.
        """
        name = self.output_name(port)
        feeds = {key: value.astype(_DTYPES[self.inputs[key].type], copy=False) for key, value in feeds.items()}
        try:
            [output] = self._session.run([name], feeds)
        except self._errors as error:
            raise SongspaceError(f"{self.path} cannot work with its input: {_line(error)}.") from error
        shape = np.shape(output)
        channels = [side for axis, side in zip(port.axes, shape, strict=False) if axis == "channel"]
        if len(shape) != len(port.axes) or shape[port.axes.index("batch")] != rows or set(channels) > {1}:
            raise SongspaceError(
                f"The output {name} of {self.path} has the shape {shape}, which is not ({', '.join(port.axes)}) of "
                f"{rows}."
            )
        if not np.size(output) or np.asarray(output).dtype.kind not in "fiub":
            raise SongspaceError(f"The output {name} of {self.path} has no numbers in it.")
        order = sorted(
            range(len(shape)), key=lambda axis: ("batch", "channel", "time", "features").index(port.axes[axis])
        )
        vectors = np.asarray(output).transpose(order).astype(np.float32)
        vectors = vectors.reshape(rows, -1, shape[port.axes.index("features")]).mean(axis=1)
        if not np.isfinite(vectors).all():
            raise EncodingError(f"{self.path} gives numbers that are not finite.")
        return vectors


def threads() -> int:
    """Return the number of threads for a model: ``OMP_NUM_THREADS``, or the cores that this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if asked.isdigit() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _providers(device: str, available: list[str]) -> list[str]:
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda', got {device!r}")
    has_gpu = "CUDAExecutionProvider" in available
    if device == "cuda" and not has_gpu:
        raise SongspaceError("There is no GPU that this ONNX Runtime can use: take --device cpu.")
    on_gpu = ["CUDAExecutionProvider"] if has_gpu and device != "cpu" else []
    return [*on_gpu, "CPUExecutionProvider"]


def _errors_of_onnxruntime() -> tuple[type[Exception], ...]:
    """Return the exceptions of ONNX Runtime, which have no common base class, and those of Python that it raises."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [each for each in vars(state).values() if isinstance(each, type) and issubclass(each, Exception)]
    return (*own, RuntimeError, ValueError, TypeError)


def _line(error: Exception) -> str:
    """Return the first line of ONNX Runtime's message, without the number before it."""
    line = str(error).strip().partition("\n")[0]
    return line.rpartition("] : ")[2].rstrip(". ") or type(error).__name__


# Check that a model is one file, by the few fields of its protocol buffer (onnx.proto) that can name others.

_MODEL = {7: "graph", 25: "function"}
_INSIDE: dict[str, dict[int, str]] = {
    "model": _MODEL,
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_EXTERNAL, _DEEPEST = 14, 64


def check_one_file(path: Path) -> None:
    """Check that a model contains all of its weights.

    Raises
    ------
    SongspaceError
        If it cannot be read, is no model, or names other files.
    """
    try:
        with open_plain(path, links=True) as file:
            if not os.fstat(file.fileno()).st_size:
                raise SongspaceError(f"{path} is empty.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                external = _has_external(data, 0, len(data), "model", 0)
    except FileNotFoundError:
        raise SongspaceError(f"There is no model {path}.") from None
    except OSError as error:
        raise SongspaceError(f"The model {path} cannot be read: {error.strerror}.") from error
    except ValueError:
        raise SongspaceError(f"{path} is damaged, or no ONNX model.") from None
    if external:
        raise SongspaceError(
            f"{path} has weights in other files beside it: save it as one file "
            "(onnx.save_model(model, path, save_as_external_data=False))."
        )


def _has_external(data: mmap.mmap, begin: int, end: int, what: str, depth: int) -> bool:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    for number, value, first, last in _fields(data, begin, end):
        if what == "tensor":
            if number == _EXTERNAL and value == 1:
                return True
            continue
        inner = _INSIDE[what].get(number)
        if inner and first is not None and last is not None and _has_external(data, first, last, inner, depth + 1):
            return True
    return False


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int | None, int | None]]:
    """Yield (number, value, begin, end) of the fields of a message; begin and end are None for a plain number."""
    while at < end:
        key, at = _varint(data, at, end)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at, end)
            yield number, value, None, None
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        elif wire == 2:
            length, at = _varint(data, at, end)
            if at + length > end:
                raise ValueError("it is cut off")
            yield number, 0, at, at + length
            at += length
        else:
            raise ValueError("it is no protocol buffer")
    if at != end:
        raise ValueError("it is cut off")


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise ValueError("it is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number has no end")
