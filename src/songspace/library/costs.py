"""The cost of listening to a file, estimated from its name and size before it is opened.

Ten windows are decoded by seeking, so that a long file costs hardly more than one of three minutes; formats differ.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from songspace.library.scan import Found


class _Cost(NamedTuple):
    seconds: float
    """That one core takes for a song of some minutes (measured with nothing else to do, or as processor time)."""
    size: int
    """Bytes from which on a file costs no more; an empty one would cost half of it."""


_COSTS = {
    ".mp3": _Cost(0.084, 3_500_000),
    ".flac": _Cost(0.083, 15_000_000),
    ".ogg": _Cost(0.092, 2_500_000),
    ".opus": _Cost(0.168, 2_000_000),
    ".m4a": _Cost(0.090, 3_500_000),
    ".wav": _Cost(0.045, 15_000_000),
}
_OTHER = _Cost(0.09, 3_500_000)


def decoding(file: Found) -> float:
    """Return the seconds that it probably takes one core to listen to a file.

    Examples
    --------
    >>> decoding(Found("a.MP3", 5_000_000, 0))
    0.084
    """
    cost = _COSTS.get(os.path.splitext(file.path)[1].lower(), _OTHER)
    return cost.seconds * (1 + min(1.0, file.size / cost.size)) / 2


def recognizing(file: Found) -> float:
    """Return the same for a file whose content is known already: its bytes are read, but not decoded."""
    return 0.001 + 0.5e-9 * file.size
