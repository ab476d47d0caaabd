"""The stages of the main job, in their order; each asks what is there and does the rest."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing

import numpy as np
from threadpoolctl import threadpool_limits

from songspace import __version__
from songspace.encoders.base import Encoder, encoder_class
from songspace.encoders.baselines import Timbre
from songspace.encoders.descriptors import descriptors
from songspace.encoders.registry import BY_HAND
from songspace.errors import EncodingError, MissingEncoderError, SongspaceError
from songspace.library.cache import SpectrogramCache
from songspace.library.catalog import Catalog
from songspace.library.failures import by_kind
from songspace.library.home import Home
from songspace.library.index import Tally, index, known_file
from songspace.library.learnt import Learnt, all_learnt, kept_segments, learnt, load_learnt, set_learnt, song_vectors
from songspace.library.listening import (
    DESCRIPTORS,
    Ears,
    Heard,
    Listening,
    ears,
    hear,
    hear_sounds,
    seconds_to_decode,
    seconds_to_recognize,
)
from songspace.library.presence import Group
from songspace.library.records import Song
from songspace.library.scan import Found, is_inside, shown
from songspace.library.words import Words
from songspace.library.workers import FileFailure
from songspace.pipeline.forecast import DESCRIBING, Course, Stage
from songspace.reporter import Reporter
from songspace.space import Space
from songspace.space.versions import versions

HEARD = "heard:"
"""Begins the facts that say under which key an ear's lessons are kept, by its name."""

_SHOWN = 3
"""Places where songs are away that a sentence names."""


class Run:
    """The state that all stages of one run share."""

    def __init__(
        self,
        home: Home,
        catalog: Catalog,
        windows: int | None,
        workers: int | None,
        timeout: float,
        cache_bytes: int,
        reporter: Reporter,
    ) -> None:
        self.home, self.catalog, self.reporter = home, catalog, reporter
        self.workers, self.timeout = workers, timeout
        self.course = Course(reporter, workers)
        self.listening = _listening(catalog, windows, reporter)
        shape = (self.listening.windows, *self.listening.frontend.shape)
        self.cache = SpectrogramCache(home.cache, catalog, shape=shape, cap=cache_bytes)
        self.cache.forget_lost()
        self.unreadable: set[str] = set()  # encoders, as has been told
        self.wanted: set[str] = set()  # keys of vectors of which the catalog does not know yet whose they will be

    def songs(self) -> list[Song]:
        """Return all songs of the library, those that are away, too: encoders can learn from what is stored of them."""
        return [*self.catalog.songs(), *self.catalog.away()]


def _listening(catalog: Catalog, windows: int | None, reporter: Reporter) -> Listening:
    """Return the settings of this library; others than before delete what was heard."""
    remembered = catalog.fact("listening")
    listening = Listening(windows=windows) if windows else Listening.of(catalog)
    if remembered != str(listening) and catalog.identities():  # also of songs that are away; it may be lost, too
        reporter.say("Songs are listened to in another way than before: all are decoded anew.")
        catalog.reset()
    if remembered != str(listening):
        catalog.set_fact("listening", str(listening))
    return listening


def listen(
    run: Run,
    folders: Iterable[str],
    *,
    fill_cache: bool,
    forget_missing: bool = False,
    given: Encoder | None = None,
    ahead: Callable[[int], dict[str, float]] = lambda songs: {},
) -> Tally:
    """Bring the catalog up to date with the folders; no song at all is an error.

    New songs are encoded at once, by the encoder in use or by the one that is ``given``. ``ahead`` says how long the
    stages will take that come after this one, for a number of songs.
    """
    folders = list(folders)
    run.course.begin("listening")
    if fill_cache and run.cache.forget_damaged():
        run.reporter.say("The cache of spectrograms was damaged: the songs that it lost are decoded anew.")
    if given is not None:
        run.wanted.add(given.kept_as_)
    encoder = given or _in_use(run)
    encode, own = encoding(encoder, run.listening) if encoder is not None else (None, None)
    told = set(run.catalog.failures())
    steps: Stage

    def heard(file: Found) -> float:
        return seconds_to_decode(file) + (encoder.seconds_to_encode if encoder is not None and own is not None else 0.0)

    def begin(new: list[Found], again: list[Found]) -> None:
        nonlocal steps
        sizes = {row.size for row in run.catalog.files().values() if row.songs}
        # A file as long as one that is known is probably that one, moved or with another date.
        costs = {file.path: seconds_to_recognize(file) if file.size in sizes else heard(file) for file in new}
        steps = Stage(
            run.course, "listening", costs | {file.path: seconds_to_decode(file) for file in again}, decodes=True
        )
        run.course.ahead = ahead(run.catalog.count() + len(new))
        if own is not None:  # that is done meanwhile
            run.course.ahead.pop("encoding", None)

    def done(file: Found, failure: str | None) -> None:
        if failure is not None:
            told.add((file.path, failure))
            run.reporter.failed(file.path, failure)
        steps.done(file.path)

    with threadpool_limits(1):  # the cores belong to the workers while they decode
        tally = index(
            run.catalog,
            run.cache,
            folders,
            run.listening,
            encode=encode,
            ears=own,
            fill_cache=fill_cache,
            forget_missing=forget_missing,
            workers=run.workers,
            timeout=run.timeout,
            on_begin=begin,
            on_progress=done,
        )
    for path, reason in tally.failures:
        if (path, reason) not in told:  # the scan found it out
            run.reporter.failed(path, reason)
    if not run.catalog.count():
        raise nothing_read(folders, tally)
    describe(run)
    return tally


