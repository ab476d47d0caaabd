"""The main job from end to end: listen, learn, encode, build the space.

Each stage leaves its result in the home before the next begins, and begins by asking what is there: a run that was
stopped goes on where it was, and a run with nothing to do is over at once. The hand-made space answers as soon as
the last song is decoded; the learnt one takes its place when it is done.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from songspace.encoders.base import Encoder, encoder_class
from songspace.encoders.ears import any_there
from songspace.encoders.registry import AT_ONCE, IN_MINUTES, usual
from songspace.errors import AudioError, SongspaceError
from songspace.library.cache import CAP
from songspace.library.catalog import Catalog
from songspace.library.cue import Part
from songspace.library.failures import by_kind
from songspace.library.folders import admit
from songspace.library.home import Home
from songspace.library.identity import identify
from songspace.library.imported import demand_sound
from songspace.library.index import Failure, Heard, Listening, Tally, hear
from songspace.library.learnt import Segments, learnt
from songspace.library.log import Log, logged
from songspace.library.mending import mend, put_aside
from songspace.library.progress import Telling
from songspace.library.scan import Found, shown
from songspace.library.sounds import Ears, hear_sounds
from songspace.library.tagging import remember
from songspace.pipeline.budget import ahead, at_most
from songspace.pipeline.report import Report as Report
from songspace.pipeline.stages import (
    Run,
    demand_songs,
    ears,
    encode,
    learn_timbre,
    listen,
    load_learnt,
    readable,
    renew,
    use,
)
from songspace.pipeline.teaching import ear_of
from songspace.pipeline.training import TEACHERS, judge, make, take, train
from songspace.reporter import Reporter

EARS = "A trained ear hears more than a library can teach, and can be had: `songspace ears`."
"""What is said once of each library that has none."""

_EARS_TOLD = "told:ears"


def learn(
    home: Home,
    folder: str | os.PathLike[str],
    *,
    encoder: str | None = None,
    teacher: str = "artists",
    model: str | os.PathLike[str] | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    device: str = "auto",
    windows: int | None = None,
    tag_encoding: str | None = None,
    genre_separators: str | None = None,
    workers: int | None = None,
    timeout: float = 60.0,
    cache_bytes: int = CAP,
    reporter: Reporter | None = None,
) -> Report:
    """Add a folder to the library, listen to all of it, and learn its space.

    Parameters
    ----------
    home : Home
        Where everything is kept; nothing is ever written into ``folder``.
    folder : path
        A folder of music.
    encoder : str, optional
        A name of :func:`songspace.encoders.encoder_names`; by default what
        :func:`songspace.encoders.registry.usual` says.
    teacher : {"artists", "songs"}
        What encoders that can learn from who made which songs learn from: that, or sound alone.
    model : path, optional
        What an encoder that was made elsewhere is taken from: of ``onnx``, the file of the model.
    steps, minutes : optional
        When training stops, whichever comes first; one alone is the only limit. By default after a number of steps that
        grows with the library, or after about half an hour (:data:`songspace.encoders.registry.MOST_MINUTES`).
    seed : int
        The same seed on the same songs gives the same space on the same machine, unless time ended the training.
    windows : int, optional
        Segments a song (10); another number than before means listening to everything anew.
    tag_encoding, genre_separators : str, optional
        How tags are written; remembered. See :func:`songspace.library.tagging.remember`.
    workers : int, optional
        Processes that decode: the number of cores by default.
    timeout : float
        Seconds after which a file is given up.
    cache_bytes : int
        The most that the cache of spectrograms may take.

    Raises
    ------
    SongspaceError
        If nothing in the folder could be read, or another run works on this library.
    """
    reporter = reporter or Reporter()
    root = os.path.abspath(folder)
    if not os.path.isdir(root):
        is_file = os.path.isfile(root)
        raise SongspaceError(f"{shown(root)} is a file." if is_file else f"There is no folder {shown(root)}.")
    if teacher not in TEACHERS:
        raise ValueError(f"teacher must be 'artists' or 'songs', got {teacher!r}")
    kind = encoder_class(encoder or AT_ONCE)  # a wrong name is told before any work
    if model is not None and "model" not in kind._get_param_names():
        raise SongspaceError(f"The {kind.name} encoder is learnt here and takes no model: --encoder onnx does.")
    given = make(kind.name, {"model": model, "device": device}).fit(None) if kind.pretrained else None
    if kind.taught_by and not home.catalog.exists():
        ear_of(kind)  # weights that are not here are told before any work, too
    asked = {
        "encoder": encoder,
        "from": teacher,
        "model": model,
        "steps": steps,
        "minutes": minutes,
        "seed": seed,
        "device": device,
        "windows": windows,
    }
    with _writing(home, "learn", root, asked | {"workers": workers}, reporter, anew=True) as (catalog, log):
        if kind.taught_by and learnt(catalog, kind.name) is None:
            ear_of(kind)
        remember(catalog, log.say, encoding=tag_encoding, separators=genre_separators)
        root = admit(catalog, root)
        run = Run(home, catalog, windows, workers, timeout, cache_bytes, Telling(home, "learn", log))

        def after_listening(songs: int) -> dict[str, float]:
            name = encoder or usual(songs)[-1]
            return ahead(name, songs, min(songs, run.cache.capacity), steps=steps, minutes=minutes)

        run.course.at_most = at_most(encoder or IN_MINUTES, steps=steps, minutes=minutes)
        tally = listen(run, catalog.roots(), fill_cache=True, given=given, ahead=after_listening)
        learn_timbre(run)
        used = renew(run)
        demand_songs(catalog, root, tally)
        plan = {"steps": steps, "minutes": minutes, "random_state": seed, "device": device, "teacher": teacher}

        def learn_here(name: str) -> None:
            run.course.ahead = ahead(name, catalog.count(), len(run.cache.songs()), steps=steps, minutes=minutes)
            train(run, name, dict(plan))
            encode(run, name)

        *first, name = [encoder] if encoder else usual(len(run.cache.songs()))
        if first and used == "timbre" and learnt(catalog, name) is None:  # else what was judged before answers
            learn_here(AT_ONCE)
            use(run, used := AT_ONCE)
            run.reporter.say(f"The {used} space answers already. A network, which may find more, now learns.")
        if given is not None:
            take(run, given, teacher)
        elif name != "timbre":
            learn_here(name)
        best = name if name == "timbre" else judge(run, name, asked=encoder is not None)
        if best not in (name, "timbre"):
            learn_here(best)
            best = judge(run, best, asked=False)
        if (best, used) != ("timbre", "timbre"):  # that space was built a moment ago
            use(run, best)
        if not (kind.pretrained or kind.taught_by or any_there()) and catalog.fact(_EARS_TOLD) is None:
            run.reporter.say(EARS)
            catalog.set_fact(_EARS_TOLD, "yes")
        return _summed_up(Report(catalog.count(), best, tally), log)


def update(
    home: Home,
    folder: str | os.PathLike[str] | None = None,
    *,
    forget_missing: bool = False,
    tag_encoding: str | None = None,
    genre_separators: str | None = None,
    workers: int | None = None,
    timeout: float = 60.0,
    cache_bytes: int = CAP,
    reporter: Reporter | None = None,
) -> Report:
    """Take in what is new, changed, moved or gone, with the encoder already learnt.

    Parameters
    ----------
    folder : path, optional
        One folder to look at (added to the library if it is new); by default all folders of the library. Those that
        are not there are told, and their songs are away.
    forget_missing : bool
        Let go of the songs that are away in folders that are there, but for what gives an error.
    tag_encoding, genre_separators : str, optional
        How tags are written; remembered. See :func:`songspace.library.tagging.remember`.

    Raises
    ------
    SongspaceError
        If there is no library yet, no folder is there or nothing in the one given could be read, or another run works
        on this library.
    """
    reporter = reporter or Reporter()
    if not home.catalog.exists():
        Catalog(home.catalog).close()  # says so: an update makes no library
    with _writing(home, "update", folder, {"workers": workers}, reporter) as (catalog, log):
        roots = catalog.roots()
        if not roots and folder is None:
            raise SongspaceError("The library does not know its folders: run `songspace learn FOLDER`.")
        if folder is not None:
            roots = [os.path.abspath(folder)]
            if not os.path.isdir(roots[0]):
                raise SongspaceError(f"There is no folder {shown(roots[0])}: is its disk mounted?")
            roots = [admit(catalog, roots[0])]
        remember(catalog, log.say, encoding=tag_encoding, separators=genre_separators)
        run = Run(home, catalog, None, workers, timeout, cache_bytes, Telling(home, "update", log))
        tally = listen(run, roots, fill_cache=False, forget_missing=forget_missing)
        if learnt(catalog, "timbre") is None or not readable(run, "timbre"):
            learn_timbre(run)
        renew(run)
        if folder is not None:
            demand_songs(catalog, roots[0], tally)
        return _summed_up(Report(catalog.count(), catalog.fact("encoder") or "timbre", tally), log)


def forget(home: Home, folder: str | os.PathLike[str], *, reporter: Reporter | None = None) -> Report:
    """Let go of a folder of the library, and of all that is known of the songs in it; the folder is not touched.

    Raises
    ------
    SongspaceError
        If the library has no such folder, or another run works on it.
    """
    if not home.catalog.exists():
        Catalog(home.catalog).close()  # says so
    path = os.path.abspath(folder)
    with _writing(home, "forget", path, {}, reporter or Reporter()) as (catalog, log):
        roots = catalog.roots()
        # Of two folders that are one by now, as a link may lead elsewhere than before, the one of that name is meant.
        named = [root for root in roots if root == path]
        named += [root for root in roots if os.path.realpath(root) == os.path.realpath(path)]
        if not named:
            listed = ", ".join(map(shown, roots)) or "none"
            raise SongspaceError(f"{shown(path)} is no folder of the library. Its folders: {listed}.")
        run = Run(home, catalog, None, None, 60.0, CAP, Telling(home, "forget", log))
        catalog.forget_folder(named[0])
        tally = Tally(gone=catalog.drop_orphans())
        run.cache.forget_gone()
        if catalog.count():
            renew(run)
        else:
            if not catalog.identities():  # what was learnt is of use again to songs that are away
                catalog.drop_fact("encoder")
            home.space.unlink(missing_ok=True)
        return _summed_up(Report(catalog.count(), catalog.fact("encoder") or "timbre", tally), log)


@contextmanager
def _writing(
    home: Home,
    command: str,
    folder: str | os.PathLike[str] | None,
    asked: dict[str, Any],
    reporter: Reporter,
    *,
    anew: bool = False,
) -> Iterator[tuple[Catalog, Log]]:
    """The catalog of a home, whole again if it was damaged, and the log, while nobody else may write into it.

    With ``anew``, one from before the first release is put aside.
    """
    given = [command, *([os.fspath(folder)] if folder is not None else [])]
    given += [f"--{name} {value}" for name, value in asked.items() if value is not None]
    with home.lock(), logged(home, " ".join(given), reporter) as log:
        if anew:
            put_aside(home.catalog, log.say)
        mend(home.catalog, log.say)
        with Catalog(home.catalog, write=True) as catalog:
            demand_sound(catalog, "there is no sound to listen to: music needs a home of its own (--home)")
            yield catalog, log


def _summed_up(report: Report, log: Log) -> Report:
    """The report, written down."""
    log.end_stage()
    report.seconds = log.seconds
    log.write(report.sentence())
    for sentence in report.lost_sight():
        log.write(sentence)
    for kind, files in by_kind(report.tally.failures):
        log.write(f"could not be read: {len(files)} ({kind.name})")
    return report


def encode_file(
    home: Home, catalog: Catalog, path: str | os.PathLike[str], *, timeout: float = 60.0
) -> tuple[Segments, float]:
    """Listen to an audio file outside the library as to those in it, with the encoder in use.

    Returns
    -------
    segments : Segments
        Not centred or scaled; the mean of their vectors is the song's.
    duration : float
        Seconds.

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    demand_sound(catalog, f"nobody here can tell where {shown(os.fspath(path))} would lie among them")
    listening = Listening.of(catalog)
    found = Found(os.path.abspath(path), parts=(Part(),))  # all of it, whatever a CUE sheet in it says
    encoder = load_learnt(home, catalog, catalog.fact("encoder") or "timbre")
    own = ears(encoder, listening)
    within = own if own is not None and own.within else None
    [(_, outcome)] = hear([found], listening, ears=within, workers=1, timeout=timeout)
    if isinstance(outcome, Failure):
        raise AudioError(f"{os.fspath(path)}: {outcome.reason}.")
    [heard] = outcome
    assert isinstance(heard, Heard)
    segments = Segments.of(
        _vectors(encoder, own, found, heard, timeout),
        heard.starts,
        heard.silent,
        seconds=listening.frontend.seconds,
        duration=heard.duration,
    )
    return segments, heard.duration


def _vectors(encoder: Encoder, own: Ears | None, file: Found, heard: Heard, timeout: float) -> np.ndarray:
    """The vectors of a file that was heard; an encoder whose ears take more than that hears it once more."""
    if own is None:
        return encoder.transform_described(heard.codes, heard.descriptors)
    if heard.sounds is not None:
        return encoder.placed(encoder.keep_song(heard.sounds))
    file = replace(file, parts=())  # all of it is the song
    starts = {identify(file.path): heard.starts}
    [(_, outcome)] = hear_sounds([file], own, starts, workers=1, timeout=timeout)
    if isinstance(outcome, Failure) or not outcome:
        reason = outcome.reason if isinstance(outcome, Failure) else "it changed while it was read"
        raise AudioError(f"{file.path}: {reason}.")
    return encoder.placed(encoder.keep_song(outcome[0][1]))
