"""Words for songs, by a trained ear: each word of a song is ranked among all songs of the library.

The words of an ear are the labels that it was trained with: MusiCNN's are tags that listeners gave to records until
2011. The raw score of one song means little by itself; its rank does: "few songs of this library sound more like
chillout". So a song gets the words by which it ranks near the top. Words describe likeness of sound. They are never
written into files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from songspace import tensorfile
from songspace.errors import SongspaceError

STANDS_OUT = 0.9
"""Rank from which a word stands out: the share of the library's songs that sound less like it."""

MOST = 5
"""Largest number of words of a song: the first by rank."""


@dataclass(frozen=True)
class Words:
    """The words for all songs that an ear has heard.

    Attributes
    ----------
    names : tuple of str
        The words, in lower case.
    songs : ndarray of shape (n,), int64
        Ids, ascending.
    ranks : ndarray of shape (n, words), float32
        Share of the songs that sound less like a word, 0 to 1.
    encoder : str
        Fingerprint of the encoder that the words come from.
    """

    names: tuple[str, ...]
    songs: np.ndarray
    ranks: np.ndarray
    encoder: str = ""

    @classmethod
    def of(cls, names: Iterable[str], songs: np.ndarray, likeness: np.ndarray, encoder: str = "") -> Words:
        """Rank songs by their likeness to each word.

        Parameters
        ----------
        names : iterable of str
        songs : int array of shape (n,)
            Ids of the songs, in any order.
        likeness : array of shape (n, words)
            Likeness of each song to each word, in any unit that grows with it.
        encoder : str
            Fingerprint of the encoder.

        Examples
        --------
        >>> words = Words.of(["Loud", "Sad"], np.array([7, 5, 6]), np.array([[3.0, 0.0], [1.0, 0.5], [2.0, 0.2]]))
        >>> words.songs.tolist(), words.ranks.round(2).tolist()
        ([5, 6, 7], [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
        >>> words.told(7), words.told(8)
        (('loud',), ())
        """
        order = np.argsort(songs, kind="stable")
        likeness = np.asarray(likeness)[order]
        below = np.argsort(np.argsort(likeness, axis=0, kind="stable"), axis=0)
        ranks = below / max(1, len(order) - 1)
        return cls(tuple(name.lower() for name in names), np.asarray(songs)[order], ranks.astype(np.float32), encoder)

    def row(self, song: int) -> int | None:
        """Return the row of a song; None if the ear has not heard it."""
        place = int(np.searchsorted(self.songs, song))
        return place if place < len(self.songs) and self.songs[place] == song else None

    def told(self, song: int) -> tuple[str, ...]:
        """Return the words that stand out in a song, the most outstanding first."""
        row = self.row(song)
        return () if row is None else self._standing_out(self.ranks[row : row + 1])[0]

    def told_each(self) -> dict[int, tuple[str, ...]]:
        """Return the words that stand out in each song, by its id."""
        return dict(zip(self.songs.tolist(), self._standing_out(self.ranks), strict=True))

    def _standing_out(self, ranks: np.ndarray) -> list[tuple[str, ...]]:
        order = np.argsort(-ranks, axis=1, kind="stable")[:, :MOST]
        counts = np.sum(np.take_along_axis(ranks, order, axis=1) >= STANDS_OUT, axis=1)
        return [tuple(self.names[word] for word in some[:n]) for some, n in zip(order, counts, strict=True)]

    def asked(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Split a text into known words, the longest that fit first, and unknown ones.

        Examples
        --------
        >>> words = Words(("female vocalists", "mellow", "80s"), np.zeros(0, int), np.zeros((0, 3)))
        >>> words.asked("Mellow female vocalists, from the 80s")
        (('mellow', 'female vocalists', '80s'), ('from', 'the'))
        """
        heard = text.lower().replace(",", " ").split()
        parts = {tuple(name.split()): name for name in self.names}
        longest = max(map(len, parts), default=1)
        known: list[str] = []
        unknown: list[str] = []
        while heard:
            for length in range(longest, 0, -1):
                if (name := parts.get(tuple(heard[:length]))) is not None and length <= len(heard):
                    known.append(name)
                    heard = heard[length:]
                    break
            else:
                unknown.append(heard.pop(0))
        return tuple(dict.fromkeys(known)), tuple(dict.fromkeys(unknown))

    def sentence(self) -> str:
        """Return a sentence that names all words."""
        return f"It knows {', '.join(sorted(self.names))}."

    def sums(self, names: Iterable[str]) -> np.ndarray:
        """Return the mean rank of each song over some words: shape (n,), 0 to 1."""
        columns = [self.names.index(name) for name in names]
        means: np.ndarray = self.ranks[:, columns].mean(axis=1)
        return means

    def save(self, path: Path) -> None:
        """Write the words into one file, whole or not at all."""
        metadata = {"names": json.dumps(self.names), "encoder": self.encoder}
        arrays = {"songs": self.songs.astype(np.int64), "ranks": self.ranks}
        tensorfile.write(path, arrays, metadata, aligned="ranks")

    @classmethod
    def open(cls, path: Path, encoder: str) -> Words | None:
        """Read the words of an encoder for the songs of a library; None if there are none.

        A damaged file counts as none: words are made again together with the space.
        """
        try:
            arrays, metadata = tensorfile.open_mapped(path)
            names = json.loads(metadata["names"])
        except (OSError, SongspaceError, KeyError, ValueError):
            return None
        if metadata.get("encoder") != encoder or arrays["ranks"].shape != (len(arrays["songs"]), len(names)):
            return None
        return cls(tuple(names), arrays["songs"], arrays["ranks"], encoder)
