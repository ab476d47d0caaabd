"""The poster's ladder, trained to its end at the small size: curves, seconds and scores, over several seeds.

    python bench/poster_rungs.py FOLDER -o DIR [--labels folder|genre|FILE.csv] [--steps 5350] [--batch 32] [--seeds 3]
    python bench/poster_rungs.py FOLDER -o DIR --measure     only says how long that takes here

FOLDER holds music whose genres are known, as for `songspace poster`. "As run", "as described" and "done right" are
trained once for each seed, in songspace's small size and with batches of 32 instead of the poster's 101, which would
take three times as long; all else is as in `songspace poster`: the same split of songs for every seed, the same tests.
Beside them stand their networks untrained, of the same seeds, and what has no seed: both PCAs and the hand-made
statistics.

It goes on where it was stopped. DIR/rungs.json is written anew after every rung: for each the history of every seed,
its steps, seconds and scores. `docs/make_ali_curves.py` draws it.
Last come tables: the mean over the seeds, half of the mean 95 % interval over artists, and, where a seed matters, the
standard deviation over seeds; and the differences that tell whether a game has taught anything.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from machine import about
from songspace.durations import about as roughly
from songspace.encoders.ali import POSTER_STEPS
from songspace.intervals import Score
from songspace.poster.data import Data, gather
from songspace.poster.experiment import choose_subset, set_apart
from songspace.poster.learning import BY_KEY, EmbeddingKind, Training, learn
from songspace.poster.scores import HEADLINE, METRICS, PAIRS, Test, make_tests, score
from songspace.poster.splits import TRAINING
from songspace.poster.store import Store
from songspace.poster.write_up import REFERENCE
from songspace.reporter import Reporter

Scores = dict[str, dict[str, Score]]
"""By test, and by metric."""

RUNGS = ("ali_run", "ali_described", "ali_right")
UNTRAINED = ("ali_drawn", "ali_random")
WITHOUT_SEED = ("pca_then", "pca", "timbre", "linear")


class Lines(Reporter):
    """A line for everything that is said, and one a minute for how far something is."""

    def __init__(self) -> None:
        self._told = 0.0

    def say(self, sentence: str) -> None:
        print(sentence, flush=True)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        if done == total or time.monotonic() - self._told > 60:
            self._told = time.monotonic()
            print(f"{time.strftime('%H:%M:%S')} {stage} {done:,}/{total:,}  {detail}", flush=True)


def seconds_a_step(kind: EmbeddingKind, data: Data, training: np.ndarray, plan: Training) -> float:
    """How long a batch takes, over two rounds of five, after one to warm up."""
    ali: Any = kind.make(plan)
    rows = training[:: max(1, len(training) // 200)]
    game, pictures = ali.set_up(data.spectrograms(ali.get_frontend(), rows))
    random, began = np.random.default_rng(0), 0.0
    for number in range(15):
        if number == 5:
            began = time.monotonic()
        game.step(pictures[random.choice(len(rows), plan.batch)], 0.0)
    return (time.monotonic() - began) / 10


def told(
    kind: EmbeddingKind,
    data: Data,
    sets: tuple[np.ndarray, np.ndarray],
    tests: list[Test],
    work: Store,
    plan: Training,
    seeds: int,
) -> tuple[dict[str, Any], Scores]:
    """Train and score one embedding, or take what was found before; its facts, and its scores."""
    embedding = learn(kind, data, *sets, work, plan, Lines())
    facts = dict(embedding.facts)
    if facts.get("seconds"):
        facts["segments_per_second"] = round(facts["steps"] * (plan.batch or 0) / facts["seconds"], 1)
        facts["seconds_per_step"] = round(facts["seconds"] / facts["steps"], 4)
    if "failed" in facts:
        return facts, {}
    found = {test.name: score(embedding, data, test, work, seeds=seeds, seed=0) for test in tests}
    plain = {name: {m: s.as_dict() for m, s in by.items()} for name, by in found.items()}
    return facts | {"scores": plain}, found


def cell(one: Mapping[str, Any], test: str, metric: str) -> str:
    """A score in a table: the mean over the seeds, half of the mean interval, and the spread over the seeds."""
    by_seed = [by.get("scores", {}).get(test, {}) for by in one["seeds"].values()]
    scores = [scores[metric] for scores in by_seed if metric in scores]
    if not scores:
        return ""
    values = [score["value"] for score in scores]
    halves = [score["interval"][1] - score["value"] for score in scores if score["interval"]]
    spread = f" ({np.std(values, ddof=1):.2f})" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}" + (f" ±{np.mean(halves):.2f}" if halves else "") + spread


def tables(result: Mapping[str, Any]) -> None:
    """Print a table of each test."""
    for name, test in result["tests"].items():
        metrics = {m: METRICS[m] for m in METRICS if not m.startswith("mixture")}
        print(f"\n{name}: {test['items']} items by {test['artists']} artists; chance: AMI 0")
        print(f"| | {' | '.join(metrics.values())} |\n|{'---|' * (len(metrics) + 1)}")
        for entry in result["embeddings"].values():
            print(f"| {entry['name']} | {' | '.join(cell(entry, name, metric) for metric in metrics)} |")


def differences(result: Mapping[str, Any], scores: Mapping[tuple[str, str], Scores]) -> None:
    """Print how much better each game is than what stands beside it, as the mean over the seeds."""
    names = {key: entry["name"] for key, entry in result["embeddings"].items()}
    asked = [pair for pair in PAIRS if set(pair) <= set(names)]
    for test in result["tests"]:
        print(f"\n{test}, differences of {METRICS[HEADLINE]}")
        print("| | minus | mean over seeds, 95 % interval | of each seed |\n|---|---|---|---|")
        for first, second in asked:
            found = []
            for seed in result["embeddings"][first]["seeds"]:
                left, right = scores[first, seed], scores[second, seed if (second, seed) in scores else "0"]
                if left and right:  # neither came apart
                    found.append(left[test][HEADLINE].minus(right[test][HEADLINE]))
            if not found:
                continue
            values = [one["value"] for one in found]
            half = np.mean([np.ptp(one["interval"]) / 2 for one in found if one["interval"]] or [np.nan])
            mean, each = np.mean(values), ", ".join(f"{value:+.2f}" for value in values)
            between = f"[{mean - half:+.2f}, {mean + half:+.2f}]"
            print(f"| {names[first]} | {names[second]} | {mean:+.2f} {between} | {each} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--labels")
    parser.add_argument("--per-genre", type=int)
    parser.add_argument("--segments", type=int, default=10)
    parser.add_argument("--steps", type=int, default=POSTER_STEPS)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--clustering-seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure", action="store_true")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    print(about(), f"{wanted.threads} threads", flush=True)

    shared = Store(wanted.output / "data")
    with shared.lock():
        with threadpool_limits(1):  # the cores belong to the workers while they decode
            data = gather(
                wanted.folder,
                shared.folder,
                source=wanted.labels,
                per_genre=wanted.per_genre,
                segments=wanted.segments,
                reporter=Lines(),
            )
        plans = [Training(wanted.steps, None, "small", seed, "cpu", wanted.batch) for seed in range(wanted.seeds)]
        sides, training, aside = set_apart(data, 0)
        tests = make_tests(data, sides, aside, choose_subset(data, None), seed=0)
        rows = np.union1d(data.rows_of(np.flatnonzero(sides != TRAINING)), aside)
        print(f"{len(data.clips)} songs, {len(training):,} segments to learn from", flush=True)

        total = 0.0
        for key in RUNGS:
            seconds = seconds_a_step(BY_KEY[key], data, training, plans[0])
            total += seconds * wanted.steps * wanted.seeds
            print(f"{key:14} {1000 * seconds:7.0f} ms a step of {wanted.batch}", flush=True)
        print(
            f"{wanted.seeds} seeds of {wanted.steps:,} steps each: about {roughly(total)}, and the scores", flush=True
        )
        if wanted.measure:
            return

        result: dict[str, Any] = {
            "settings": {name: value for name, value in vars(wanted).items() if name not in ("output", "measure")}
            | {"folder": wanted.folder.resolve().name, "labels": Path(data.source).name},
            "machine": about(),
            "segments": {"training": len(training), "scored": len(rows)},
            "tests": {
                t.name: {"items": len(t.items), "genres": t.genres, "artists": len(set(t.artists))} for t in tests
            },
            "embeddings": {},
            "poster": REFERENCE,
        }
        scores: dict[tuple[str, str], Scores] = {}
        for seed, plan in enumerate(plans):
            work = Store(wanted.output / f"seed-{seed}")
            for key in (*(WITHOUT_SEED if seed == 0 else ()), *UNTRAINED, *RUNGS):
                entry = result["embeddings"].setdefault(key, {"name": BY_KEY[key].name, "seeds": {}})
                facts, found = told(BY_KEY[key], data, (training, rows), tests, work, plan, wanted.clustering_seeds)
                entry["seeds"][str(seed)], scores[key, str(seed)] = facts, found
                shared.write(wanted.output / "rungs.json", json.dumps(result, indent=1).encode())
    tables(result)
    differences(result, scores)


if __name__ == "__main__":
    main()