def nothing_read(folders: list[str], tally: Tally) -> SongspaceError:
    """Return the error for folders without a song: the kinds of reasons, and the first file with its own."""
    failures = [(path, reason) for path, reason in tally.failures if any(is_inside(path, each) for each in folders)]
    if not failures and tally.places:
        return SongspaceError(f"No song of the library can be reached: {places(tally.places)}.")
    if not failures:
        return SongspaceError("There is no music in " + ", ".join(map(shown, folders)) + ".")
    path, reason = failures[0]
    kinds = "; ".join(f"{len(files)} {kind.name}" for kind, files in by_kind(failures))
    return SongspaceError(
        f"Not one of {len(failures)} files could be read ({kinds}; `songspace status --failures` says what to do); "
        f"the first, {shown(path)}: {reason}."
    )


def places(away: Sequence[Group]) -> str:
    """List where songs are away, and why."""
    most = ", ".join(f"{one.songs} in {shown(one.path)} ({one.why})" for one in away[:_SHOWN])
    return most + (f", and {len(away) - _SHOWN} more places" if len(away) > _SHOWN else "")


def demand_songs(catalog: Catalog, folder: str, tally: Tally) -> None:
    """Raise an error if a folder that was asked for gave no song, though the library has others.

    Raises
    ------
    SongspaceError
        If no song lies in it.
    """
    if not any(row.songs and is_inside(path, folder) for path, row in catalog.files().items()):
        raise nothing_read([folder], tally)


def _in_use(run: Run) -> Encoder | None:
    """Load the encoder in use, if its package is there, and it is more than the descriptors."""
    name = in_use(run)
    if name == BY_HAND or missing(name) is not None:
        return None
    return load_learnt(run.home, run.catalog, name)


def encoding(
    encoder: Encoder, listening: Listening
) -> tuple[Callable[[Heard], dict[str, np.ndarray]] | None, Ears | None]:
    """Return the function that encodes new songs while they are listened to, and the ears that it needs."""
    own = ears(encoder, listening)
    if own is None:
        fingerprint = encoder.fingerprint_
        return lambda heard: {fingerprint: encoder.transform_described(heard.codes, heard.descriptors)}, None
    if not own.within:  # it hears them afterwards, for itself
        return None, None
    key = encoder.kept_as_

    def encode(heard: Heard) -> dict[str, np.ndarray]:
        if heard.sounds is None:
            return {}
        try:
            return {key: encoder.keep_song(heard.sounds)}
        except EncodingError:  # that is reported when all songs are encoded that were not
            return {}

    return encode, own


def learn_timbre(run: Run) -> None:
    """Fit the hand-made space to the whole library: two numbers a descriptor, from what is stored."""

    def described() -> Iterator[np.ndarray]:
        return (segments[~silent] for _, segments, silent in run.catalog.vectors(DESCRIPTORS))

    timbre = Timbre(frontend=run.listening.frontend).fit_descriptors(described)
    timbre.save(run.home.encoder(BY_HAND, timbre.fingerprint_))
    songs = run.catalog.count()
    set_learnt(run.catalog, BY_HAND, Learnt(timbre.fingerprint_, DESCRIPTORS, songs=songs, library=songs))


def renew(run: Run) -> str:
    """Bring the space in use up to date, and return its encoder; before anything is learnt it is the hand-made one."""
    name = in_use(run)
    if (reason := missing(name)) is not None:
        what = learnt(run.catalog, name)
        assert what is not None
        waiting = len(run.catalog.without_vectors(what.vectors))
        wait = f"; {waiting} more come into its space once it is there and `songspace update` is run" if waiting else ""
        run.reporter.say(f"{reason} The songs that it has encoded still answer{wait}.")
    elif name != BY_HAND:
        encode(run, name)
    use(run, name)
    return name


