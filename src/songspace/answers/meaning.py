"""Songs that sound as some words mean: where the library's encoder gives words a place, or its ear has learnt words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from songspace.answers.answer import SongFacts, answer, described
from songspace.answers.view import View
from songspace.errors import SongspaceError
from songspace.library import Library, Song
from songspace.library.learnt import Learnt, learnt, stored_segments
from songspace.library.words import Words
from songspace.space import Space


class WordlessError(SongspaceError):
    """The encoder in use knows no words."""


def knows_words(library: Library) -> bool:
    """Return whether the encoder in use gives words a place, or has learnt some; nothing is loaded to know that."""
    what = _in_use(library)
    return what is not None and (what.words or Words.open(library.home.words, what.fingerprint) is not None)


def _in_use(library: Library) -> Learnt | None:
    name = library.catalog.fact("encoder")
    return learnt(library.catalog, name) if name else None


def demand_words(library: Library) -> None:
    """Say so if the encoder in use gives words no place.

    Raises
    ------
    WordlessError
    """
    what = _in_use(library)
    if what is None or not what.words:
        raise WordlessError(
            f"The {library.encoder} encoder knows no words: to search by meaning takes a trained ear (`songspace "
            "ears`) or an onnx encoder with a text tower (see docs/encoders.md)."
        )


@answer
class MeantSong(SongFacts):
    """A song that sounds as some words mean."""

    similarity: float = described(
        "The cosine with the words, -1 to 1; of an ear's words the mean of its ranks, 0 to 1.",
    )


@answer
class MeantSongs:
    """Songs that sound as some words mean, the nearest first."""

    words: str
    unknown: list[str] = described("Words that the ear does not know.")
    songs: list[MeantSong]


@dataclass(frozen=True)
class Meant:
    """Songs that match words.

    Attributes
    ----------
    songs : list of Song
        The nearest first.
    similarities : list of float
        The cosine of each with the words, -1 to 1; of an ear's words the mean of its ranks among the songs, 0 to 1.
    unknown : tuple of str
        Words that the ear does not know.
    """

    songs: list[Song]
    similarities: list[float]
    unknown: tuple[str, ...] = ()

    def answer(self, words: str) -> MeantSongs:
        """Return the answer to some words."""
        pairs = zip(self.songs, self.similarities, strict=True)
        return MeantSongs(words, list(self.unknown), [MeantSong.of(song, similarity=alike) for song, alike in pairs])


class Meaning:
    """The words and the songs of a library in one space: the model's own, not the library's.

    A model with two towers was taught that the cosine between a sound's vector and that of its description is large, as
    they come out of the towers. Sounds lie in one cone of that space and words in another, so to subtract the mean of
    the songs, as a :class:`~songspace.space.Space` does, from words would turn them to where no word ever was. So songs
    are compared here uncentred: the mean of a song's segments, each of unit length, brought to unit length.

    Parameters
    ----------
    library : Library
    space : Space
        Its own, for the songs that have a place in it.

    Raises
    ------
    WordlessError
        If its encoder knows no words.
    """

    def __init__(self, library: Library, space: Space) -> None:
        from songspace.library.learnt import load_learnt

        demand_words(library)
        self._encoder = load_learnt(library.home, library.catalog, library.encoder)
        rows = {id: row for row, id in enumerate(space.ids.tolist())}
        self._directions: np.ndarray | None = None
        for song, segments in stored_segments(library.home, library.catalog, library.encoder):
            if (row := rows.get(song)) is not None:
                if self._directions is None:
                    self._directions = np.zeros((len(space), segments.shape[1]), np.float32)
                self._directions[row] = _unit(_unit(segments).mean(axis=0))

    def similarities(self, words: str) -> np.ndarray:
        """Return the cosine of some words with the song in each row of the space."""
        vector = _unit(self._encoder.encode_text(words))
        if self._directions is None or self._directions.shape[1] != len(vector):
            raise SongspaceError("The vectors of the songs are not those of the encoder: run `songspace update`.")
        likeness: np.ndarray = self._directions @ vector
        return likeness


def find_meant(view: View, meaning: Meaning, words: str, count: int) -> Meant:
    """Return the songs that sound most as some words mean, with one version of each.

    Raises
    ------
    SongspaceError
        If there are no words, or the model knows none of them.
    """
    if not words.strip():
        raise SongspaceError("There are no words to search for.")
    return _first(view, meaning.similarities(words.strip()), count)


def find_heard(view: View, words: Words, text: str, count: int) -> Meant:
    """Return the songs that sound most like the words of a text that an ear knows, with one version of each.

    Raises
    ------
    SongspaceError
        If there are no words, or the ear knows none of them.
    """
    if not text.strip():
        raise SongspaceError("There are no words to search for.")
    known, unknown = words.asked(text)
    if not known:
        raise SongspaceError(f"The ear knows none of these words. {words.sentence()}")
    ranks = dict(zip(words.songs.tolist(), words.sums(known).tolist(), strict=True))
    heard = _first(view, np.array([ranks.get(id, 0.0) for id in view.space.ids.tolist()]), count)
    return replace(heard, unknown=unknown)


def _first(view: View, likeness: np.ndarray, count: int) -> Meant:
    """Return the songs that are most alike, with one version of each."""
    order = np.argsort(-likeness, kind="stable")
    first = np.sort(np.unique(view.space.versions[order], return_index=True)[1])[:count]
    rows = order[first].tolist()
    return Meant([view.song(row) for row in rows], [float(likeness[row]) for row in rows])


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
