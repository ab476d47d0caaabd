"""The check of a learnt encoder, without labels, on artists that it was not trained on.

Two questions: are the other parts of a song found (which every way of learning from songs improves), and are the other
songs of its artist found? Beside the learnt space answer its controls, the same without what was learnt, and the
hand-made numbers. A claim of learning is a difference to these.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from songspace.encoders.base import Encoder
from songspace.encoders.pretrained import Pretrained
from songspace.encoders.registry import BY_HAND
from songspace.errors import SongspaceError
from songspace.evaluation import retrieval
from songspace.evaluation.worth import Check, Question
from songspace.intervals import SURE, Score, holm
from songspace.library.credits import makers, taught_by, teachers
from songspace.library.learnt import Learnt, load_learnt, stored_segments
from songspace.library.listening import ears
from songspace.library.records import Song
from songspace.pipeline.stages import Run
from songspace.pipeline.teaching import found_without, kept
from songspace.space import Space

LEAST = 20
"""Songs of a library below which none is held out."""

ASKED = 400
"""Songs, at most, that ask where an encoder is learnt once more without half of the artists."""


def units(songs: Sequence[Song]) -> dict[int, str]:
    """Return the owner of each song, by its id: its artist, or else the folder of all of that artist's songs.

    That is the folder above an album's, as in Artist/Album, unless all songs of the library lie in it.
    """
    folders = {song.id: os.path.dirname(song.path) for song in songs}
    whole = os.path.commonpath(folders.values()) if folders else ""
    artists = {id: who for id, who in makers(songs).items() if who.startswith("artist ")}
    return {id: f"folder {_above(folder, whole)}" for id, folder in folders.items()} | artists


def _above(folder: str, whole: str) -> str:
    """Return the folder above, unless it holds nothing else."""
    above = os.path.dirname(folder)
    return above if above.startswith(os.path.join(whole, "")) and above != whole else folder


def held_out(songs: Sequence[Song], whose: Mapping[int, str], *, most: int | None = None) -> list[int]:
    """Return the songs of a library that are kept out of training: all that some artists have.

    Parameters
    ----------
    songs : sequence of Song
        In the order of their identities, which are hashes: as good as drawn at random.
    whose : mapping of int to str
        Of :func:`units`.
    most : int, optional
        Half of the songs, and no more than this, instead.

    Returns
    -------
    list of int
        Their ids: about a tenth of the songs, at least 10 and at most 200; of fewer than 50 songs a fifth, and of fewer
        than 20 none. An artist with more than half of that stays in training. Where too few are left, as with a single
        artist, songs are drawn whosever they are.
    """
    count = _count(len(songs)) if most is None else min(len(songs) // 2, most) * (len(songs) >= LEAST)
    sizes: dict[str, list[int]] = {}
    for song in songs:
        sizes.setdefault(whose[song.id], []).append(song.id)
    songs_out: list[int] = []
    for ids in sizes.values():  # in the order of the first song of each
        if len(ids) <= max(1, count // 2) and len(songs_out) + len(ids) <= count:
            songs_out += ids
    if len(songs_out) < count // 2:
        return sorted(songs[place].id for place in np.linspace(0, len(songs) - 1, count).round().astype(int))
    return sorted(songs_out)


def _count(songs: int) -> int:
    if songs < LEAST:
        return 0
    return songs // 5 if songs < 50 else min(max(10, songs // 10), 200)


def check(run: Run, name: str, what: Learnt) -> Check | None:
    """Ask a learnt space, its controls and the hand-made one about artists that they were not learnt from.

    Those are the artists who were held out of training. Where none were, because learning takes seconds, the same is
    learnt once more without half of the artists; so is the map of an encoder that was made elsewhere. None where that
    cannot be.
    """
    encoder = load_learnt(run.home, run.catalog, name)
    whose = units(run.songs())
    known = run.cache.songs()
    untaught = isinstance(encoder, Pretrained) and encoder.discriminants_ is None
    if isinstance(encoder, Pretrained):
        songs = kept(run, encoder)
        known = list(songs)
        apart = frozenset(held_out(run.catalog.songs(known), whose, most=ASKED))
        if untaught:  # no song taught it anything; the same ones ask that would ask its map
            spaces = {"learnt": {id: X for id, X in songs.items() if id in apart}}
        else:
            spaces = found_without(run, encoder, songs, apart, what.teacher)
    elif what.held_out or not encoder.takes_artists:
        apart = frozenset(what.held_out)
        own = {song: X for song, X in stored_segments(run.home, run.catalog, name) if song in apart}
        spaces = {"learnt": own, **_fitted(run, encoder, encoder.controls(), apart, what.teacher)}
    else:
        apart = frozenset(held_out(run.catalog.songs(known), whose, most=ASKED))
        spaces = _fitted(run, encoder, {"learnt": clone(encoder), **encoder.controls()}, apart, what.teacher)
    spaces[BY_HAND] = {song: X for song, X in stored_segments(run.home, run.catalog, BY_HAND) if song in apart}
    common = set.intersection(*(set(space) for space in spaces.values()))
    asking = [song for song in run.catalog.songs(sorted(common)) if song.away is None]
    if len(asking) < 2:
        return None
    people = [whose[song.id] for song in asking]
    starts = []
    for song in asking:
        begins, silent = run.catalog.segments(song.id)
        starts.append(begins[~silent])
    counts = [len(some) for some in starts]
    owners = np.repeat(people, counts)
    segments = {name: np.concatenate([space[song.id] for song in asking]) for name, space in spaces.items()}
    whole = {name: np.stack([space[song.id].mean(axis=0) for song in asking]) for name, space in spaces.items()}
    numbers = np.repeat(np.arange(len(asking)), counts)
    asked: dict[str, tuple[dict[str, Score], dict[str, Any]]] = {}
    try:
        scores = {
            name: retrieval.same_song_scores(
                _placed(X), numbers, starts=np.concatenate(starts), min_gap=what.heard, artists=owners
            )
            for name, X in segments.items()
        }
        asked["song"] = ({name: one["average_precision"] for name, (one, _) in scores.items()}, scores["learnt"][1])
    except SongspaceError:  # every segment overlaps every other of its song
        pass
    artists = [person if person.startswith("artist ") else None for person in people]
    named = [artist for artist in artists if artist]
    if 1 < len(set(named)) < len(named):
        scores = {
            name: retrieval.same_artist_scores(_placed(X), artists, albums=[song.album for song in asking])
            for name, X in whole.items()
        }
        asked["artist"] = ({name: one["average_precision"] for name, (one, _) in scores.items()}, scores["learnt"][1])
    if not asked:
        return None
    trained = {whose[song] for song in known if song not in apart and not untaught}
    folders = sum(person.startswith("folder ") for person in set(people))
    return Check(len(asking), len(set(people)), trained.isdisjoint(people), _questions(asked), folders, not untaught)


def _questions(asked: Mapping[str, tuple[dict[str, Score], dict[str, Any]]]) -> tuple[Question, ...]:
    """Return the scores, with their differences to the learnt space, corrected for their number."""
    differences = {
        question: {name: scores["learnt"].minus(score) for name, score in scores.items() if name != "learnt"}
        for question, (scores, _) in asked.items()
    }
    each = [difference for some in differences.values() for difference in some.values()]
    for difference, corrected in zip(each, holm([one.pop("p") for one in each]), strict=True):
        difference |= {"p_holm": corrected, "sure": corrected is not None and corrected < SURE}
    return tuple(
        Question(
            asked=question,
            queries=facts["queries"],
            other_albums=facts.get("other_albums", 0),
            chance=float(scores["learnt"].chance),
            scores={name: float(score.value) for name, score in scores.items()},
            differences=differences[question],
        )
        for question, (scores, facts) in asked.items()
    )


def _placed(vectors: np.ndarray) -> np.ndarray:
    """Place vectors as a space places songs: directions from the middle."""
    return np.asarray(Space.from_vectors(vectors, mutual=False).vectors)


def _fitted(
    run: Run, encoder: Encoder, others: Mapping[str, Encoder], apart: Collection[int], teacher: str
) -> dict[str, dict[int, np.ndarray]]:
    """Fit the baselines to all songs but some; return their vectors of the segments of these."""
    if not others or not apart or ears(encoder, run.listening) is not None:
        return {}  # one that hears for itself has no use for the cache
    X, groups = run.cache.rows(without=apart)
    ids = run.cache.songs()
    who = teachers(run.songs(), set(ids) - set(apart)) if teacher == "artists" else {}
    taught = taught_by(who, (ids[group] for group in groups))
    fitted = {}
    for name, other in others.items():
        other.fit(X, groups=groups, **(taught if other.takes_artists else {}))
        fitted[name] = {
            song: other.encode(run.cache.get(song)[~run.catalog.segments(song)[1]])
            for song in sorted(apart)
            if song in run.cache
        }
    return fitted
