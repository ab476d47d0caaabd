"""Draw the curves of the ladder's three games from what `bench/poster_rungs.py` found.

    python docs/make_ali_curves.py DIR/rungs.json [-o docs/ali-curves.png]

A column for each rung, a line for each seed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

RUNGS_SHOWN = ("ali_run", "ali_described", "ali_right")
PLACE = Path(__file__).resolve().parent / "ali-curves.png"
ROWS: dict[str, dict[str, tuple[str, str]]] = {
    "losses": {"discriminator": ("#20242b", "-"), "encoder + decoder": ("#2f6fd0", "-")},
    "discriminator's\narea under the curve": {"auc": ("#20242b", "-")},
    "cycle error": {"cycle_z": ("#2f6fd0", "-"), "cycle_x": ("#bd5007", "-"), "cycle_x_pca": ("#9aa1ac", "--")},
    "effective rank\nof codes": {"effective_rank": ("#2f6fd0", "-")},
    "same-song retrieval": {"retrieval": ("#2f6fd0", "-"), "chance": ("#9aa1ac", "--")},
}
"""What is drawn, in which colour and line."""


def curve(history: dict[str, list[float]], name: str) -> list[float]:
    """A curve of a history, or the sum of two."""
    return [sum(values) for values in zip(*(history[part] for part in name.split(" + ")), strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("found", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=PLACE)
    wanted = parser.parse_args()
    embeddings = json.loads(wanted.found.read_text(encoding="utf-8"))["embeddings"]
    figure, axes = plt.subplots(len(ROWS), 3, sharex=True, sharey="row", figsize=(10, 10), layout="constrained")
    for rung, column in zip(RUNGS_SHOWN, axes.T, strict=True):
        seeds = [one["history"] for one in embeddings[rung]["seeds"].values() if "history" in one]
        column[0].set_title(embeddings[rung]["name"])
        column[-1].set_xlabel("batch")
        for ax, (label, curves) in zip(column, ROWS.items(), strict=True):
            for name, (color, style) in curves.items():
                for number, history in enumerate(seeds):
                    if name.split(" + ")[0] in history:
                        values = curve(history, name)
                        at = history["step" if len(values) == len(history["step"]) else "watched"]
                        said = None if number else name
                        ax.plot(at, values, label=said, color=color, linestyle=style, linewidth=0.9, alpha=0.8)
            ax.set_ylim(0, {"losses": 2.5, "cycle error": 2.5, "effective rank\nof codes": 40}.get(label, 1.02))
            if rung == RUNGS_SHOWN[-1]:
                ax.legend(fontsize=8, loc="upper right")
            if rung == RUNGS_SHOWN[0]:
                ax.set_ylabel(label)
    figure.savefig(wanted.output, dpi=90)


if __name__ == "__main__":
    main()
