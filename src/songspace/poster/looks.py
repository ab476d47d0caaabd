"""What a genre looks like: its colour says how electronic it is, as on the poster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ORDER: tuple[tuple[str, ...], ...] = (
    ("classical", "opera", "orchestral", "soundtrack", "instrumental"),
    ("jazz", "blues", "swing", "easy listening", "historic"),
    ("latin", "world", "international", "reggae", "ska"),
    ("folk", "acoustic", "singer songwriter", "celtic", "spoken"),
    ("country", "americana", "bluegrass"),
    ("funk", "soul"),
    ("indie rock", "indie", "alternative"),
    ("rock", "punk"),
    ("metal", "hardcore"),
    (),
    ("pop",),
    ("r&b", "rnb"),
    ("hip hop", "hiphop"),
    ("rap",),
    ("house", "disco", "dance"),
    ("edm", "electronic", "electronica", "techno", "trance", "dubstep", "ambient", "idm", "experimental"),
)
"""The poster's fifteen genres, each first in its place, from acoustic to electronic, and beside each what is near it.

The empty place is for genres that nobody here knows, in the middle, where the poster goes from bands to producers.
"""

MARKERS = "os^D"
"""With many genres, neighbours in colour differ in shape."""

FEW = 8
"""Genres whose colours alone tell them apart."""


def in_order(genres: Sequence[str]) -> list[str]:
    """Genres from acoustic to electronic; those in one place by name.

    Examples
    --------
    >>> in_order(["Rap", "Hard Rock", "zydeco", "Electronic", "Hip-Hop", "Jazz", "classical"])
    ['classical', 'Jazz', 'Hard Rock', 'zydeco', 'Hip-Hop', 'Rap', 'Electronic']
    """
    return sorted(genres, key=lambda genre: (_place(genre), genre.casefold()))


def _place(genre: str) -> int:
    """The place of a genre: by its whole name, or by its last words ("acid jazz" is jazz)."""
    words = re.findall(r"[\w&]+", genre.casefold())
    for start in range(len(words)):
        name = " ".join(words[start:])
        for place, names in enumerate(ORDER):
            if name in names:
                return place
    return ORDER.index(())


@dataclass(frozen=True)
class Look:
    """The colour and the shape of each genre: the same in every picture.

    Attributes
    ----------
    genres : tuple of str
        In the order of their colours, which are the rainbow's from violet to red.
    """

    genres: tuple[str, ...]

    def of(self, genre: str) -> dict[str, Any]:
        """How a genre is drawn."""
        from matplotlib import colormaps

        number = self.genres.index(genre)
        return {
            "color": colormaps["rainbow"](number / max(1, len(self.genres) - 1)),
            "marker": MARKERS[number % len(MARKERS)] if len(self.genres) > FEW else "o",
        }