def in_use(run: Run) -> str:
    """Return the encoder in use: the hand-made one until another is learnt, and again if that cannot be read.

    One whose package is not there stays in use, for what it has encoded.
    """
    name = run.catalog.fact("encoder") or BY_HAND
    what = learnt(run.catalog, name)
    if missing(name) is not None and what and len(run.catalog.without_vectors(what.vectors)) < run.catalog.count():
        return name
    return name if name == BY_HAND or readable(run, name) else BY_HAND


def missing(name: str) -> MissingEncoderError | None:
    """Return the error if no package here has an encoder of that name; it may be back another day."""
    try:
        encoder_class(name)
    except MissingEncoderError as error:
        return error
    return None


def readable(run: Run, name: str) -> bool:
    """Return whether a learnt encoder can be loaded; if not, report it once."""
    try:
        load_learnt(run.home, run.catalog, name)
    except SongspaceError as error:
        if name not in run.unreadable:
            run.reporter.say(str(error))
            run.unreadable.add(name)
        return False
    return True


def encode(run: Run, name: str) -> None:
    """Encode every song that this encoder has not encoded yet, one at a time so that batching changes no digit."""
    encoder = load_learnt(run.home, run.catalog, name)
    if own := ears(encoder, run.listening):
        _encode_sounds(run, encoder, own)
        return
    _complete(run, encoder.fingerprint_, encoder.transform_each, stage="encoding", cost=encoder.seconds_to_encode)


def _encode_sounds(run: Run, encoder: Encoder, own: Ears) -> None:
    """Encode every song that this encoder has not encoded yet, as it hears them."""
    catalog, key = run.catalog, encoder.kept_as_
    error = hear_and_keep(run, encoder, own, catalog.without_vectors(key), stage="encoding")
    if error is not None and len(catalog.without_vectors(key)) == catalog.count():
        raise error


def hear_and_keep(
    run: Run, encoder: Encoder, own: Ears, songs: Iterable[int], *, stage: str, note: str = ""
) -> EncodingError | None:
    """Store what an encoder makes of some songs as it hears them; songs that are away are skipped.

    Parameters
    ----------
    note : str
        What is reported before, with the number of songs in the place of ``{}``.

    Returns
    -------
    EncodingError or None
        Of the last song that it cannot encode; each is reported.
    """
    here = [song for song in run.catalog.songs(songs) if song.away is None]
    if not here:
        return None
    if note:
        run.reporter.say(note.format(len(here)))
    run.course.begin(stage)
    last = None
    with closing(sounds(run, here, own, stage, encoder.seconds_to_encode)) as heard:
        for song, X in heard:
            try:
                run.catalog.set_vectors(encoder.kept_as_, song.id, encoder.keep_song(X))
            except EncodingError as error:
                last = error
                run.reporter.say(f"{shown(song.path)} could not be encoded: {error}")
    return last


def sounds(
    run: Run, songs: Sequence[Song], own: Ears, stage: str, cost: float = 0.0
) -> Generator[tuple[Song, np.ndarray]]:
    """Yield some songs in the order in which they are heard, with their spectrograms by an encoder's ears.

    ``cost`` is what is then done with each song, in seconds.
    """
    wanted = {song.identity: song for song in songs}
    starts = {song.identity: run.catalog.segments(song.id)[0] for song in songs}
    by_path = Counter(song.path for song in wanted.values())
    files = [known_file(run.catalog, path) for path in by_path]
    steps = Stage(run.course, stage, {file.path: seconds_to_decode(file) + cost * by_path[file.path] for file in files})
    for file, outcome in hear_sounds(files, own, starts, workers=run.workers, timeout=run.timeout):
        if isinstance(outcome, FileFailure):
            run.reporter.say(f"{shown(file.path)} was heard before but not now: {outcome.reason}.")
        elif not outcome:
            run.reporter.say(f"{shown(file.path)} has changed since it was listened to: run `songspace update`.")
        else:
            for identity, X in outcome:
                yield wanted[identity], X
        steps.done(file.path)


def describe(run: Run) -> None:
    """Work out the descriptors of songs that have lost them: all have some since they were decoded."""
    frontend = run.listening.frontend
    frame_rate = frontend.rate / frontend.hop
    _complete(
        run,
        DESCRIPTORS,
        lambda songs: (descriptors(frontend.dequantize(codes), frame_rate=frame_rate) for codes in songs),
        stage="describing",
        cost=DESCRIBING,
    )


