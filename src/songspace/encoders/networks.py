"""The base class of encoders with a torch network, and parts of networks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from songspace.encoders.base import Encoder
from songspace.encoders.devices import choose_device, keep_freed_memory, seeded, side_by_side

SAMPLE = 2048
"""Spectrograms that statistics of the data are taken from: more would not change them."""


class NetworkEncoder(Encoder):
    """An encoder whose mapping is one torch network, ``network_``: spectrograms in, vectors out.

    A subclass says in ``_build`` what the network looks like. In 32-bit floats and evaluation mode,
    also if trained in others, so that a row's vector depends on nothing but the row.
    """

    batch_rows: ClassVar[int] = 16
    device: str = "cpu"
    network_: nn.Module
    history_: dict[str, list[float]]

    def _build(self) -> nn.Module:
        """Build the network for spectrograms of ``shape_``, with weights drawn from torch's generator."""
        raise NotImplementedError

    def transform_each(self, songs: Iterable[Any]) -> Iterator[np.ndarray]:
        return side_by_side(self.encode, songs, choose_device(self.device))

    def _take(self, network: nn.Module) -> None:
        """Keep a trained network."""
        keep_freed_memory()
        self.network_ = network.eval()

    def _mapping(self) -> nn.Module:
        """Return the network, or one that gives the same numbers in less time."""
        return self.network_

    def _sample(self, X: Any, size: int = SAMPLE) -> Iterable[np.ndarray]:
        """Yield batches of at most ``size`` spectrograms in all, spread evenly over ``X``."""
        rows = np.unique(np.linspace(0, X.shape[0] - 1, size).round().astype(int))
        # Of even sizes: a batch norm cannot be calibrated on a last batch of one.
        for batch in np.array_split(rows, -(-len(rows) // self.batch_rows)):
            yield self._rows(X, batch)

    def _identity(self, X: Any, *groups: Any) -> str:
        """Compute a digest of the parameters, of a sample of the data, and of its groups."""
        digest = hashlib.blake2b(json.dumps(self._description(), sort_keys=True).encode())
        digest.update(f"{X.shape}{X.dtype}".encode())
        for each in groups:
            digest.update(b"" if each is None else np.ascontiguousarray(each, dtype=np.int64).tobytes())
        for batch in self._sample(X, size=64):
            digest.update(batch.tobytes())
        return digest.hexdigest()

    def _embed(self, batch: np.ndarray) -> np.ndarray:
        # Kernels round by the shape of what they are given: with batches of always the same shape, a
        # row has the same vector to the last bit beside any other rows.
        rows = np.zeros((self.batch_rows, *self.shape_), np.float32)
        rows[: len(batch)] = batch
        device = choose_device(self.device)
        with torch.inference_mode():
            vectors: Tensor = self._mapping().to(device)(torch.from_numpy(rows).to(device))
            return vectors[: len(batch)].cpu().numpy()

    def _arrays(self) -> dict[str, np.ndarray]:
        # At least 1-d: a batch norm counts its batches in a bare number, which does not come back as one.
        state = self.network_.state_dict()
        return {k: np.atleast_1d(v.cpu().contiguous().numpy()) for k, v in state.items()}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        with torch.device("meta"):  # as large as a stranger says, and no byte of it in memory
            shapes = {key: value.shape for key, value in self._build().state_dict().items()}
        if {key: shape.numel() for key, shape in shapes.items()} != {key: array.size for key, array in arrays.items()}:
            raise ValueError("its weights are not those of its network")
        with seeded(torch.device("cpu"), 0):  # the weights that are drawn here are all replaced
            network = self._build()
        network.load_state_dict({k: torch.from_numpy(v).view(shapes[k]) for k, v in arrays.items()})
        self._take(network)
        if "history" in facts:
            self.history_ = facts["history"]

    def _facts(self) -> dict[str, Any]:
        return {"history": self.history_} if hasattr(self, "history_") else {}


def lay_out(network: nn.Module) -> torch.memory_format:
    """Lay out the weights of convolutions as processors like them, where that is safe.

    Channels last, a step takes 0.6 of the time. But the gradient of a 1x1 convolution with a stride is worked out piece
    by piece by oneDNN (3.12, with torch 2.13): it lays the pieces a whole vector of channels for each pixel apart (8 of
    them with AVX2, 16 with AVX-512), in memory for no more channels than there are. With fewer, it writes past the end
    and the process dies, or the gradient is wrong. So all channels of a network are whole vectors (of 8), and as many
    as the longest vector has (16); or one, which is the same in either layout. Other networks keep torch's own layout.

    Returns
    -------
    memory_format
        The memory format of the whole network: oneDNN takes the layout from weights or pictures, whichever has channels
        last.
    """
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
    channels = {count for each in convolutions for count in (each.in_channels, each.out_channels)}
    if not all(count == 1 or (count >= 16 and count % 8 == 0) for count in channels):
        return torch.contiguous_format
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs
    return torch.channels_last


class Standardize(nn.Module):
    """Each band to mean 0 and standard deviation 1 over the data that it was measured on.

    Parameters
    ----------
    bands : int
        Rows of a spectrogram.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(bands, 1))
        self.register_buffer("scale", torch.ones(bands, 1))
        self.mean: Tensor
        self.scale: Tensor

    def measure(self, batches: Iterable[np.ndarray]) -> None:
        """Take mean and deviation from batches of spectrograms."""
        count = 0
        total = squares = np.zeros(len(self.mean))
        for batch in batches:
            wide = batch.astype(np.float64)
            count += wide.shape[0] * wide.shape[2]
            total = total + wide.sum(axis=(0, 2))
            squares = squares + np.square(wide).sum(axis=(0, 2))
        mean = total / count
        scale = np.sqrt(np.maximum(squares / count - mean**2, 0))
        # A band that hardly moves (above the sound's own cut-off) must not become the loudest one.
        scale = np.maximum(scale, 0.05 * scale.max()) if scale.max() > 0 else np.ones_like(scale)
        self.mean.copy_(torch.from_numpy(mean)[:, None])
        self.scale.copy_(torch.from_numpy(scale)[:, None])

    def forward(self, x: Tensor) -> Tensor:
        """Standardise spectrograms (n, bands, frames)."""
        return (x - self.mean) / self.scale

    def undo(self, x: Tensor) -> Tensor:
        """Return standardised values in the frontend's unit."""
        return x * self.scale + self.mean
