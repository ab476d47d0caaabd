"""Learning an encoder from what the library holds, once."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np

from songspace.encoders import PIPELINE
from songspace.encoders.base import Encoder, encoder_class
from songspace.encoders.pretrained import Pretrained
from songspace.encoders.registry import AT_ONCE, BY_HAND, ENOUGH, IN_MINUTES, MOST_MINUTES, Plan
from songspace.errors import SongspaceError
from songspace.evaluation.worth import Check
from songspace.library.cache import Rows
from songspace.library.credits import taught_by, teachers
from songspace.library.learnt import Learnt, learnt, load_learnt, set_learnt
from songspace.library.listening import Listening, ears
from songspace.pipeline.check import LEAST, check, held_out, units
from songspace.pipeline.stages import Run, encode, readable, sounds
from songspace.pipeline.teaching import EXAMINED, ear_of, examination, find_map, kept, said
from songspace.provenance import threads

if TYPE_CHECKING:
    from songspace.encoders.training import TrainingProgress

TEACHERS = ("artists", "songs")
"""The teachers beside sound: who made which songs, or only which segments belong to one song."""

MONITORS = ("auc", "retrieval")
"""Those of a run's monitors that stand beside its losses on the screen."""


def take(run: Run, encoder: Encoder, teacher: str) -> None:
    """Take an encoder that was made elsewhere, unless the library has it already; encode with it, and find its map.

    Raises
    ------
    SongspaceError
        If it cannot encode the songs; then the library keeps the one that it had.
    """
    name = encoder.name
    before = learnt(run.catalog, name)
    if before and before.vectors == encoder.kept_as_ and readable(run, name):
        run.reporter.say(f"The library has this {name} encoder already.")
        if before.fingerprint == encoder.fingerprint_:  # without a map: a library that has grown is checked anew
            _remember(run, encoder)
    else:
        keep(run, encoder)
    try:
        encode(run, name)
    except SongspaceError:
        if before is None:
            run.catalog.set_fact(f"learnt:{name}", None)
        else:
            set_learnt(run.catalog, name, before)
        raise
    if isinstance(encoder, Pretrained) and not encoder.has_words:  # words have their places among its own vectors
        songs = kept(run, encoder)
        if len(songs) >= LEAST:
            keep(run, encoder, find_map(run, encoder, songs, teacher), songs=len(songs))


def keep(run: Run, encoder: Encoder, teacher: str = "", songs: int = 0) -> None:
    """Keep an encoder that was made elsewhere; ``teacher`` and ``songs`` taught its map, "" and 0 where it has none."""
    encoder.save(run.home.encoder(encoder.name, encoder.fingerprint_))
    _remember(run, encoder, teacher, songs)


def _remember(run: Run, encoder: Encoder, teacher: str = "", songs: int = 0) -> None:
    """Note in the catalog that the library has an encoder that was made elsewhere; songs taught its map at most."""
    what = replace(_learnt(encoder, encoder.kept_as_, []), teacher=teacher, songs=songs, library=run.catalog.count())
    set_learnt(run.catalog, encoder.name, what)


def _learnt(encoder: Encoder, key: str, held_out: list[int]) -> Learnt:
    """Return the record of an encoder: its windows lie around a segment, or within it."""
    heard = max(Listening().frontend.seconds, encoder.get_frontend().seconds)
    return Learnt(encoder.fingerprint_, encoder.kept_as_, key, held_out, heard=heard, words=encoder.has_words)


