"""Songs: pages of them, one, what sounds like it, its sound, its cover."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace.answers.answer import SongFacts, answer, described
from songspace.answers.meaning import Meaning, MeantSongs, WordlessError, find_heard, find_meant
from songspace.answers.request import condition
from songspace.answers.similar import SimilarSongs, find_similar
from songspace.errors import AudioError
from songspace.library import Song
from songspace.library.covers import read_cover
from songspace.library.names import sought
from songspace.server import media, questions
from songspace.server.problems import NotReadyError, UnknownError, refusal, responses
from songspace.server.service import At, respond, service_of
from songspace.server.snapshot import Snapshot
from songspace.server.streams import EncodedSong

router = APIRouter(tags=["songs"])


@answer
class Songs:
    """A page of songs."""

    songs: list[SongFacts]
    total: int
    offset: int
    next: int | None = described("The offset of the next page, if there is one.")


@answer
class SongInFull(SongFacts):
    """All that is known of a song."""

    name: str
    albumartist: str | None
    track: int | None
    disc: int | None
    recording_mbid: str | None
    release_mbid: str | None
    artist_mbid: str | None
    artists: list[str]
    genres: list[str]
    in_space: bool


@router.get("/songs", response_model=Songs)
def songs(query: Annotated[questions.SongsQuery, Query()], request: Request) -> Response:
    """Songs by words or a filter, a page at a time: the best matches first, or in the order of their paths."""

    def make(at: At) -> Any:
        found = search(at.snapshot, query.q) if query.q and query.q.strip() else at.snapshot.listed
        if query.where is not None:
            mask = condition(query.where, lambda: at.view.words).mask(found)
            found = [found[place] for place in np.flatnonzero(mask).tolist()]
        end = query.offset + query.limit
        page = [SongFacts.of(song) for song in found[query.offset : end]]
        return Songs(page, len(found), query.offset, end if end < len(found) else None)

    return respond(request, make)


def search(snapshot: Snapshot, text: str) -> list[Song]:
    """Return the songs whose name, album and file hold all words of a text.

    First those whose name or title begin with it.
    """
    wanted = sought(text)
    words = wanted.split()
    if not words:
        return []
    fitting = [place for place, said in enumerate(snapshot.searched) if all(word in said for word in words)]

    def elsewhere(place: int) -> bool:
        title = sought(snapshot.listed[place].title or "")
        return not snapshot.searched[place].startswith(wanted) and not title.startswith(wanted)

    return [snapshot.listed[place] for place in sorted(fitting, key=elsewhere)]


@router.get("/songs/{id}", response_model=SongInFull)
def song(id: questions.SongId, request: Request) -> Response:
    """All that is known of a song."""

    def make(at: At) -> Any:
        found, space = at.snapshot.song(id), at.snapshot.space
        in_space = space is not None and bool((space.ids == id).any())
        return SongInFull.of(found, **{name: getattr(found, name) for name in _MORE}, in_space=in_space)

    return respond(request, make)


@router.get("/songs/{id}/neighbours", response_model=SimilarSongs)
def neighbours(
    id: questions.SongId, query: Annotated[questions.NeighboursQuery, Query()], request: Request
) -> Response:
    """The songs that sound most like a song, and why; as ``songspace similar``."""
    return _similar(request, [id], query)


@router.get("/search", response_model=MeantSongs)
def meant(query: Annotated[questions.MeaningQuery, Query()], request: Request) -> Response:
    """The songs that sound as some words mean; as ``songspace search``. 409, where the encoder knows no words."""
    service = service_of(request)

    def make(at: At) -> Any:
        view = at.snapshot.view(at.library)
        if view.words is not None:
            found = find_heard(view, view.words, query.q, query.count)
            return found.answer(query.q)
        try:
            meaning = service.once("meaning", at.snapshot.key, lambda: Meaning(at.library, view.space))
        except WordlessError as error:
            raise NotReadyError(str(error)) from None
        return find_meant(view, meaning, query.q, query.count).answer(query.q)

    return respond(request, make, heavy=True, most=None)  # once for each space, all segments are read


@router.get("/similar", response_model=SimilarSongs)
def similar(query: Annotated[questions.SimilarQuery, Query()], request: Request) -> Response:
    """The songs that sound most like several together."""
    return _similar(request, query.song, query)


def _similar(request: Request, ids: list[int], query: questions.NeighboursQuery) -> Response:
    def make(at: At) -> Any:
        found = find_similar(at.asked(ids), query.count, explain=query.explain, versions=query.versions)
        return found.answer()

    return respond(request, make, heavy=query.explain)


_MORE = (
    *("name", "albumartist", "track", "disc", "artists", "genres"),
    *("recording_mbid", "release_mbid", "artist_mbid"),
)

PART = "mp3"
"""How a part of a file is encoded where nobody says how: every player plays it."""

_SOUND = {"audio/*": {"schema": {"type": "string", "format": "binary"}}}
_AUDIO: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file, or the song as it was encoded.", "content": _SOUND},
    206: {"description": "The part that was asked for.", "content": _SOUND},
    304: {"description": "Not Modified"},
    **responses(416),
}
_COVER: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "Not Modified"},
}


@router.head("/songs/{id}/audio", include_in_schema=False)
@router.get("/songs/{id}/audio", response_class=Response, responses=_AUDIO)
def audio(id: questions.SongId, query: Annotated[questions.AudioQuery, Query()], request: Request) -> Response:
    """The file of a song as it is, or a part of it (``Range``); or the song in another format, from a second on.

    A song that is a part of its file, as a CUE sheet says, is always encoded: as MP3, if no format is named.
    """
    service = service_of(request)
    with service.at() as at:
        song = at.snapshot.song(id)
        file = service.files.open(song, at.library.catalog)
    if query.format is not None or song.start is not None:  # nobody is sent an album for one of its songs
        part, format, body = (song.start, song.end), query.format or PART, request.method != "HEAD"
        return EncodedSong(file, service.streams, format, refusal, part=part, start=query.start, body=body)
    return media.file_response(file, request.headers, method=request.method)


@router.head("/songs/{id}/cover", include_in_schema=False)
@router.get("/songs/{id}/cover", response_class=Response, responses=_COVER)
def cover(id: questions.SongId, request: Request) -> Response:
    """The picture that is embedded in the file of a song."""
    service = service_of(request)
    with service.at() as at, service.files.open(at.snapshot.song(id), at.library.catalog) as file:
        said = {"Cache-Control": "private, no-cache", "ETag": media.entity_tag(file)}
        if media.matches(request.headers.get("if-none-match"), said["ETag"]):
            return Response(status_code=304, headers=said)
        try:
            found = read_cover(file)
        except AudioError as error:
            raise UnknownError(str(error)) from None
    if found is None:
        raise UnknownError(f"Song {id} has no cover in its file.")
    return Response(found[0], headers=said, media_type=found[1])
