"""Saved playlists."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace.answers.answer import SongFacts, answer, described
from songspace.errors import SongspaceError
from songspace.interchange import written
from songspace.playlists.mixes import file_name
from songspace.server import questions
from songspace.server.saved import Place, SavedPlaylist
from songspace.server.service import At, Document, changing, service_of

router = APIRouter(prefix="/playlists", tags=["playlists"])

_TYPES = {"m3u8": "application/vnd.apple.mpegurl", "xspf": "application/xspf+xml", "jspf": "application/jspf+json"}


@answer
class SavedPlaylists:
    """All saved playlists."""

    playlists: list[SavedPlaylist]


@answer
class SavedEntry:
    """An entry of a playlist."""

    song: int | None = described("Id of the song; null if it is not found now.")
    name: str
    away: float | None = described("Time since which the song is away, in seconds since 1970, if known.")


@answer
class SavedInFull(SavedPlaylist):
    """A saved playlist with its entries."""

    entries: list[SongFacts] = described("Songs that are found.")
    missing: list[str] = described("Names of entries whose songs are not found.")
    order: list[SavedEntry] = described("All entries in their order.")


@router.get("", response_model=SavedPlaylists)
def playlists(request: Request) -> Response:
    """Return all saved playlists."""
    return changing(request, SavedPlaylists(service_of(request).saved.all()))


@router.post("", status_code=201, response_model=SavedPlaylist)
def create(body: questions.PlaylistBody, request: Request) -> Response:
    """Save a playlist, as a file in the home."""
    service = service_of(request)
    snapshot = service.snapshots.current()
    saved = service.saved.create(body.title, [snapshot.song(id) for id in body.songs])
    return Document(saved, 201, {"Location": f"{request.url.path}/{saved.id}"})


def _one(at: At, request: Request, id: str) -> tuple[SavedPlaylist, list[Place]]:
    service = service_of(request)
    return service.saved.places(id, service.here(at))


@router.get("/{id}", response_model=SavedInFull)
def playlist(id: questions.PlaylistId, request: Request) -> Response:
    """Return a playlist with its entries."""
    with service_of(request).at() as at:
        saved, places = _one(at, request, id)
    entries = [SongFacts.of(place.song) for place in places if place.song is not None]
    missing = [place.entry.label for place in places if place.song is None]
    order = [SavedEntry(place.song.id if place.song else None, place.label, place.away) for place in places]
    return changing(request, SavedInFull(**vars(saved), entries=entries, missing=missing, order=order))


@router.get(
    "/{id}/file",
    response_class=Response,
    responses={200: {"content": {kind: {"schema": {"type": "string"}} for kind in _TYPES.values()}}},
)
def file(id: questions.PlaylistId, query: Annotated[questions.FileQuery, Query()], request: Request) -> Response:
    """Return a playlist as a file, with the current paths of its songs."""
    with service_of(request).at() as at:
        saved, places = _one(at, request, id)
    songs = [place.song for place in places if place.song is not None]
    data = written(f".{query.format}", songs, title=saved.title)
    name = quote(f"{file_name(saved.title)}.{query.format}", safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "private, no-cache"}
    return Response(data, headers=headers, media_type=_TYPES[query.format])


@router.patch("/{id}", response_model=SavedPlaylist)
def change(id: questions.PlaylistId, body: questions.PlaylistChange, request: Request) -> Response:
    """Change the title or the songs of a playlist, or both; or remove entries and add songs at the end.

    Entries whose songs are not found now keep their places, unless `remove` names them.
    """
    service = service_of(request)
    with service.at() as at:
        here, song = service.here(at), at.snapshot.song
        if body.remove or body.add:
            if body.songs is not None:
                raise SongspaceError("Give songs, or what to remove and to add, but not both.")
            added = [song(number) for number in body.add]
            saved = service.saved.edit(id, here, title=body.title, remove=body.remove, add=added)
        else:
            songs = None if body.songs is None else [song(number) for number in body.songs]
            saved = service.saved.change(id, title=body.title, songs=songs, here=here)
    return Document(saved)


@router.delete("/{id}", status_code=204)
def delete(id: questions.PlaylistId, request: Request) -> Response:
    """Delete a playlist."""
    service_of(request).saved.delete(id)
    return Response(status_code=204)
