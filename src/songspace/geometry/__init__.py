"""Regions of genres, artists and albums in the space, the ways between them, and an artist's way through the years.

>>> from songspace import Space, geometry
>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> space = Space.from_vectors(np.repeat(np.eye(3), 8, axis=0) + 0.3 * rng.normal(size=(24, 3)))
>>> regions = geometry.describe(space, np.repeat(["jazz", "rock", "folk"], 8).tolist())
>>> [region.name for region in regions.regions]
['folk', 'jazz', 'rock']
"""

from __future__ import annotations

from songspace.geometry.between import Between, Way, songs_between, way
from songspace.geometry.groups import album_labels, genre_labels, genres_of
from songspace.geometry.regions import Overlap, Region, Regions, describe
from songspace.geometry.years import Drift, Station, Years, through_years

__all__ = [
    "Between",
    "Drift",
    "Overlap",
    "Region",
    "Regions",
    "Station",
    "Way",
    "Years",
    "album_labels",
    "describe",
    "genre_labels",
    "genres_of",
    "songs_between",
    "through_years",
    "way",
]
