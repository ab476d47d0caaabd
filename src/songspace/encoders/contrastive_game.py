"""The contrastive game, its batches and its augmentations.

Two pieces of one song attract each other, and songs keep their relations to each other.

The plain game (NT-Xent) pushes *all* other songs away, also similar ones. A second game uses a bank with the place of
every song. A piece must find its own song in the bank; with the rest of its attention it must be as near to the other
songs as its own song is. Similar songs may stay together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from songspace.encoders.convnet import ConvNet
from songspace.encoders.devices import fast_autocast
from songspace.encoders.training import Game, epochs, one_cycle, set_rate


@dataclass(frozen=True)
class Crops:
    """The batch of a step.

    Attributes
    ----------
    songs : ndarray of shape (n,)
        Numbers of the songs, all different.
    decibels : ndarray of shape (2 * n, bands, frames), float32
        One piece of each song, then another piece of each.
    """

    songs: np.ndarray
    decibels: np.ndarray

    def __len__(self) -> int:
        return len(self.decibels)


class Pairs:
    """Batches with two crops of each song, no song twice.

    The crops come from two different segments of a song, or from the beginning and the end of its only segment.

    Parameters
    ----------
    rows : callable
        Function from an array of row numbers to float spectrograms.
    songs : ndarray of shape (n,)
        The song of each row, from 0 without gaps.
    frames, crop : int
        Frames of a spectrogram, and of a crop.
    batch_size : int
        Songs in a batch; all of them if there are fewer.
    seed : int
        Together with the step, the source of all choices.
    """

    def __init__(
        self,
        rows: Callable[[np.ndarray], np.ndarray],
        songs: np.ndarray,
        *,
        frames: int,
        crop: int,
        batch_size: int,
        seed: int,
    ) -> None:
        self.rows = rows
        self.by_song = np.argsort(songs, kind="stable")
        self.counts = np.bincount(songs)
        self.first = np.cumsum(self.counts) - self.counts
        count = len(self.counts)
        self.pick = epochs(count, batch_size, seed=seed)
        self.crop = min(crop, frames)
        self.slack = frames - self.crop
        self.seed = seed

    def __call__(self, step: int) -> Crops:
        """Return the crops of a step: the first one of each song, then the second ones."""
        draw = np.random.default_rng([self.seed, 1, step])
        songs = self.pick(step)
        counts = self.counts[songs]
        one = draw.integers(counts)
        other = (one + 1 + draw.integers(np.maximum(counts - 1, 1))) % counts
        rows = self.by_song[np.concatenate([self.first[songs] + one, self.first[songs] + other])]

        starts = draw.integers(self.slack + 1, size=(2, len(songs)))
        quarters = draw.integers(self.slack // 4 + 1, size=(2, len(songs)))
        quarters[1] = self.slack - quarters[1]
        starts = np.where(one == other, quarters, starts).ravel()
        crops = np.lib.stride_tricks.sliding_window_view(self.rows(rows), self.crop, axis=2)
        return Crops(songs, crops[np.arange(len(rows)), :, starts])


GAIN, TILT, EQ, FADER = 6.0, 4.0, 3.0, 4.0
"""Standard deviations, in decibels, of the volume, the slope from the lowest band to the highest, the knobs of an
equaliser, and the slope from the first frame to the last."""

KNOBS = 8
MASKS = 2
LARGEST_MASK = 0.15
"""The largest share of the bands, or of the frames, that one mask covers."""


def recolor(decibels: Tensor) -> Tensor:
    """Change volume, spectral tilt, equaliser curve and fader movement of each spectrogram at random.

    Parameters
    ----------
    decibels : Tensor of shape (n, bands, frames)
        The changes are drawn from torch's own generator.

    Returns
    -------
    Tensor of the same shape

    Examples
    --------
    >>> import torch
    >>> x = torch.zeros(2, 64, 150)
    >>> recolored = recolor(x)
    >>> recolored.shape == x.shape, bool((recolored[0] != recolored[1]).any())
    (True, True)
    """
    n, bands, frames = decibels.shape
    device = decibels.device
    gain, tilt, fader = torch.randn(3, n, 1, 1, device=device)
    over_bands = torch.linspace(-0.5, 0.5, bands, device=device)[:, None]
    over_frames = torch.linspace(-0.5, 0.5, frames, device=device)
    knobs = torch.randn(n, 1, KNOBS, device=device)
    curve = functional.interpolate(knobs, size=bands, mode="linear", align_corners=True)
    shape = GAIN * gain + TILT * tilt * over_bands + EQ * curve.transpose(1, 2)
    return decibels + shape + FADER * fader * over_frames


def mask(x: Tensor) -> Tensor:
    """Mask random stretches of bands and of frames of standardised spectrograms (n, bands, frames).

    A masked value becomes 0, the band's mean. From D. S. Park et al., "SpecAugment", Interspeech 2019.
    """
    n, bands, frames = x.shape
    hidden = _stretches(n, bands, x.device)[:, :, None] | _stretches(n, frames, x.device)[:, None]
    return x.masked_fill(hidden, 0.0)


def _stretches(n: int, length: int, device: torch.device) -> Tensor:
    width = torch.rand(n, MASKS, 1, device=device) * LARGEST_MASK * length
    start = torch.rand(n, MASKS, 1, device=device) * (length - width)
    at = torch.arange(length, device=device)
    return ((at >= start) & (at < start + width)).any(dim=1)


PROJECTED = 128
"""Numbers that the losses compare; the projector to them is dropped after training."""

MEMORY = 0.9
"""Decay of a song's place in the bank at each new piece of it."""

