"""How well `learn` tells how long it will take: what it said on its way, beside when it was done.

    python bench/forecasts.py FOLDER [--encoder contrastive] [--steps 300] [--runs 1] [--json]

Listens from another process, as the page does. The error is that of what was said to be left, as a share of what was
left in fact, when a tenth, a quarter and a half of the time had passed: of the whole run, and of listening alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from machine import Figures, about
from songspace.library import Home
from songspace.library.progress import read_progress

SHARES = (0.1, 0.25, 0.5)
EVERY = 0.1
Told = tuple[float, float]
"""When something was said, and what was said to be left, in seconds."""


def watched(command: Sequence[str], home: Home) -> tuple[list[Told], list[Told]]:
    """What a run said of all of it and of listening, with (end, 0) as the last."""
    began = time.monotonic()
    whole: list[Told] = []
    listening: list[Told] = []
    heard = 0.0
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while run.poll() is None:
        now = time.monotonic() - began
        if told := read_progress(home):
            if told.left_in_all is not None:
                whole.append((now, told.left_in_all))
            if told.stage == "listening" and not heard:
                if told.left is not None:
                    listening.append((now, told.left))
                if told.done == told.total > 0:
                    heard = now
        time.sleep(EVERY)
    if run.returncode:
        sys.exit(f"{' '.join(command)} ended with status {run.returncode}")
    return [*whole, (time.monotonic() - began, 0.0)], [*(each for each in listening if each[0] < heard), (heard, 0.0)]


def error(told: Sequence[Told], share: float) -> float | None:
    """The error in % of what was said last when such a share of the time had passed; None if nothing was."""
    end, _ = told[-1]
    said = [(now, left) for now, left in told[:-1] if now <= share * end]
    if not said:
        return None
    now, left = said[-1]
    return 100 * (left - (end - now)) / (end - now)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default="contrastive")
    parser.add_argument("--steps", default="300")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="a JSON line a figure, for bench/table.py")
    wanted = parser.parse_args()
    figures = Figures("forecasts", wanted.json)
    figures.say(about())
    trained = ["--steps", wanted.steps] if wanted.encoder in ("contrastive", "ali") else []
    runs = []
    for _ in range(wanted.runs):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "songspace", "learn", str(wanted.folder), "--home", folder]
            runs.append(watched([*command, "--encoder", wanted.encoder, *trained], Home(Path(folder))))
    steps = f", {wanted.steps} steps" if trained else ""
    question = f"Error of the time left, learn --encoder {wanted.encoder}{steps}"
    for what, told in zip(("the whole run", "listening"), zip(*runs, strict=True), strict=True):
        ends = ", ".join(f"{each[-1][0]:.0f} s" for each in told)
        for share in SHARES:
            errors = [found for each in told if (found := error(each, share)) is not None]
            missing = len(told) - len(errors)
            note = f"{missing} of {len(told)} runs had said nothing yet" if missing else f"took {ends}"
            figures.tell(question, f"{what}, at {share:.0%}", errors, "%", note)


if __name__ == "__main__":
    main()
