"""The metric space of songs (M, d): every song a point, their distance how different they sound.

A song's point is its vector, moved so that the library's mean is the origin and scaled to unit length, and d
is the Euclidean distance, from 0 (alike) to 2 (opposite). On unit vectors it orders songs exactly as the cosine
does, and unlike the cosine it is a metric: symmetric, zero for a song and itself, no shorter by any detour.

In a space that has hubs, who is *nearest* is asked of both songs (see :mod:`songspace.space.proximity`), or the same
few would be nearest to everybody, and others to nobody. That is a matter of order: distances stay what they are.

Beside each song's point stand two others, how it begins and how it ends: where a playlist goes over to the next song.

A space is one file (see :mod:`songspace.tensorfile`) that is mapped into memory: opening it reads no more than a
header, so that the first answer comes after milliseconds however large the library is.
"""

from __future__ import annotations

from songspace.space.space import Space

__all__ = ["Space"]
