"""Monitors of an adversarial game: figures without labels, and sentences about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import mannwhitneyu
from torch import Tensor

from songspace.encoders.ali_networks import Codec
from songspace.encoders.base import spread
from songspace.encoders.baselines import PCA
from songspace.encoders.devices import fast_autocast

WON = 0.98
"""Area under the discriminator's curve above which its opponents learn nothing from it."""

PATIENCE = 1000
"""Steps for which the area must have been so large; a game is not judged before."""

NO_INFORMATION = 0.9
"""Error of codes after decoding and encoding, above which the players are not each other's inverse."""

SOME = 128
"""Pairs for the discriminator's area under the curve, and samples that are searched for repeats."""

BATCH = 64


class Monitors:
    """Measurements of a game on fixed pictures, best from songs that it is not trained on.

    Parameters
    ----------
    pictures : Tensor of shape (n, 1, *grid)
        Pictures in the form that the networks take, on the device of the game.
    songs : ndarray of shape (n,), optional
        The song of each picture, in their order within the song. Without it retrieval is not measured.
    reference : ndarray of shape (m, *grid)
        Pictures of the training songs, for the PCA that the reconstruction is compared with.
    latent : int
        Components of that PCA.
    """

    def __init__(self, pictures: Tensor, songs: np.ndarray | None, reference: np.ndarray, latent: int) -> None:
        self.pictures, self.songs = pictures, songs
        flat = pictures[:, 0].cpu().numpy()
        self.variance = float(flat.var(axis=0, dtype=np.float64).mean()) or 1.0
        pca = PCA(n_components=latent).fit(reference)
        self.pca_error = _squared_error(pca.inverse_transform(pca.transform(flat)), flat) / self.variance
        self.close = float(np.median(nearest_distances(self.some().flatten(1)).cpu())) / 2

    def some(self) -> Tensor:
        """Return at most 128 of the pictures, spread evenly."""
        return self.pictures[spread(len(self.pictures), SOME)]

    @torch.no_grad()
    def measure(self, codec: Codec) -> dict[str, float]:
        """Measure a codec in evaluation mode: see :attr:`songspace.encoders.ali.ALI.history_`."""
        device = self.pictures.device
        prior = torch.randn(len(self.some()), codec.latent, device=device)
        with fast_autocast(device):
            codes = torch.cat([codec.encode(x).float() for x in self.pictures.split(BATCH)])
            squares = [
                (codec.decode(z).float() - x).square().mean((1, 2, 3))
                for x, z in zip(self.pictures.split(BATCH), codes.split(BATCH), strict=True)
            ]
            samples = torch.cat([codec.decode(z).float() for z in prior.split(BATCH)])
            again = torch.cat([codec.encode(x).float() for x in samples.split(BATCH)])
        vectors = codes.cpu().numpy().astype(np.float64)
        figures = {
            "cycle_x": float(torch.cat(squares).mean()) / self.variance,
            "cycle_x_pca": self.pca_error,
            "cycle_z": float((again - prior).square().sum() / prior.square().sum()),
            "code_mean": float(np.sqrt(np.square(vectors.mean(axis=0)).mean())),
            "code_spread": float(vectors.std(axis=0).mean()),
            "effective_rank": effective_rank(vectors),
            "repeats": float((nearest_distances(samples.flatten(1)) < self.close).float().mean()),
        }
        if self.songs is not None:
            figures["retrieval"], figures["chance"] = same_song_retrieval(vectors, self.songs)
        return figures


def area_under_curve(higher: np.ndarray, lower: np.ndarray) -> float:
    """Compute the probability that a random score of ``higher`` is above one of ``lower``; ties count half.

    Examples
    --------
    >>> area_under_curve(np.array([0.9, 0.4]), np.array([0.1, 0.5]))
    0.75
    """
    wins = mannwhitneyu(higher, lower, method="asymptotic").statistic
    return float(wins / (len(higher) * len(lower)))


