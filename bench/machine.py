"""What every measurement here shares: whole commands timed and weighed, medians, a line about the machine."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import psutil


def about() -> str:
    """The machine and the versions that a figure was made with."""
    names = ("songspace", "numpy", "scipy", "soundfile", "av", "torch", "scikit-learn")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {versions}"


def peak_memory(command: Sequence[str]) -> float:
    """The most MB that a command and its children take together.

    It is the proportional set size, so that pages which processes share count once, looked at five times a second.
    Looking costs time, so a run that is weighed is not timed.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak, family = 0.0, psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, _weight(family))
        time.sleep(0.2)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{process.stderr.read().decode()}")
    return peak / 1e6


def _weight(family: psutil.Process) -> float:
    total = 0.0
    try:
        for process in (family, *family.children(recursive=True)):
            total += process.memory_full_info().pss
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        pass  # it ended between two looks
    return total


def median(figures: Sequence[float]) -> str:
    """The median and the range of some figures."""
    return f"{statistics.median(figures):.2f} ({min(figures):.2f} to {max(figures):.2f})"


def wall(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> float:
    """Seconds of wall time of a whole command, with nobody watching it."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - began
