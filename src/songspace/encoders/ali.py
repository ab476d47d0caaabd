"""Adversarially learned inference: an encoder and a decoder that a discriminator cannot tell apart.

The poster's idea, after V. Dumoulin et al. (arXiv 1606.00704) and J. Donahue et al. (arXiv
1605.09782): the encoder turns songs into codes, the decoder turns random codes into songs, and a
discriminator that sees pairs of both must say who made a pair. Where it cannot, the encoder has
become the decoder's inverse and its codes follow the prior.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from songspace.encoders.ali_networks import SIZES, Average, Codec, Discriminator
from songspace.encoders.checks import check_number, check_seed
from songspace.encoders.devices import choose_device, fast_autocast, seeded
from songspace.encoders.networks import NetworkEncoder
from songspace.encoders.training import (
    Game,
    Limits,
    Progress,
    epochs,
    set_rate,
    steady_then_down,
    train,
)
from songspace.errors import SongspaceError
from songspace.frontends import Frontend, LogMel, PowerSpectrogram

BETAS = (0.5, 0.999)
"""Adam's, for all three players."""


class AdversarialGame(Game):
    """The least-squares game of three players, each with its own optimiser and rate.

    A discriminator's target is 1 for (song, its code) and 0 for (decoded code, the code), in each of
    its heads; encoder and decoder play for the swapped targets. Beside the game stand two helps: a
    cycle (a song must survive encoding and decoding; C. Li et al., "ALICE", NIPS 2017), and noise on
    all that the discriminator sees, which fades over the run (C. K. Sønderby et al., arXiv 1610.04490).

    Parameters
    ----------
    codec, discriminator : Module
        Played with in place.
    rates : dict
        Largest learning rate of ``encoder``, ``decoder`` and ``discriminator``.
    cycle : float
        Weight of the mean absolute error of a song's reconstruction; 0 is the pure game.
    noise : float
        Standard deviation of the noise at the beginning, in standard deviations of the data.
    average : float
        Decay of the running average of the codec, which is what is kept in the end.
    device : torch.device
        Where to play.
    """

    def __init__(
        self,
        codec: Codec,
        discriminator: Discriminator,
        *,
        rates: dict[str, float],
        cycle: float,
        noise: float,
        average: float,
        device: torch.device,
    ) -> None:
        self.codec = codec.to(device).train()
        self.discriminator = discriminator.to(device).train()
        self.average = Average(codec, average)
        self.modules = {
            "codec": self.codec,
            "discriminator": self.discriminator,
            "average": self.average,
        }
        players = {
            "encoder": codec.encoder,
            "decoder": codec.decoder,
            "discriminator": discriminator,
        }
        self.optimizers = {name: torch.optim.Adam(player.parameters(), betas=BETAS) for name, player in players.items()}
        self.rates = rates
        self.cycle = cycle
        self.noise = noise
        self.device = device

    def step(self, batch: np.ndarray, progress: float) -> dict[str, Tensor]:
        """One update of the discriminator, then one of encoder and decoder, on the same pairs."""
        for name, optimizer in self.optimizers.items():
            set_rate(optimizer, self.rates[name] * steady_then_down(progress))
        songs = self.codec.prepare(torch.from_numpy(batch).to(self.device))
        codes = self._prior(len(songs))
        with fast_autocast(self.device):
            encoded, decoded = self.codec.encode(songs), self.codec.decode(codes)
            rebuilt = self.codec.decode(encoded)
        pictures = torch.cat([songs, decoded.float()])
        vectors = torch.cat([encoded.float(), codes])
        noise = self.noise * (1 - progress)

        by_encoder, by_decoder = self._scores(pictures.detach(), vectors.detach(), noise)
        discriminator = (by_encoder - 1).square().mean() + by_decoder.square().mean()
        self._update(discriminator, "discriminator")

        self.discriminator.requires_grad_(False)
        by_encoder, by_decoder = self._scores(pictures, vectors, noise)
        encoder, decoder = by_encoder.square().mean(), (by_decoder - 1).square().mean()
        cycle = (rebuilt.float() - songs).abs().mean()
        self._update(encoder + decoder + self.cycle * cycle, "encoder", "decoder")
        self.discriminator.requires_grad_(True)
        self.average.update(self.codec)
        return {
            "discriminator": discriminator.detach(),
            "encoder": encoder.detach(),
            "decoder": decoder.detach(),
            "cycle_x": cycle.detach(),
            "score_encoder": by_encoder[:, 0].mean().detach(),
            "score_decoder": by_decoder[:, 0].mean().detach(),
        }

    @torch.no_grad()
    def watch(self, batch: np.ndarray) -> dict[str, Tensor]:
        """The error of a code after decoding and encoding; 1 is what ignoring the song would give."""
        codec, codes = self.average.codec, self._prior(len(batch))
        again = codec.encode(codec.decode(codes))
        return {"cycle_z": (again - codes).square().sum() / codes.square().sum()}

    def _prior(self, n: int) -> Tensor:
        return torch.randn(n, self.codec.latent, device=self.device)

    def _scores(self, pictures: Tensor, vectors: Tensor, noise: float) -> tuple[Tensor, Tensor]:
        """What the discriminator says of the encoder's pairs, and of the decoder's."""
        blurred = pictures + noise * torch.randn_like(pictures)
        with fast_autocast(self.device):
            scores = self.discriminator(blurred, vectors)
        by_encoder, by_decoder = scores.float().chunk(2)
        return by_encoder, by_decoder

    def _update(self, loss: Tensor, *players: str) -> None:
        for name in players:
            self.optimizers[name].zero_grad()
        loss.backward()
        for name in players:
            self.optimizers[name].step()


