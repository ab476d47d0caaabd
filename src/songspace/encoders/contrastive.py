"""Two pieces of one song belong together: a convolutional network that is taught so, without labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from songspace.encoders.baselines import Timbre
from songspace.encoders.checks import check_number, check_seed, group_codes
from songspace.encoders.contrastive_game import ContrastiveGame
from songspace.encoders.descriptors import descriptors, is_describable
from songspace.encoders.devices import choose_device, seeded
from songspace.encoders.pairs import Pairs
from songspace.encoders.random_conv import Convolutional
from songspace.encoders.training import Limits, Progress, train
from songspace.errors import SongspaceError
from songspace.frontends import LogMel

BALANCED = 256
"""Songs by which the shares of the network and of the hand-made statistics are balanced."""


class Contrastive(Convolutional):
    """A space in which pieces of one song lie close together, learnt without labels.

    A small residual network sees two pieces of each song of a batch, recoloured and masked at random,
    and must find each piece's partner among all the others (NT-Xent). In a controlled comparison on
    music this beat the other ways of learning without labels [1]_. Half of the loss keeps songs that
    sound alike together (see :mod:`.contrastive_game`). After training the projector that the losses saw
    is thrown away: what comes before it is the vector, beside the hand-made statistics of
    :class:`.Timbre`, which carry what a small library cannot teach.

    Parameters
    ----------
    width : int
        Channels after the first convolution; the network gives 16 times as many numbers.
    temperature : float
        Of the loss: small values look at the nearest impostors only.
    relation : float
        Share of a piece's attention that goes to songs like its own; 0 is the plain game.
    timbre : float
        How far two songs lie apart by hand-made statistics, in units of how far they lie apart by the
        network; 0 leaves them out. They need a :class:`.LogMel` frontend.
    crop : int
        Frames of a piece; all of a segment, if it is shorter. Encoding takes whole segments.
    batch_size : int
        Songs in a step, two pieces of each; all songs, if there are fewer.
    learning_rate, weight_decay : float
        AdamW's, the rate at its largest: it rises for 30 % of the way, then falls to nothing.
    steps, minutes : int, float or None
        When to stop, whichever comes first.
    frontend : LogMel, optional
        Maker of the spectrograms, in decibels; ``LogMel()`` if not given.
    random_state : int
        Seed of all that is random.
    device : {"auto", "cpu", "cuda"}
        Where to train and encode.

    Attributes
    ----------
    history_ : dict of str to list of float
        ``step``, ``loss`` (NT-Xent) and ``relation`` (the cross entropy against the bank of songs).
    timbre_ : Timbre
        The hand-made statistics, unless ``timbre`` is 0.
    shares_ : ndarray of shape (2,), float32
        What the network's numbers, and the hand-made ones, are multiplied with.

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
    (8, 188)
    """

    name: ClassVar[str] = "contrastive"

    def __init__(
        self,
        width: int = 24,
        temperature: float = 0.1,
        relation: float = 0.5,
        timbre: float = 0.5,
        crop: int = 150,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.05,
        steps: int | None = 2000,
        minutes: float | None = None,
        frontend: LogMel | None = None,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.width = width
        self.temperature = temperature
        self.relation = relation
        self.timbre = timbre
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
        self._check()
        if songs.max() == 0:
            raise SongspaceError("A contrastive encoder learns from differences: it needs 2 songs.")
        with seeded(torch.device("cpu"), check_seed(self.random_state)):
            network = self._build()
            game = ContrastiveGame(
                network,
                int(songs.max()) + 1,
                temperature=self.temperature,
                relation=self.relation,
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
        self._add_timbre(X, songs)
        return self

    def _add_timbre(self, X: Any, songs: np.ndarray) -> None:
        """Fit the hand-made statistics, and bring both kinds of numbers to a common scale.

        The scale is how far songs lie apart, not segments: a trained network moves little within a song.
        """
        self.shares_ = np.ones(2, np.float32)
        if not self.timbre:
            return
        some = np.flatnonzero(np.isin(songs, np.linspace(0, songs.max(), BALANCED).round().astype(int)))
        learnt, described = [], []
        for rows in np.array_split(some, -(-len(some) // self.batch_rows)):
            batch = self._rows(X, rows)
            learnt.append(super()._embed(batch))
            described.append(self._describe(batch))
        self.timbre_ = Timbre().fit_descriptors(np.concatenate(described))
        by_hand = self.timbre_.standardize(np.concatenate(described))
        for part, wanted, numbers in ((0, 1.0, np.concatenate(learnt)), (1, self.timbre, by_hand)):
            self.shares_[part] = wanted / (_spread(numbers, songs[some]) or 1.0)

    def _describe(self, batch: np.ndarray) -> np.ndarray:
        frontend = self.get_frontend()
        assert isinstance(frontend, LogMel)  # or `fit` has refused it
        return descriptors(batch, frame_rate=frontend.frame_rate)

    def _embed(self, batch: np.ndarray) -> np.ndarray:
        learnt = super()._embed(batch) * self.shares_[0]
        if not self.timbre:
            return learnt
        return np.concatenate([learnt, self.timbre_.standardize(self._describe(batch)) * self.shares_[1]], axis=1)

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {f"network.{key}": value for key, value in super()._arrays().items()} | {"shares": self.shares_}
        if self.timbre:
            arrays |= {f"timbre.{key}": value for key, value in self.timbre_._arrays().items()}
        return arrays

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        def of(part: str) -> dict[str, np.ndarray]:
            return {key.removeprefix(part): value for key, value in arrays.items() if key.startswith(part)}

        super()._restore(of("network."), facts)
        self.shares_ = arrays["shares"]
        if self.timbre:
            self.timbre_ = Timbre()
            self.timbre_._restore(of("timbre."), {})

    def _check(self) -> None:
        for name in ("temperature", "learning_rate"):
            check_number(name, getattr(self, name), above=0)
        for name in ("relation", "timbre", "weight_decay"):
            check_number(name, getattr(self, name))
        if self.relation > 1:
            raise ValueError(f"relation must be at most 1, got {self.relation!r}")
        if self.timbre and not (isinstance(self.get_frontend(), LogMel) and is_describable(self.shape_)):
            raise ValueError(
                f"timbre must be 0 unless a LogMel makes spectrograms that can be described, got {self.timbre!r}"
            )
        check_number("crop", self.crop, least=1, whole=True)
        check_number("batch_size", self.batch_size, least=2, whole=True)


def _spread(vectors: np.ndarray, songs: np.ndarray) -> float:
    """The root of the mean squared distance of songs (means of their rows) from their middle."""
    _, codes, counts = np.unique(songs, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(means, codes, vectors)
    means /= counts[:, None]
    return float(np.sqrt(np.square(means - means.mean(axis=0)).sum(axis=1).mean()))