def train(run: Run, name: str, plan: dict[str, Any]) -> None:
    """Learn an encoder on the cache, unless it was learnt from the same songs in the same way."""
    kind = encoder_class(name)
    training = kind.plan
    trained = training is not None
    whole = run.songs()
    ids = run.cache.songs()
    # What hears for itself is not fitted once more for the check: that would take as long again.
    apart_at_once = trained or (kind.takes_artists and ears(make(name, {}), run.listening) is not None)
    without = held_out(run.catalog.songs(ids), units(whole)) if apart_at_once else []
    apart = frozenset(without)
    learnt_from = [id for id in ids if id not in apart][: kind.taught_on or None]
    songs = len(learnt_from)
    by_artists = kind.takes_artists and plan["teacher"] == "artists"
    who = teachers(whole, learnt_from) if by_artists else {}
    plan |= {"teacher": ("artists" if who else "songs") if kind.takes_artists else ""}
    if training is not None:
        steps, minutes = training.limits(songs, plan["steps"], plan["minutes"])
        plan |= {"steps": steps, "minutes": minutes}
    checkpoint = run.home.checkpoint(name)
    # A run whose steps were done before its time was over has learnt what its steps alone would have taught.
    key, key_of_steps = (_key(run, name, each, who) for each in (plan, plan | {"minutes": None}))
    both = trained and None not in (plan["steps"], plan["minutes"])
    before = learnt(run.catalog, name)
    if before and before.key in ((key, key_of_steps) if both else (key,)) and readable(run, name):
        run.reporter.say(f"The {name} encoder has been learnt from these songs already.")
        run.course.ahead.pop("learning", None)
        # The library may have grown beyond what the cache has room for.
        set_learnt(run.catalog, name, replace(before, library=run.catalog.count()))
        return
    estimator = make(name, plan)
    taught: dict[str, Any] = {}
    examined: dict[int, np.ndarray] = {}
    if kind.taught_by:
        vectors, examined = _vectors_of_ear(run, kind, learnt_from, without)
        learnt_from, songs = list(vectors), len(vectors)
        taught["y"] = np.concatenate(list(vectors.values()))
    X, groups, owners = _rows(run, estimator, learnt_from)
    taught |= taught_by(who, (owners[group] for group in groups))
    if kind.taught_by:  # what is guessed of a song must not come from others of its artist
        whose = units(whole)
        names = [whose[owners[group]] for group in groups]
        groups = np.unique(names, return_inverse=True)[1] if len(set(names)) > 1 else groups
    run.course.begin("learning")
    run.reporter.say(_announcement(name, songs, len(ids), training, plan))
    if by_artists and not who:
        run.reporter.say("Nothing tells which of them one artist made and which others did: sound alone teaches.")
    if training is None:
        estimator.fit(X, groups=groups, **taught)
    else:
        taught |= {"groups": groups, "checkpoint": checkpoint}
        if _train_in_steps(run, estimator, X, plan, seconds=60 * training.minutes(1, songs), **taught):
            key = key_of_steps
        if examined:
            run.reporter.say(examination(run, estimator, examined, taught["y"].mean(axis=0)))
    estimator.save(run.home.encoder(name, estimator.fingerprint_))
    what = replace(_learnt(estimator, key, without), teacher=plan["teacher"], songs=songs, library=run.catalog.count())
    set_learnt(run.catalog, name, what)
    checkpoint.unlink(missing_ok=True)


