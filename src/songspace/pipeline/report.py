"""What a run did, for the person who waited for it."""

from __future__ import annotations

from dataclasses import dataclass

from songspace.durations import taken
from songspace.library.index import Tally


@dataclass
class Report:
    """What a run did.

    Attributes
    ----------
    songs : int
        In the library now.
    encoder : str
        The one that answers.
    tally : Tally
        What the folders held.
    seconds : float
        That it took.
    """

    songs: int
    encoder: str
    tally: Tally
    seconds: float = 0.0

    def sentence(self) -> str:
        """How many songs there are, what has changed, and how long that took.

        Examples
        --------
        >>> Report(412, "contrastive", Tally(new=12, gone=1), 192.0).sentence()
        '412 songs: 12 new, 1 gone; the contrastive space is ready, after 3 min 12 s.'
        >>> Report(1, "timbre", Tally(), 0.4).sentence()
        '1 song: nothing has changed; the timbre space is ready, after 0.4 s.'
        """
        changes = [(self.tally.new, "new"), (self.tally.linked, "moved or copied"), (self.tally.gone, "gone")]
        changed = ", ".join(f"{count} {what}" for count, what in changes if count) or "nothing has changed"
        songs = "1 song" if self.songs == 1 else f"{self.songs} songs"
        return f"{songs}: {changed}; the {self.encoder} space is ready, after {taken(self.seconds)}."
