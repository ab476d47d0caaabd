"""All genres, artists or albums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from songspace.answers.facts import song_facts
from songspace.answers.geometry.labelled import Labelled
from songspace.answers.geometry.numbers import rounded
from songspace.errors import SongspaceError

if TYPE_CHECKING:
    from songspace.geometry import Regions


def find_regions(asked: Labelled, *, most: int) -> Regions:
    """Where all regions lie.

    Raises
    ------
    SongspaceError
        If none has the songs that a centre needs.
    """
    from songspace import geometry as rooms
    from songspace.geometry.groups import FEWEST

    found = rooms.describe(asked.space, asked.labels, asked.units, most=most)
    if not found.regions:
        name, songs = found.groups.small[0] if found.groups.small else ("none", 0)
        raise SongspaceError(
            f"No {asked.kind.one} has the {FEWEST} songs that a centre needs: the largest, {name}, has {songs}."
        )
    return found


def regions_facts(asked: Labelled, found: Regions) -> dict[str, Any]:
    """All regions as JSON knows them."""
    from songspace.geometry.groups import FEWEST

    def song(row: int) -> dict[str, Any]:
        return song_facts(asked.songs[row])

    return {
        "of": asked.kind.value,
        "songs": len(asked.space) - found.groups.unlabelled,
        "unlabelled": found.groups.unlabelled,
        "several": asked.several,
        "typical": round(found.typical, 4),
        "at_home": rounded(found.at_home.as_dict()),
        "regions": [
            {
                "name": region.name,
                "songs": region.size,
                "units": region.units,
                "spread": round(region.spread, 4),
                "at_home": rounded(region.at_home.as_dict()),
                "nearest": [{"name": name, "distance": round(distance, 4)} for name, distance in region.nearest[:10]],
                "overlaps": [{"name": name, "overlap": round(share, 4)} for name, share in region.overlaps[:10]],
                "heart": [song(row) for row in region.heart],
                "border": [
                    song(edge.row) | {"towards": edge.towards, "margin": round(edge.margin, 4)}
                    for edge in region.border
                ],
            }
            for region in found.regions
        ],
        "overlaps": [
            {
                "names": list(pair.names),
                "overlap": rounded(pair.overlap.as_dict()),
                "distance": round(pair.distance, 4),
            }
            for pair in found.overlaps
        ],
        "tree": {
            "order": [found.regions[number].name for number in found.order],
            "joints": [
                {"parts": [int(a), int(b)], "distance": round(float(distance), 4), "regions": int(count)}
                for a, b, distance, count in found.joints
            ],
        },
        "distances": [[round(float(distance), 4) for distance in row] for row in found.distances],
        "fewest": FEWEST,
        "small": [{"name": name, "songs": songs} for name, songs in found.groups.small],
        "beyond": found.groups.beyond,
    }