def _vectors_of_ear(
    run: Run, kind: type[Encoder], learnt_from: list[int], without: list[int]
) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Return the vectors with which an ear teaches, by song, and those for the examination, of songs held out."""
    spread = without[:: max(1, -(-len(without) // EXAMINED))]
    vectors = said(run, ear_of(kind), [*learnt_from, *spread])
    examined = {song: vectors.pop(song) for song in spread if song in vectors}
    if not vectors:
        raise SongspaceError(f"{kind.taught_by} could hear none of the songs that it should teach from.")
    return vectors, examined


def _train_in_steps(
    run: Run, estimator: Encoder, X: Any, plan: dict[str, Any], *, seconds: float, checkpoint: Path, **taught: Any
) -> bool:
    """Train a network, with its progress on the screen; return whether its steps were done before its time was over.

    Parameters
    ----------
    seconds : float
        Expected duration of a step.
    """
    run.reporter.say(
        f"Seed {plan['random_state']}, threads: {threads()}. The same seed learns exactly the same again with as "
        "many threads (OMP_NUM_THREADS) on a processor of this kind."
    )
    checkpoint.parent.mkdir(exist_ok=True)
    left = 0.0

    def show(progress: TrainingProgress) -> None:
        nonlocal left
        left = progress.remaining
        _show(run, progress, seconds)

    estimator.fit(X, checkpoint=checkpoint, on_progress=show, **taught)
    if verdict := getattr(estimator, "verdict_", ""):
        run.reporter.say(verdict)
    if None in (plan["steps"], plan["minutes"]):
        return False
    done = round(estimator.history_["step"][-1])
    if done < plan["steps"] and left == 0:  # with time left it diverged, which is reported
        run.reporter.say(_cut_short(done, plan))
    return bool(done == plan["steps"])


def _rows(run: Run, encoder: Encoder, songs: list[int]) -> tuple[Any, np.ndarray, list[int]]:
    """Return the spectrograms that an encoder learns from: the cache, or what its own ears hear of the same songs.

    Segments, the number of the song of each, and the id of each number.
    What is heard lies in a file without a name while it is in use, and takes no more room than the cache may.
    """
    own = ears(encoder, run.listening)
    if own is None:
        ids = run.cache.songs()
        return *run.cache.rows(without=set(ids) - set(songs)), ids
    one = int(np.prod(own.frontend.shape)) * 4
    most = max(2, run.cache.most // (run.listening.windows * own.patches * one))
    places = {id: place for place, id in enumerate(songs[:most])}  # by their identities: as good as drawn at random
    chosen = [song for song in run.catalog.songs(places) if song.away is None]
    run.course.begin("hearing")
    heard: dict[int, tuple[int, int]] = {}
    run.home.folder.mkdir(exist_ok=True)
    with TemporaryFile(dir=run.home.folder) as file:
        with closing(sounds(run, chosen, own, "hearing")) as each:
            for song, X in each:
                heard[song.id] = (file.tell() // one, len(X))
                file.write(np.ascontiguousarray(X, np.float32).data)
        if not heard:
            raise SongspaceError(f"No song could be heard for the {encoder.name} encoder.")
        file.flush()
        flat = np.memmap(file, np.float32, "r").reshape(-1, *own.frontend.shape)
    order = sorted(heard, key=places.__getitem__)  # not that in which workers finished
    where = np.concatenate([first + np.arange(count) for first, count in map(heard.__getitem__, order)])
    groups = np.concatenate([np.full(heard[id][1], places[id]) for id in order])
    return Rows(flat, where), groups, songs


def judge(run: Run, name: str, *, asked: bool) -> str:
    """Report how good a learnt encoder is beside its controls and the hand-made one; return which should answer.

    One that was ``asked`` for answers whatever it is worth.
    """
    what = learnt(run.catalog, name)
    kind = encoder_class(name)
    if what is None or not (kind.plan or kind.pretrained or kind.takes_artists):
        return name
    run.course.begin("judging")
    if (result := Check.of(what.check) if what.check else None) is None:
        run.course.tell("judging", 0, 1, None)
        result = check(run, name, what)
        run.course.tell("judging", 1, 1, 0.0)
    simpler = AT_ONCE if name == IN_MINUTES else BY_HAND
    if result is None:
        told = f"The songs are too few or too short to say whether the {name} space is better than the hand-made one"
        used = AT_ONCE if name == IN_MINUTES and not asked else name
        run.reporter.say(f"{told}." if used == name else f"{told}: the {used} one is used.")
        return used
    set_learnt(run.catalog, name, replace(what, check=result.as_dict()))
    if (own := result.judged.differences.get("unmapped")) and not (own["value"] > 0 and own["sure"]):
        run.reporter.say(
            f"A map that the library teaches the {name} space adds {own['value']:+.2f} in finding "
            f"{result.judged.what}, on {result.songs} songs that did not teach it. It is not surely a gain: the "
            "model's own vectors are used."
        )
        encoder = load_learnt(run.home, run.catalog, name)
        assert isinstance(encoder, Pretrained)
        keep(run, encoder.without_map())
        return judge(run, name, asked=asked)
    for sentence in result.sentences(name):
        run.reporter.say(sentence)
    if not asked and result.behind("no-network"):
        run.reporter.say(f"The network adds nothing in finding {result.judged.what}: the {simpler} space is used.")
        return simpler
    if result.better:
        return name
    told = f"The {name} space is no better than the hand-made one at finding {result.judged.what}"
    if asked:
        run.reporter.say(f"{told}; it is used because you asked for it.")
        return name
    if result.behind(BY_HAND):
        run.reporter.say(f"{told}: the {'hand-made' if simpler == BY_HAND else simpler} one is used.")
        return simpler
    run.reporter.say(f"{told}, but that may be chance: it is used.")
    return name


def _announcement(name: str, songs: int, known: int, training: Plan | None, plan: dict[str, Any]) -> str:
    """Return the sentence that announces what is learnt, from how many songs, and for how long."""
    apart = f" of {known}" if songs < known else ""
    sentence = f"Learning the {name} encoder from {songs}{apart} {'song' if known == 1 else 'songs'}"
    by_artists = plan["teacher"] == "artists"
    if training is None:
        return f"{sentence} and who made them." if by_artists else f"{sentence}."
    sentence += ", and who made them," if by_artists else ""
    few = " They are few to learn from: some hundreds are a start." if known < ENOUGH else ""
    if plan["steps"] is None:
        return f"{sentence} for {plan['minutes']:g} minutes.{few}"
    minutes = training.minutes(plan["steps"], songs)
    long = f"about {minutes:.0f} minutes" if minutes >= 1.5 else "a minute or so"
    bound = "" if plan["minutes"] is None else f", for {_minutes(plan['minutes'])} at most"
    return f"{sentence} in {plan['steps']} steps, {long} on two cores{bound} (--minutes changes it).{few}"


def _cut_short(done: int, plan: dict[str, Any]) -> str:
    """Return the sentence that time was over before the steps were done."""
    return (
        f"Training ended after {_minutes(plan['minutes'])}, with {done} of {plan['steps']} steps done: "
        "another run may end elsewhere. --steps alone does all steps, however long that takes."
    )


def _minutes(minutes: float) -> str:
    return "about half an hour" if minutes == MOST_MINUTES else f"{minutes:g} minutes"


def make(name: str, plan: dict[str, Any]) -> Encoder:
    """Make an encoder with those parameters that it takes."""
    kind = encoder_class(name)
    accepted = kind._get_param_names()
    given = {key: value for key, value in plan.items() if key in accepted}
    return kind(**given)


def _key(run: Run, name: str, plan: dict[str, Any], who: dict[int, str]) -> str:
    """Return a digest of all that decides what an encoder learns (the device decides only how fast)."""
    settings = [
        name,
        PIPELINE,
        str(run.listening),
        {k: v for k, v in plan.items() if k != "device"},
    ]
    digest = hashlib.blake2b(json.dumps(settings).encode(), digest_size=16)
    for identity, id in zip(run.cache.identities(), run.cache.songs(), strict=True):
        digest.update(identity)
        if who:
            digest.update(f"{who.get(id)}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _show(run: Run, progress: TrainingProgress, expected: float) -> None:
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
