"""Learning an encoder from what the library holds, once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from songspace.encoders import PIPELINE
from songspace.encoders.base import Encoder, encoder_class
from songspace.library.learnt import Learnt, learnt, set_learnt
from songspace.pipeline.budget import FEW, MOST, PLANS
from songspace.pipeline.check import check, held_out
from songspace.pipeline.stages import Run, readable
from songspace.provenance import threads

if TYPE_CHECKING:
    from songspace.encoders.training import Progress

DEFAULT = "contrastive"
"""What `learn` learns if nobody says what; only this one gives way to the hand-made space where it is no better."""

MONITORS = ("auc", "retrieval")
"""Those of a run's monitors that stand beside its losses on the screen."""


def train(run: Run, name: str, plan: dict[str, Any]) -> None:
    """Learn an encoder on the cache, unless it was learnt from the same songs in the same way."""
    trained = name in PLANS
    ids = run.cache.songs()
    songs = len(ids) - len(held_out(len(ids))) if trained else len(ids)
    if trained:
        steps, minutes = PLANS[name].limits(songs, plan["steps"], plan["minutes"])
        plan |= {"steps": steps, "minutes": minutes}
    checkpoint = run.home.checkpoint(name)
    # A run whose steps were done before its time was over has learnt what its steps alone would have taught.
    key, key_of_steps = (_key(run, name, each) for each in (plan, plan | {"minutes": None}))
    both = trained and None not in (plan["steps"], plan["minutes"])
    before = learnt(run.catalog, name)
    if before and before.key in ((key, key_of_steps) if both else (key,)) and readable(run, name):
        run.reporter.say(f"The {name} encoder has been learnt from these songs already.")
        run.course.ahead.pop("learning", None)
        return
    without = {ids[place] for place in held_out(len(ids))} if trained else set()
    X, groups = run.cache.rows(without=without)
    estimator = _make(name, plan)
    run.course.begin("learning")
    run.reporter.say(_announcement(name, songs, plan))
    if trained:
        run.reporter.say(
            f"Seed {plan['random_state']}, threads: {threads()}. The same seed learns the same with as many threads on "
            "such a processor: sums are split among them."
        )
        checkpoint.parent.mkdir(exist_ok=True)
        step = 60 * PLANS[name].minutes(1, songs)
        left = 0.0

        def show(progress: Progress) -> None:
            nonlocal left
            left = progress.remaining
            _show(run, progress, step)

        estimator.fit(X, groups=groups, checkpoint=checkpoint, on_progress=show)
        if both:
            done = round(estimator.history_["step"][-1])
            if done == plan["steps"]:
                key = key_of_steps
            elif left == 0:  # or it came apart, which is told
                run.reporter.say(_cut_short(done, plan))
        if verdict := getattr(estimator, "verdict_", ""):
            run.reporter.say(verdict)
    else:
        estimator.fit(X, groups=groups)
    estimator.save(run.home.encoder(name, estimator.fingerprint_))
    set_learnt(run.catalog, name, Learnt(estimator.fingerprint_, estimator.fingerprint_, key, held_out=sorted(without)))
    checkpoint.unlink(missing_ok=True)


def judge(run: Run, name: str) -> str:
    """Say how much better a trained encoder is than the hand-made one, and which of them should answer."""
    what = learnt(run.catalog, name)
    if name not in PLANS or what is None:
        return name
    run.course.begin("judging")
    found = check(run, name, frozenset(what.held_out))
    if found is None:
        run.reporter.say(f"Too few songs could be held out of training to say whether the {name} space is better.")
        return name
    set_learnt(run.catalog, name, replace(what, check=asdict(found)))
    if found.better:
        run.reporter.say(found.sentence(name))
        return name
    if name == DEFAULT:
        run.reporter.say(f"{found.sentence(name)} The hand-made one stays in use.")
        return "timbre"
    run.reporter.say(f"{found.sentence(name)} It is used because you asked for it.")
    return name


def _announcement(name: str, songs: int, plan: dict[str, Any]) -> str:
    """What is about to be learnt, and for how long."""
    sentence = f"Learning the {name} encoder from {songs} songs"
    if name not in PLANS:
        return f"{sentence}."
    few = " They are few to learn from: some hundreds are a start." if songs < FEW else ""
    if plan["steps"] is None:
        return f"{sentence} for {plan['minutes']:g} minutes.{few}"
    minutes = PLANS[name].minutes(plan["steps"], songs)
    long = f"about {minutes:.0f} minutes" if minutes >= 1.5 else "a minute or so"
    bound = "" if plan["minutes"] is None else f", for {_minutes(plan['minutes'])} at most"
    return f"{sentence} in {plan['steps']} steps, {long} on two cores{bound} (--minutes changes it).{few}"


def _cut_short(done: int, plan: dict[str, Any]) -> str:
    """That time was over before the steps were done."""
    return (
        f"Training ended after {_minutes(plan['minutes'])}, with {done} of {plan['steps']} steps done: "
        "another run may end elsewhere. --steps alone does all steps, however long that takes."
    )


def _minutes(minutes: float) -> str:
    return "about half an hour" if minutes == MOST else f"{minutes:g} minutes"


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


def _show(run: Run, progress: Progress, expected: float) -> None:
    """Tell how far training is; ``expected`` are the seconds that a step takes on two idle cores."""
    if progress.note:
        run.reporter.say(progress.note)
    monitors = {name: progress.monitors[name] for name in MONITORS if name in progress.monitors}
    losses = "  ".join(f"{name} {value:.3f}" for name, value in (progress.losses | monitors).items())
    left = None
    if progress.step > 1:  # the first step takes much longer than the others
        left = progress.remaining
        run.course.learnt(progress.seconds, expected * progress.step)
    detail = f"{losses}  {progress.segments_per_second:.0f} segments/s"
    run.course.tell("learning", progress.step, progress.total, left, detail)
