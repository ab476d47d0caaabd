"""Training steps of songspace's games as one would write them for oneself, in a loop of a dozen lines.

The networks, losses, optimisers and precision are songspace's; the batch lies ready. (See bench/training.py.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from songspace.encoders.ali import ALI
from songspace.encoders.ali_networks import Codec, Discriminator
from songspace.encoders.contrastive import Contrastive
from songspace.encoders.contrastive_game import PROJECTED, Crops, mask, nt_xent, recolor, relations
from songspace.encoders.convnet import ConvNet
from songspace.encoders.devices import choose_device, fast_autocast


@dataclass(frozen=True)
class Way:
    """How a step is computed: in bfloat16 where that is fast, with channels last, compiled."""

    fast: bool = True
    last: bool = True
    compiled: bool = False

    def autocast(self, device: torch.device) -> torch.autocast:
        return fast_autocast(device) if self.fast else torch.autocast(device.type, enabled=False)

    @property
    def layout(self) -> torch.memory_format:
        return torch.channels_last if self.last else torch.contiguous_format

    def made(self, module: nn.Module) -> nn.Module:
        module.to(memory_format=self.layout)
        if self.compiled:
            module.compile()
        return module


def plain_contrastive(
    network: ConvNet, batch: Crops, songs_in_all: int, settings: Contrastive, way: Way
) -> Callable[[], None]:
    """A step of the contrastive game."""
    device = choose_device(settings.device)
    size = network.size
    projector = nn.Sequential(nn.Linear(size, size), nn.BatchNorm1d(size), nn.ReLU(), nn.Linear(size, PROJECTED))
    network.to(device).train()
    trunk, projector = way.made(network.trunk), way.made(projector.to(device))
    weights = [*network.parameters(), *projector.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=settings.weight_decay, fused=True)
    decibels = torch.from_numpy(batch.decibels.copy()).to(device)
    songs = torch.from_numpy(batch.songs).to(device)
    bank = functional.normalize(torch.randn(songs_in_all, PROJECTED, device=device), dim=1)

    def step() -> None:
        views = mask(network.standardize(recolor(decibels)))
        with way.autocast(device):
            maps = trunk(views[:, None].contiguous(memory_format=way.layout)).float()
            projected = projector(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1))
        a, b = projected.float().chunk(2)
        wanted = relations(bank, songs, own=1 - settings.relation, temperature=settings.temperature / 2)
        pieces = functional.normalize(torch.stack([a, b]), dim=2)
        attention = (pieces @ bank.T / settings.temperature).log_softmax(dim=2)
        related = -(wanted * attention).sum(dim=2).mean()
        loss = (nt_xent(a, b, temperature=settings.temperature) + related) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def plain_ali(codec: Codec, discriminator: Discriminator, songs: Tensor, settings: ALI, way: Way) -> Callable[[], None]:
    """A step of ALI's: first the discriminator moves, then it judges anew and its opponents move."""
    device = songs.device
    encoder, decoder = way.made(codec.encoder.train()), way.made(codec.decoder.train())
    judge = way.made(discriminator.train())
    average = AveragedModel(codec, multi_avg_fn=get_ema_multi_avg_fn(settings.average), use_buffers=True)
    of_codec = torch.optim.Adam(
        [
            {"params": encoder.parameters(), "lr": settings.encoder_rate},
            {"params": decoder.parameters(), "lr": settings.decoder_rate},
        ],
        betas=(0.5, settings.beta2),
        fused=True,
    )
    of_judge = torch.optim.Adam(
        judge.parameters(), lr=settings.discriminator_rate, betas=(0.5, settings.beta2), fused=True
    )
    half = len(songs) // 2

    def scores(encoded: Tensor, decoded: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        pictures, vectors = torch.cat([songs, decoded]), torch.cat([encoded, codes])
        with way.autocast(device):
            found = judge(pictures + settings.noise * torch.randn_like(pictures), vectors).float()
        return found[: len(songs)], found[len(songs) :]

    def step() -> None:
        codes = torch.randn(len(songs), settings.latent, device=device)
        with way.autocast(device):
            encoded = encoder(songs).float()
            decoded = decoder(torch.cat([codes, encoded[:half]])).float()
        decoded, rebuilt = decoded[: len(songs)], decoded[len(songs) :]
        of_songs, of_codes = scores(encoded.detach(), decoded.detach(), codes)
        of_judge.zero_grad()
        (of_songs.square().mean() + (of_codes - 1).square().mean()).backward()
        of_judge.step()
        of_songs, of_codes = scores(encoded, decoded, codes)
        game = (of_songs - 1).square().mean() + of_codes.square().mean()
        of_codec.zero_grad()
        (game + settings.cycle * (rebuilt - songs[:half]).abs().mean()).backward()
        of_codec.step()
        average.update_parameters(codec)

    return step
