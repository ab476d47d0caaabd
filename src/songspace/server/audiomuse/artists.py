"""Similar artists."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from songspace.answers.sets import Group, groups_of, matching_groups
from songspace.errors import SongspaceError
from songspace.server.audiomuse.call import PluginCall, answered
from songspace.server.problems import UnknownError

router = APIRouter(prefix="/api")

_MATCHES, _REPRESENTATIVE = 3, 3  # as in AudioMuse


@router.get("/similar_artists")
def similar_artists(request: Request) -> Response:
    """Return similar artists; the artist is given by name or by its id on the media server."""

    def make(call: PluginCall) -> Any:
        given = call.text("artist") or call.text("artist_id")
        if not given:
            raise SongspaceError("Missing 'artist' or 'artist_id' parameter")
        id = call.artist(given)
        if id is None:
            raise UnknownError("There is no such artist here.")
        groups = groups_of(call.at.view, id) if call.flag("include_component_matches", False) else []
        answers = []
        for other, similarity, _ in call.artists.near(id, len(call.shelves.artists)):
            item = call.ids.of_artist(other)
            if item is None:
                continue
            name = call.shelves.artists[other].name
            one: dict[str, Any] = {"artist": name, "artist_id": item, "divergence": round(1 - similarity, 6)}
            if groups:
                pairs = matching_groups(groups, groups_of(call.at.view, other), _MATCHES)
                one["component_matches"] = [_match(call, *pair) for pair in pairs]
            answers.append(one)
            if len(answers) == call.number("n", 10, 200):
                break
        return answers

    return answered(request, make)


def _match(call: PluginCall, one: Group, other: Group, distance: float) -> dict[str, Any]:
    """Return two groups of similar songs, one of each artist, as AudioMuse shows the components of its mixtures."""
    return {
        "component1_index": one.index,
        "component2_index": other.index,
        "distance": round(distance, 6),
        "component1_weight": round(one.weight, 6),
        "component2_weight": round(other.weight, 6),
        "artist1_representative_songs": _representative(call, one),
        "artist2_representative_songs": _representative(call, other),
    }


def _representative(call: PluginCall, group: Group) -> list[dict[str, Any]]:
    """Return the songs nearest to the centre of a group that the media server has."""
    songs = (call.at.view.songs[row] for row in group.rows)
    linked = [song for song in songs if song.id in call.ids.item][:_REPRESENTATIVE]
    return [{"item_id": call.ids.item[song.id], "title": song.title or song.name} for song in linked]
