"""The convolutional network behind ``Contrastive`` and ``RandomConv``."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from songspace.encoders.networks import Standardize, lay_out


class Block(nn.Module):
    """Two 3x3 convolutions around which the input is carried; the first halves both axes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride=2, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.convolutions(x) + self.shortcut(x), inplace=True)


class ConvNet(nn.Module):
    """A small residual network over log-mel spectrograms: 0.3 million weights at width 16.

    Decibels (n, bands, frames) are standardised band by band; five halvings later, the mean and the
    maximum over what is left of both axes are the representation, (n, 16 * width).
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
        """The representation of spectrograms that are standardised already."""
        maps = self.trunk(x[:, None].contiguous(memory_format=self.layout)).float()
        return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)


@torch.no_grad()
def calibrate(network: ConvNet, batches: Iterable[np.ndarray]) -> None:
    """Measure afresh the statistics of a network's batch norms, over batches of spectrograms.

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
    """A copy of a network, in evaluation mode, whose batch norms are part of the convolutions before them.

    It gives the same numbers up to rounding, and reads and writes each map of features once less.
    """
    network = copy.deepcopy(network).eval()
    for layers in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for number, (layer, after) in enumerate(pairwise(layers)):
            if isinstance(layer, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                layers[number], layers[number + 1] = fuse_conv_bn_eval(layer, after), nn.Identity()
    lay_out(network)
    return network
