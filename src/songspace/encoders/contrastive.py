"""Two pieces of one song belong together: a convolutional network that is taught so, without labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from songspace.encoders import augment
from songspace.encoders.checks import check_number, check_seed, group_codes
from songspace.encoders.convnet import ConvNet, calibrate
from songspace.encoders.devices import choose_device, fast_autocast, seeded
from songspace.encoders.networks import NetworkEncoder
from songspace.encoders.pairs import Pairs
from songspace.encoders.training import Game, Limits, Progress, one_cycle, set_rate, train
from songspace.errors import SongspaceError
from songspace.frontends import Frontend

PROJECTED = 128
"""Numbers that the loss compares; the projector to them is thrown away after training."""


def nt_xent(a: Tensor, b: Tensor, *, temperature: float) -> Tensor:
    """Normalised, temperature-scaled cross entropy: of all others in the batch, find the partner.

    Row *i* of ``a`` and row *i* of ``b`` are two views of one thing; every other row is another.
    From T. Chen et al., "A simple framework for contrastive learning", arXiv 2002.05709.

    Parameters
    ----------
    a, b : Tensor of shape (n, d)
        Any length; only directions count.
    temperature : float
        Small values look at the nearest impostors only.

    Returns
    -------
    Tensor
        The mean over the 2 n rows: log(2 n - 1) at chance, 0 at best.

    Examples
    --------
    >>> import torch
    >>> nt_xent(torch.eye(3), torch.eye(3), temperature=0.01).item() < 1e-6
    True
    """
    n = len(a)
    unit = functional.normalize(torch.cat([a, b]), dim=1)
    similarity = unit @ unit.T / temperature
    itself = torch.eye(2 * n, dtype=torch.bool, device=a.device)
    partner = torch.arange(2 * n, device=a.device).roll(n)
    return functional.cross_entropy(similarity.masked_fill(itself, -torch.inf), partner)


class ContrastiveGame(Game):
    """The network and a projector to :data:`PROJECTED` numbers, against NT-Xent."""

    def __init__(
        self,
        network: ConvNet,
        *,
        temperature: float,
        learning_rate: float,
        weight_decay: float,
        device: torch.device,
    ) -> None:
        size = network.size
        projector = nn.Sequential(nn.Linear(size, size), nn.BatchNorm1d(size), nn.ReLU(), nn.Linear(size, PROJECTED))
        self.network = network.to(device).train()
        self.projector = projector.to(device)
        weights = [*network.parameters(), *projector.parameters()]
        self.optimizer = torch.optim.AdamW(weights, weight_decay=weight_decay)
        self.modules = {"network": self.network, "projector": self.projector}
        self.optimizers = {"adamw": self.optimizer}
        self.temperature = temperature
        self.learning_rate = learning_rate
        self.device = device

    def step(self, batch: np.ndarray, progress: float) -> dict[str, Tensor]:
        """One step on crops of which the second half are the partners of the first."""
        set_rate(self.optimizer, self.learning_rate * one_cycle(progress))
        decibels = augment.recolor(torch.from_numpy(batch).to(self.device))
        views = augment.mask(self.network.standardize(decibels))
        with fast_autocast(self.device):
            projected = self.projector(self.network.represent(views))
        a, b = projected.float().chunk(2)
        loss = nt_xent(a, b, temperature=self.temperature)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.detach()}


class _Convolutional(NetworkEncoder):
    """An encoder that is a :class:`ConvNet`, trained or not."""

    width: int
    random_state: int

    def _build(self) -> ConvNet:
        check_number("width", self.width, least=1, whole=True)
        return ConvNet(self.shape_[0], self.width)


class RandomConv(_Convolutional):
    """The network of :class:`Contrastive` with random weights: what every trained one must beat.

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
        self.network_ = network.eval()
        return self


