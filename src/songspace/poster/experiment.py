"""The stages of the experiment in their order; each uses stored results and computes the rest."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from songspace import __version__, intervals
from songspace.categories import artist_codes
from songspace.encoders.registry import BY_HAND
from songspace.errors import SongspaceError
from songspace.evaluation import clustering
from songspace.geometry.between import judged, on_the_way, placed
from songspace.poster import gallery, write_up
from songspace.poster.data import Data, gather
from songspace.poster.learning import BY_KEY, KINDS, Embedding, Training, learn
from songspace.poster.scores import LEAKY, Test, differences, make_tests, of_items, place, score
from songspace.poster.splits import BY_ARTIST, BY_SONG, TRAINING, leaky, split
from songspace.poster.store import Store, digest
from songspace.reporter import Reporter

SUBSET = (("rock",), ("indie rock", "indie-rock", "indierock"), ("edm", "electronic", "electronica"), ("classical",))
"""The poster's four genres, with synonyms."""

TRIPLE = ("jazz", "rock", "funk")
"""The poster's question: does the third lie between the first two?"""

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "openTSNE", "matplotlib", "soundfile", "av", "soxr")


@dataclass(frozen=True)
class ExperimentSettings:
    """All settings that the result depends on."""

    labels: str | None
    per_genre: int | None
    segments: int
    steps: int | None
    minutes: float | None
    size: str | None
    subset: tuple[str, ...] | None
    between: str | None
    seed: int
    seeds: int
    batch: int | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        for name in ("per_genre", "segments", "steps", "seeds"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"minutes must be above 0, got {self.minutes}")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")
        if self.size not in (None, "small", "poster"):
            raise ValueError(f"size must be 'small' or 'poster', got {self.size!r}")


def run_experiment(
    folder: str | os.PathLike[str],
    output: Path,
    settings: ExperimentSettings,
    *,
    device: str,
    workers: int | None,
    timeout: float,
    reporter: Reporter,
) -> dict[str, Any]:
    """Run the stages, and write the report; see :func:`songspace.poster.run`."""
    store = Store(output / "work")
    with store.lock():
        result, pictures = _run_stages(folder, settings, store, device, workers, timeout, reporter)
        write_up.write(output, result, pictures, store)
    return result


