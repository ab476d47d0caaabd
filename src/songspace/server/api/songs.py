"""Songs: search, facts, similar songs, sound and cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace.answers.answer import SongFacts, answer, described
from songspace.answers.meaning import Meaning, MeantSongs, WordlessError, find_heard, find_meant
from songspace.answers.request import condition
from songspace.answers.sets import (
    SimilarAlbums,
    SimilarArtists,
    find_album,
    find_artist,
    similar_albums,
    similar_artists,
)
from songspace.answers.similar import SimilarSongs, find_similar
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.library.names import sought
from songspace.server import media, questions
from songspace.server.covers import cover_response
from songspace.server.problems import NotReadyError, UnknownError, refusal, responses
from songspace.server.service import At, respond, service_of
from songspace.server.snapshot import Snapshot
from songspace.server.streams import EncodedSong

Thing = TypeVar("Thing")

router = APIRouter(tags=["songs"])


@answer
class Songs:
    """A page of songs."""

    songs: list[SongFacts]
    total: int
    offset: int
    next: int | None = described("Offset of the next page, if there is one.")


@answer
class SongInFull(SongFacts):
    """All facts about a song."""

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
    """Return one page of songs by words (best matches first) or by a filter (in the order of their paths)."""

    def make(at: At) -> Any:
        matches = search(at.snapshot, query.q) if query.q and query.q.strip() else at.snapshot.listed
        if query.where is not None:
            mask = condition(query.where, lambda: at.view.words).mask(matches)
            matches = [matches[place] for place in np.flatnonzero(mask).tolist()]
        end = query.offset + query.limit
        page = [SongFacts.of(song) for song in matches[query.offset : end]]
        return Songs(page, len(matches), query.offset, end if end < len(matches) else None)

    return respond(request, make)


def search(snapshot: Snapshot, text: str) -> list[Song]:
    """Return the songs with all words of a text in name, album or file.

    Songs whose name or title begins with the text come first.
    """
    wanted = sought(text)
    words = wanted.split()
    if not words:
        return []
    matches = [place for place, searched in enumerate(snapshot.searched) if all(word in searched for word in words)]

    def elsewhere(place: int) -> bool:
        title = sought(snapshot.listed[place].title or "")
        return not snapshot.searched[place].startswith(wanted) and not title.startswith(wanted)

    return [snapshot.listed[place] for place in sorted(matches, key=elsewhere)]


@router.get("/songs/{id}", response_model=SongInFull)
def song(id: questions.SongId, request: Request) -> Response:
    """Return all facts about a song."""

    def make(at: At) -> Any:
        song, space = at.snapshot.song(id), at.snapshot.space
        in_space = space is not None and bool((space.ids == id).any())
        return SongInFull.of(song, **{name: getattr(song, name) for name in _MORE}, in_space=in_space)

    return respond(request, make)


@router.get("/songs/{id}/neighbours", response_model=SimilarSongs)
def neighbours(
    id: questions.SongId, query: Annotated[questions.NeighboursQuery, Query()], request: Request
) -> Response:
    """Return the songs most similar to a song, with reasons, as by ``songspace similar``."""
    return _similar(request, [id], query)


@router.get("/search", response_model=MeantSongs)
def meant(query: Annotated[questions.MeaningQuery, Query()], request: Request) -> Response:
    """Return the songs that fit some words, as by ``songspace search``; 409 if the encoder knows no words."""
    service = service_of(request)

    def make(at: At) -> Any:
        view = at.snapshot.view(at.library)
        if view.words is not None:
            return find_heard(view, view.words, query.q, query.count).answer(query.q)
        try:
            meaning = service.once("meaning", at.snapshot.key, lambda: Meaning(at.library, view.space))
        except WordlessError as error:
            raise NotReadyError(str(error)) from None
        return find_meant(view, meaning, query.q, query.count).answer(query.q)

    return respond(request, make, heavy=True, most=None)  # all segments are read, once for each space


@router.get("/similar", response_model=SimilarSongs)
def similar(query: Annotated[questions.SimilarQuery, Query()], request: Request) -> Response:
    """Return the songs most similar to several songs together."""
    return _similar(request, query.song, query)


@router.get("/similar/artists", response_model=SimilarArtists)
def similar_to_artist(query: Annotated[questions.ArtistsQuery, Query()], request: Request) -> Response:
    """Return the artists who sound most like one, by all their songs."""

    def make(at: At) -> Any:
        return similar_artists(at.view, _known(lambda: find_artist(at.view.shelves, query.artist)), query.count)

    return respond(request, make, heavy=True)


@router.get("/similar/albums", response_model=SimilarAlbums)
def similar_to_album(query: Annotated[questions.AlbumsQuery, Query()], request: Request) -> Response:
    """Return the albums that sound most like one, by all their songs."""

    def make(at: At) -> Any:
        return similar_albums(at.view, _known(lambda: find_album(at.view.shelves, query.album)), query.count)

    return respond(request, make, heavy=True)


def _known(find: Callable[[], Thing]) -> Thing:
    """Return what is named; a name that nothing has is an unknown resource."""
    try:
        return find()
    except SongspaceError as error:
        raise UnknownError(str(error)) from None


def _similar(request: Request, ids: list[int], query: questions.NeighboursQuery) -> Response:
    def make(at: At) -> Any:
        return find_similar(at.asked(ids), query.count, explain=query.explain, versions=query.versions).answer()

    return respond(request, make, heavy=query.explain)


_MORE = (
    *("name", "albumartist", "track", "disc", "artists", "genres"),
    *("recording_mbid", "release_mbid", "artist_mbid"),
)

PART = "mp3"
"""Default format for a song that is a part of its file: every player plays it."""

_SOUND = {"audio/*": {"schema": {"type": "string", "format": "binary"}}}
_AUDIO: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file, or the encoded song.", "content": _SOUND},
    206: {"description": "The requested part.", "content": _SOUND},
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
    """Return the file of a song or a part of it (``Range``); or the song in another format, from some second on.

    A song that is a part of its file, by a CUE sheet, is always encoded; the default format is MP3.
    """
    service = service_of(request)
    with service.at() as at:
        song = at.snapshot.song(id)
        file = service.files.open(song, at.library.catalog)
    if query.format is not None or song.start is not None:  # for one song, the file of a whole album is not sent
        part, format, body = (song.start, song.end), query.format or PART, request.method != "HEAD"
        return EncodedSong(file, service.streams, format, refusal, part=part, start=query.start, body=body)
    return media.file_response(file, request.headers, method=request.method)


@router.head("/songs/{id}/cover", include_in_schema=False)
@router.get("/songs/{id}/cover", response_class=Response, responses=_COVER)
def cover(id: questions.SongId, query: Annotated[questions.CoverQuery, Query()], request: Request) -> Response:
    """Return the picture in the file of a song, or else in its folder."""
    service = service_of(request)
    with service.at() as at:
        return cover_response(service, at, [at.snapshot.song(id)], request.headers, size=query.size)
