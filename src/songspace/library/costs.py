"""The cost of listening to a file, estimated from its name and size before it is opened.

Ten windows are decoded by seeking, so that a long file costs hardly more than one of three minutes; formats differ.
"""

from __future__ import annotations

from songspace.formats import BY_EXTENSION, by_name
from songspace.library.scan import Found

_USUAL = BY_EXTENSION[".mp3"]


def decoding(file: Found) -> float:
    """Return the seconds that it probably takes one core to listen to a file.

    Examples
    --------
    >>> decoding(Found("a.MP3", 5_000_000, 0))
    0.084
    """
    format = by_name(file.path) or _USUAL
    return format.seconds * (1 + min(1.0, file.size / format.full_size)) / 2


def recognizing(file: Found) -> float:
    """Return the same for a file whose content is known already: its bytes are read, but not decoded."""
    return 0.001 + 0.5e-9 * file.size
