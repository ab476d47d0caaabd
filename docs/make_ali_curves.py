"""Make the curves of `ali.md` again: the ladder's three games, played on the rendered library.

    python docs/make_ali_curves.py [--folder DIR] [--steps 400] [--batch 32]

Renders the library (or takes a folder that `songspace demo` has rendered), computes the poster's spectrograms of it,
and plays each rung in the small size for as many steps. Writes `docs/ali-curves.png`, and prints what became of each
game.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt

from songspace import read_windows
from songspace.demo import render
from songspace.encoders import training
from songspace.encoders.ali import ALI, RUNGS
from songspace.frontends import PowerSpectrogram

RUNGS_SHOWN = ("as run", "as described", "done right")
PLACE = Path(__file__).resolve().parent / "ali-curves.png"
ROWS = {
    "losses": ("discriminator", "encoder", "decoder", "cycle"),
    "discriminator's\narea under the curve": ("auc",),
    "error": ("cycle_x", "cycle_x_pca", "cycle_z"),
    "same-song retrieval": ("retrieval", "chance"),
}


def spectrograms(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Power of six windows of each song, and the song of each."""
    frontend = PowerSpectrogram()
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".flac", ".mp3", ".ogg", ".wav", ".m4a"))
    power = [frontend(read_windows(path, seconds=5, count=6, rate=frontend.rate).samples) for path in files]
    return np.concatenate(power), np.repeat(np.arange(len(power)), [len(rows) for rows in power])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=32)
    wanted = parser.parse_args()
    training.MONITOR_EVERY = max(1, wanted.steps // 20)
    with tempfile.TemporaryDirectory() as scratch:
        folder = wanted.folder or Path(scratch)
        render(folder)
        power, songs = spectrograms(folder)
    figure, axes = plt.subplots(len(ROWS), 3, sharex=True, sharey="row", figsize=(10, 9), layout="constrained")
    for rung, column in zip(RUNGS_SHOWN, axes.T, strict=True):
        ali = ALI(**RUNGS[rung] | {"batch_size": wanted.batch}, steps=wanted.steps, device="cpu")
        X = 10 * np.log10(np.maximum(power, 1e-10)) if ali.get_frontend().log else power
        history = ali.fit(X, groups=songs).history_
        print(f"{rung}: {ali.verdict_}", flush=True)
        column[0].set_title(rung)
        for ax, (label, names) in zip(column, ROWS.items(), strict=True):
            for name in names:
                if name in history:
                    steps = history["step" if len(history[name]) == len(history["step"]) else "watched"]
                    ax.plot(steps, history[name], label=name, linewidth=1.2)
            ax.set_ylim(0, 2.5 if label in ("losses", "error") else 1.02)
            if rung == RUNGS_SHOWN[-1]:
                ax.legend(fontsize=8, loc="upper right")
            if rung == RUNGS_SHOWN[0]:
                ax.set_ylabel(label)
        column[-1].set_xlabel("step")
    figure.savefig(PLACE, dpi=90)


if __name__ == "__main__":
    main()
