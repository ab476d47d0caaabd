"""The convolutional network of ``Contrastive`` and ``Student``, its start weights, and ``RandomConv``."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from songspace.encoders.checks import check_number, check_seed
from songspace.encoders.devices import seeded
from songspace.encoders.networks import NetworkEncoder, Standardize, lay_out
from songspace.frontends import Frontend


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut around them; the first convolution halves both axes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.convolutions(x) + self.shortcut(x), inplace=True)


class ConvNet(nn.Module):
    """A small residual network over log-mel spectrograms: 0.3 million weights at width 16.

    Decibels (n, bands, frames) are standardised band by band. Both axes are halved five times. The mean and the maximum
    over the rest of both axes are the representation, (n, 16 * width).
    """

    def __init__(self, bands: int, width: int) -> None:
        super().__init__()
        self.size = 16 * width
        self.standardize = Standardize(bands)
        self.trunk = nn.Sequential(
            nn.Conv2d(1, width, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            Block(width, width),
            Block(width, 2 * width),
            Block(2 * width, 4 * width),
            Block(4 * width, 8 * width),
        )
        self.layout = lay_out(self)

    def forward(self, decibels: Tensor) -> Tensor:
        return self.represent(self.standardize(decibels))

    def represent(self, x: Tensor) -> Tensor:
        """Return the representation of standardised spectrograms."""
        maps = self.trunk(x[:, None].contiguous(memory_format=self.layout)).float()
        return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)


@torch.no_grad()
def calibrate(network: ConvNet, batches: Iterable[np.ndarray]) -> None:
    """Measure the statistics of a network's batch norms anew, over batches of spectrograms.

    Without it the activations of random weights would fade or grow from layer to layer.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all batches
    network.train()
    for batch in batches:
        network(torch.from_numpy(batch))


def folded(network: ConvNet) -> ConvNet:
    """Return a copy of a network in evaluation mode, with each batch norm merged into the convolution before it.

    It computes the same numbers up to rounding, and reads and writes each map of features once less.
    """
    network = copy.deepcopy(network).eval()
    for layers in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for number, (layer, after) in enumerate(pairwise(layers)):
            if isinstance(layer, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                layers[number], layers[number + 1] = fuse_conv_bn_eval(layer, after), nn.Identity()
    lay_out(network)
    return network


FILE = Path(__file__).with_name("start.safetensors")
"""Start weights, learnt from sound that songspace renders itself by ``bench/start.py``."""


def start_from(network: ConvNet) -> bool:
    """Load the start weights into a network of the default width; return False if it has another width."""
    weights = {name: value.float() for name, value in load_file(FILE).items()}
    own = network.state_dict()
    if any(own[name].shape != value.shape for name, value in weights.items()):
        return False
    network.load_state_dict(weights, strict=False)  # the network keeps its own standardisation
    return True


def write_start(network: ConvNet, path: Path) -> None:
    """Write the weights of a network, in 16 bits, as start weights."""
    weights = {
        name: value.half().contiguous()
        for name, value in network.state_dict().items()
        if value.is_floating_point() and not name.startswith("standardize.")
    }
    save_file(weights, path)
    path.chmod(0o644)


class Convolutional(NetworkEncoder):
    """An encoder that is a :class:`.ConvNet`, trained or not."""

    width: int
    random_state: int
    _folded: ConvNet

    def _build(self) -> ConvNet:
        check_number("width", self.width, least=1, whole=True)
        return ConvNet(self.shape_[0], self.width)

    def _take(self, network: nn.Module) -> None:
        super()._take(network)
        assert isinstance(network, ConvNet)
        self._folded = folded(network)

    def _mapping(self) -> ConvNet:
        return self._folded


class RandomConv(Convolutional):
    """The network of :class:`.Contrastive`, wider and with random weights: every trained encoder must beat it.

    Random convolutions are good features already [1]_, so that a trained encoder has to be compared with them. Only the
    statistics of the batch norms are measured on the data.

    Parameters
    ----------
    width : int
        Channels after the first convolution; a vector has 16 times as many numbers.
    frontend : Frontend, optional
        Maker of the spectrograms; ``LogMel()`` if not given.
    random_state : int
        Seed of the weights.

    References
    ----------
    .. [1] J. Pons, X. Serra, "Randomly weighted CNNs for (music) audio classification",
       arXiv 1805.00237.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(-30, 10, (4, 64, 251))
    >>> RandomConv(width=4).fit_transform(X).shape
    (4, 64)
    """

    name: ClassVar[str] = "random"

    def __init__(self, width: int = 24, frontend: Frontend | None = None, random_state: int = 0) -> None:
        self.width = width
        self.frontend = frontend
        self.random_state = random_state

    def fit(self, X: Any, y: None = None, *, groups: Any = None) -> Self:
        """Draw the weights, and measure the statistics of the standardisation and the batch norms.

        Parameters
        ----------
        X : array of shape (n, bands, frames)
            As in :meth:`transform`.
        y, groups
            Not used.
        """
        X = self._start_fit(X)
        with seeded(torch.device("cpu"), check_seed(self.random_state)):
            network = self._build()
        network.standardize.measure(self._sample(X))
        calibrate(network, self._sample(X))
        self._take(network)
        return self
