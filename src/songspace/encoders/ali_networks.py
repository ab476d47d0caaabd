"""The networks of adversarially learned inference, in the poster's size and in a small one for two cores.

The poster's networks have no padding, and a batch norm *after* each LeakyReLU, on 257 x 430 bins and frames. The small
ones have the same order of layers with 4x4 convolutions of stride 2. The rungs of the poster's ladder differ in the
regularisation of the discriminator and in its unary heads. The rungs that repeat the poster also begin with the
defaults of Keras, which the poster's networks had.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from songspace.encoders.networks import Standardize, lay_out

SLOPE = 0.1
CLIP = 4.0
"""Standard deviations at which pixels are clipped, so that no outlier dominates."""


class Codec(nn.Module):
    """Encoder and decoder between spectrograms in the frontend's unit and the latent space.

    A spectrogram is standardised band by band and clipped (unless ``standardize`` is false), averaged down to the
    ``grid`` of the networks if it has another shape, and given a channel axis. Each number of a code has mean 0 and
    deviation 1 over the songs, as under the prior (unless ``unit_codes`` is false). With ``keras`` both networks begin
    :func:`as_in_keras`.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        size: NetworkSet,
        latent: int,
        *,
        standardize: bool = True,
        unit_codes: bool = True,
        keras: bool = False,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.grid = size.grid
        self.latent = latent
        self.clip = CLIP if standardize else math.inf
        self.standardize = Standardize(shape[0])
        self.encoder = size.encoder(latent)
        if unit_codes:
            self.encoder = nn.Sequential(self.encoder, nn.BatchNorm1d(latent, affine=False))
        self.decoder = size.decoder(latent)
        if keras:
            as_in_keras(self)
        lay_out(self)

    def forward(self, spectrograms: Tensor) -> Tensor:
        return self.encode(self.prepare(spectrograms))

    def prepare(self, spectrograms: Tensor) -> Tensor:
        """Standardise, resize and clip spectrograms (n, bands, frames) to pictures (n, 1, *grid)."""
        x = self.standardize(spectrograms)[:, None]
        if self.shape != self.grid:
            x = functional.adaptive_avg_pool2d(x, self.grid)
        return x.clamp(-self.clip, self.clip)

    def encode(self, x: Tensor) -> Tensor:
        vectors: Tensor = self.encoder(x)
        return vectors

    def decode(self, z: Tensor) -> Tensor:
        pictures: Tensor = self.decoder(z)
        return pictures

    def render(self, z: Tensor) -> Tensor:
        """Decode to spectrograms (n, bands, frames) in the frontend's unit."""
        x = self.decode(z)
        if self.shape != self.grid:
            x = functional.interpolate(x, self.shape, mode="bilinear", align_corners=False)
        return self.standardize.undo(x[:, 0])


@dataclass(frozen=True)
class Bounds:
    """Regularisation of a discriminator.

    Attributes
    ----------
    norm : {"spectral", "keras", "none"}
        Spectral norm on every layer (T. Miyato et al., arXiv 1802.05957), or batch norm as on the poster: after every
        LeakyReLU of the trunk for the spectrogram and nowhere else, in a network that begins :func:`as_in_keras`.
    unary : bool
        Add heads for the spectrogram alone and for the code alone (J. Donahue and K. Simonyan, "BigBiGAN", arXiv
        1907.02544) to the joint one.
    dropout : float
        Dropout after the first and the second joint layer.
    """

    norm: str = "spectral"
    unary: bool = True
    dropout: float = 0.0


