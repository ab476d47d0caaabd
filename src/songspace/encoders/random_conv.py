"""A convolutional network that was never trained: good features already, and what every trained one must beat."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import torch
from torch import nn

from songspace.encoders.checks import check_number, check_seed
from songspace.encoders.convnet import ConvNet, calibrate, folded
from songspace.encoders.devices import seeded
from songspace.encoders.networks import NetworkEncoder
from songspace.frontends import Frontend


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
    """A network as :class:`.Contrastive` has it, wider and with random weights: what every trained one must beat.

    Random convolutions are good features already [1]_, so a trained encoder has shown nothing until
    it stands beside this one. Only the statistics of its batch norms are taken from the data.

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
        """Draw the weights, and measure what standardisation and batch norms need.

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
