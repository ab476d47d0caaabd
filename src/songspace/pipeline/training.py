"""Learning an encoder from what the library holds, once."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

from songspace.encoders import PIPELINE
from songspace.encoders.base import Encoder, encoder_class
from songspace.library.learnt import Learnt, learnt, set_learnt
from songspace.pipeline.stages import Run, readable
from songspace.reporter import Reporter

if TYPE_CHECKING:
    from songspace.encoders.training import Progress

TRAINED = ("contrastive", "ali")
"""Encoders that are trained step by step: they take ``steps`` and ``minutes``, and can be resumed."""

MONITORS = ("auc", "retrieval")
"""Those of a run's monitors that stand beside its losses on the screen."""


def train(run: Run, name: str, plan: dict[str, Any]) -> None:
    """Learn an encoder on the cache, unless it was learnt from the same songs in the same way."""
    trained = name in TRAINED
    if trained and plan["steps"] is None and plan["minutes"] is None:
        plan["steps"] = default_steps(name, len(run.cache.identities()))
    checkpoint, key = run.home.checkpoint(name), _key(run, name, plan)
    before = learnt(run.catalog, name)
    if before and before.key == key and readable(run, name):
        run.reporter.say(f"The {name} encoder has been learnt from these songs already.")
        return
    X, groups = run.cache.rows()
    estimator = _make(name, plan)
    run.reporter.say(f"Learning the {name} encoder from {len(run.cache.identities())} songs.")
    if trained:
        checkpoint.parent.mkdir(exist_ok=True)
        estimator.fit(
            X,
            groups=groups,
            checkpoint=checkpoint,
            on_progress=lambda progress: _show(run.reporter, progress),
        )
        if verdict := getattr(estimator, "verdict_", ""):
            run.reporter.say(verdict)
    else:
        estimator.fit(X, groups=groups)
    estimator.save(run.home.encoder(name, estimator.fingerprint_))
    set_learnt(run.catalog, name, Learnt(estimator.fingerprint_, estimator.fingerprint_, key))
    checkpoint.unlink(missing_ok=True)


def default_steps(name: str, songs: int) -> int:
    """Training steps for a library: about 500 passes over some hundreds of songs, fewer passes over many."""
    least = {"contrastive": 2000, "ali": 6000}[name]
    return round(least * max(1.0, math.sqrt(songs / 1000)))


def _make(name: str, plan: dict[str, Any]) -> Encoder:
    found = encoder_class(name)
    accepted = found._get_param_names()
    given = {key: value for key, value in plan.items() if key in accepted}
    return found(**given)


def _key(run: Run, name: str, plan: dict[str, Any]) -> str:
    """A digest of all that decides what an encoder learns (the device decides only how fast)."""
    settings = [
        name,
        PIPELINE,
        str(run.listening),
        {k: v for k, v in plan.items() if k != "device"},
    ]
    digest = hashlib.blake2b(json.dumps(settings).encode(), digest_size=16)
    for identity in run.cache.identities():
        digest.update(identity)
    return digest.hexdigest()


def _show(reporter: Reporter, progress: Progress) -> None:
    # Where time alone ends the run, the number of steps is an estimate.
    steps = progress.steps or progress.step + round(progress.remaining * progress.step / progress.seconds)
    if progress.note:
        reporter.say(progress.note)
    monitors = {name: progress.monitors[name] for name in MONITORS if name in progress.monitors}
    losses = "  ".join(f"{name} {value:.3f}" for name, value in (progress.losses | monitors).items())
    speed = f"{progress.segments_per_second:.0f} segments/s"
    reporter.progress("learning", progress.step, steps, f"{losses}  {speed}  {progress.remaining:.0f} s left")