class Discriminator(nn.Module):
    """Classifier of pairs (spectrogram, its code) and (decoded code, the code), with a score from each head.

    Parameters
    ----------
    trunk : Module
        Network from a spectrogram (n, 1, *grid) to ``features`` numbers.
    features, latent, width, hidden : int
        Numbers of the trunk's output, of a code, of the features of a code, and of the joint layers.
    bounds : Bounds
    """

    def __init__(
        self, trunk: nn.Module, *, features: int, latent: int, width: int, hidden: int, bounds: Bounds
    ) -> None:
        super().__init__()
        self.of_x = trunk
        self.of_z = nn.Sequential(*_dense(latent, width), *_dense(width, width))
        self.joint = nn.Sequential(
            *_dense(features + width, hidden),
            nn.Dropout(bounds.dropout),
            *_dense(hidden, hidden),
            nn.Dropout(bounds.dropout),
            nn.Linear(hidden, 1),
        )
        self.unary_x = nn.Linear(features, 1) if bounds.unary else None
        self.unary_z = nn.Linear(width, 1) if bounds.unary else None
        self.apart = bounds.norm == "keras"
        """True if the two kinds of pairs are scored one after the other, each with its own statistics."""
        if bounds.norm == "keras":
            as_in_keras(self)
        if bounds.norm == "spectral":
            for module in list(self.modules()):
                if isinstance(module, nn.Conv2d | nn.Linear):
                    spectral_norm(module)
        lay_out(self)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return scores (n, heads), the joint one first."""
        of_x, of_z = self.of_x(x), self.of_z(z)
        scores = [self.joint(torch.cat([of_x, of_z], dim=1))]
        if self.unary_x is not None and self.unary_z is not None:
            scores += [self.unary_x(of_x), self.unary_z(of_z)]
        return torch.cat(scores, dim=1)

    def drop(self, drops: bool) -> None:
        """Switch dropout on or off; the mode of the other layers does not change."""
        for module in self.joint:
            if isinstance(module, nn.Dropout):
                module.train(drops)

    def penalty(self) -> Tensor:
        """Sum the absolute and squared weights of the trunk's last two convolutions and the joint layers."""
        convolutions = [module for module in self.of_x.modules() if isinstance(module, nn.Conv2d)]
        joint = [module for module in self.joint if isinstance(module, nn.Linear)]
        weights = [module.weight for module in convolutions[-2:]] + [module.weight for module in joint]
        return torch.stack([weight.abs().sum() + weight.square().sum() for weight in weights]).sum()


class Average(nn.Module):
    """A running average of a codec's weights and statistics: steadier than the codec itself.

    The first steps have a greater weight than ``1 - decay``, so that the random weights soon do not count any more.
    """

    def __init__(self, codec: Codec, decay: float) -> None:
        super().__init__()
        self.codec = copy.deepcopy(codec).requires_grad_(False).eval()
        self.decay = decay
        self.updates: Tensor
        self.register_buffer("updates", torch.zeros(()))

    @torch.no_grad()
    def update(self, codec: Codec) -> None:
        """Move the average towards ``codec``."""
        self.updates += 1
        keep = min(self.decay, float(self.updates / (self.updates + 9)))
        theirs = codec.state_dict()
        for key, value in self.codec.state_dict().items():
            if value.is_floating_point():
                value.lerp_(theirs[key], 1 - keep)
            else:
                value.copy_(theirs[key])


@dataclass(frozen=True)
class NetworkSet:
    """A set of networks that fit together."""

    grid: tuple[int, int]
    encoder: Callable[[int], nn.Module]
    decoder: Callable[[int], nn.Module]
    discriminator: Callable[[int, Bounds], Discriminator]


