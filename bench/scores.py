"""Scores of every encoder on a folder whose labels are known: the folder of a song is its genre.

    python bench/scores.py FOLDER [--labels folder|genre|FILE.csv] [--training-seeds 5] [--steps N] [--ali-steps 1200]
                           [--home DIR] [--kept FILE.jsonl]

Learns ALI, the contrastive encoder (as many steps as `learn` takes by default) and the default one on the folder, once
for each training seed; labels play no part in it. Then asks `songspace evaluate` for the scores of all encoders and of
their controls, and says what `learn` found without labels. The default one has no training seed, and is scored on the
artists that it was learnt from: `bench/learning.py` is about others. The tables give means over the training seeds,
half of the 95 % interval (over artists; the mean of the seeds' own), and in brackets the standard deviation over
training seeds. A difference's interval holds both: what artists and what training seeds make of it. What a seed told
is kept in --kept, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from machine import about

METRICS = {
    "kmeans_ami": "k-means AMI",
    "kmeans_v_measure": "k-means V",
    "mixture_ami": "mixture AMI",
    "precision": "P@10",
    "average_precision": "mAP",
}


def one_seed(wanted: argparse.Namespace, seed: int, home: str) -> dict[str, Any]:
    """What the folder's encoders score, learnt with a seed."""
    program = [sys.executable, "-m", "songspace", "--home", home]
    learn = [*program, "learn", wanted.folder, "--seed", str(seed)]
    if wanted.ali_steps:
        subprocess.run([*learn, "--encoder", "ali", "--steps", str(wanted.ali_steps)], check=True)
    if wanted.steps != "0":
        steps = ["--steps", wanted.steps] if wanted.steps else []
        subprocess.run([*learn, "--encoder", "contrastive", *steps], check=True)
    subprocess.run(learn, check=True)
    evaluate = ["evaluate", "--labels", wanted.labels, "--encoders", "all", "--seeds", wanted.seeds, "--json"]
    scores = json.loads(subprocess.run([*program, *evaluate], check=True, stdout=subprocess.PIPE).stdout)
    status = json.loads(subprocess.run([*program, "status", "--json"], check=True, stdout=subprocess.PIPE).stdout)
    return {"seed": seed, "scores": scores, "status": status["summary"]}


def cell(scores: Sequence[dict[str, Any]]) -> str:
    """Mean, half of the interval and spread over training seeds."""
    values = np.array([score["value"] for score in scores])
    halves = [np.ptp(score["interval"]) / 2 for score in scores if score["interval"]]
    text = f"{values.mean():.3f}" + (f" ±{np.mean(halves):.3f}" if halves else "")
    return text + (f" ({values.std(ddof=1):.3f})" if len(values) > 1 and np.ptp(values) > 0 else "")


def apart(differences: Sequence[dict[str, Any]]) -> str:
    """The mean of paired differences, with an interval for artists and training seeds alike."""
    values = np.array([-one["value"] for one in differences])
    half = float(np.mean([(np.ptp(one["interval"]) / 2) ** 2 for one in differences if one["interval"]] or [np.nan]))
    if len(values) > 1:
        half += float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)) ** 2
    low, high = values.mean() - np.sqrt(half), values.mean() + np.sqrt(half)
    return f"{values.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def report(told: Sequence[dict[str, Any]]) -> None:
    """The tables."""
    encoders = [seed["scores"]["encoders"] for seed in told]
    print(f"\n{told[0]['scores']['songs']} songs, training seeds {', '.join(str(seed['seed']) for seed in told)}\n")
    print(
        "| encoder | " + " | ".join(METRICS.values()) + " | hub skewness |\n|---" * 1 + "|---" * len(METRICS) + "|---|"
    )
    for name in encoders[0]:
        cells = [cell([scores[name][metric] for scores in encoders]) for metric in METRICS]
        skewness = np.mean([scores[name]["skewness"] for scores in encoders])
        print(f"| {name} | {' | '.join(cells)} | {skewness:.2f} |")
    chances = [
        f"{np.mean([scores[name][metric]['chance'] for scores in encoders for name in scores]):.3f}"
        for metric in METRICS
    ]
    print(f"| chance | {' | '.join(chances)} | |")
    first, *others = encoders[0]
    compared = told[0]["scores"]["differences"][others[0]]
    print(
        f"\n| {first} minus | "
        + " | ".join(METRICS[metric] for metric in compared)
        + " |\n|---"
        + "|---" * len(compared)
        + "|"
    )
    for name in others:
        cells = [apart([seed["scores"]["differences"][name][metric] for seed in told]) for metric in compared]
        print(f"| {name} | {' | '.join(cells)} |")
    for seed in told:
        print(f"\nSeed {seed['seed']}, without labels:")
        for question, answer in seed["status"].items():
            if "held out" in question:
                print(f"  {question}: {answer}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--labels", default="folder")
    parser.add_argument("--training-seeds", type=int, default=1)
    parser.add_argument("--steps", help="of the contrastive encoder; 0: without it")
    parser.add_argument("--ali-steps", type=int, default=1200, help="0: without ALI")
    parser.add_argument("--seeds", default="10", help="of the clusterings")
    parser.add_argument("--home")
    parser.add_argument("--kept", type=Path)
    wanted = parser.parse_args()
    print(about(), flush=True)
    told = []
    if wanted.kept and wanted.kept.exists():
        told = [json.loads(line) for line in wanted.kept.read_text().splitlines()]
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(len(told), wanted.training_seeds):
            told.append(one_seed(wanted, seed, wanted.home or scratch))
            if wanted.kept:
                with wanted.kept.open("a") as file:
                    file.write(json.dumps(told[-1]) + "\n")
    report(told[: wanted.training_seeds])


if __name__ == "__main__":
    main()
