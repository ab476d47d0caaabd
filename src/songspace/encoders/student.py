"""A small network that learns to predict the vectors of a pretrained ear, for libraries too large for the ear."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional

from songspace.encoders.checks import check_number, check_seed, group_codes
from songspace.encoders.contrastive_game import mask, recolor
from songspace.encoders.convnet import ConvNet, folded, start_from
from songspace.encoders.devices import choose_device, fast_autocast, seeded
from songspace.encoders.linear import HAND_MADE, Described, check_describable, hand_made
from songspace.encoders.musicnn import PENULTIMATE, TAGS, MusiCNN, logits
from songspace.encoders.networks import NetworkEncoder
from songspace.encoders.registry import Plan
from songspace.encoders.training import Game, Limits, TrainingProgress, epochs, one_cycle, set_rate, train
from songspace.errors import SongspaceError
from songspace.frontends import LogMel

_FOLDS = 5
_ALPHAS = np.logspace(1, 5, 9)
_NOTHING = 1e-6  # the most by which equal vectors differ


@dataclass(frozen=True)
class Lesson:
    """The batch of a step.

    Attributes
    ----------
    decibels : ndarray of shape (n, bands, frames)
    guessed : ndarray of shape (n, d)
        Vectors predicted by a regression that was not fitted to their songs.
    wanted : ndarray of shape (n, d)
        Vectors of the teacher.
    """

    decibels: np.ndarray
    guessed: np.ndarray
    wanted: np.ndarray

    def __len__(self) -> int:
        return len(self.decibels)


class Pupil(nn.Module):
    """A linear regression of a teacher's vectors from hand-made numbers, and a :class:`.ConvNet` that corrects it.

    Only directions from the teacher's mean vector are learnt. The output lies in that direction, at the teacher's mean
    distance from the mean vector, so that it can stand in the place of the teacher's vectors.

    Parameters
    ----------
    bands, width, size : int
        Bands of the spectrograms, width of the network, and numbers of the teacher's vectors.
    """

    def __init__(self, bands: int, width: int, size: int) -> None:
        super().__init__()
        self.network = ConvNet(bands, width)
        self.head = nn.Linear(self.network.size, size)
        with torch.no_grad():  # the network begins as a small correction
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()
        self.regression = nn.Linear(HAND_MADE, size).requires_grad_(False)
        self.register_buffer("middle", torch.zeros(HAND_MADE))
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("length", torch.ones(1))
        self.middle: Tensor
        self.mean: Tensor
        self.length: Tensor

    def regress(self, numbers: np.ndarray, wanted: np.ndarray, songs: np.ndarray) -> np.ndarray:
        """Fit the regression; return cross-validated predictions (n, d), each made without the song of its row."""
        model = make_pipeline(StandardScaler(), RidgeCV(_ALPHAS))
        folds = GroupKFold(min(_FOLDS, len(np.unique(songs))))
        with np.errstate(invalid="ignore"):  # of a single row, all penalties are equally good
            guessed = cross_val_predict(model, numbers, wanted, groups=songs, cv=folds)
            scaler, ridge = (step for _, step in model.fit(numbers, wanted).steps)
        for parameter, values in (
            (self.middle, scaler.mean_),
            (self.regression.weight, ridge.coef_ / scaler.scale_),
            (self.regression.bias, ridge.intercept_),
        ):
            parameter.copy_(torch.from_numpy(values))
        return np.asarray(guessed, np.float32)

    def forward(self, decibels: Tensor, numbers: Tensor) -> Tensor:
        direction = self.head(self.network(decibels)) + self.regression(numbers - self.middle)
        return functional.normalize(direction, dim=1) * self.length + self.mean


class Imitation(Game):
    """The game in which the pupil must point from the teacher's mean to the teacher's vector.

    The pupil gets each spectrogram recoloured and masked at random; the teacher had it unchanged. The network corrects
    a regression that was not fitted to the song: the errors for songs that it was fitted to are much smaller.
    """

    def __init__(self, pupil: Pupil, *, learning_rate: float, weight_decay: float, device: torch.device) -> None:
        self.pupil = pupil.to(device).train()
        learnt = [*pupil.network.parameters(), *pupil.head.parameters()]
        self.optimizer = torch.optim.AdamW(learnt, weight_decay=weight_decay, fused=True)
        self.modules = {"pupil": self.pupil}
        self.optimizers = {"adamw": self.optimizer}
        self.learning_rate = learning_rate
        self.device = device

    def step(self, batch: Lesson, progress: float) -> dict[str, Tensor]:
        set_rate(self.optimizer, self.learning_rate * one_cycle(progress))
        decibels, guessed, wanted = (
            torch.from_numpy(each).to(self.device) for each in (batch.decibels, batch.guessed, batch.wanted)
        )
        network = self.pupil.network
        seen = mask(network.standardize(recolor(decibels)))
        with fast_autocast(self.device):
            correction = self.pupil.head(network.represent(seen))
        loss = (1 - functional.cosine_similarity(guessed + correction.float(), wanted)).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.detach()}


class Student(Described, NetworkEncoder):
    """Hand-made numbers and the small network of :class:`.Contrastive`, taught to predict :class:`.MusiCNN` [1]_.

    The ear encodes a sample of the library. A linear regression predicts the direction of its vectors from the
    hand-made numbers, and the network learns to correct the regression. Both together then encode all songs, also later
    ones, in a fraction of the ear's time.

    Parameters
    ----------
    width : int
        Channels after the first convolution.
    learning_rate, weight_decay : float
        Parameters of AdamW. The rate is the largest one: it rises for 30 % of the run, then falls to 0.
    batch_size : int
        Spectrograms in a step.
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
        ``step`` and ``loss``, 1 less the cosine.
    tags_ : tuple of ndarray
        Kernel and bias of the ear's layer from vectors to tags, which is applied to the student's vectors.

    References
    ----------
    .. [1] G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", arXiv 1503.02531.
    """

    name: ClassVar[str] = "student"
    batch_rows: ClassVar[int] = 10
    plan: ClassVar[Plan | None] = Plan(per_song=1.5, least=500, most=1500, batch=13, views=10, speed=1000)
    seconds_to_encode: ClassVar[float] = 0.009
    taught_by: ClassVar[str] = MusiCNN.name
    taught_on: ClassVar[int] = 1000  # the ear then takes about as long as the training
    words: ClassVar[tuple[str, ...]] = TAGS

    def __init__(
        self,
        width: int = 16,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.05,
        batch_size: int = 128,
        steps: int | None = 1500,
        minutes: float | None = None,
        frontend: LogMel | None = None,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.width = width
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.steps = steps
        self.minutes = minutes
        self.frontend = frontend
        self.random_state = random_state
        self.device = device

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        groups: Any = None,
        checkpoint: Path | None = None,
        on_progress: Callable[[TrainingProgress], None] | None = None,
    ) -> Self:
        """Learn to predict the teacher's vectors of ``X``.

        Parameters
        ----------
        X : array of shape (n, bands, frames)
            As in :meth:`transform`; only the rows of a batch are read at a time.
        y : array of shape (n, 200)
            The ear's vector of each row.
        groups : array of shape (n,), optional
            The artist of each row, or its song. The regression that the network corrects is fitted without the group
            of a row. If not given, each row is a group of its own.
        checkpoint, on_progress
            As in :func:`songspace.encoders.training.train`.

        Raises
        ------
        ValueError
            If a parameter, ``X`` or ``y`` is not valid.
        SongspaceError
            If the ear's weights are not installed, there are fewer than two songs, the ear gives all songs the same
            vector, training diverges, or there is no such device.
        """
        X = self._start_fit(X)
        songs = group_codes(groups, X.shape[0])
        taught = np.asarray(y, np.float32) if y is not None else np.empty((0, 0), np.float32)
        if taught.shape != (X.shape[0], PENULTIMATE) or not np.isfinite(taught).all():
            raise ValueError(f"y must hold {PENULTIMATE} finite numbers for each of the {X.shape[0]} rows of X")
        for name in ("learning_rate", "weight_decay"):
            check_number(name, getattr(self, name))
        check_number("batch_size", self.batch_size, least=2, whole=True)
        check_describable(self.get_frontend(), self.shape_)
        if songs.max() == 0:
            raise SongspaceError("A student learns what it hears in more than one song: it needs 2.")
        self.tags_ = MusiCNN().fit().network_.tags
        device = choose_device(self.device)
        with seeded(torch.device("cpu"), check_seed(self.random_state)):
            pupil = self._build()
        pupil.network.standardize.measure(self._sample(X))
        start_from(pupil.network)
        mean = taught.mean(axis=0, dtype=np.float64).astype(np.float32)
        length = np.linalg.norm(taught - mean, axis=1).mean()
        if length < _NOTHING:
            raise SongspaceError("The ear says the same of all songs: there is nothing to learn from it.")
        pupil.mean.copy_(torch.from_numpy(mean))
        pupil.length.fill_(float(length))
        wanted = (taught - mean) / length
        numbers = np.concatenate([self._numbers(batch) for batch in self._batches(X)])
        guessed = pupil.regress(numbers, wanted, songs)
        pick = epochs(X.shape[0], self.batch_size, seed=self.random_state)

        def draw(step: int) -> Lesson:
            rows = np.sort(pick(step))
            return Lesson(self._rows(X, rows), guessed[rows], wanted[rows])

        game = Imitation(pupil, learning_rate=self.learning_rate, weight_decay=self.weight_decay, device=device)
        self.history_ = train(
            game,
            draw,
            limits=Limits(self.steps, self.minutes),
            seed=self.random_state,
            device=device,
            checkpoint=checkpoint,
            identity=self._identity(X, taught.view(np.int32), songs),
            on_progress=on_progress,
        )
        self._take(pupil.cpu())
        return self

    def likeness(self, kept: np.ndarray) -> np.ndarray:
        """Compute the ear's tags from the student's vectors, before the sigmoid: (n, 50)."""
        return logits(kept, self.tags_)

    def _numbers(self, batch: np.ndarray, described: np.ndarray | None = None) -> np.ndarray:
        return np.concatenate(hand_made(batch, self.get_frontend(), described), axis=1)

    def _embed(self, batch: np.ndarray, described: np.ndarray | None = None) -> np.ndarray:
        return self._run(batch, self._numbers(batch, described))

    def _mapping(self) -> Pupil:
        return self._folded

    def _build(self) -> Pupil:
        check_number("width", self.width, least=1, whole=True)
        return Pupil(self.shape_[0], self.width, PENULTIMATE)

    def _take(self, network: nn.Module) -> None:
        super()._take(network)
        assert isinstance(network, Pupil)
        self._folded = deepcopy(network)
        self._folded.network = folded(network.network)

    def _arrays(self) -> dict[str, np.ndarray]:
        return super()._arrays() | dict(zip(("tags.kernel", "tags.bias"), self.tags_, strict=True))

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        own = dict(arrays)
        self.tags_ = own.pop("tags.kernel"), own.pop("tags.bias")
        if [each.shape for each in self.tags_] != [(PENULTIMATE, len(TAGS)), (len(TAGS),)]:
            raise ValueError("its tags are not those of the ear")
        super()._restore(own, facts)
