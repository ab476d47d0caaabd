"""Whatever processor there is, networks of every width compute what they should and no process dies.

Other processors are those that torch can be told to take this one for. Each is met in a process of its own: torch asks
once, and memory that is written past its end kills the process.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from songspace.encoders.networks import lay_out

HERE = Path(__file__).parent
PROCESSORS = {
    "this one": {},
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
}


def run(processor: str, *arguments: object) -> str:
    """What a program prints that is run as on another processor."""
    ran = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        | PROCESSORS[processor],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ran.returncode == 0, f"as on {processor} it ended with {ran.returncode}:\n{ran.stdout[-3000:]}"
    return ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("processor", PROCESSORS)
def test_all_convolutions_give_the_gradients_that_they_give_without_onednn(processor: str) -> None:
    lines = [line.split("\t") for line in run(processor, HERE / "gradients.py").splitlines() if "\t" in line]
    counts = {name: int(count) for count, _, _, name in lines}
    assert counts["convnet 1, a piece"] == counts["convnet 24, a large picture"] == 13
    assert (counts["small encoder 64"], counts["small decoder 1"], counts["small discriminator"]) == (5, 5, 5)
    assert (counts["poster encoder 64"], counts["poster decoder 1"], counts["poster discriminator"]) == (6, 7, 5)
    assert {name: error for _, error, _, name in lines if not float(error) < 1e-4} == {}
    assert {name: error for _, _, error, name in lines if not float(error) < 0.03} == {}  # of bfloat16's 8 bits


@pytest.mark.slow
def test_the_encoders_keep_their_contract_on_another_processor() -> None:
    """The tests of the networks."""
    files = [HERE / f"test_{each}.py" for each in ("contrastive", "ali_networks")]
    options = ["-q", "-m", "not slow", "-p", "no:xdist", "-p", "no:cacheprovider"]
    said = run("AVX2", "-m", "pytest", *options, *files)
    assert int(re.findall(r"(\d+) passed", said)[-1]) > 60


def layout(*channels: int) -> torch.memory_format:
    network = nn.Sequential(*(nn.Conv2d(*pair, 3) for pair in pairwise(channels)))
    given = lay_out(network)
    assert all(module.weight.is_contiguous(memory_format=given) for module in network)
    return given


@pytest.mark.parametrize("channels", [(1, 24, 48, 192), (1, 16, 32), (32, 64, 1), (512, 64)])
def test_networks_of_whole_vectors_are_laid_out_channels_last(channels: tuple[int, ...]) -> None:
    assert layout(*channels) is torch.channels_last


@pytest.mark.parametrize(
    "channels", [(1, 2, 4), (1, 4, 8), (1, 8, 16), (1, 12, 24), (1, 15, 30), (1, 20, 40), (24, 48, 7), (7, 192, 24)]
)
def test_networks_with_too_few_or_odd_channels_keep_the_layout_that_is_safe(channels: tuple[int, ...]) -> None:
    assert layout(*channels) is torch.contiguous_format