class Contrastive(_Convolutional):
    """A space in which pieces of one song lie close together, learnt without labels.

    A small residual network sees two pieces of each song of a batch, recoloured and masked at random,
    and must find each piece's partner among all the others (NT-Xent). In a controlled comparison on
    music this beat the other ways of learning without labels [1]_. After training the projector that
    the loss saw is thrown away: what comes before it is the vector.

    Parameters
    ----------
    width : int
        Channels after the first convolution; a vector has 16 times as many numbers.
    temperature : float
        Of the loss: small values look at the nearest impostors only.
    crop : int
        Frames of a piece; all of a segment, if it is shorter. Encoding takes whole segments.
    batch_size : int
        Songs in a step, two pieces of each; all songs, if there are fewer.
    learning_rate, weight_decay : float
        AdamW's, the rate at its largest: it rises for 30 % of the way, then falls to nothing.
    steps, minutes : int, float or None
        When to stop, whichever comes first.
    frontend : Frontend, optional
        Maker of the spectrograms, in decibels; ``LogMel()`` if not given.
    random_state : int
        Seed of all that is random.
    device : {"auto", "cpu", "cuda"}
        Where to train and encode.

    Attributes
    ----------
    history_ : dict of str to list of float
        ``step`` and ``loss``.

    References
    ----------
    .. [1] G. Meseguer-Brocal et al., "An experimental comparison of multi-view self-supervised
       methods for music tagging", arXiv 2404.09177.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(-30, 10, (8, 64, 251)).astype(np.float32)
    >>> encoder = Contrastive(width=4, steps=2, device="cpu").fit(X, groups=[0, 0, 1, 1, 2, 2, 3, 3])
    >>> encoder.transform(X).shape
    (8, 64)
    """

    name: ClassVar[str] = "contrastive"

    def __init__(
        self,
        width: int = 24,
        temperature: float = 0.1,
        crop: int = 150,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.05,
        steps: int | None = 2000,
        minutes: float | None = None,
        frontend: Frontend | None = None,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.width = width
        self.temperature = temperature
        self.crop = crop
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.steps = steps
        self.minutes = minutes
        self.frontend = frontend
        self.random_state = random_state
        self.device = device

    def fit(
        self,
        X: Any,
        y: None = None,
        *,
        groups: Any = None,
        checkpoint: Path | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Self:
        """Learn from ``X``.

        Parameters
        ----------
        X : array of shape (n, bands, frames)
            As in :meth:`transform`; only the rows of a batch are read at a time.
        y
            Not used.
        groups : array of shape (n,), optional
            The song of each row; if not given, each row is a song of its own.
        checkpoint, on_progress
            As in :func:`songspace.encoders.training.train`.

        Raises
        ------
        ValueError
            If a parameter, ``X`` or ``groups`` is not what it should be.
        SongspaceError
            If there are not two songs, training comes apart, or there is no such device.
        """
        X = self._start_fit(X)
        songs = group_codes(groups, X.shape[0])
        limits, device = Limits(self.steps, self.minutes), choose_device(self.device)
        for name in ("temperature", "learning_rate"):
            check_number(name, getattr(self, name), above=0)
        check_number("weight_decay", self.weight_decay)
        check_number("crop", self.crop, least=1, whole=True)
        check_number("batch_size", self.batch_size, least=2, whole=True)
        if songs.max() == 0:
            raise SongspaceError("A contrastive encoder learns from differences: it needs 2 songs.")
        with seeded(torch.device("cpu"), check_seed(self.random_state)):
            network = self._build()
            game = ContrastiveGame(
                network,
                temperature=self.temperature,
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                device=device,
            )
        network.standardize.measure(self._sample(X))
        pairs = Pairs(
            lambda rows: self._rows(X, rows),
            songs,
            frames=self.shape_[1],
            crop=self.crop,
            batch_size=self.batch_size,
            seed=self.random_state,
        )
        self.history_ = train(
            game,
            pairs,
            limits=limits,
            seed=self.random_state,
            device=device,
            checkpoint=checkpoint,
            identity=self._identity(X, songs),
            on_progress=on_progress,
        )
        self.network_ = network.cpu().eval()
        return self