def _run_stages(
    folder: str | os.PathLike[str],
    settings: ExperimentSettings,
    store: Store,
    device: str,
    workers: int | None,
    timeout: float,
    reporter: Reporter,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the result, and the pictures by their names."""
    with threadpool_limits(1):  # the cores belong to the workers while they decode
        data = gather(
            folder,
            store.folder,
            source=settings.labels,
            per_genre=settings.per_genre,
            segments=settings.segments,
            seed=settings.seed,
            workers=workers,
            timeout=timeout,
            reporter=reporter,
        )
    # Names from the user are checked before the long stages.
    subset = choose_subset(data, settings.subset)
    triple = named_triple(settings.between, data.genres) if settings.between else None
    plan = _plan(settings, device)
    sides, training, aside = set_apart(data, settings.seed)
    tests = make_tests(data, sides, aside, subset, seed=settings.seed)
    if not tests:
        raise SongspaceError("There are too few songs to hold any back for the tests: the experiment needs more.")
    if not any(test.split == "artist" for test in tests):
        reporter.say("Artists are too few, or not known: there is no test by artist.")

    discography = gallery.discography(data)
    wanted = data.rows_of(np.union1d(np.flatnonzero(sides != TRAINING), discography.songs if discography else []))
    wanted = np.union1d(wanted, aside)
    learnt = {}
    for kind in KINDS:
        # The hand-made statistics of the training songs choose the question "A + B ?= C".
        rows = np.union1d(wanted, training) if kind.key == BY_HAND else wanted
        learnt[kind.key] = learn(kind, data, training, rows, store, plan, reporter)
    usable = {key: embedding for key, embedding in learnt.items() if "failed" not in embedding.facts}
    unjudged = {key for key, embedding in usable.items() if not embedding.judged}

    scores: dict[str, Any] = {test.name: {} for test in tests}
    # The raw spectrogram comes last: it takes the longest.
    in_order = sorted(usable, key=lambda key: key == "raw")
    total = len(in_order) * len(tests)
    for done, (key, test) in enumerate((key, test) for key in in_order for test in tests):
        reporter.progress("scoring", done, total, BY_KEY[key].name)
        scores[test.name][key] = score(usable[key], data, test, store, seeds=settings.seeds, seed=settings.seed)
    reporter.progress("scoring", total, total)

    if triple is None:
        taught = of_items(data, "", "songs", np.flatnonzero(sides == TRAINING))
        triple = choose_triple(place(usable[BY_HAND], data, taught), taught.labels)
    result = {
        "settings": asdict(settings)
        | {"size": plan.size, "labels": data.source, "folder": Path(os.path.abspath(folder)).name},
        "versions": {"songspace": __version__, "python": platform.python_version()}
        | {name: version(name) for name in PACKAGES},
        "protocol": {
            "clustering_seeds": clustering.clustering_seeds(settings.seeds, settings.seed),
            "starts": clustering.STARTS,
            "halves": intervals.HALVES,
            "tsne": gallery.TSNE | {"perplexity": gallery.PERPLEXITY, "perplexity_of_few": gallery.PERPLEXITY_OF_FEW},
        },
        "genres": _genres(data, sides),
        "artists": len({clip.artist for clip in data.clips} - {None}),
        "songs": len(data.clips),
        "segments": len(data.songs),
        "silent": int((~data.sounding).sum()),
        "failures": [list(failure) for failure in data.failures],
        "subset": list(subset),
        "embeddings": {key: _embedding_fields(embedding) for key, embedding in learnt.items()},
        "tests": {
            test.name: _test_fields(test)
            | {
                "scores": {
                    key: {metric: s.as_dict() for metric, s in scores[test.name][key].items()} for key in usable
                },
                # The leaky test serves only for the comparison with the poster.
                "differences": [] if test.split == LEAKY else differences(scores[test.name], unjudged),
            }
            for test in tests
        },
        "between": _between(usable, data, sides, triple, store, settings.seed) if triple else None,
        "albums": discography.as_dict() if discography else None,
    }
    pictures = gallery.draw(data, sides, tests, usable, result, discography, store, settings.seed, reporter)
    return result, pictures


def set_apart(data: Data, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split the data into training and test sets.

    Returns
    -------
    sides : int array
        The set of each song, see :func:`songspace.poster.splits.split`.
    training : int array
        Rows for training.
    aside : int array
        Rows of training songs that are not used for training, but in the leaky test.
    """
    clips = data.clips
    names, genres = [clip.identity for clip in clips], [clip.genre for clip in clips]
    sides = split(names, genres, [clip.artist for clip in clips], seed=seed)
    songs = np.flatnonzero(sides == TRAINING).tolist()
    rows = [data.rows_of([song]) for song in songs]
    aside = leaky([names[song] for song in songs], [genres[song] for song in songs], rows, seed=seed)
    return sides, np.setdiff1d(data.rows_of(songs), aside), aside


def choose_subset(data: Data, wanted: Sequence[str] | None) -> list[str]:
    """Choose the genres of the second test: the wanted ones, the poster's four, or the four with most songs.

    Raises
    ------
    SongspaceError
        If a wanted genre does not exist, or there are fewer than two.
    """
    there = {genre.casefold(): genre for genre in data.genres}
    if wanted is not None:
        names = [" ".join(name.split()).casefold() for name in wanted]
        missing = [name for name in names if name not in there]
        if missing or len(set(names)) < 2:
            what = f"no genre is called {', '.join(missing)}" if missing else "it takes two genres at least"
            raise SongspaceError(f"The subset cannot be made: {what}. There are {', '.join(data.genres)}.")
        return [there[name] for name in dict.fromkeys(names)]
    posters = [next((there[name] for name in names if name in there), None) for names in SUBSET]
    if None not in posters:
        return [genre for genre in posters if genre is not None]
    counts = Counter(clip.genre for clip in data.clips)
    return sorted(data.genres, key=lambda genre: (-counts[genre], genre.casefold()))[:4]


def _plan(settings: ExperimentSettings, device: str) -> Training:
    from songspace.encoders.devices import choose_device

    size = settings.size or ("poster" if choose_device(device).type == "cuda" else "small")
    return Training(settings.steps, settings.minutes, size, settings.seed, device, settings.batch)


def choose_triple(vectors: np.ndarray, labels: Sequence[str]) -> tuple[str, str, str] | None:
    """Choose A, B and C: the poster's genres if they exist; otherwise three that do not depend on the results.

    These are chosen in the space of hand-made statistics of the training songs: A and B are the two genres farthest
    apart, and C is the one nearest to the way between them.

    Returns
    -------
    tuple of str or None
        A, B and C; None if there are fewer than three genres, or none lies between A and B.
    """
    there = {label.casefold(): label for label in sorted(labels)}
    if all(name in there for name in TRIPLE):
        a, b, c = (there[name] for name in TRIPLE)
        return a, b, c
    genres = sorted(set(labels))
    if len(genres) < 3:
        return None
    codes = np.searchsorted(genres, labels)
    centers = np.stack([vectors[codes == code].mean(axis=0) for code in range(len(genres))])
    apart = np.linalg.norm(centers[:, None] - centers, axis=2)
    a, b = sorted(np.unravel_index(apart.argmax(), apart.shape))
    others = [code for code in range(len(genres)) if code not in (a, b)]
    position, offset = on_the_way(centers[[a, b, *others]])
    offset[~((position > 0) & (position < 1))] = np.inf
    if not np.isfinite(offset).any():
        return None
    return genres[a], genres[b], genres[others[int(offset.argmin())]]


def named_triple(names: str, genres: Sequence[str]) -> tuple[str, str, str]:
    """Return the genres that the user named as "A,B,C", in any case.

    Raises
    ------
    SongspaceError
        If they are not three different genres of the experiment.
    """
    there = {genre.casefold(): genre for genre in genres}
    chosen = [there.get(" ".join(name.split()).casefold()) for name in names.split(",")]
    if len(chosen) != 3 or None in chosen or len(set(chosen)) != 3:
        raise SongspaceError(f"--between takes three of the genres, as A,B,C: {', '.join(genres)}.")
    a, b, c = (genre for genre in chosen if genre is not None)
    return a, b, c


def lies_between(
    vectors: np.ndarray,
    labels: Sequence[str],
    artists: Sequence[str | None],
    triple: tuple[str, str, str],
    *,
    random_state: int = 0,
) -> dict[str, Any]:
    """Compute the place of C relative to the line from A to B, with intervals over artists.

    Parameters
    ----------
    vectors : array of shape (n, d)
        Vectors of songs, centred and of unit length.
    labels, artists : sequences of length n
        The genre and the artist of each song.
    triple : tuple of str
        A, B and C.

    Returns
    -------
    dict
        ``position`` and ``offset`` of C, and its ``margin``, the median offset of the other genres less its own (None
        without others), each with ``value`` and ``interval``; ``others``, position and offset of each other genre;
        ``rank`` of C by offset among all of them; ``between``: "yes", "no" or "unsure", by the intervals, or "unknown"
        with too few artists for intervals.

    Examples
    --------
    >>> vectors = np.array([[1.0, 0, 0], [0, 1, 0], [0.6, 0.6, 0.2], [0, 0, 1]])
    >>> place = lies_between(vectors, ["jazz", "rock", "funk", "folk"], [None] * 4, ("jazz", "rock", "funk"))
    >>> round(place["position"]["value"], 1), place["rank"], place["between"]
    (0.5, 1, 'unknown')
    """
    genres = [*triple, *sorted(set(labels) - set(triple))]
    known, units = np.asarray(labels), artist_codes(artists, len(labels))
    members = [known == genre for genre in genres]
    values, drawn, smaller = placed([vectors[m] for m in members], [units[m] for m in members], seed=random_state)
    c, *others = judged(genres[2:], [int(m.sum()) for m in members[2:]], values, drawn, smaller)
    return {
        "position": c.position.as_dict(),
        "offset": c.offset.as_dict(),
        "margin": c.margin and c.margin.as_dict(),
        "others": [{"genre": o.name, "position": o.position.value, "offset": o.offset.value} for o in others],
        "rank": 1 + sum(other.offset.value < c.offset.value for other in others),
        "between": c.verdict,
    }


def _between(
    learnt: dict[str, Embedding], data: Data, sides: np.ndarray, triple: tuple[str, str, str], store: Store, seed: int
) -> dict[str, Any]:
    """Answer A + B ?= C from all test songs, in every embedding except the raw spectrogram."""
    test = of_items(data, "all", "songs", np.flatnonzero(np.isin(sides, (BY_SONG, BY_ARTIST))))
    answers = {}
    for key, embedding in learnt.items():
        if key != "raw":
            answers[key] = store.facts(
                f"between-{key}",
                digest(embedding.key, test.items.tolist(), test.labels, test.artists, triple, seed),
                lambda embedding=embedding: lies_between(  # type: ignore[misc]  # called in this iteration
                    place(embedding, data, test), test.labels, test.artists, triple, random_state=seed
                ),
            )
            if not embedding.judged:
                answers[key]["between"] = "too few steps"
    return {"triple": list(triple), "songs": len(test.items), "answers": answers}


def _genres(data: Data, sides: np.ndarray) -> dict[str, dict[str, int]]:
    """Count the songs and artists of each genre, and its songs in each set."""
    counts = {}
    for genre in data.genres:
        songs = [song for song, clip in enumerate(data.clips) if clip.genre == genre]
        artists = {data.clips[song].artist for song in songs} - {None}
        names = {"training": TRAINING, "by_song": BY_SONG, "by_artist": BY_ARTIST}
        counts[genre] = {"songs": len(songs), "artists": len(artists)} | {
            name: int((sides[songs] == side).sum()) for name, side in names.items()
        }
    return counts


def _test_fields(test: Test) -> dict[str, Any]:
    return {
        "split": test.split,
        "level": test.level,
        "subset": test.subset,
        "items": len(test.items),
        "genres": test.genres,
        "artists": len(set(test.artists)),
    }


def _embedding_fields(embedding: Embedding) -> dict[str, Any]:
    kind = embedding.kind
    fields = {"name": kind.name, "what": kind.what, "fitted_on": kind.fitted, "trained": kind.trained}
    return fields | ({"enough": kind.enough} if kind.trained else {}) | embedding.facts
