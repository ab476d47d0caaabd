"""The queue of songs to play, the same as of players."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request
from starlette.responses import Response

from songspace.answers.answer import answer, described
from songspace.server import questions
from songspace.server.service import Service, changing, service_of

router = APIRouter(prefix="/queue", tags=["queue"])


@answer
class PlayQueue:
    """Songs to play."""

    songs: list[int] = described("Ids of the songs that can be reached.")
    current: int | None = described("Place of the current song in the list, from 0.")
    position: float = described("Seconds in the current song.", places=3)
    changed: float = described("Time when it was written, in seconds since 1970; 0 if it never was.")
    by: str = described("Name of the program that wrote it.")


def _kept(service: Service) -> PlayQueue:
    with service.at() as at:
        queue = service.queues.queue()
        songs, current, position = queue.here(service.by_identity(at))
    return PlayQueue([song.id for song in songs], current, position / 1000, queue.changed, queue.by)


@router.get("", response_model=PlayQueue)
def queue(request: Request) -> Response:
    """Return the queue of songs to play."""
    return changing(request, _kept(service_of(request)))


@router.put("", response_model=PlayQueue)
def put(body: questions.QueueBody, request: Request) -> Response:
    """Replace the queue; without songs, clear it. Nothing is written if this server keeps no history."""
    service = service_of(request)
    snapshot = service.snapshots.current()
    songs = [snapshot.song(id) for id in body.songs]
    service.queues.put(songs, body.current, round(1000 * body.position), at=time.time(), by=body.player)
    return changing(request, _kept(service))
