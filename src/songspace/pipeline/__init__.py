"""The main job from end to end: listen, learn, encode, build the space.

Each stage leaves its result in the home before the next begins, and begins by asking what is there: a run that was
stopped goes on where it was, and a run with nothing to do is over at once. The hand-made space answers as soon as
the last song is decoded; the learnt one takes its place when it is done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from songspace.encoders.base import encoder_class
from songspace.encoders.ears import any_there
from songspace.encoders.registry import AT_ONCE, BY_HAND, IN_MINUTES, usual
from songspace.errors import SongspaceError
from songspace.library.cache import CAP
from songspace.library.catalog import GENRE_SEPARATORS, TAG_ENCODING, Catalog
from songspace.library.eight_bits import known_encoding
from songspace.library.failures import by_kind
from songspace.library.home import Home
from songspace.library.index import Tally
from songspace.library.learnt import demand_sound, learnt
from songspace.library.log import Log, logged
from songspace.library.mending import mend, put_aside
from songspace.library.progress import Telling
from songspace.library.scan import is_inside, shown
from songspace.pipeline.forecast import ahead, at_most
from songspace.pipeline.learning import TEACHERS, judge, make, take, train
from songspace.pipeline.report import Report as Report
from songspace.pipeline.stages import Run, demand_songs, encode, learn_timbre, listen, readable, renew, use
from songspace.pipeline.teaching import ear_of
from songspace.reporter import Reporter

EARS = "A trained ear hears more than a library can teach, and can be had: `songspace ears`."
"""The hint that is shown once for each library that has none."""

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
        How tags are written; remembered. See :func:`remember`.
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
    kind = encoder_class(encoder or AT_ONCE)  # a wrong name is an error before any work
    if model is not None and "model" not in kind._get_param_names():
        raise SongspaceError(f"The {kind.name} encoder is learnt here and takes no model: --encoder onnx does.")
    given = make(kind.name, {"model": model, "device": device}).fit(None) if kind.pretrained else None
    if kind.taught_by and not home.catalog.exists():
        ear_of(kind)  # and so are weights that are not here
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
        if first and used == BY_HAND and learnt(catalog, name) is None:  # else what was judged before answers
            learn_here(AT_ONCE)
            use(run, used := AT_ONCE)
            run.reporter.say(f"The {used} space answers already. A network, which may find more, now learns.")
        if given is not None:
            take(run, given, teacher)
        elif name != BY_HAND:
            learn_here(name)
        best = name if name == BY_HAND else judge(run, name, asked=encoder is not None)
        if best not in (name, BY_HAND):
            learn_here(best)
            best = judge(run, best, asked=False)
        if (best, used) != (BY_HAND, BY_HAND):  # that space was built a moment ago
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
        are not there are reported, and their songs are away.
    forget_missing : bool
        Delete the songs that are away in folders that are there, but for what gives an error.
    tag_encoding, genre_separators : str, optional
        How tags are written; remembered. See :func:`remember`.

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
        if learnt(catalog, BY_HAND) is None or not readable(run, BY_HAND):
            learn_timbre(run)
        renew(run)
        if folder is not None:
            demand_songs(catalog, roots[0], tally)
        return _summed_up(Report(catalog.count(), catalog.fact("encoder") or BY_HAND, tally), log)


def forget(home: Home, folder: str | os.PathLike[str], *, reporter: Reporter | None = None) -> Report:
    """Delete a folder from the library, with all that is known of the songs in it; the folder is not touched.

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
                catalog.set_fact("encoder", None)
            home.space.unlink(missing_ok=True)
        return _summed_up(Report(catalog.count(), catalog.fact("encoder") or BY_HAND, tally), log)


def remember(
    catalog: Catalog,
    say: Callable[[str], None],
    *,
    encoding: str | None = None,
    separators: str | None = None,
) -> None:
    """Set how tags are written; None leaves it as it was, and an empty text resets it.

    Another encoding lets all tags be read again, and with them all files, since a file that changed meanwhile must not
    be taken for the one that was heard; nothing is decoded. Separators take effect at once.

    Parameters
    ----------
    catalog : Catalog
        Open for writing.
    say : function of a sentence
        Reports what changes.
    encoding : str, optional
        That of texts which say none or Latin-1; see :func:`songspace.library.eight_bits.decoded`.
    separators : str, optional
        Signs that stand between several genres in one text.

    Raises
    ------
    SongspaceError
        If there is no such encoding.
    """
    if encoding is not None:
        encoding = known_encoding(encoding) if encoding else ""
        if encoding != (catalog.fact(TAG_ENCODING) or ""):
            catalog.read_tags_again()  # before the fact: a run that is stopped in between does both again
            catalog.set_fact(TAG_ENCODING, encoding or None)
            say(f"Old tags are read as {encoding}." if encoding else "Old tags are read as they say.")
    if separators is not None and separators != (catalog.fact(GENRE_SEPARATORS) or ""):
        catalog.set_fact(GENRE_SEPARATORS, separators or None)
        signs = " ".join(dict.fromkeys(separators.replace(" ", "")))
        say(f"What stands between these signs is a genre of its own: {signs}" if signs else "Genres are as tags say.")


def admit(catalog: Catalog, folder: str) -> str:
    """Add a folder to the library; return the path at which it is scanned.

    What is part of the library already, also through a link, is not added; folders inside the new one become a part of
    it.
    """
    real = os.path.realpath(folder)
    inside = []
    for root in catalog.roots():
        known = os.path.realpath(root)
        if is_inside(real, known):
            return os.path.join(root, os.path.relpath(real, known)) if real != known else root
        if is_inside(known, real):
            inside.append(root)
    if not all(is_inside(root, folder) for root in inside):
        folder = real  # a link: the paths of the songs that are known stay as they are
    catalog.replace_roots(inside, folder)
    return folder


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
    """Lock a home; yield its catalog, mended if it was damaged, and the log of this run.

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
    """Write a report into the log; return it."""
    log.end_stage()
    report.seconds = log.seconds
    log.write(report.sentence())
    for sentence in report.lost_sight():
        log.write(sentence)
    for kind, files in by_kind(report.tally.failures):
        log.write(f"could not be read: {len(files)} ({kind.name})")
    return report
