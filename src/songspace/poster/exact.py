"""The poster's size, steps and batch, and a forecast of their time."""

from __future__ import annotations

import time

import numpy as np

from songspace.durations import about
from songspace.encoders.ali import POSTER_STEPS

SIZE, STEPS, BATCH = "poster", POSTER_STEPS, 101
SEGMENTS = 10

RUNGS_TRAINED = ("as run", "as described", "done right")

GPU = 1000
"""Assumed speed of a GPU in spectrograms per second; it was not measured, and the memory of GPUs allows more."""

DAY = 24 * 3600


def speed(device: str, *, steps: int = 1, batch: int | None = None) -> float:
    """Measure the speed of training in spectrograms of the poster's size per second, over the three rungs.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
    steps : int
        Timed batches of each rung, after one to warm up.
    batch : int, optional
        Spectrograms in a batch: by default 16, or 101 on a GPU.
    """
    import torch

    from songspace.encoders.ali import ALI, RUNGS
    from songspace.encoders.devices import choose_device

    where = choose_device(device)
    batch = batch or (16 if where.type == "cpu" else BATCH)
    noise = np.random.default_rng(0).exponential(1.0, (batch, 257, 430)).astype(np.float32)
    rows, seconds = np.arange(batch), 0.0
    for rung in RUNGS_TRAINED:
        game, pictures = ALI(**RUNGS[rung], size=SIZE, device=device).set_up(noise)
        game.step(pictures[rows], 0.0)
        began = time.monotonic()
        for _ in range(steps):
            game.step(pictures[rows], 0.0)
        if where.type == "cuda":
            torch.cuda.synchronize(where)
        seconds += time.monotonic() - began
    return len(RUNGS_TRAINED) * steps * batch / max(seconds, 1e-9)


def forecast(rate: float, device: str) -> str:
    """Describe the time of the exact experiment in a sentence without full stop.

    Examples
    --------
    >>> import textwrap
    >>> print(textwrap.fill(forecast(3.1, "cpu"), 100))
    The exact experiment trains ALI three times in the poster's size, on 5,350 batches of 101
    spectrograms each: at the 3.1 spectrograms a second measured on this processor about 6 days, on a
    GPU about 27 min (at 1,000 a second, which is a guess)
    """
    total = len(RUNGS_TRAINED) * STEPS * BATCH
    what = f"The exact experiment trains ALI three times in the poster's size, on {STEPS:,} batches of {BATCH} "
    measured = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
    here = f"spectrograms each: at the {measured} spectrograms a second measured on this "
    if device == "cuda":
        return f"{what}{here}GPU about {_long(total / rate)}"
    guess = f"on a GPU about {about(total / GPU)} (at {GPU:,} a second, which is a guess)"
    return f"{what}{here}processor about {_long(total / rate)}, {guess}"


def _long(seconds: float) -> str:
    return about(seconds) if seconds < 2 * DAY else f"{round(seconds / DAY)} days"
