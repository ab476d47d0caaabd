"""The metric space of songs (M, d): each song is a point, and the distance of two points is the difference in sound.

The point of a song is its vector, less the mean vector of the library, scaled to unit length. The distance d is the
Euclidean one, from 0 (alike) to 2 (opposite). On unit vectors it has the same order as the cosine. Unlike the cosine,
it is a metric: symmetric, zero for a song and itself, and it satisfies the triangle inequality.

In a space with hubs, neighbours are ranked by mutual proximity (see :mod:`songspace.space.proximity`). Otherwise a few
songs would be nearest to too many others, and some songs to none. This changes the order only, not the distances.

Each song has two more points, one for its beginning and one for its end, for the transitions in playlists.

A space is one file (see :mod:`songspace.tensorfile`) that is mapped into memory. Opening it reads the header only, so
that the first answer comes after milliseconds, also for a large library.
"""

from __future__ import annotations

from songspace.space.space import Space

__all__ = ["Space"]
