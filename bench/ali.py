"""How fast ALI learns: spectrograms a second, the share of the data's way, and of a GPU's matrix peak.

    python bench/ali.py [--size small|poster] [--device cpu|cuda] [--threads N] [--steps 30] [--batch N]
    python bench/ali.py --device cuda --size poster --data X.npy --songs songs.npy --curves curves.png --minutes 10

The spectrograms are made up unless they are given: no step takes longer for music. On a GPU the peak of a large matrix
product in bfloat16 is measured, too, and torch counts the game's operations. With `--curves` a whole run of `--minutes`
is played on top, and its losses and monitors are drawn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from machine import about
from songspace.encoders import ali_game
from songspace.encoders.ali import ALI
from songspace.encoders.ali_game import Pictures
from songspace.encoders.devices import choose_device
from songspace.frontends import Codes


def made_up(path: Path, ali: ALI, n: int) -> np.ndarray:
    """Decibels of smooth noise, memory-mapped: 8-bit where the frontend has such a form."""
    frontend, random = ali.get_frontend(), np.random.default_rng(0)
    bands, frames = frontend.shape
    slope = -50 + random.normal(0, 8, (n, bands, 1)).cumsum(axis=1) / np.sqrt(bands)
    eight_bits = ali.size == "small"
    X = np.memmap(path, np.uint8 if eight_bits else np.float32, "w+", shape=(n, bands, frames))
    for row in range(n):
        decibels = slope[row] + random.normal(0, 6, (bands, frames))
        X[row] = frontend.quantize(decibels) if eight_bits else decibels
    return X.view(Codes) if eight_bits else X


def seconds(
    work: Callable[[], object], times: int, device: torch.device, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The median time of some work, after two times to warm up."""
    found = []
    for number in range(times + 2):
        began = clock()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if number >= 2:
            found.append(clock() - began)
    return statistics.median(found)


def matrix_peak(device: torch.device, size: int = 8192) -> float:
    """Operations a second of a large matrix product in bfloat16."""
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / seconds(lambda: a @ b, 10, device)


def draw_curves(ali: ALI, path: str) -> None:
    """Losses by step, and the monitors under them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = [name for name in ("auc", "cycle_x", "cycle_z", "effective_rank", "retrieval") if name in ali.history_]
    figure, axes = plt.subplots(1 + len(names), sharex=True, figsize=(7, 2 + 1.4 * len(names)), layout="constrained")
    for name in ("discriminator", "encoder", "decoder", "cycle"):
        if name in ali.history_:
            axes[0].plot(ali.history_["step"], ali.history_[name], label=name, linewidth=1)
    axes[0].legend(fontsize=8)
    for ax, name in zip(axes[1:], names, strict=True):
        ax.plot(ali.history_["watched"], ali.history_[name])
        ax.set_ylabel(name)
    axes[-1].set_xlabel("step")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("small", "poster"), default="small")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--batch", type=int, help="64, or 128 on a GPU")
    parser.add_argument("--data", help="spectrograms (n, bands, frames), a .npy file")
    parser.add_argument("--songs", help="the song of each, a .npy file")
    parser.add_argument("--curves", help="a picture to write")
    parser.add_argument("--minutes", type=float, default=5.0)
    wanted = parser.parse_args()
    if wanted.threads:
        torch.set_num_threads(wanted.threads)
    device = choose_device(wanted.device)
    batch = wanted.batch or (128 if device.type == "cuda" else 64)
    ali = ALI(size=wanted.size, batch_size=batch, steps=None, minutes=wanted.minutes, device=wanted.device)
    print(about())
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"ALI, {wanted.size} size, batch {batch}, {where}")
    with tempfile.TemporaryDirectory() as folder:
        X = np.load(wanted.data, mmap_mode="r") if wanted.data else made_up(Path(folder) / "X", ali, 8 * batch)
        game, pictures = ali.set_up(X)
        random = np.random.default_rng(0)

        def rows() -> np.ndarray:
            return random.choice(len(pictures), batch, replace=False)

        def play() -> None:
            game.step(pictures[rows()], 0.0)

        held = seconds(lambda: pictures[rows()], wanted.steps, device)
        room, ali_game.ROOM = ali_game.ROOM, 0
        read = Pictures(pictures.codec, pictures.rows, np.arange(len(pictures)), device)
        once = seconds(lambda: read[rows()], wanted.steps, device)
        step = seconds(play, wanted.steps, device)
        monitor = seconds(lambda: game.monitor(0), 3, device)
        print(f"a step             {1000 * step:8.1f} ms  {batch / step:.0f} spectrograms/s")
        if device.type == "cpu":
            work = seconds(play, wanted.steps, device, time.process_time)
            print(f"  processor time   {1000 * work:8.1f} ms  {batch / work:.0f} spectrograms in a processor-second")
        print(f"of it, its batch   {1000 * held:8.1f} ms  {held / step:.1%} of the step, from memory")
        print(f"  read each time   {1000 * once:8.1f} ms  {once / (step - held + once):.1%}, where memory is too small")
        print(f"the monitors       {1000 * monitor:8.1f} ms  {monitor / (200 * step):.1%} of 200 steps")
        if device.type == "cuda":
            with FlopCounterMode(display=False) as counted:
                play()
            rate, peak = counted.get_total_flops() / step / 1e12, matrix_peak(device) / 1e12
            print(f"operations         {rate:8.1f} T/s, {rate / peak:.1%} of the matrix peak of {peak:.0f} T/s")
            print(f"memory             {torch.cuda.max_memory_allocated(device) / 1e9:8.1f} GB at most")
        if wanted.curves:
            ali_game.ROOM = room
            ali.fit(X, groups=np.load(wanted.songs) if wanted.songs else None)
            draw_curves(ali, wanted.curves)
            print(ali.verdict_)


if __name__ == "__main__":
    main()
