"""Checkpoints of training: one safetensors file that is either complete or absent.

Networks, optimisers, the step and the history lie in one file. It is written under another name, flushed and renamed:
a kill at any moment leaves the last complete one. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes
from torch import Tensor, nn

from songspace.errors import SongspaceError
from songspace.tensorfile import write_whole


class Trained(Protocol):
    """Networks and their optimisers, by name."""

    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]


@dataclass
class TrainingState:
    """The state of a training run, apart from its tensors."""

    step: int = 0
    seconds: float = 0.0
    history: dict[str, list[float]] = field(default_factory=dict)


def save(path: Path, trained: Trained, state: TrainingState, identity: str) -> None:
    """Write a checkpoint atomically.

    Raises
    ------
    SongspaceError
        If the file cannot be written.
    """
    arrays = {name: value.detach().cpu().contiguous().numpy() for name, value in _tensors(trained).items()}
    text = json.dumps({"identity": identity, **asdict(state)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, [to_bytes(arrays, {"state": text, "digest": _digest(arrays, text)})])
    except OSError as error:
        raise SongspaceError(f"The checkpoint {path} cannot be written: {error.strerror}.") from error


def resume(path: Path | None, trained: Trained, identity: str) -> TrainingState | None:
    """Load a checkpoint into ``trained``.

    Returns
    -------
    TrainingState or None
        None, with ``trained`` unchanged, if there is no checkpoint, or it is damaged, or it has another identity or
        other networks: training then starts afresh.
    """
    if path is None:
        return None
    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no dict)
            metadata = file.metadata()
        text = metadata["state"]
        if metadata["digest"] != _digest(arrays, text):
            return None
        fields = json.loads(text)
        if fields.pop("identity") != identity or not _fits(arrays, trained):
            return None
        state = _state(**fields)
    except (OSError, SafetensorError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return None
    _restore(arrays, trained)
    return state


def _state(step: int, seconds: float, history: dict[str, list[float]]) -> TrainingState:
    """Return the state from a checkpoint; raise ValueError if it is not valid: a stranger may have written it."""
    figures = [figure for series in history.values() for figure in series]
    if (
        type(step) is not int
        or step < 0
        or not all(type(n) in (int, float) and abs(n) < 1e300 for n in [seconds, *figures])
    ):
        raise ValueError(step)
    return TrainingState(step, seconds, history)


def _tensors(trained: Trained) -> dict[str, Tensor]:
    return _weights(trained) | {
        f"{name}.optimizer/{index}/{key}": value
        for name, optimizer in trained.optimizers.items()
        for index, values in optimizer.state_dict()["state"].items()
        for key, value in values.items()
    }


def _weights(trained: Trained) -> dict[str, Tensor]:
    return {
        f"{name}/{key}": value for name, module in trained.modules.items() for key, value in module.state_dict().items()
    }


def _fits(arrays: Mapping[str, np.ndarray], trained: Trained) -> bool:
    networks = {key: value.shape for key, value in _weights(trained).items()}
    moments = {
        f"{name}.optimizer/{index}": parameter.shape
        for name, optimizer in trained.optimizers.items()
        for index, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"])
    }
    return networks.keys() <= arrays.keys() and all(
        array.shape == networks[key] if key in networks else array.shape in ((), moments[key.rpartition("/")[0]])
        for key, array in arrays.items()
    )


def _restore(arrays: Mapping[str, np.ndarray], trained: Trained) -> None:
    for key, value in _weights(trained).items():
        value.copy_(torch.from_numpy(arrays[key]))
    for name, optimizer in trained.optimizers.items():
        parameters = [(p, group.get("fused")) for group in optimizer.param_groups for p in group["params"]]
        for index, (parameter, fused) in enumerate(parameters):
            prefix = f"{name}.optimizer/{index}/"
            optimizer.state[parameter] = {
                key.removeprefix(prefix): _like(parameter, torch.from_numpy(array), fused=bool(fused))
                for key, array in arrays.items()
                if key.startswith(prefix)
            }


def _like(parameter: Tensor, value: Tensor, *, fused: bool) -> Tensor:
    """Return a moment in the memory layout of its parameter, so that resuming does not change a rounding."""
    if value.shape != parameter.shape:  # the optimiser's count of steps, on the CPU unless they are fused
        return value.to(parameter.device) if fused else value
    return torch.empty_like(parameter, requires_grad=False).copy_(value)


def _digest(arrays: Mapping[str, np.ndarray], text: str) -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
