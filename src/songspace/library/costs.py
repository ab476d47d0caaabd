"""What listening to a file costs, judged by its name and size before it is opened.

Ten windows are decoded by seeking, so that a long file costs hardly more than a short one; formats differ. Seconds of one
core that has nothing else to do: only their ratios matter once some files have been listened to.
"""

from __future__ import annotations

import os

from songspace.library.scan import Found

_BASE, _PER_BYTE = 0.04, 0.2e-9
_COSTS: dict[str, tuple[float, float]] = {}
"""Seconds for a file, and for each of its bytes."""


def decoding(file: Found) -> tuple[str, float]:
    """The kind of a file and what it probably costs to decode it.

    Examples
    --------
    >>> decoding(Found("a.MP3", 5_000_000, 0))[0]
    '.mp3'
    """
    kind = os.path.splitext(file.path)[1].lower()
    base, per_byte = _COSTS.get(kind, (_BASE, _PER_BYTE))
    return kind, base + per_byte * file.size


def recognizing(file: Found) -> tuple[str, float]:
    """What it costs to see that the content of a file is known already."""
    return "known", 0.001 + 0.5e-9 * file.size