def as_in_keras(network: nn.Module) -> None:
    """Initialise a network with the defaults of Keras 2.

    Weights are Glorot-uniform and biases 0. Batch norms add 0.001 to the variance, and keep 0.99 of their running
    statistics at each step (a momentum of 0.01 in torch).
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.eps, module.momentum = 1e-3, 0.01


def _conv(
    inputs: int, outputs: int, kernel: tuple[int, int], stride: int, *, norm: bool, padding: int = 0
) -> list[nn.Module]:
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.LeakyReLU(SLOPE, inplace=True)]
    return [*layers, nn.BatchNorm2d(outputs)] if norm else layers


def _dense(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), nn.LeakyReLU(SLOPE, inplace=True)]


def _up(inputs: int, outputs: int, kernel: tuple[int, int], stride: int, padding: int = 0) -> list[nn.Module]:
    convolution = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding)
    return [convolution, nn.LeakyReLU(SLOPE, inplace=True), nn.BatchNorm2d(outputs)]


def _poster_trunk(*, norm: bool) -> nn.Sequential:
    """Build the trunk from 257 x 430 pixels to 512 maps of one pixel."""
    return nn.Sequential(
        *_conv(1, 32, (5, 4), 3, norm=norm),
        *_conv(32, 64, (5, 3), 3, norm=norm),
        *_conv(64, 128, (5, 3), 3, norm=norm),
        nn.AvgPool2d(2),
        *_conv(128, 256, (4, 3), 2, norm=norm),
        *_conv(256, 512, (1, 3), 2, norm=norm),
    )


def _poster_encoder(latent: int) -> nn.Sequential:
    return nn.Sequential(_poster_trunk(norm=True), nn.Conv2d(512, latent, 1), nn.Flatten())


def _poster_decoder(latent: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Unflatten(1, (latent, 1, 1)),
        *_up(latent, 256, (4, 6), 1),
        *_up(256, 128, (4, 7), 3),
        *_up(128, 64, (4, 5), 2),
        *_up(64, 32, (4, 5), 3),
        *_up(32, 32, (5, 4), 3),
        *_conv(32, 32, (1, 1), 1, norm=True),
        nn.Conv2d(32, 1, 1),
    )


def _poster_discriminator(latent: int, bounds: Bounds) -> Discriminator:
    trunk = nn.Sequential(_poster_trunk(norm=bounds.norm == "keras"), nn.Flatten())
    return Discriminator(trunk, features=512, latent=latent, width=512, hidden=1024, bounds=bounds)


WIDTH = 24


def _small_trunk(*, norm: bool) -> nn.Sequential:
    """Build the trunk from 64 x 128 pixels to 8 * WIDTH maps of 4 x 8 pixels."""
    return nn.Sequential(
        *_conv(1, WIDTH, (4, 4), 2, norm=norm, padding=1),
        *_conv(WIDTH, 2 * WIDTH, (4, 4), 2, norm=norm, padding=1),
        *_conv(2 * WIDTH, 4 * WIDTH, (4, 4), 2, norm=norm, padding=1),
        *_conv(4 * WIDTH, 8 * WIDTH, (4, 4), 2, norm=norm, padding=1),
    )


def _small_encoder(latent: int) -> nn.Sequential:
    return nn.Sequential(_small_trunk(norm=True), nn.Conv2d(8 * WIDTH, latent, (4, 8)), nn.Flatten())


def _small_decoder(latent: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Unflatten(1, (latent, 1, 1)),
        *_up(latent, 8 * WIDTH, (4, 8), 1),
        *_up(8 * WIDTH, 4 * WIDTH, (4, 4), 2, padding=1),
        *_up(4 * WIDTH, 2 * WIDTH, (4, 4), 2, padding=1),
        *_up(2 * WIDTH, WIDTH, (4, 4), 2, padding=1),
        nn.ConvTranspose2d(WIDTH, 1, (4, 4), 2, padding=1),
    )


def _small_discriminator(latent: int, bounds: Bounds) -> Discriminator:
    norm = bounds.norm == "keras"
    trunk = nn.Sequential(_small_trunk(norm=norm), *_conv(8 * WIDTH, 256, (4, 8), 1, norm=norm), nn.Flatten())
    return Discriminator(trunk, features=256, latent=latent, width=256, hidden=512, bounds=bounds)


SIZES = {
    "poster": NetworkSet((257, 430), _poster_encoder, _poster_decoder, _poster_discriminator),
    "small": NetworkSet((64, 128), _small_encoder, _small_decoder, _small_discriminator),
}