RISE = 0.3
"""Share of the run in which the weight of relations rises: at first the bank has none."""


def nt_xent(a: Tensor, b: Tensor, *, temperature: float) -> Tensor:
    """Compute the normalised, temperature-scaled cross entropy of finding the partner among all others in the batch.

    Row *i* of ``a`` and row *i* of ``b`` are two views of one thing; all other rows are of other things. From T. Chen
    et al., "A simple framework for contrastive learning", arXiv 2002.05709.

    Parameters
    ----------
    a, b : Tensor of shape (n, d)
        Vectors of any length; only directions count.
    temperature : float
        With small values only the nearest other rows count.

    Returns
    -------
    Tensor
        Mean over the 2 n rows: log(2 n - 1) at chance, at best 0.

    Examples
    --------
    >>> import torch
    >>> nt_xent(torch.eye(3), torch.eye(3), temperature=0.01).item() < 1e-6
    True
    """
    n = len(a)
    unit = functional.normalize(torch.cat([a, b]), dim=1)
    itself = torch.eye(2 * n, dtype=torch.bool, device=a.device)
    similarity = (unit @ unit.T / temperature).masked_fill(itself, -torch.inf)
    return functional.cross_entropy(similarity, torch.arange(2 * n, device=a.device).roll(n))


class Bank(nn.Module):
    """The place of each song: a running mean of its pieces.

    From Z. Wu et al., "Unsupervised feature learning via non-parametric instance discrimination", arXiv 1805.01978.

    Parameters
    ----------
    songs, size : int
        Number of songs, and numbers of a place.
    """

    def __init__(self, songs: int, size: int) -> None:
        super().__init__()
        self.places: Tensor
        self.visits: Tensor
        self.register_buffer("places", torch.zeros(songs, size))
        self.register_buffer("visits", torch.zeros(songs))

    @torch.no_grad()
    def update(self, songs: Tensor, seen: Tensor) -> None:
        """Move songs towards their new pieces (n, size): the plain mean at first, later with decay :data:`MEMORY`."""
        visits = self.visits[songs]
        keep = torch.minimum(visits / (visits + 1), torch.full_like(visits, MEMORY))[:, None]
        self.places[songs] = keep * self.places[songs] + (1 - keep) * seen
        self.visits[songs] = visits + 1

    def directions(self) -> Tensor:
        """Return unit vectors (songs, size); zeros for songs without a piece so far."""
        return functional.normalize(self.places, dim=1)


