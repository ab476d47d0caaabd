"""The queue of songs to play, and bookmarks, kept for all players of the user."""

from __future__ import annotations

import time
from typing import Any

from songspace.library import Song
from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.opensubsonic.envelope import MISSING, NOT_FOUND, SubsonicError
from songspace.server.opensubsonic.shapes import moment, song_facts, songs_facts
from songspace.server.queue import LATEST, LONGEST_QUEUE


def _kept(call: Call) -> tuple[dict[str, Any], list[Song], int | None]:
    """Return a queue without its current song, its songs, and the place of the current one."""
    queue = call.service.queues.queue()
    songs, current, position = queue.here(call.service.by_identity(call.at))
    facts = {
        "username": call.user,
        "changed": moment(queue.changed),
        "changedBy": queue.by,
        "position": position,
        "entry": songs_facts(call.whole, songs),
    }
    return facts, songs, current


def _queue(call: Call) -> Answered:
    facts, songs, current = _kept(call)
    return {"playQueue": facts | ({} if current is None else {"current": str(songs[current].id)})}


def _queue_by_index(call: Call) -> Answered:
    facts, _, current = _kept(call)
    return {"playQueueByIndex": facts | ({} if current is None else {"currentIndex": current})}


def _save(call: Call, songs: list[Song | None], current: int) -> Answered:
    position = call.number("position", 0, most=LATEST)
    there = [song for song in songs if song is not None]
    place = sum(song is not None for song in songs[:current])
    call.service.queues.put(
        there, place if place < len(there) else None, position, at=time.time(), by=call.text("c", "")
    )
    return {}


def _given(call: Call) -> tuple[list[str], list[Song | None]]:
    """Return the ids of a queue, and their songs; None where the library has none any more."""
    ids = [id for id in call.all("id", most=LONGEST_QUEUE) if id]
    songs: list[Song | None] = []
    for id in ids:
        try:
            songs.append(call.song(id))
        except SubsonicError:
            songs.append(None)
    if ids and not any(songs):
        raise SubsonicError(NOT_FOUND, "There is no song of these ids.")
    return ids, songs


def _save_queue(call: Call) -> Answered:
    """Replace the queue; a player that names none of its songs as the current one begins with the first."""
    (ids, songs), current = _given(call), call.text("current", "")
    return _save(call, songs, ids.index(current) if current in ids else 0)


def _save_queue_by_index(call: Call) -> Answered:
    ids, songs = _given(call)
    current = call.number("currentIndex", least=-1) if ids else 0
    if ids and not 0 <= current < len(ids):
        raise SubsonicError(MISSING, "The parameter currentIndex is no place in the queue.")
    return _save(call, songs, current)


def _bookmarks(call: Call) -> Answered:
    known = call.service.by_identity(call.at)
    return {
        "bookmarks": {
            "bookmark": [
                {
                    "position": mark.position,
                    "username": call.user,
                    "comment": mark.comment,
                    "created": moment(mark.created),
                    "changed": moment(mark.changed),
                    "entry": song_facts(call.whole, song) | {"bookmarkPosition": mark.position},
                }
                for mark in call.service.queues.bookmarks()
                if (song := known.get(bytes.fromhex(mark.song))) is not None
            ]
        }
    }


def _mark(call: Call) -> Answered:
    song, position = call.song(call.text("id")), call.number("position", most=LATEST)
    call.service.queues.mark(song, position, call.text("comment", ""), at=time.time())
    return {}


def _unmark(call: Call) -> Answered:
    call.service.queues.unmark(call.song(call.text("id")))
    return {}


HANDLERS: dict[str, Handler] = {
    "getPlayQueue": _queue,
    "getPlayQueueByIndex": _queue_by_index,
    "savePlayQueue": _save_queue,
    "savePlayQueueByIndex": _save_queue_by_index,
    "getBookmarks": _bookmarks,
    "createBookmark": _mark,
    "deleteBookmark": _unmark,
}
