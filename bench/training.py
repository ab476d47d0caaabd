"""How fast the contrastive encoder learns and encodes, and what that costs beside decoding.

    python bench/training.py [--threads N] [--steps 20] [--width 24] [--batch 128] [--folder FOLDER [--files 20]]

A step through the public `fit` stands beside the same network, views, losses and precision in a plain PyTorch loop on a
batch that lies ready: what is between them is the data path and the book-keeping. The spectrograms are made up, 400
songs of ten 8-bit segments: no step takes longer for music. With --folder, ten segments of each of some songs are
decoded, turned into spectrograms and encoded, one after the other. On a busy machine only the ratios mean anything.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from machine import about
from songspace.audio import read_windows
from songspace.encoders import augment
from songspace.encoders.contrastive import Contrastive
from songspace.encoders.contrastive_game import PROJECTED, nt_xent, relations
from songspace.encoders.convnet import ConvNet
from songspace.encoders.devices import fast_autocast
from songspace.encoders.pairs import Pairs
from songspace.encoders.training import Progress
from songspace.errors import SongspaceError
from songspace.frontends import LogMel
from songspace.library.scan import scan

CPU = torch.device("cpu")
SONGS, SEGMENTS = 400, 10
WARM = 3
"""Steps at the start that do not count."""


def made_up() -> np.ndarray:
    """Codes of sloping noise (SONGS * SEGMENTS, bands, frames)."""
    frontend, random = LogMel(), np.random.default_rng(0)
    X = np.empty((SONGS * SEGMENTS, *frontend.shape), np.uint8)
    for row in X:
        slope = -50 + random.normal(0, 1, (len(row), 1)).cumsum(axis=0)
        row[:] = frontend.quantize(slope + random.normal(0, 6, row.shape))
    return X


def seconds(work: Callable[[], object], times: int) -> float:
    """The median time of some work, after WARM times."""
    found = []
    for number in range(WARM + times):
        began = time.perf_counter()
        work()
        if number >= WARM:
            found.append(time.perf_counter() - began)
    return statistics.median(found)


def through_fit(encoder: Contrastive, X: np.ndarray, groups: np.ndarray) -> tuple[float, float, float]:
    """Seconds of a step (median), the segments a second that `fit` itself tells, and seconds after the last step."""
    times, told = [time.perf_counter()], []

    def look(progress: Progress) -> None:
        times.append(time.perf_counter())
        told.append(progress.segments_per_second)

    encoder.fit(X, groups=groups, on_progress=look)
    after = time.perf_counter() - times[-1]
    return statistics.median(np.diff(times)[WARM:]), told[-1], after


def plain(pairs: Pairs, network: ConvNet, settings: Contrastive) -> Callable[[], None]:
    """A step of the same game without songspace's loop, on one batch that lies ready."""
    size = network.size
    projector = nn.Sequential(nn.Linear(size, size), nn.BatchNorm1d(size), nn.ReLU(), nn.Linear(size, PROJECTED))
    weights = [*network.parameters(), *projector.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=settings.weight_decay, fused=True)
    batch = pairs(0)
    decibels, songs = torch.from_numpy(batch.decibels.copy()), torch.from_numpy(batch.songs)
    bank = functional.normalize(torch.randn(SONGS, PROJECTED), dim=1)
    network.train()

    def step() -> None:
        views = augment.mask(network.standardize(augment.recolor(decibels)))
        with fast_autocast(CPU):
            projected = projector(network.represent(views))
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


def beside_decoding(encoder: Contrastive, folder: Path, files: int) -> None:
    """Ten segments of a song: decoded, turned into spectrograms, encoded; interleaved, medians over songs."""
    frontend = LogMel()
    costs: dict[str, list[float]] = {"decoding": [], "spectrograms": [], "encoding": []}
    for found in [found for found in scan(folder) if not found.problem][:files]:
        marks = [time.perf_counter()]
        try:
            samples = read_windows(found.path, count=SEGMENTS).samples
        except SongspaceError:
            continue
        marks.append(time.perf_counter())
        codes = frontend.quantize(frontend(samples))
        marks.append(time.perf_counter())
        encoder.transform(codes)
        marks.append(time.perf_counter())
        for cost, spent in zip(costs.values(), np.diff(marks), strict=True):
            cost.append(spent)
    middle = {name: 1000 * statistics.median(cost) for name, cost in costs.items()}
    listening = middle["decoding"] + middle["spectrograms"]
    print(f"\nten segments of a song, median of {len(costs['decoding'])} songs")
    for name, cost in middle.items():
        print(f"  {name:<16} {cost:8.1f} ms")
    print(f"  encoding is {middle['encoding'] / listening:.2f} of decoding and spectrograms together")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--folder", type=Path, help="music, to set encoding beside decoding")
    parser.add_argument("--files", type=int, default=20)
    wanted = parser.parse_args()
    if wanted.threads:
        torch.set_num_threads(wanted.threads)
    print(about())
    print(f"width {wanted.width}, {wanted.batch} songs a step, {torch.get_num_threads()} threads")

    X, groups = made_up(), np.repeat(np.arange(SONGS), SEGMENTS)
    encoder = Contrastive(width=wanted.width, batch_size=wanted.batch, steps=WARM + wanted.steps, device="cpu")
    fitted, told, after = through_fit(encoder, X, groups)
    pairs = Pairs(
        lambda rows: encoder._rows(X, rows),
        groups,
        frames=X.shape[2],
        crop=encoder.crop,
        batch_size=wanted.batch,
        seed=0,
    )
    steps = iter(range(10**9))
    drawn = seconds(lambda: pairs(next(steps)), wanted.steps)
    by_itself = seconds(plain(pairs, ConvNet(X.shape[1], wanted.width), encoder), wanted.steps)
    views = 2 * min(wanted.batch, SONGS)
    some = X[: 16 * SEGMENTS]
    encoded = seconds(lambda: encoder.transform(some), 5)

    print(f"a step through fit   {1000 * fitted:8.1f} ms  {views / fitted:7.0f} segments/s ({told:.0f} as it tells)")
    print(f"a plain PyTorch step {1000 * by_itself:8.1f} ms  {views / by_itself:7.0f} segments/s")
    print(f"  ratio              {fitted / by_itself:8.2f}")
    print(f"drawing a batch      {1000 * drawn:8.1f} ms  {drawn / fitted:7.1%} of a step")
    print(f"discriminants, once  {1000 * after:8.0f} ms  of {len(X)} segments")
    print(f"encoding             {1000 * encoded / len(some):8.2f} ms  {len(some) / encoded:7.0f} segments/s")
    if wanted.folder:
        beside_decoding(encoder, wanted.folder, wanted.files)


if __name__ == "__main__":
    main()