class ALI(NetworkEncoder):
    """Codes of an adversarial game between an encoder, a decoder and a discriminator.

    Parameters
    ----------
    size : {"small", "poster"}
        The networks. ``"poster"`` takes the poster's 257 x 430 spectrograms and wants a GPU;
        ``"small"`` averages spectrograms of any shape down to 64 x 128 first and trains on two cores.
    latent : int
        Numbers in a code.
    cycle, noise, encoder_rate, decoder_rate, discriminator_rate, average
        The rules of the game: see :class:`AdversarialGame`.
    batch_size : int
        Spectrograms in a step; all of them if there are fewer.
    steps, minutes : int, float or None
        When to stop, whichever comes first.
    frontend : Frontend, optional
        Maker of the spectrograms: by default ``LogMel()`` for the small size and
        ``PowerSpectrogram(log=True)`` for the poster's. Wants a logarithmic one: bands are standardised
        and clipped at four standard deviations, which in plain power leaves nothing but the loudest.
    random_state : int
        Seed of all that is random.
    device : {"auto", "cpu", "cuda"}
        Where to train and encode.

    Attributes
    ----------
    history_ : dict of str to list of float
        By ``step``: the losses ``discriminator``, ``encoder`` and ``decoder`` (0.5, 0.25 and 0.25 in an
        even game; 0, 1 and 1 when the discriminator has won); the joint head's mean score of pairs by
        the encoder and by the decoder, ``score_encoder`` and ``score_decoder``; ``cycle_x``, the mean
        absolute error of reconstructed songs in standard deviations; ``cycle_z``, the squared error
        of codes that were decoded and encoded, relative to the codes' own square.

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
    network_: Codec

    def __init__(
        self,
        size: str = "small",
        latent: int = 64,
        cycle: float = 1.0,
        noise: float = 0.1,
        encoder_rate: float = 4e-4,
        decoder_rate: float = 1e-4,
        discriminator_rate: float = 2e-4,
        average: float = 0.999,
        batch_size: int = 64,
        steps: int | None = 8000,
        minutes: float | None = None,
        frontend: Frontend | None = None,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.size = size
        self.latent = latent
        self.cycle = cycle
        self.noise = noise
        self.encoder_rate = encoder_rate
        self.decoder_rate = decoder_rate
        self.discriminator_rate = discriminator_rate
        self.average = average
        self.batch_size = batch_size
        self.steps = steps
        self.minutes = minutes
        self.frontend = frontend
        self.random_state = random_state
        self.device = device

    def get_frontend(self) -> Frontend:
        """The frontend whose spectrograms this encoder takes."""
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
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Self:
        """Play the game on ``X``.

        Parameters
        ----------
        X : array of shape (n, bands, frames)
            At least two spectrograms; as in :meth:`transform`.
        y, groups
            Not used: the game knows of no songs.
        checkpoint, on_progress
            As in :func:`songspace.encoders.training.train`.

        Raises
        ------
        ValueError
            If a parameter or ``X`` is not what it should be.
        SongspaceError
            If there is only one spectrogram, the game comes apart, or there is no such device.
        """
        X = self._start_fit(X)
        self._check()
        if X.shape[0] < 2:
            raise SongspaceError("ALI learns from differences: it needs at least 2 spectrograms.")
        limits, device = Limits(self.steps, self.minutes), choose_device(self.device)
        with seeded(torch.device("cpu"), check_seed(self.random_state)):
            codec = self._build()
            discriminator = SIZES[self.size].discriminator(self.latent)
        codec.standardize.measure(self._sample(X))
        rates = {
            "encoder": self.encoder_rate,
            "decoder": self.decoder_rate,
            "discriminator": self.discriminator_rate,
        }
        game = AdversarialGame(
            codec,
            discriminator,
            rates=rates,
            cycle=self.cycle,
            noise=self.noise,
            average=self.average,
            device=device,
        )
        pick = epochs(X.shape[0], self.batch_size, seed=self.random_state)
        self.history_ = train(
            game,
            lambda step: self._rows(X, pick(step)),
            limits=limits,
            seed=self.random_state,
            device=device,
            checkpoint=checkpoint,
            identity=self._identity(X),
            on_progress=on_progress,
        )
        self.network_ = game.average.codec.cpu()
        return self

    def inverse_transform(self, Z: Any) -> np.ndarray:
        """Decode.

        Parameters
        ----------
        Z : array of shape (n, latent)
            Codes, as :meth:`transform` gives them or drawn from the standard normal prior.

        Returns
        -------
        ndarray of shape (n, bands, frames), float32
            Spectrograms of the fitted shape, in the frontend's unit. The small networks decode 64 x 128
            pixels, which are stretched to that shape, so that they show no finer detail.

        Raises
        ------
        ValueError
            If the codes have another length.
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
        return Codec(self.shape_, SIZES[self.size], self.latent)

    def _check(self) -> None:
        if self.size not in SIZES:
            raise ValueError(f"size must be one of {', '.join(SIZES)}, got {self.size!r}")
        if self.size == "poster" and self.shape_ != SIZES["poster"].grid:
            raise ValueError(f"size='poster' takes spectrograms of 257x430, got {self.shape_}")
        check_number("latent", self.latent, least=1, whole=True)
        check_number("batch_size", self.batch_size, least=2, whole=True)
        for name in ("encoder_rate", "decoder_rate", "discriminator_rate"):
            check_number(name, getattr(self, name), above=0)
        for name in ("cycle", "noise", "average"):
            check_number(name, getattr(self, name))
        if not self.average < 1:
            raise ValueError(f"average must be below 1, got {self.average!r}")