def _complete(
    run: Run,
    key: str,
    transform_each: Callable[[Iterable[np.ndarray]], Iterator[np.ndarray]],
    *,
    stage: str,
    cost: float,
) -> None:
    """Give every song without vectors of that key some, from the cache or by listening to it again.

    ``cost`` is what the transformation of one song takes, in seconds.
    """
    catalog, cache = run.catalog, run.cache
    missing = catalog.without_vectors(key)
    if not missing:
        return
    run.course.begin(stage)
    cached = [song for song in missing if song in cache and cache.is_whole(song)]
    rest = catalog.songs(sorted(set(missing).difference(cached)))
    uncached = {song.identity: song for song in rest if song.away is None}
    files = [known_file(catalog, path) for path in {song.path: None for song in uncached.values()}]
    heard = {file.path: seconds_to_decode(file) for file in files}
    steps = Stage(run.course, stage, dict.fromkeys(cached, cost) | heard)
    for song, vectors in zip(cached, transform_each(map(cache.get, cached)), strict=True):
        catalog.set_vectors(key, song, vectors)
        steps.done(song)
    for file, outcome in hear(files, run.listening, again=True, workers=run.workers, timeout=run.timeout):
        if isinstance(outcome, FileFailure):
            run.reporter.say(f"{shown(file.path)} was heard before but not now: {outcome.reason}.")
        elif not any(song.identity in uncached for song in outcome):
            run.reporter.say(f"{shown(file.path)} has changed since it was listened to: run `songspace update`.")
        else:
            for heard_anew in outcome:
                if isinstance(heard_anew, Heard) and heard_anew.identity in uncached:
                    [vectors] = transform_each([heard_anew.codes])
                    catalog.set_vectors(key, uncached[heard_anew.identity].id, vectors)
        steps.done(file.path)


def use(run: Run, name: str) -> None:
    """Build the space of an encoder, unless it is there, and make it the one that answers."""
    what = learnt(run.catalog, name)
    assert what is not None
    made_of = f"{__version__} {what.fingerprint} {run.catalog.digest(what.vectors)}"
    if not _is_built(run, made_of):
        run.course.begin("building the space")
        vectors, openings, endings, songs = song_vectors(run.home, run.catalog, name)
        space = Space.from_vectors(vectors, songs, openings=openings, endings=endings, encoder=what.fingerprint)
        known = {song.id: song for song in run.catalog.songs()}
        _keep_words(run, name, what)
        space.with_versions(versions([known[id] for id in songs.tolist()], space)).save(run.home.space)
        run.catalog.set_fact("space", f"{made_of} {Space.open(run.home.space).checksum}")
    elif Words.open(run.home.words, what.fingerprint) is None:  # there are none yet, or they were lost
        _keep_words(run, name, what)
    run.catalog.set_fact("encoder", name)
    forget_others(run)


def _keep_words(run: Run, name: str, what: Learnt) -> None:
    """Write the words of an ear for the songs, if it knows any."""
    if missing(name) is not None or not encoder_class(name).words:
        run.home.words.unlink(missing_ok=True)
        return
    encoder = load_learnt(run.home, run.catalog, name)
    heard = {id: encoder.likeness(kept).mean(axis=0) for id, kept in kept_segments(run.catalog, what.vectors)}
    words = Words.of(encoder.words, np.array(list(heard)), np.stack(list(heard.values())), what.fingerprint)
    words.save(run.home.words)


def _is_built(run: Run, made_of: str) -> bool:
    """Return whether the space in the home is whole, and was made of this."""
    try:
        space = Space.open(run.home.space)
    except SongspaceError:
        return False
    return run.catalog.fact("space") == f"{made_of} {space.checksum}" and space.verify()


def forget_others(run: Run) -> None:
    """Delete encoders that were learnt anew, and their vectors."""
    known = {name: what for name in all_learnt(run.catalog) if (what := learnt(run.catalog, name))}
    of_use = {what.vectors for what in known.values()}
    of_use |= {run.catalog.fact(name) or "" for name in run.catalog.facts(HEARD)}
    run.catalog.keep_vectors_of({DESCRIPTORS} | run.wanted | of_use)
    kept = {run.home.encoder(name, what.fingerprint) for name, what in known.items()}
    for folder in run.home.encoders.iterdir():
        if folder not in kept and folder.is_dir():
            shutil.rmtree(folder)
