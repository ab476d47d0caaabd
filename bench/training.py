"""Segments a second: a training step of the contrastive encoder, encoding, and decoding beside it.

    python bench/training.py [--folder FOLDER] [--threads 2] [--steps 12] [--runs 3]

The training step is the one that `learn` takes, with its batches drawn from 8-bit spectrograms; the share of the time
that drawing them takes stands beside it. With a folder of music, encoding ten segments of a song is set against decoding
them, on one thread each, as in `learn`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from machine import about, median
from songspace.audio import read_windows
from songspace.encoders import Contrastive
from songspace.encoders.training import Progress
from songspace.frontends import LogMel

SONGS, SEGMENTS = 400, 10


def training(steps: int, device: str) -> tuple[float, float]:
    """Segments a second of a training step, and the share of it that drawing the batch takes."""
    random = np.random.default_rng(0)
    X = random.integers(0, 256, (SONGS * SEGMENTS, *LogMel().shape), np.uint8)
    groups = np.repeat(np.arange(SONGS), SEGMENTS)
    times: list[float] = []
    views: list[float] = []

    def note(progress: Progress) -> None:
        times.append(time.perf_counter())
        views.append(progress.segments_per_second * progress.seconds / progress.step)

    encoder = Contrastive(steps=steps, device=device)
    drawing = _timed_draws(encoder)
    encoder.fit(X, groups=groups, on_progress=note)
    per_step = statistics.median(np.diff(times))
    return views[-1] / per_step, statistics.median(drawing) / per_step


def _timed_draws(encoder: Contrastive) -> list[float]:
    """Let an encoder note how long the reading of each of its batches takes."""
    spent: list[float] = []
    rows = encoder._rows

    def timed(*arguments: object) -> np.ndarray:
        began = time.perf_counter()
        batch = rows(*arguments)
        spent.append(time.perf_counter() - began)
        return batch

    encoder._rows = timed  # type: ignore[method-assign]
    return spent
