"""The base class of encoders with a torch network, and parts of networks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from songspace.encoders.base import Encoder, spread
from songspace.encoders.devices import choose_device, keep_freed_memory, seeded, side_by_side

SAMPLE = 2048
"""The most spectrograms from which statistics of the data are computed: more would not change them."""


class NetworkEncoder(Encoder):
    """An encoder whose mapping from spectrograms to vectors is one torch network, ``network_``.

    A subclass builds the network in ``_build``. It encodes in 32-bit floats and in evaluation mode, so that the vector
    of a row depends on that row alone.
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
        """Return the network that encodes: the trained one, or an equal one that takes less time."""
        return self.network_

    def _sample(self, X: Any, size: int = SAMPLE, *, among: np.ndarray | None = None) -> Iterable[np.ndarray]:
        """Yield batches of at most ``size`` spectrograms in all, spread evenly over ``X``, or over rows of it."""
        rows = spread(X.shape[0], size) if among is None else among[spread(len(among), size)]
        # Batches of about the same size: a batch norm cannot be calibrated on a last batch of one.
        for batch in np.array_split(rows, -(-len(rows) // self.batch_rows)):
            yield self._rows(X, batch)

    def _identity(self, X: Any, *groups: Any) -> str:
        """Compute a digest of the parameters, a sample of the data, and its groups."""
        digest = hashlib.blake2b(json.dumps(self._description(), sort_keys=True).encode())
        digest.update(f"{X.shape}{X.dtype}".encode())
        for each in groups:
            digest.update(b"" if each is None else np.ascontiguousarray(each, dtype=np.int64).tobytes())
        for batch in self._sample(X, size=64):
            digest.update(batch.tobytes())
        return digest.hexdigest()

    def _embed(self, batch: np.ndarray) -> np.ndarray:
        return self._run(batch)

    def _run(self, *inputs: np.ndarray) -> np.ndarray:
        """Run the network on its inputs, each of shape (n, ...), float32; return its vectors (n, d)."""
        # Kernels round by the shape of their input: with batches of one fixed shape, the vector of a row is the same
        # to the last bit beside any other rows.
        device = choose_device(self.device)
        filled = []
        for batch in inputs:
            rows = np.zeros((self.batch_rows, *batch.shape[1:]), np.float32)
            rows[: len(batch)] = batch
            filled.append(torch.from_numpy(rows).to(device))
        with torch.inference_mode():
            vectors: Tensor = self._mapping().to(device)(*filled)
            return vectors[: len(inputs[0])].cpu().numpy()

    def _arrays(self) -> dict[str, np.ndarray]:
        # At least 1-d: the file would not keep the count of a batch norm as a number without axes.
        state = self.network_.state_dict()
        return {k: np.atleast_1d(v.cpu().contiguous().numpy()) for k, v in state.items()}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        with torch.device("meta"):  # a stranger's file names the sizes: no memory is allocated
            shapes = {key: value.shape for key, value in self._build().state_dict().items()}
        if {key: shape.numel() for key, shape in shapes.items()} != {key: array.size for key, array in arrays.items()}:
            raise ValueError("its weights are not those of its network")
        with seeded(torch.device("cpu"), 0):  # all of these weights are replaced
            network = self._build()
        network.load_state_dict({k: torch.from_numpy(v).view(shapes[k]) for k, v in arrays.items()})
        self._take(network)
        if "history" in facts:
            self.history_ = facts["history"]

    def _facts(self) -> dict[str, Any]:
        return {"history": self.history_} if hasattr(self, "history_") else {}


def lay_out(network: nn.Module) -> torch.memory_format:
    """Lay out the weights of convolutions with the channels last, where that is safe.

    A step then takes 0.6 of the time. But oneDNN (3.12, with torch 2.13) computes the gradient of a 1x1 convolution
    with a stride in pieces. It places them a whole vector of channels apart for each pixel (8 channels with AVX2, 16
    with AVX-512), in memory for the actual channels only. With fewer channels it writes past the end: the process dies,
    or the gradient is wrong. The layout is therefore changed only where each number of channels is a multiple of 8 and
    at least 16, or is 1, for which both layouts are the same. Other networks keep torch's own layout.

    Returns
    -------
    memory_format
        The memory format for the network's input: oneDNN puts channels last if the weights or the input have them so.
    """
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
    channels = {count for each in convolutions for count in (each.in_channels, each.out_channels)}
    if not all(count == 1 or (count >= 16 and count % 8 == 0) for count in channels):
        return torch.contiguous_format
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs
    return torch.channels_last


class Standardize(nn.Module):
    """Scaling of each band to mean 0 and standard deviation 1 over the measured data.

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
        """Compute mean and deviation from batches of spectrograms."""
        count = 0
        total = squares = np.zeros(len(self.mean))
        for batch in batches:
            wide = batch.astype(np.float64)
            count += wide.shape[0] * wide.shape[2]
            total = total + wide.sum(axis=(0, 2))
            squares = squares + np.square(wide).sum(axis=(0, 2))
        mean = total / count
        scale = np.sqrt(np.maximum(squares / count - mean**2, 0))
        # A band that hardly varies (above the cut-off of the sound) must not become the loudest one.
        scale = np.maximum(scale, 0.05 * scale.max()) if scale.max() > 0 else np.ones_like(scale)
        self.mean.copy_(torch.from_numpy(mean)[:, None])
        self.scale.copy_(torch.from_numpy(scale)[:, None])

    def forward(self, x: Tensor) -> Tensor:
        """Standardise spectrograms (n, bands, frames)."""
        return (x - self.mean) / self.scale

    def undo(self, x: Tensor) -> Tensor:
        """Turn standardised values back into the unit of the frontend."""
        return x * self.scale + self.mean
