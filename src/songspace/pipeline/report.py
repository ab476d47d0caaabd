"""The result of a run, in sentences."""

from __future__ import annotations

from dataclasses import dataclass

from songspace.durations import taken
from songspace.library.index import Tally
from songspace.library.presence import MANY, NONE_LEFT
from songspace.library.scan import shown

_ENDINGS = {
    MANY: "another `songspace update` that misses them, or `songspace update --forget-missing`, lets them go",
    NONE_LEFT: "nothing is lost; `songspace update --forget-missing` lets them go if they were deleted",
}
"""What happens next to songs that are away for one of these reasons."""


@dataclass
class Report:
    """The result of a run.

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

    @property
    def changes(self) -> list[tuple[int, str]]:
        """(number of songs, what happened to them), for each kind of which there are any: (12, "new")."""
        tally = self.tally
        counts = {
            "new": tally.new,
            "moved, copied or tagged anew": tally.linked,
            "back": tally.back,
            "away": tally.away,
            "gone": tally.gone,
        }
        return [(count, what) for what, count in counts.items() if count]

    def sentence(self) -> str:
        """Return the number of songs, what has changed, and how long that took, as a sentence.

        Examples
        --------
        >>> Report(412, "contrastive", Tally(new=12, gone=1), 192.0).sentence()
        '412 songs: 12 new, 1 gone; the contrastive space is ready, after 3 min 12 s.'
        >>> Report(1, "timbre", Tally(), 0.4).sentence()
        '1 song: nothing has changed; the timbre space is ready, after 0.4 s.'
        """
        changed = ", ".join(f"{count} {what}" for count, what in self.changes) or "nothing has changed"
        if not self.songs:
            return f"{changed[:1].upper()}{changed[1:]}: no song is left in the library."
        songs = "1 song" if self.songs == 1 else f"{self.songs} songs"
        return f"{songs}: {changed}; the {self.encoder} space is ready, after {taken(self.seconds)}."

    def lost_sight(self) -> list[str]:
        """Return a sentence for each place where songs are away, and each folder that has moved.

        Examples
        --------
        >>> from songspace.library.presence import Group
        >>> Report(9, "pca", Tally(places=[Group("/music/usb", 3, 0.0, "a link that leads nowhere")])).lost_sight()
        ['3 songs in /music/usb are away (a link that leads nowhere): nothing is lost, and they come back with it.']
        >>> Report(9, "pca", Tally(moved=["/old"])).lost_sight()
        ['/old is no more, and its songs were found elsewhere: it is no folder of the library now.']
        """
        said = [
            f"{shown(folder)} is no more, and its songs were found elsewhere: it is no folder of the library now."
            for folder in self.tally.moved
        ]
        said += [
            f"{shown(folder)} is not there; the other folders were worked on." for folder in sorted(self.tally.absent)
        ]
        for place in self.tally.places:
            songs = "1 song" if place.songs == 1 else f"{place.songs} songs"
            are = "is" if place.songs == 1 else "are"
            ending = _ENDINGS.get(place.why, "nothing is lost, and they come back with it")
            said.append(f"{songs} in {shown(place.path)} {are} away ({place.why}): {ending}.")
        return said
