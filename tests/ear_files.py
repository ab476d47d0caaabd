"""A wheel as the ear's is, with random weights; and the network worked out by torch's own convolutions."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from songspace import tensorfile
from songspace.encoders.ears import MUSICNN, Ear
from songspace.encoders.musicnn import SHAPES


def tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights; the batch norms have factors of both signs."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in sorted(SHAPES.items()):
        fan_in = int(np.prod(shape[:-1])) or 1
        scale = 1.0 if name.endswith(("gamma", "beta", "moving_mean")) else fan_in**-0.5
        values = rng.normal(0, scale, shape)
        found[name] = (np.abs(values) + 0.1 if name.endswith("variance") else values).astype("<f4")
    return found


def checkpoint(weights: dict[str, np.ndarray]) -> bytes:
    """As TensorFlow writes a checkpoint: Adam's moments, which are of no use, behind each tensor that was trained."""
    parts = []
    for name in sorted([*weights, "beta1_power", "beta2_power"]):
        if name not in weights:
            parts.append(np.float32(0.9).tobytes())
            continue
        moments = 0 if "moving" in name else 2
        parts += [weights[name].tobytes(), *[np.full_like(weights[name], 7).tobytes()] * moments]
    return b"".join(parts)


def wheel(path: Path, seed: int = 0) -> Ear:
    """Write a wheel, and say what was written as :data:`MUSICNN` does of the published one."""
    weights = tensors(seed)
    data = checkpoint(weights)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(MUSICNN.member, data)
        packed.writestr(MUSICNN.licence, "The notice that has to travel with copies.\n")
    return replace(
        MUSICNN,
        wheel=hashlib.sha256(path.read_bytes()).hexdigest(),
        member_sum=hashlib.sha256(data).hexdigest(),
        checksum=tensorfile.checksum(weights),
    )


def layers(weights: dict[str, np.ndarray], patches: np.ndarray) -> dict[str, np.ndarray]:
    """The network as the paper has it, in torch: patches (n, frames, bands) to its last layers."""
    own = {name: torch.tensor(value) for name, value in weights.items()}

    def norm(x: torch.Tensor, number: int) -> torch.Tensor:
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        parts = (own[f"{name}/{part}"] for part in ("moving_mean", "moving_variance", "gamma", "beta"))
        return functional.batch_norm(x, *parts, eps=1e-3)

    def convolve(x: torch.Tensor, number: int, padding: tuple[int, int]) -> torch.Tensor:
        name = f"conv2d_{number}" if number else "conv2d"
        kernel = own[f"{name}/kernel"].permute(3, 2, 0, 1)
        padded = functional.pad(x, (0, 0, *padding))
        return norm(functional.conv2d(padded, kernel, own[f"{name}/bias"]).relu(), number + 1)

    x = norm(torch.tensor(patches)[:, None], 0)
    front = []
    for number, frames in enumerate((7, 7, 128, 64, 32)):
        before = (frames - 1) // 2
        front.append(convolve(x, number, (before, frames - 1 - before)).amax(3))
    numbers = [torch.cat(front, 1)]
    found = torch.zeros(())
    for number in (5, 6, 7):
        given = numbers[-1].transpose(1, 2)[:, None]
        kernel = own[f"conv2d_{number}/kernel"].permute(3, 2, 0, 1)
        padded = functional.pad(given, (0, 0, 3, 3))
        layer = norm(functional.conv2d(padded, kernel, own[f"conv2d_{number}/bias"]).relu(), number + 1)[..., 0]
        found = layer + found
        numbers.append(found)
    beside = torch.cat(numbers, 1)
    pooled = torch.stack([beside.amax(2), beside.mean(2)], 2).flatten(1)
    hidden = (norm(pooled, 9) @ own["dense/kernel"] + own["dense/bias"]).relu()
    penultimate = norm(hidden, 10)
    logits = penultimate @ own["dense_1/kernel"] + own["dense_1/bias"]
    return {
        name: value.numpy() for name, value in (("pooled", pooled), ("penultimate", penultimate), ("logits", logits))
    }
