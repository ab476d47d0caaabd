"""Stars, ratings and plays, and what plays now."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from songspace.library import Song
from songspace.library.likes import HIGHEST, Event, EventKind, Record, Thing
from songspace.library.shelves import Album, Artist
from songspace.server.guesses import address_of
from songspace.server.heard import Player, Playing, Report, State
from songspace.server.opensubsonic.browsing import as_folder
from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.opensubsonic.envelope import GENERIC, MISSING, NOT_ALLOWED, NOT_FOUND, SubsonicError
from songspace.server.opensubsonic.shapes import album_facts, artist_facts, song_facts, songs_facts

_MOST = 5000  # things of one call
_FASTEST = 10.0
_LATEST = 10**13  # milliseconds since 1970

Group = TypeVar("Group", Album, Artist)


def _player(call: Call) -> Player:
    return Player(call.user, call.text("c", "")[:200], address_of(call.request.scope))


def _event(call: Call, kind: EventKind, id: str, at: float, value: int | None = None) -> Event:
    """Return an event about the song, album or artist with an id."""
    player = call.text("c", "")
    if id.startswith("al-"):
        album = call.album(id)
        songs = tuple(song.identity for song in album.songs)
        return Event(kind, id, songs, at, Thing.album, player, value, artist=album.by, album=album.name)
    if id.startswith("ar-"):
        artist = call.artist(id)
        theirs = artist.songs or [song for album in artist.albums for song in album.songs]
        songs = tuple(song.identity for song in theirs)
        return Event(kind, id, songs, at, Thing.artist, player, value, artist=artist.name)
    return Event.of(kind, call.song(id), at, player=player, value=value)


def _keep(call: Call, kind: EventKind, ids: Iterable[str], value: int | None = None) -> Answered:
    if not call.service.keeps_history:
        raise SubsonicError(NOT_ALLOWED, "This server keeps no history (--no-history), so nothing can be liked.")
    now = time.time()
    call.service.keep([_event(call, kind, id, now, value) for id in dict.fromkeys(ids)])
    return {}


def _star(call: Call, kind: EventKind) -> Answered:
    ids = [id for name in ("id", "albumId", "artistId") for id in call.all(name, most=_MOST)]
    if not ids:
        raise SubsonicError(MISSING, "The parameter id is missing.")
    return _keep(call, kind, ids)


def _rate(call: Call) -> Answered:
    id, rating = call.text("id"), call.number("rating", least=-1, most=HIGHEST + 1)
    if not 0 <= rating <= HIGHEST:
        raise SubsonicError(GENERIC, f"A rating is a number from 0 to {HIGHEST}.")
    return _keep(call, EventKind.rate, [id], rating)


def _scrobble(call: Call) -> Answered:
    """Note what was played, or with ``submission=false`` what plays now; songs that are gone are left out."""
    ids, times = call.all("id", most=_MOST), call.all("time", most=_MOST)
    if not ids:
        raise SubsonicError(MISSING, "The parameter id is missing.")
    played: list[tuple[Song, float | None]] = []
    for number, id in enumerate(ids):
        try:
            song = call.song(id)
        except SubsonicError:
            if len(ids) == 1:
                raise
            continue
        played.append((song, _moment(times[number]) if number < len(times) else None))
    heard, player = call.service.heard, _player(call)
    if call.text("submission", "true").strip().lower() == "false":
        events = [event for song, _ in played for event in heard.begin(player, song)]
    else:
        events = [event for song, when in played for event in heard.submit(player, song, when)]
    call.service.keep_heard(events)
    return {}


def _moment(text: str) -> float | None:
    """Return a time in seconds since 1970; None if it is none, as of players that send 0 or nothing."""
    text = text.strip()
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        return None
    return int(text) / 1000 if 0 < int(text) < _LATEST else None


def _report(call: Call) -> Answered:
    if call.text("mediaType") != "song":
        raise SubsonicError(NOT_FOUND, "songspace has songs only.")
    song, position = call.song(call.text("mediaId")), call.number("positionMs") / 1000
    state, rate = call.text("state"), call.text("playbackRate", "1").strip()
    if state not in State.__members__:
        raise SubsonicError(GENERIC, "The parameter state is none of starting, playing, paused, stopped.")
    if not re.fullmatch(r"\d{1,3}(\.\d{1,9})?", rate, re.ASCII):
        raise SubsonicError(GENERIC, "The parameter playbackRate is no number.")
    ignored = call.text("ignoreScrobble", "false").strip().lower() == "true"
    report = Report(song, State(state), position, min(max(float(rate), 0.1), _FASTEST), ignored)
    call.service.keep_heard(call.service.heard.report(_player(call), report))
    return {}


def _now_playing(call: Call) -> Answered:
    shelves = call.whole
    entries = [
        song_facts(shelves, playing.song) | _playing_facts(playing)
        for playing in call.service.heard.playing()
        if playing.song.id in shelves.album_of
    ]
    return {"nowPlaying": {"entry": entries}}


def _playing_facts(playing: Playing) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "username": playing.player.user,
        "minutesAgo": int(playing.seconds // 60),
        "playerId": playing.number,
        "playerName": playing.player.name,
    }
    if (report := playing.report) is None:
        return facts
    moved = playing.seconds * report.rate if report.state is State.playing else 0.0
    position = min(report.position + moved, max(report.position, playing.song.duration))
    return facts | {
        "state": report.state.value,
        "positionMs": round(1000 * position),
        "playbackRate": report.rate,
    }


def _starred(things: Mapping[str, Group], records: Mapping[str, Record]) -> list[Group]:
    """Return the albums or artists with a star, the latest first."""
    starred = {id: record.starred for id, record in records.items() if record.starred is not None and id in things}
    return [things[id] for id in sorted(starred, key=lambda id: -starred[id])]


def _starred_things(call: Call, *, folders: bool) -> dict[str, Any]:
    shelves = call.shelves
    known, records = call.service.by_identity(call.at), shelves.history.songs
    stars = {one: record.starred for one, record in records.items() if record.starred is not None and one in known}
    songs = [known[one] for one in sorted(stars, key=lambda one: -stars[one])]
    albums = _starred(shelves.albums, shelves.of_albums)
    return {
        "artist": [artist_facts(artist, shelves) for artist in _starred(shelves.artists, shelves.of_artists)],
        "album": [as_folder(album, shelves) if folders else album_facts(album, shelves) for album in albums],
        "song": songs_facts(shelves, [song for song in songs if song.id in shelves.album_of]),
    }


HANDLERS: dict[str, Handler] = {
    "star": lambda call: _star(call, EventKind.star),
    "unstar": lambda call: _star(call, EventKind.unstar),
    "setRating": _rate,
    "scrobble": _scrobble,
    "reportPlayback": _report,
    "getNowPlaying": _now_playing,
    "getStarred": lambda call: {"starred": _starred_things(call, folders=True)},
    "getStarred2": lambda call: {"starred2": _starred_things(call, folders=False)},
}
