"""What every measurement here shares: whole commands timed and weighed, medians, a line about the machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass
class Figures:
    """What a bench finds: on standard output, as lines for people or, with `--json`, a JSON line a figure.

    `bench/table.py` makes docs/benchmarks.md of the JSON lines: a table a question, a row a figure. Whatever else a
    bench says goes to standard error then (:meth:`say`).

    Attributes
    ----------
    bench : str
        The script: "indexing".
    as_json : bool
        Whether it was called with `--json`.
    """

    bench: str
    as_json: bool = False
    _question: str = field(default="", repr=False)

    def tell(self, question: str, what: str, values: Sequence[float], unit: str, note: str = "") -> None:
        """One figure: the median of some runs, and their range.

        Parameters
        ----------
        question : str
            What is measured, on what; the same for all rows of one table: "Listening, emotify, 2 workers".
        what : str
            Who is measured, alone in its table: "songspace update".
        values : sequence of float
            One a run; none, if it could not be measured, and then `note` says why ("not installed").
        """
        if self.as_json:
            middle = (statistics.median(values), min(values), max(values)) if values else (None,) * 3
            line: dict[str, object] = {"bench": self.bench, "question": question, "what": what}
            line |= zip(("value", "low", "high"), middle, strict=True)
            print(json.dumps(line | {"unit": unit, "runs": len(values), "note": note}), flush=True)
            return
        if question != self._question:
            self._question = question
            print(f"\n{question}")
        print(f"  {what:34} {median(values) + ' ' + unit if values else 'not measured':34} {note}".rstrip(), flush=True)

    def say(self, sentence: str) -> None:
        """Something that is no figure."""
        print(sentence, file=sys.stderr if self.as_json else sys.stdout, flush=True)


def median(figures: Sequence[float]) -> str:
    """The median and the range of some figures."""
    return f"{statistics.median(figures):.2f} ({min(figures):.2f} to {max(figures):.2f})"


def wall(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> float:
    """Seconds of wall time of a whole command, with nobody watching it."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - began