def relations(directions: Tensor, songs: Tensor, *, own: float, temperature: float) -> Tensor:
    """Compute the wanted attention of a piece of a song to all songs.

    The share ``own`` belongs to the song itself, the rest to the other songs by their nearness to it. From J. Denize et
    al., "Similarity contrastive estimation", arXiv 2111.14585. A lower temperature than that of the game prefers the
    nearest (M. Zheng et al., "ReSSL", arXiv 2107.09282).

    Parameters
    ----------
    directions : Tensor of shape (m, d)
        Unit vectors of all songs; a song without a piece so far has zeros, and gets no share.
    songs : Tensor of shape (n,)
        The songs of the pieces.
    own : float
        Share of the own song, 0 to 1.
    temperature : float

    Returns
    -------
    Tensor of shape (n, m)
        Rows that sum to 1.

    Examples
    --------
    >>> import torch
    >>> places = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> relations(places, torch.tensor([0]), own=0.5, temperature=0.1).round(decimals=2).tolist()
    [[0.5, 0.5, 0.0]]
    """
    similarity = directions[songs] @ directions.T / temperature
    unknown = ~directions.any(dim=1)
    unknown = unknown.expand(len(songs), -1).scatter(1, songs[:, None], True)  # a song is not its own neighbour
    # At the first step no song has a place, and the shares are NaN.
    shares = similarity.masked_fill(unknown, -torch.inf).softmax(dim=1).nan_to_num(0.0)
    others = shares.sum(dim=1, keepdim=True)
    return (1 - own) * shares + torch.zeros_like(shares).scatter(1, songs[:, None], 1 - (1 - own) * others)


class ContrastiveGame(Game):
    """Training of the network and a projector to :data:`PROJECTED` numbers, by NT-Xent and by the bank.

    Parameters
    ----------
    network : ConvNet
        Trained in place.
    songs : int
        Number of songs.
    temperature, relation, learning_rate, weight_decay
        As in :class:`songspace.encoders.contrastive.Contrastive`.
    device : torch.device
        Device to train on.
    """

    def __init__(
        self,
        network: ConvNet,
        songs: int,
        *,
        temperature: float,
        relation: float,
        learning_rate: float,
        weight_decay: float,
        device: torch.device,
    ) -> None:
        size = network.size
        projector = nn.Sequential(nn.Linear(size, size), nn.BatchNorm1d(size), nn.ReLU(), nn.Linear(size, PROJECTED))
        self.network = network.to(device).train()
        self.projector = projector.to(device)
        self.bank = Bank(songs, PROJECTED).to(device)
        weights = [*network.parameters(), *projector.parameters()]
        self.optimizer = torch.optim.AdamW(weights, weight_decay=weight_decay, fused=True)
        self.modules = {"network": self.network, "projector": self.projector, "bank": self.bank}
        self.optimizers = {"adamw": self.optimizer}
        self.temperature = temperature
        self.relation = relation
        self.learning_rate = learning_rate
        self.device = device

    def step(self, batch: Crops, progress: float) -> dict[str, Tensor]:
        """Train on two pieces of each song of a batch; return the losses."""
        set_rate(self.optimizer, self.learning_rate * one_cycle(progress))
        decibels = recolor(torch.from_numpy(batch.decibels).to(self.device))
        views = mask(self.network.standardize(decibels))
        with fast_autocast(self.device):
            projected = self.projector(self.network.represent(views))
        a, b = projected.float().chunk(2)
        songs = torch.from_numpy(batch.songs).to(self.device)
        contrast = nt_xent(a, b, temperature=self.temperature)
        losses, loss = {"loss": contrast}, contrast
        if self.relation:
            losses["relation"] = self._relate(a, b, songs, progress)
            loss = (contrast + losses["relation"]) / 2
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return {name: value.detach() for name, value in losses.items()}

    def _relate(self, a: Tensor, b: Tensor, songs: Tensor, progress: float) -> Tensor:
        """Compute the cross entropy between the attention of pieces to all songs and the wanted one."""
        directions = self.bank.directions()
        own = 1 - self.relation * min(1.0, progress / RISE)
        wanted = relations(directions, songs, own=own, temperature=self.temperature / 2)
        pieces = functional.normalize(torch.stack([a, b]), dim=2)
        attention = (pieces @ directions.T / self.temperature).log_softmax(dim=2)
        self.bank.update(songs, pieces.detach().mean(0))
        return -(wanted * attention).sum(dim=2).mean()
