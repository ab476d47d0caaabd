"""Contrastive learning: a convolutional network learns that two pieces of one song belong together, without labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from songspace.encoders.base import Encoder
from songspace.encoders.checks import check_number, check_seed, group_codes, teacher_codes
from songspace.encoders.contrastive_game import ContrastiveGame, Pairs
from songspace.encoders.convnet import ConvNet, Convolutional, calibrate, start_from
from songspace.encoders.descriptors import is_describable
from songspace.encoders.devices import choose_device, seeded, side_by_side
from songspace.encoders.discriminants import SAMPLED, Discriminants
from songspace.encoders.linear import HAND_MADE, Mapped, hand_made
from songspace.encoders.registry import Plan
from songspace.encoders.training import Limits, TrainingProgress, train
from songspace.errors import SongspaceError
from songspace.frontends import LogMel


class Contrastive(Mapped, Convolutional):
    """A space in which pieces of one song lie close together, learnt without labels.

    A small residual network gets two pieces of each song of a batch, recoloured and masked at random, and must find the
    partner of each piece among all others (NT-Xent). In a controlled comparison on music this was better than other
    methods without labels [1]_. Half of the loss keeps songs that sound alike together (see :mod:`.contrastive_game`).
    After training, the projector before the losses is dropped. Linear discriminants (:mod:`.discriminants`), learnt
    from songs and their artists, combine the output of the network with hand-made statistics (:mod:`.descriptors`),
    which add what a small library cannot teach: they are the vector. The network does not learn from artists, because
    it would learn them by heart (docs/results.md).

    Parameters
    ----------
    width : int
        Channels after the first convolution; the network gives 16 times as many numbers.
    temperature : float
        Temperature of the loss: with small values only the nearest other songs count.
    relation : float
        Share of a piece's attention for songs that are similar to its own; 0 is the plain game.
    statistics : bool
        Use hand-made statistics beside the network; they need a :class:`.LogMel` frontend.
    n_components : int
        Discriminants to keep, which are the numbers of a vector; fewer if there are fewer spectrograms.
    crop : int
        Frames of a piece; the whole segment, if it is shorter. Encoding takes whole segments.
    batch_size : int
        Songs in a step, two pieces of each; all songs, if there are fewer.
    learning_rate, weight_decay : float
        Parameters of AdamW. The rate is the largest one: it rises for 30 % of the run, then falls to 0.
    start : {"rendered", "random"}
        Begin with weights learnt from sound that songspace rendered (only with the default width), or with random
        weights.
    steps, minutes : int, float or None
        Limits of the training; the first one that is reached ends it.
    frontend : LogMel, optional
        Maker of the spectrograms, in decibels; ``LogMel()`` if not given.
    random_state : int
        Seed of all that is random.
    device : {"auto", "cpu", "cuda"}
        Device to train and encode on.

    Attributes
    ----------
    history_ : dict of str to list of float
        ``step``, ``loss`` (NT-Xent) and ``relation`` (the cross entropy against the bank of songs).
    discriminants_ : Discriminants
        Linear map from the numbers of the network and the hand-made numbers to vectors.

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
    (8, 3)
    """

    name: ClassVar[str] = "contrastive"
    batch_rows: ClassVar[int] = 10  # the segments of a song: no batch has to be filled
    has_network: ClassVar[bool] = True
    is_trained: ClassVar[bool] = True
    plan: ClassVar[Plan | None] = Plan(per_song=1, least=500, most=5600, batch=128, views=2, speed=1800)
    seconds_to_encode: ClassVar[float] = 0.006
    encoded_twice: ClassVar[int] = SAMPLED
    takes_artists: ClassVar[bool] = True

    def __init__(
        self,
        width: int = 16,
        temperature: float = 0.2,
        relation: float = 0.75,
        statistics: bool = True,
        n_components: int = 128,
        crop: int = 150,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.05,
        start: str = "rendered",
        steps: int | None = 2000,
        minutes: float | None = None,
        frontend: LogMel | None = None,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.width = width
        self.temperature = temperature
        self.relation = relation
        self.statistics = statistics
        self.n_components = n_components
        self.crop = crop
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.start = start
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
        artists: Any = None,
        checkpoint: Path | None = None,
        on_progress: Callable[[TrainingProgress], None] | None = None,
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
        artists : sequence of length n, optional
            The artist of each row; None where it is not known. The discriminants are learnt from them. If not given,
            they are learnt from songs alone.
        checkpoint, on_progress
            As in :func:`songspace.encoders.training.train`.

        Raises
        ------
        ValueError
            If a parameter, ``X`` or ``groups`` is not valid.
        SongspaceError
            If there are fewer than two songs, training diverges, or there is no such device.
        """
        X = self._start_fit(X)
        songs = group_codes(groups, X.shape[0])
        of_songs = teacher_codes(artists, songs)
        kept = {"limits": Limits(self.steps, self.minutes), "checkpoint": checkpoint, "on_progress": on_progress}
        device = choose_device(self.device)
        self._check()
        if songs.max() == 0:
            raise SongspaceError("A contrastive encoder learns from differences: it needs 2 songs.")
        network = self._learn(X, songs, device, identity=self._identity(X, songs, of_songs), **kept)
        self._take(network.cpu())
        self._fit_map(X, songs, of_songs, lambda batches: side_by_side(self._describe, batches, device))
        return self

    def _learn(self, X: Any, songs: np.ndarray, device: torch.device, **kept: Any) -> ConvNet:
        """Draw the network and train it; ``kept`` are further arguments of :func:`train`."""
        with seeded(torch.device("cpu"), check_seed(self.random_state)):
            network = self._build()
            game = None
            if self.is_trained:
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
        if game is None:
            calibrate(network, self._sample(X))
            return network
        if self.start == "rendered":
            start_from(network)
        pairs = Pairs(
            lambda rows: self._rows(X, rows),
            songs,
            frames=self.shape_[1],
            crop=self.crop,
            batch_size=self.batch_size,
            seed=self.random_state,
        )
        self.history_ = train(game, pairs, seed=self.random_state, device=device, **kept)
        return network

    def controls(self) -> dict[str, Encoder]:
        if not self.is_trained:
            return {}
        params = self.get_params(deep=False)
        controls: dict[str, Encoder] = {"untrained": Untrained(**params)}
        return controls | ({"no-network": WithoutNetwork(**params)} if self.statistics else {})

    def _describe(self, batch: np.ndarray, described: np.ndarray | None = None) -> list[np.ndarray]:
        """Return blocks of numbers of a batch: those of the network, and the hand-made ones."""
        learnt = [Convolutional._embed(self, batch)] if self.has_network else []
        return [*learnt, *hand_made(batch, self.get_frontend(), described)] if self.statistics else learnt

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {f"network.{key}": value for key, value in super()._arrays().items()}
        return arrays | {f"discriminants.{key}": value for key, value in vars(self.discriminants_).items()}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        def of(part: str) -> dict[str, np.ndarray]:
            return {key.removeprefix(part): value for key, value in arrays.items() if key.startswith(part)}

        super()._restore(of("network."), facts)
        assert isinstance(self.network_, ConvNet)
        learnt = self.network_.size if self.has_network else 0
        numbers = learnt + (HAND_MADE if self.statistics else 0)
        self.discriminants_ = Discriminants.restored(of("discriminants."), numbers)

    def _check(self) -> None:
        for name in ("temperature", "learning_rate"):
            check_number(name, getattr(self, name), above=0)
        for name in ("relation", "weight_decay"):
            check_number(name, getattr(self, name))
        if self.start not in ("rendered", "random"):
            raise ValueError(f"start must be 'rendered' or 'random', got {self.start!r}")
        if self.relation > 1:
            raise ValueError(f"relation must be at most 1, got {self.relation!r}")
        for name in ("n_components", "crop"):
            check_number(name, getattr(self, name), least=1, whole=True)
        check_number("batch_size", self.batch_size, least=2, whole=True)
        if not isinstance(self.statistics, bool | np.bool_):
            raise ValueError(f"statistics must be True or False, got {self.statistics!r}")
        if self.statistics and not (isinstance(self.get_frontend(), LogMel) and is_describable(self.shape_)):
            raise ValueError(
                "statistics must be False unless a LogMel makes spectrograms of at least 21 bands and 9 frames, "
                f"got {self.statistics!r}"
            )


class Untrained(Contrastive):
    """:class:`Contrastive` with a random network: only the statistics of its batch norms are measured."""

    name: ClassVar[str] = "untrained"
    is_trained: ClassVar[bool] = False


class WithoutNetwork(Untrained):
    """:class:`Contrastive` without its network: discriminants of the hand-made statistics alone."""

    name: ClassVar[str] = "no-network"
    has_network: ClassVar[bool] = False
