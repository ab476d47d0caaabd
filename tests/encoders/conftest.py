"""What the tests of encoders share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from songspace.encoders import ali_networks


@pytest.fixture(scope="session")
def textures() -> Callable[..., np.ndarray]:
    """Makes decibels of smooth spectrograms with two degrees of freedom, a little noisy."""

    def make(n: int, shape: tuple[int, int] = (64, 251), *, seed: int = 0) -> np.ndarray:
        random = np.random.default_rng(seed)
        band, frame = np.meshgrid(*(np.linspace(0, 1, length) for length in shape), indexing="ij")
        centre, rate = random.uniform(0.2, 0.8, (n, 1, 1)), random.uniform(1, 4, (n, 1, 1))
        hill = np.exp(-(((band - centre) / 0.15) ** 2))
        decibels = -50 + 30 * hill + 8 * np.sin(2 * np.pi * rate * frame)
        return np.float32(decibels + random.normal(0, 1, decibels.shape))

    return make


@pytest.fixture(scope="module")
def narrow() -> Iterator[None]:
    """Makes ALI's small networks a quarter as wide, where only their shape counts and not their strength."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ali_networks, "WIDTH", 6)
        yield
