"""Similar artists."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from songspace.errors import SongspaceError
from songspace.server.audiomuse.call import PluginCall, answered
from songspace.server.problems import UnknownError

router = APIRouter(prefix="/api")

_REPRESENTATIVE = 5


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
        with_songs = call.flag("include_component_matches", False)
        answers = []
        for other, distance in call.artists.near(id, len(call.shelves.artists)):
            item = call.ids.of_artist(other)
            if item is None:
                continue
            one = {"artist": call.shelves.artists[other].name, "artist_id": item, "divergence": round(distance, 6)}
            if with_songs:
                first, second = _representative(call, id, other), _representative(call, other, id)
                match = {"artist1_representative_songs": first, "artist2_representative_songs": second}
                one["component_matches"] = [{"distance": round(distance, 6)} | match]
            answers.append(one)
            if len(answers) == call.number("n", 10, 200):
                break
        return answers

    return answered(request, make)


def _representative(call: PluginCall, of: str, towards: str) -> list[dict[str, Any]]:
    """Return the songs of one artist that are nearest to those of another."""
    songs = (call.at.view.songs[row] for row in call.artists.typical(of, towards=towards))
    linked = [song for song in songs if song.id in call.ids.item][:_REPRESENTATIVE]
    return [{"item_id": call.ids.item[song.id], "title": song.title or song.name} for song in linked]
