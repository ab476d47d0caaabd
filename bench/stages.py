"""What each stage of listening takes of one core, a song: processor time in one process, whatever else runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from machine import Figures
from songspace.audio import read_windows
from songspace.encoders.base import Encoder, load
from songspace.encoders.descriptors import descriptors
from songspace.library import Home
from songspace.library.catalog import Catalog
from songspace.library.identity import identify
from songspace.library.learnt import learnt
from songspace.library.listening import Listening
from songspace.library.tags import read_tags

STAGES = ("identify", "decode", "spectrograms", "quantize", "descriptors", "tags")


def tell(figures: Figures, name: str, files: Sequence[Path], homes: Mapping[str, Path]) -> None:
    """Milliseconds by stage: the median song, and the range of all; and of the encoder of each home."""
    import torch

    listening = Listening()
    frontend = listening.frontend
    encoders = [_encoder(encoder, folder) for encoder, folder in homes.items()]
    torch.set_num_threads(1)
    taken = []
    with threadpool_limits(1):
        for path in (*files[:3], *files):  # the first three are warming up
            clock = [time.process_time()]
            identify(path)
            clock.append(time.process_time())
            heard = read_windows(path, seconds=frontend.seconds, count=listening.windows, rate=frontend.rate)
            clock.append(time.process_time())
            spectrograms = frontend(heard.samples)
            clock.append(time.process_time())
            codes = frontend.quantize(spectrograms)
            clock.append(time.process_time())
            described = descriptors(frontend.dequantize(codes), frame_rate=frontend.frame_rate)
            clock.append(time.process_time())
            read_tags(path)
            clock.append(time.process_time())
            for encoder in encoders:
                encoder.transform_described(codes, described)
                clock.append(time.process_time())
            taken.append([1000 * (after - before) for before, after in pairwise(clock)])
    stages = (*STAGES, *(f"encode, {encoder}" for encoder in homes))
    for stage, times in zip(stages, np.array(taken[3:]).T, strict=True):
        figures.tell(f"What a song takes of one core, {name}", stage, times.tolist(), "ms", "of the processor")


def _encoder(name: str, folder: Path) -> Encoder:
    """The encoder that a home has learnt."""
    home = Home(folder)
    with Catalog(home.catalog) as catalog:
        what = learnt(catalog, name)
        assert what is not None
    return load(home.encoder(name, what.fingerprint))