def effective_rank(vectors: np.ndarray) -> float:
    """Compute the effective rank of vectors (n, d): the exponential of the entropy of their shares of variance.

    From O. Roy and M. Vetterli, "The effective rank", EUSIPCO 2007. It is 0 for equal vectors.

    Examples
    --------
    >>> round(effective_rank(np.array([[1.0, 1, 0], [1, -1, 0], [-1, 1, 0], [-1, -1, 0]])), 6)
    2.0
    """
    if not np.isfinite(vectors).all():
        return float("nan")
    values = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False) ** 2
    if not values.sum() > 0:
        return 0.0
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def nearest_distances(points: Tensor) -> Tensor:
    """Compute the distance of each of at least two points (n, d) to its nearest neighbour."""
    distances = torch.cdist(points, points)
    return distances.fill_diagonal_(torch.inf).amin(dim=1)


def same_song_retrieval(vectors: np.ndarray, songs: np.ndarray) -> tuple[float, float]:
    """Compute the share of segments whose nearest neighbour, by angle, is of their own song, and that by chance.

    Segments next to each other in a song are not compared, because they may overlap.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
    songs : ndarray of shape (n,)
        The song of each segment, in the order of its segments; at least three for each song.
    """
    centred = vectors - vectors.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.finfo(float).tiny)
    same = songs[:, None] == songs
    place = np.arange(len(songs))
    allowed = ~(same & (np.abs(place[:, None] - place) <= 1))
    nearest = np.where(allowed, centred @ centred.T, -np.inf).argmax(axis=1)
    retrieval = float((songs[nearest] == songs).mean())
    return retrieval, float(((same & allowed).sum(axis=1) / allowed.sum(axis=1)).mean())


class Trouble(NamedTuple):
    """A fault of a game: its kind, and a sentence about it."""

    kind: str
    sentence: str


def trouble(history: Mapping[str, Sequence[float]]) -> Trouble | None:
    """Return the fault that the latest monitors show, or None."""
    steps, latest = history["watched"], {name: values[-1] for name, values in history.items()}
    recent = [auc for step, auc in zip(steps, history.get("auc", ()), strict=False) if step >= steps[-1] - PATIENCE]
    if recent and steps[-1] - steps[0] >= PATIENCE and min(recent) > WON:
        return Trouble(
            "won",
            f"The discriminator has won (area under the curve {latest['auc']:.3f} for {PATIENCE:,} steps; 0.5 is an "
            "even game): encoder and decoder learn nothing more of it.",
        )
    if latest["effective_rank"] < 2:
        return Trouble(
            "ignored",
            f"The encoder ignores its input: its codes vary in {latest['effective_rank']:.1f} directions only.",
        )
    if "retrieval" in latest and latest["retrieval"] < 2 * latest["chance"]:
        return Trouble(
            "ignored",
            f"The encoder ignores its input: a segment finds its own song in {latest['retrieval']:.1%} of cases, and "
            f"by chance in {latest['chance']:.1%}.",
        )
    if latest["cycle_z"] > NO_INFORMATION:
        return Trouble(
            "lost",
            f"Codes do not survive decoding and encoding (error {latest['cycle_z']:.2f}; 1 is no information): "
            "encoder and decoder have not become each other's inverse.",
        )
    return None


def verdict(history: Mapping[str, Sequence[float]], step: int) -> str:
    """Return a sentence or two about a finished game; the encoder of ``step`` is kept."""
    at = list(history["watched"]).index(step)
    parts = [f"cycle error of codes {history['cycle_z'][at]:.2f}"]
    parts.append(f"of songs {history['cycle_x'][at]:.2f} (PCA: {history['cycle_x_pca'][at]:.2f})")
    if "auc" in history:
        parts.append(f"area under the discriminator's curve {history['auc'][at]:.2f}")
    if "retrieval" in history:
        parts.append(f"same-song retrieval {history['retrieval'][at]:.1%} (chance {history['chance'][at]:.1%})")
    else:
        parts.append("same-song retrieval not measured: too few songs to hold out")
    fault = trouble(history)
    summary = fault.sentence if fault else "Nothing has gone wrong."
    if step == 0:
        summary = "Nothing was learnt: the weights are as they were drawn."
    return f"{summary} The encoder of step {step:,} is kept: {', '.join(parts)}."


def _squared_error(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.square(a - b, dtype=np.float64).mean())
