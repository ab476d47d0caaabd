"""Adversarially learned inference: an encoder and a decoder whose pairs a discriminator cannot distinguish.

The idea of the poster, after V. Dumoulin et al. (arXiv 1606.00704) and J. Donahue et al. (arXiv 1605.09782): the
encoder turns songs into codes, the decoder turns random codes into songs, and a discriminator classifies pairs of song
and code by their origin. If it cannot, the encoder is the inverse of the decoder, and its codes follow the prior.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from songspace.encoders.ali_game import AdversarialGame, GameRules, Pictures, hold_out, thinned
from songspace.encoders.ali_monitors import Monitors, verdict
from songspace.encoders.ali_networks import SIZES, Bounds, Codec
from songspace.encoders.base import Encoder, check_spectrograms
from songspace.encoders.baselines import PCA
from songspace.encoders.checks import check_number, check_seed, group_codes
from songspace.encoders.convnet import calibrate
from songspace.encoders.devices import choose_device, seeded
from songspace.encoders.networks import NetworkEncoder
from songspace.encoders.registry import Plan
from songspace.encoders.training import CameApartError, Limits, TrainingProgress, epochs, train
from songspace.errors import SongspaceError
from songspace.frontends import Frontend, LogMel, PowerSpectrogram

PLAYERS = {
    "all": ("encoder", "decoder", "discriminator"),
    "without decoder": ("encoder", "discriminator"),
    "none": (),
}
"""The players that learn, by the value of ``trained``."""

REFERENCE = 1024
"""Pictures that a PCA is fitted to; its reconstruction is the reference for that of the game."""

WATCHED = 256
"""Pictures for the monitors if no songs are held out."""

CHOICES = {
    "size": tuple(SIZES),
    "trained": tuple(PLAYERS),
    "norm": ("spectral", "keras", "none"),
    "keep": ("best", "last"),
}


class ALI(NetworkEncoder):
    """Codes of an adversarial game between an encoder, a decoder and a discriminator.

    The defaults are the corrected game; :data:`RUNGS` has the parameters of the poster's.

    Parameters
    ----------
    size : {"small", "poster"}
        The networks. ``"poster"`` takes the poster's 257 x 430 spectrograms and needs a GPU. ``"small"`` averages
        spectrograms of any shape down to 64 x 128 first, and trains on two cores.
    latent : int
        Numbers in a code.
    trained : {"all", "without decoder", "none"}
        The players that learn. ``"none"`` keeps the random weights, measures the statistics of the batch norms on the
        data, and takes no steps.
    standardize : bool
        Bring each band to mean 0 and deviation 1, and clip at four deviations. Without it, only the loudest pixels of
        plain power would count.
    unit_codes : bool
        Bring each number of a code to mean 0 and deviation 1 over the songs.
    norm, unary, dropout
        Regularisation of the discriminator: see :class:`songspace.encoders.ali_networks.Bounds`. With
        ``norm="keras"`` all three networks begin with the defaults of Keras, like the poster's, and are trained in
        32-bit floats.
    penalty : float
        Weight of the absolute and of the squared weights of the discriminator's last two convolutions and its three
        joint layers.
    cycle : float
        Weight of the mean absolute error of a song's reconstruction; 0 is the pure game.
    noise : float
        Standard deviation of the noise on the discriminator's input, in the unit of that input.
    annealed : bool
        Let the noise fall to 0 over the run, and the rates over its second half.
    soft_targets : bool
        Draw positive targets from 0.7 to 0.9, instead of 1.
    encoder_rate, decoder_rate, discriminator_rate : float
        Largest learning rates.
    beta2 : float
        Adam's second decay, of all three; the first is 0.5.
    turns : int
        The discriminator learns from one batch out of this number. With 1, all players learn from every batch. With
        more, only the discriminator learns from that batch, with dropout; encoder and decoder learn from the others.
    average : float
        Decay of the running average of encoder and decoder, which is kept; with 0 they are kept themselves.
    keep : {"best", "last"}
        The encoder to keep: the last one, or the one with the best retrieval of segments of the same song, among songs
        held out of training (measured every 200 steps; the last one if no songs are held out).
    batch_size : int
        Spectrograms in a step; all of them if there are fewer.
    steps, minutes : int, float or None
        Limits of the training; the first one that is reached ends it.
    frontend : Frontend, optional
        Maker of the spectrograms: by default ``LogMel()`` for the small size and
        ``PowerSpectrogram(log=True)`` for the poster's.
    random_state : int
        Seed of all that is random.
    device : {"auto", "cpu", "cuda"}
        Device to train and encode on.

    Attributes
    ----------
    history_ : dict of str to list of float
        For each ``step``, the losses ``discriminator``, ``encoder`` and ``decoder`` (0.5, 0.25 and 0.25 in an even
        game; 0, 1 and 1 when the discriminator has won; with soft targets 0.32 for both sides, and 0 and 1.28), and
        ``cycle``, the mean absolute error of reconstructed songs. For each step in ``watched``, the monitors. ``auc``:
        the area under the curve of the discriminator (0.5: it cannot distinguish the pairs at all). Of the averaged
        encoder and decoder, on songs held out if possible: ``cycle_x``, the share of variance that the reconstruction
        misses, and ``cycle_x_pca``, that of a PCA with the same number of components; ``cycle_z``, the squared error of
        random codes that were decoded and encoded, relative to their own square (1: no information); ``code_mean``,
        ``code_spread`` and ``effective_rank`` of the songs' codes, which under the prior are 0, 1 and ``latent``;
        ``repeats``, the share of decoded random codes that are closer to another one than half the median distance
        between nearest songs; ``retrieval``, the share of segments whose nearest other segment is of their own song,
        and ``chance``.
    verdict_ : str
        A sentence or two about the course of the game.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(-30, 10, (8, 64, 251)).astype(np.float32)
    >>> ali = ALI(steps=2, device="cpu").fit(X)
    >>> codes = ali.transform(X)
    >>> codes.shape, ali.inverse_transform(codes).shape
    ((8, 64), (8, 64, 251))
    """

    name: ClassVar[str] = "ali"
    plan: ClassVar[Plan | None] = Plan(per_song=20, least=3000, most=6000, batch=64, views=1, speed=200)
    seconds_to_encode: ClassVar[float] = 0.0075
    network_: Codec

    def __init__(
        self,
        size: str = "small",
        latent: int = 64,
        trained: str = "all",
        standardize: bool = True,
        unit_codes: bool = True,
        norm: str = "spectral",
        unary: bool = True,
        dropout: float = 0.0,
        penalty: float = 0.0,
        cycle: float = 1.0,
        noise: float = 0.1,
        annealed: bool = True,
        soft_targets: bool = False,
        encoder_rate: float = 4e-4,
        decoder_rate: float = 4e-4,
        discriminator_rate: float = 1e-4,
        beta2: float = 0.999,
        turns: int = 1,
        average: float = 0.999,
        keep: str = "best",
        batch_size: int = 64,
        steps: int | None = 8000,
        minutes: float | None = None,
        frontend: Frontend | None = None,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.size = size
        self.latent = latent
        self.trained = trained
        self.standardize = standardize
        self.unit_codes = unit_codes
        self.norm = norm
        self.unary = unary
        self.dropout = dropout
        self.penalty = penalty
        self.cycle = cycle
        self.noise = noise
        self.annealed = annealed
        self.soft_targets = soft_targets
        self.encoder_rate = encoder_rate
        self.decoder_rate = decoder_rate
        self.discriminator_rate = discriminator_rate
        self.beta2 = beta2
        self.turns = turns
        self.average = average
        self.keep = keep
        self.batch_size = batch_size
        self.steps = steps
        self.minutes = minutes
        self.frontend = frontend
        self.random_state = random_state
        self.device = device

    def get_frontend(self) -> Frontend:
        """Return the frontend whose spectrograms this encoder takes."""
        if self.frontend is not None:
            return self.frontend
        return PowerSpectrogram(log=True) if self.size == "poster" else LogMel()

    def fit(
        self,
        X: Any,
        y: None = None,
        *,
        groups: Any = None,
        checkpoint: Path | None = None,
        on_progress: Callable[[TrainingProgress], None] | None = None,
    ) -> Self:
        """Play the game on ``X``.

        Parameters
        ----------
        X : array of shape (n, bands, frames)
            At least two spectrograms; as in :meth:`transform`.
        y
            Not used.
        groups : array of shape (n,), optional
            The song of each row, rows of a song in their order. The game itself does not use songs. From 20 songs up,
            a tenth of them, at most 50, is held out for the monitors and for the choice of the best encoder.
        checkpoint, on_progress
            As in :func:`songspace.encoders.training.train`.

        Raises
        ------
        ValueError
            If a parameter or ``X`` is not valid.
        SongspaceError
            If there is only one spectrogram, or no such device, or the game diverges within its first 200 steps.
            (Later, the result is the encoder that was kept until then, and ``verdict_`` says so.)
        """
        X = check_spectrograms(X)
        limits, device = Limits(self.steps, self.minutes), choose_device(self.device)
        game, pictures = self.set_up(X, groups)
        if self.trained == "none":
            with seeded(device, self.random_state):
                figures = game.monitor(0)
            self.history_ = {"watched": [0.0]} | {name: [figure] for name, figure in figures.items() if name != "auc"}
            self._take(game.result().cpu())
            self.verdict_ = verdict(self.history_, 0)
            return self
        pick = epochs(len(pictures), self.batch_size, seed=self.random_state)
        apart = ""
        try:
            self.history_ = train(
                game,
                lambda step: pictures[pick(step)],
                limits=limits,
                seed=self.random_state,
                device=device,
                checkpoint=checkpoint,
                identity=self._identity(X, () if groups is None else group_codes(groups, X.shape[0])),
                on_progress=on_progress,
            )
        except CameApartError as error:
            if game.kept.step <= 1:
                raise
            self.history_, apart = error.history, f"{error} "
        self._take((game.kept.codec if apart else game.result()).cpu())
        self.verdict_ = apart + verdict(self.history_, int(game.kept.step))
        return self

    def controls(self) -> dict[str, Encoder]:
        if self.trained == "none":
            return {}
        untrained = clone(self).set_params(trained="none")
        return {"untrained": untrained, "no-network": PCA(self.latent, frontend=self.frontend)}

    def set_up(self, X: Any, groups: Any = None) -> tuple[AdversarialGame, Pictures]:
        """Return the game before its first step, and its pictures.

        :meth:`fit` begins with it; parameters and errors are the same. It serves measurements and experiments.
        """
        X = self._start_fit(X)
        self._check()
        if X.shape[0] < 2:
            raise SongspaceError("ALI learns from differences: it needs at least 2 spectrograms.")
        device = choose_device(self.device)
        songs = None if groups is None else group_codes(groups, X.shape[0])
        held_out = hold_out(songs, seed=check_seed(self.random_state))
        rows = np.setdiff1d(np.arange(X.shape[0]), held_out)
        with seeded(torch.device("cpu"), self.random_state):
            codec = self._build()
            discriminator = SIZES[self.size].discriminator(
                self.latent, Bounds(norm=self.norm, unary=self.unary, dropout=self.dropout)
            )
        if self.standardize:
            codec.standardize.measure(self._sample(X, among=rows))
        if self.trained == "none":
            self._calibrate(codec, X, rows)
        codec.to(device)
        pictures = Pictures(codec, lambda part: self._rows(X, part), rows, device)
        reference = torch.cat([batch[:, 0].cpu() for batch in pictures.spread(REFERENCE)]).numpy()
        if songs is None or not len(held_out):
            watched, songs_watched = pictures.spread(WATCHED), None
        else:
            aside = thinned(held_out, songs)
            watched, songs_watched = Pictures(codec, pictures.rows, aside, device).spread(len(aside)), songs[aside]
        game = AdversarialGame(
            codec,
            discriminator,
            rules=GameRules(
                rates={name: getattr(self, f"{name}_rate") for name in PLAYERS["all"]},
                **{name: getattr(self, name) for name in GameRules.__dataclass_fields__ if name != "rates"},
            ),
            players=PLAYERS[self.trained],
            device=device,
            monitors=Monitors(torch.cat(list(watched)), songs_watched, reference, self.latent),
        )
        return game, pictures

    def inverse_transform(self, Z: Any) -> np.ndarray:
        """Decode codes to spectrograms.

        Parameters
        ----------
        Z : array of shape (n, latent)
            Codes from :meth:`transform`, or drawn from the standard normal prior.

        Returns
        -------
        ndarray of shape (n, bands, frames), float32
            Spectrograms of the fitted shape, in the frontend's unit. The small networks decode 64 x 128 pixels, which
            are stretched to that shape: they show no finer detail.

        Raises
        ------
        ValueError
            If a code has not ``latent`` numbers.
        """
        check_is_fitted(self)
        Z = np.asarray(Z, np.float32)
        if Z.ndim != 2 or Z.shape[1] != self.latent:
            raise ValueError(f"Expected codes of shape (n, {self.latent}), got {Z.shape}")
        device = choose_device(self.device)
        codec = self.network_.to(device)
        spectrograms = np.empty((len(Z), *self.shape_), np.float32)
        with torch.inference_mode():
            for start in range(0, len(Z), self.batch_rows):
                codes = torch.from_numpy(Z[start : start + self.batch_rows]).to(device)
                spectrograms[start : start + self.batch_rows] = codec.render(codes).cpu().numpy()
        return spectrograms

    def _build(self) -> Codec:
        return Codec(
            self.shape_,
            SIZES[self.size],
            self.latent,
            standardize=self.standardize,
            unit_codes=self.unit_codes,
            keras=self.norm == "keras",
        )

    def _calibrate(self, codec: Codec, X: Any, rows: np.ndarray) -> None:
        calibrate(codec, self._sample(X, among=rows))  # type: ignore[arg-type]  # it takes any network with batch norms
        with seeded(torch.device("cpu"), self.random_state), torch.no_grad():
            for _ in range(8):
                codec.decode(torch.randn(64, self.latent))

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        super()._restore(arrays, facts)
        if "verdict" in facts:
            self.verdict_ = facts["verdict"]

    def _facts(self) -> dict[str, Any]:
        return super()._facts() | ({"verdict": self.verdict_} if hasattr(self, "verdict_") else {})

    def _check(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}")
        if self.size == "poster" and self.shape_ != SIZES["poster"].grid:
            raise ValueError(f"size='poster' takes spectrograms of 257x430, got {self.shape_}")
        for name in ("standardize", "unit_codes", "unary", "annealed", "soft_targets"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")
        check_number("latent", self.latent, least=1, whole=True)
        check_number("batch_size", self.batch_size, least=2, whole=True)
        check_number("turns", self.turns, least=1, whole=True)
        for name in ("encoder_rate", "decoder_rate", "discriminator_rate"):
            check_number(name, getattr(self, name), above=0)
        for name in ("cycle", "noise", "penalty"):
            check_number(name, getattr(self, name))
        for name in ("average", "beta2", "dropout"):
            check_number(name, getattr(self, name))
            if not getattr(self, name) < 1:
                raise ValueError(f"{name} must be below 1, got {getattr(self, name)!r}")


_AS_DESCRIBED: dict[str, Any] = {
    "frontend": PowerSpectrogram(),
    "standardize": False,
    "unit_codes": False,
    "norm": "keras",
    "unary": False,
    "dropout": 0.3,
    "penalty": 1e-4,
    "cycle": 0.0,
    "noise": 10.0,
    "annealed": False,
    "soft_targets": True,
    "encoder_rate": 5e-5,
    "decoder_rate": 5e-5,
    "discriminator_rate": 5e-5,
    "turns": 5,
    "average": 0.0,
    "keep": "last",
    "batch_size": 101,
}

POSTER_STEPS = 5350
"""Batches of the poster's training: 4,280 for encoder and decoder, 1,070 for the discriminator."""

RUNGS: dict[str, dict[str, Any]] = {
    "random weights": {"frontend": PowerSpectrogram(log=True), "trained": "none"},
    "as run": _AS_DESCRIBED | {"trained": "without decoder", "beta2": 0.001},
    "as described": _AS_DESCRIBED,
    "done right": {"frontend": PowerSpectrogram(log=True)},
}
"""The poster's ladder: parameters of :class:`songspace.encoders.ali.ALI`, from nothing learnt to the defaults.

Each has the frontend for the poster's spectrograms: plain power where it repeats the poster, otherwise decibels.
``ALI(**RUNGS["as run"], size="small", steps=5350)``.
"""
