"""The adversarial game: its pictures, its three players, their steps, and the networks that are kept."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from songspace.encoders.ali_monitors import PATIENCE, Monitors, Trouble, area_under_curve, trouble
from songspace.encoders.ali_networks import Average, Codec, Discriminator
from songspace.encoders.base import spread
from songspace.encoders.devices import fast_autocast
from songspace.encoders.training import Game, set_rate, steady_then_down

ROOM = 25 * 10**7
"""The most bytes for prepared pictures without a GPU; on a GPU they may take most of the free memory.

If they need more, they are prepared again for each step: the result is the same to the last bit, and it takes a
hundredth of the time of a small step.
"""

ENOUGH_SONGS = 20
"""Fewest songs for which some are held out of training."""

HELD_OUT = 50
"""The most songs that are held out: more would not change the measurements."""

HELD_OUT_ROWS = 10
"""The most segments of a held-out song."""


class Pictures:
    """Spectrograms in the form that the networks take: prepared once if they fit in memory, otherwise each time.

    Parameters
    ----------
    codec : Codec
        Codec that prepares spectrograms, on the device of the pictures.
    rows : callable
        Function from an array of row numbers to float spectrograms.
    where : ndarray
        Numbers of the rows.
    device : torch.device
    """

    def __init__(
        self, codec: Codec, rows: Callable[[np.ndarray], np.ndarray], where: np.ndarray, device: torch.device
    ) -> None:
        self.codec, self.rows, self._where, self._device = codec, rows, where, device
        height, width = codec.grid
        self._held: Tensor | None = None
        if 4 * len(where) * height * width <= _room(device):
            self._held = torch.empty(len(where), 1, height, width, device=device)
            for part in np.array_split(np.arange(len(where)), -(-len(where) // 64)):
                self._held[part[0] : part[-1] + 1] = self._prepared(part)

    def __len__(self) -> int:
        return len(self._where)

    def __getitem__(self, items: np.ndarray) -> Tensor:
        """Return the pictures (n, 1, *grid) of some of the rows, by their index."""
        if self._held is not None:
            return self._held[torch.from_numpy(items).to(self._device)]
        return self._prepared(items)

    def spread(self, size: int) -> Iterable[Tensor]:
        """Yield batches of at most ``size`` pictures in all, spread evenly."""
        items = spread(len(self), size)
        for part in np.array_split(items, -(-len(items) // 64)):
            yield self[part]

    @torch.no_grad()
    def _prepared(self, items: np.ndarray) -> Tensor:
        return self.codec.prepare(torch.from_numpy(self.rows(self._where[items])).to(self._device))


def hold_out(songs: np.ndarray | None, *, seed: int) -> np.ndarray:
    """Return the rows of a tenth of the songs, at most 50, for the monitors; none from fewer than 20 songs.

    Parameters
    ----------
    songs : ndarray of shape (n,), optional
        The song of each row, from 0 without gaps.
    seed : int
        Seed of the choice among songs with at least three rows.

    Returns
    -------
    ndarray of int
        All rows of the chosen songs, those of a song in their order.
    """
    none = np.empty(0, np.int64)
    if songs is None:
        return none
    counts = np.bincount(songs)
    fit = np.flatnonzero(counts >= 3)
    if len(fit) < ENOUGH_SONGS:
        return none
    count = min(HELD_OUT, max(4, len(fit) // 10))
    chosen = np.random.default_rng([seed, 2]).choice(fit, count, replace=False)
    return np.concatenate([np.flatnonzero(songs == song) for song in np.sort(chosen)])


def thinned(rows: np.ndarray, songs: np.ndarray) -> np.ndarray:
    """Return at most ten of the rows of each song, spread evenly over it."""
    kept = []
    for song in np.unique(songs[rows]):
        of_song = rows[songs[rows] == song]
        kept.append(of_song[spread(len(of_song), HELD_OUT_ROWS)])
    return np.concatenate(kept)


def _room(device: torch.device) -> float:
    return 0.6 * torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else ROOM


SOFT = (0.7, 0.9)
"""Range of soft positive targets."""


@dataclass(frozen=True)
class GameRules:
    """Rules of the game: parameters of :class:`songspace.encoders.ali.ALI` of the same names."""

    rates: Mapping[str, float] = field(
        default_factory=lambda: {"encoder": 4e-4, "decoder": 4e-4, "discriminator": 1e-4}
    )
    beta2: float = 0.999
    turns: int = 1
    cycle: float = 1.0
    noise: float = 0.1
    annealed: bool = True
    soft_targets: bool = False
    penalty: float = 0.0
    average: float = 0.999
    keep: str = "best"


def turn(batch: int, turns: int) -> tuple[bool, bool]:
    """Return two booleans: if the discriminator, and if its opponents, learn from a batch, counted from 0.

    With one turn both learn. With more, only the discriminator learns from one batch out of ``turns``. That is the last
    but one of them, as in keras-adversarial, which increments its counter before it reads its schedule.

    Examples
    --------
    >>> [turn(batch, 5)[0] for batch in range(7)], turn(3, 5), turn(3, 1)
    ([False, False, False, True, False, False, False], (True, False), (True, True))
    """
    judges = turns == 1 or batch % turns == turns - 2
    return judges, turns == 1 or not judges


class Kept(nn.Module):
    """The codec that is the result if the run ends now: the best one so far, or the last one measured."""

    def __init__(self, codec: Codec, keep: str) -> None:
        super().__init__()
        self.codec = copy.deepcopy(codec).requires_grad_(False).eval()
        self.keep = keep
        self.step: Tensor
        self.score: Tensor
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        self.register_buffer("score", torch.full((), -torch.inf))

    def offer(self, codec: Codec, step: int, score: float | None) -> None:
        """Keep ``codec`` unless a better one is kept; without a score the later one counts as better."""
        if self.keep == "best" and score is not None and score < self.score:
            return
        self.codec.load_state_dict(codec.state_dict())
        self.step.fill_(step)
        self.score.fill_(-torch.inf if score is None else score)


class AdversarialGame(Game):
    """The least-squares game of three players, each with its own optimiser and rate.

    The discriminator's target is 0 for (song, its code) and 1 for (decoded code, the code), as on the poster, in each
    of its heads; the targets of encoder and decoder are swapped. Two additions help: a cycle (a song must be
    reconstructed from its code; C. Li et al., "ALICE", NIPS 2017), and noise on the discriminator's input (C. K.
    Sønderby et al., arXiv 1610.04490).

    Parameters
    ----------
    codec, discriminator : Module
        Trained in place.
    rules : GameRules
    players : sequence of str
        The players that learn, out of ``encoder``, ``decoder`` and ``discriminator``; the others stay unchanged.
    device : torch.device
        Device to train on.
    monitors : Monitors, optional
        Measurements of the game.
    """

    def __init__(
        self,
        codec: Codec,
        discriminator: Discriminator,
        *,
        rules: GameRules,
        players: Sequence[str],
        device: torch.device,
        monitors: Monitors | None = None,
    ) -> None:
        self.codec = codec.to(device).train()
        self.discriminator = discriminator.to(device).train()
        self.average = Average(self.codec, rules.average)
        self.kept = Kept(self.codec, rules.keep)
        self.modules = {
            "codec": self.codec,
            "discriminator": self.discriminator,
            "average": self.average,
            "kept": self.kept,
        }
        all_players = {
            "encoder": self.codec.encoder,
            "decoder": self.codec.decoder,
            "discriminator": self.discriminator,
        }
        self.optimizers = {
            name: torch.optim.Adam(player.parameters(), betas=(0.5, rules.beta2), fused=True)
            for name, player in all_players.items()
            if name in players
        }
        for name, player in all_players.items():
            player.requires_grad_(name in players)
        self.rules = rules
        self.device = device
        self.monitors = monitors
        self.trouble: Trouble | None = None

    def step(self, batch: Tensor, progress: float) -> dict[str, Tensor]:
        """Update all players, or the side that learns from this batch; return the losses."""
        rules, annealed = self.rules, self.rules.annealed
        for name, optimizer in self.optimizers.items():
            set_rate(optimizer, rules.rates[name] * (steady_then_down(progress) if annealed else 1.0))
        noise = rules.noise * (1 - progress if annealed else 1.0)
        judge_learns, codec_learns = turn(int(self.average.updates), rules.turns)
        self.discriminator.drop(judge_learns)
        songs, codes = batch, self._prior(len(batch))
        half = len(songs) // 2 if rules.cycle else 0  # reconstruct half of them: enough, in half the time
        with torch.set_grad_enabled(codec_learns), self._floats():
            encoded = self.codec.encode(songs)
            # One batch, so that codes of songs and random codes get the same statistics in batch norms.
            decoded = self.codec.decode(torch.cat([codes, encoded[:half].float()]))
        decoded, rebuilt = decoded[: len(codes)], decoded[len(codes) :]

        # The discriminator scores once: its own loss and that of its opponents are computed from the same scores.
        vectors, pictures = (end.detach().float().requires_grad_(end.requires_grad) for end in (encoded, decoded))
        of_songs, of_codes = self._scores([(songs, vectors), (pictures, codes)], noise)
        real = self._targets(len(songs))
        discriminator = of_songs.square().mean() + (of_codes - real).square().mean()
        encoder, decoder = (of_songs - real).square().mean(), of_codes.square().mean()
        losses = {"discriminator": discriminator, "encoder": encoder, "decoder": decoder}
        ends: list[tuple[Tensor, Tensor | None]] = []
        if codec_learns:
            opposed = [(end, seen) for end, seen in ((encoded, vectors), (decoded, pictures)) if end.requires_grad]
            slopes = torch.autograd.grad(encoder + decoder, [seen for _, seen in opposed], retain_graph=judge_learns)
            ends = [(end, slope.to(end.dtype)) for (end, _), slope in zip(opposed, slopes, strict=True)]
        if half:
            losses["cycle"] = (rebuilt.float() - songs[:half]).abs().mean()
            ends.append((rules.cycle * losses["cycle"], None))
        if judge_learns:
            penalty = rules.penalty * self.discriminator.penalty() if rules.penalty else 0.0
            self._update(["discriminator"], [(discriminator + penalty, None)])
        if codec_learns:
            self._update(["encoder", "decoder"], ends)
        self.average.update(self.codec)
        return {name: loss.detach() for name, loss in losses.items()}

    @torch.no_grad()
    def monitor(self, step: int) -> dict[str, float]:
        """Measure the current game and the averaged codec; keep the best codec."""
        if self.monitors is None:
            return {}
        # The players stay in training mode, and are copied so that the measurement changes no statistics.
        codec, discriminator = copy.deepcopy(self.codec), copy.deepcopy(self.discriminator)
        discriminator.drop(False)
        songs = self.monitors.some()
        codes = self._prior(len(songs))
        with self._floats():
            encoded, decoded = codec.encode(songs).float(), codec.decode(codes).float()
            of_songs, of_codes = discriminator(songs, encoded), discriminator(decoded, codes)
        figures = {"auc": area_under_curve(of_codes[:, 0].float().cpu().numpy(), of_songs[:, 0].float().cpu().numpy())}
        figures |= self.monitors.measure(self.average.codec)
        if all(math.isfinite(figure) for figure in figures.values()):
            self.kept.offer(self.average.codec, step, figures.get("retrieval"))
        return figures

    def judge(self, history: Mapping[str, Sequence[float]]) -> str:
        """Return a sentence about a new fault since the last measurement; the first steps are not judged."""
        before, self.trouble = self.trouble, trouble(history) if history["watched"][-1] >= PATIENCE else None
        known = before is not None and self.trouble is not None and before.kind == self.trouble.kind
        return "" if self.trouble is None or known else self.trouble.sentence

    def result(self) -> Codec:
        """Return the codec to encode with."""
        return self.kept.codec if self.rules.keep == "best" else self.average.codec

    def _floats(self) -> AbstractContextManager[None]:
        """Return the precision of a step: 32 bits for the poster's networks."""
        return nullcontext() if self.discriminator.apart else fast_autocast(self.device)

    def _prior(self, n: int) -> Tensor:
        return torch.randn(n, self.codec.latent, device=self.device)

    def _targets(self, n: int) -> Tensor | float:
        low, high = SOFT
        return low + (high - low) * torch.rand(n, 1, device=self.device) if self.rules.soft_targets else 1.0

    def _scores(self, pairs: list[tuple[Tensor, Tensor]], noise: float) -> tuple[Tensor, Tensor]:
        """Return the discriminator's scores of the encoder's pairs, and of the decoder's."""
        if not self.discriminator.apart:
            pairs = [(torch.cat([x for x, _ in pairs]), torch.cat([z for _, z in pairs]))]
        with self._floats():
            scores = [self.discriminator(x + noise * torch.randn_like(x) if noise else x, z).float() for x, z in pairs]
        of_songs, of_codes = torch.cat(scores).chunk(2)
        return of_songs, of_codes

    def _update(self, players: Sequence[str], ends: Sequence[tuple[Tensor, Tensor | None]]) -> None:
        """Improve players from the gradients at the ends of their graph (of a loss, 1)."""
        optimizers = [self.optimizers[name] for name in players if name in self.optimizers]
        for optimizer in optimizers:
            optimizer.zero_grad()
        torch.autograd.backward([end for end, _ in ends], [slope for _, slope in ends])
        for optimizer in optimizers:
            optimizer.step()
