"""Similar songs: the extension ``sonicSimilarity``, and the older calls of players for radios."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from songspace.answers.playlists import make_path
from songspace.answers.request import ListRequest, Ruling
from songspace.answers.similar import find_similar, one_of_each
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.library.shelves import Artist
from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.opensubsonic.shapes import artist_facts, song_facts, songs_facts
from songspace.server.problems import NotReadyError
from songspace.server.questions import LONGEST_LIST

_MOST = 500
_AROUND = 10  # fewest similar artists for a mix of songs


def _similar_tracks(call: Call) -> Answered:
    song = call.song(call.text("id"))
    count = call.number("count", 10, least=1, most=_MOST)
    with call.service.turns.take():
        similar = find_similar(call.at.asked([song.id]), count)
    likeness = [min(1.0, max(0.0, 1 - distance**2 / 2)) for distance in similar.distances]
    return _matches(call, similar.songs, likeness)


def _path(call: Call) -> Answered:
    """Return a path of at most ``count`` songs; artists are spaced if there is such a path."""
    start, end = call.song(call.text("startSongId")), call.song(call.text("endSongId"))
    if start.id == end.id:
        return _matches(call, [start], [1.0])
    songs = call.at.songs([start.id, end.id])
    length = call.number("count", 25, least=2, most=min(LONGEST_LIST, len(call.at.view.space)))
    with call.service.turns.take():
        try:
            made = make_path(call.at.view, songs, ListRequest(length=length))
        except SongspaceError:
            made = make_path(call.at.view, songs, ListRequest(Ruling(0, versions=True), length=length))
    return _matches(call, made.songs, made.similarity())


def _matches(call: Call, songs: list[Song], likeness: list[float]) -> Answered:
    shelves = call.whole
    return {
        "sonicMatch": [
            {"entry": song_facts(shelves, song), "similarity": round(alike, 6)}
            for song, alike in zip(songs, likeness, strict=True)
            if song.id in shelves.album_of
        ]
    }


def _similar(call: Call) -> list[dict[str, Any]]:
    """Return the songs most similar to a song or an album, each in one version, or a mix of an artist and similar ones.

    The songs of an album or an artist are included. Songs that the person dislikes or skipped twice are left out.
    """
    id, count = call.text("id"), call.number("count", 50, least=1, most=_MOST)
    songs = [song for song in call.songs_of(id) if _is_placed(call, song)]
    if not songs:
        raise NotReadyError(call.at.snapshot.why_not or "It is not in the space yet: run `songspace update`.")
    unwanted = call.at.history.unwanted()
    with call.service.turns.take():
        if id.startswith("ar-") and id in call.at.view.artists:
            found = _of_similar_artists(call, id, count + len(unwanted))
        else:
            asked = call.at.asked([song.id for song in songs])
            rows, _ = one_of_each(asked, count + len(unwanted), own=len(songs) > 1)
            found = asked.songs(rows)
    kept = [song for song in found if song.id in call.whole.album_of and song.identity not in unwanted]
    return songs_facts(call.whole, kept[:count])


def _of_similar_artists(call: Call, id: str, count: int) -> list[Song]:
    """Return songs of an artist and of similar artists in turns; of the others, those most like this one come first."""
    view = call.at.view
    others = [other for other, *_ in view.artists.near(id, max(_AROUND, count // _AROUND))]
    lists = [view.artists.typical(id), *(view.artists.typical(other, towards=id) for other in others)]
    of_version: dict[int, int] = {}
    for row in (row for turn in zip_longest(*lists) for row in turn if row is not None):
        of_version.setdefault(int(view.space.versions[row]), row)
    return [view.songs[row] for row in [*of_version.values()][:count]]


def _is_placed(call: Call, song: Song) -> bool:
    try:
        call.at.snapshot.placed(song.id)
    except NotReadyError:
        return False
    return True


def _top_songs(call: Call) -> Answered:
    """Return the songs of an artist that are played most here, then the most typical ones: the famous are unknown."""
    artist = call.whole.artist_named(call.text("artist"))
    count = call.number("count", 50, least=1, most=_MOST)
    return {"topSongs": {"song": songs_facts(call.whole, _typical(call, artist)[:count]) if artist else []}}


def _typical(call: Call, artist: Artist) -> list[Song]:
    if call.at.snapshot.space is None or artist.id not in (artists := call.at.view.artists):
        return artist.songs
    typical = [call.at.view.songs[row] for row in artists.typical(artist.id)]
    there, history = {song.id for song in typical}, call.at.history
    songs = [*typical, *(song for song in artist.songs if song.id not in there)]
    return sorted(songs, key=lambda song: -history.of(song).plays)


def _info(call: Call) -> dict[str, Any]:
    """Return similar artists for the page of an artist; there are no biographies."""
    id = call.text("id")
    artist = call.artist(id) if id.startswith("ar-") else call.whole.artists_of[call.songs_of(id)[0].id][0]
    near: list[dict[str, Any]] = []
    if call.at.snapshot.space is not None and artist.id in (artists := call.at.view.artists):
        others = artists.near(artist.id, call.number("count", 20, most=_MOST))
        near = [artist_facts(call.whole.artists[other], call.whole) for other, *_ in others]
    return {"musicBrainzId": artist.mbid or "", "similarArtist": near}


HANDLERS: dict[str, Handler] = {
    "getSonicSimilarTracks": _similar_tracks,
    "findSonicPath": _path,
    "getSimilarSongs": lambda call: {"similarSongs": {"song": _similar(call)}},
    "getSimilarSongs2": lambda call: {"similarSongs2": {"song": _similar(call)}},
    "getTopSongs": _top_songs,
    "getArtistInfo": lambda call: {"artistInfo": _info(call)},
    "getArtistInfo2": lambda call: {"artistInfo2": _info(call)},
}
