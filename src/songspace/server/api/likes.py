"""What a person likes and plays."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace.answers.answer import answer, described
from songspace.answers.likes import LikedSong, LikedSongs, listed
from songspace.library.likes import Event, EventKind
from songspace.server import questions
from songspace.server.problems import NotReadyError
from songspace.server.service import Document, changing, service_of

router = APIRouter(prefix="/likes", tags=["likes"])


@answer
class EventsKept:
    """Whether events were written."""

    kept: bool = described("False if this server keeps no history.")


@router.get("", response_model=LikedSongs)
def likes(query: Annotated[questions.LikesQuery, Query()], request: Request) -> Response:
    """Return a list of what the person likes and plays, as by ``songspace likes``."""
    with service_of(request).at() as at:
        songs = listed(at.history, at.snapshot.listed, query.which, time.time())
        page = songs[query.offset : query.offset + query.limit]
        liked = LikedSongs([LikedSong.told(song, at.history.of(song)) for song in page], len(songs))
    return changing(request, liked)


@router.post("", response_model=EventsKept)
def add(body: questions.EventBody, request: Request) -> Response:
    """Write that songs were starred, rated, played or skipped; 409 for a star or rating if no history is kept."""
    service = service_of(request)
    if not service.keeps_history and body.kind not in (EventKind.play, EventKind.skip):
        raise NotReadyError("This server keeps no history (--no-history), so nothing can be liked.")
    snapshot = service.snapshots.current()
    at = time.time() if body.time is None else body.time
    service.keep(
        Event.of(body.kind, snapshot.song(id), at, player=body.player, value=body.rating)
        for id in dict.fromkeys(body.songs)
    )
    return Document(EventsKept(service.keeps_history))
