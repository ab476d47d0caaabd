"""Whether a learnt space is better than the hand-made one: asked, without labels, of songs held out of training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from songspace.errors import SongspaceError
from songspace.evaluation import retrieval
from songspace.library.learnt import learnt, stored_segments
from songspace.pipeline.stages import Run
from songspace.space import Space


@dataclass(frozen=True)
class Check:
    """How well two spaces find the other segments of a song, on songs held out of training.

    Attributes
    ----------
    songs : int
        Held out.
    learnt, by_hand, chance : float
        Mean average precision, 0 to 1.
    difference : float
    interval : list of float or None
        95 %; None of fewer than ten songs.
    """

    songs: int
    learnt: float
    by_hand: float
    chance: float
    difference: float
    interval: list[float] | None

    @property
    def better(self) -> bool:
        """Whether the learnt space is the better one."""
        return self.difference > 0

    def sentence(self, name: str) -> str:
        """What a person should know."""
        figures = (
            f"On {self.songs} songs held out of training, the {name} space finds the other parts of a song with a mean "
            f"average precision of {self.learnt:.2f}, the hand-made one with {self.by_hand:.2f} "
            f"(chance {self.chance:.2f})"
        )
        if not self.better:
            return f"{figures}: it is no better."
        sure = ""
        if self.interval:
            low, high = self.interval
            sure = f" [{low:.2f}, {high:.2f}]" + (", which may be chance" if low <= 0 else "")
        return f"{figures}: better by {self.difference:.2f}{sure}."


def held_out(songs: int) -> np.ndarray:
    """Which songs of a library are kept out of training, as places in the order of their identities.

    A tenth, at least 10 and at most 200; of fewer than 50 songs a fifth, and of fewer than 20 none. Identities are
    hashes, so that songs spread evenly over their order are a random sample.

    Examples
    --------
    >>> [len(held_out(songs)) for songs in (19, 20, 50, 400, 10_000)]
    [0, 4, 10, 40, 200]
    """
    if songs < 20:
        count = 0
    elif songs < 50:
        count = songs // 5
    else:
        count = min(max(10, songs // 10), 200)
    return np.linspace(0, songs - 1, count).round().astype(int)


def check(run: Run, name: str, songs: frozenset[int]) -> Check | None:
    """Compare a learnt space with the hand-made one on some songs; None where that cannot be asked."""
    found = []
    what = learnt(run.catalog, name)
    gap = what.heard if what is not None else 5.0  # also for the hand-made space: both are asked the same
    for encoder in (name, "timbre"):
        held = {song: vectors for song, vectors in stored_segments(run.home, run.catalog, encoder) if song in songs}
        if len(held) < 2:
            return None
        starts = []
        for song in held:
            begins, silent = run.catalog.segments(song)
            starts.append(begins[~silent])
        groups = np.repeat(list(held), [len(vectors) for vectors in held.values()])
        # Placed as a space places songs: directions from the middle.
        placed = Space.from_vectors(np.concatenate(list(held.values())), mutual=False).vectors
        try:
            scores, _ = retrieval.same_song_scores(placed, groups, starts=np.concatenate(starts), min_gap=gap)
        except SongspaceError:  # every segment overlaps every other of its song
            return None
        found.append(scores["average_precision"])
    own, by_hand = found
    difference = own.minus(by_hand)
    return Check(
        songs=len(held),
        learnt=float(own.value),
        by_hand=float(by_hand.value),
        chance=float(own.chance),
        difference=difference["value"],
        interval=difference["interval"],
    )
