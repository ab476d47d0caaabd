"""Songs, albums and artists in the schemas of OpenSubsonic.

Fields that songspace does not support are left out, and so are stars, ratings and plays that a thing does not have.
Other fields without a value are empty, as the protocol demands.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from songspace.audio.transcoding import ENCODINGS
from songspace.formats import by_name
from songspace.library import Song
from songspace.library.likes import Record
from songspace.library.shelves import Album, Artist, Shelves, genres_of
from songspace.server.opensubsonic.marks import Marked

CONVERTED = "mp3"
"""A format that every player plays."""


def is_converted(path: str) -> bool:
    """Return True if few players play the format of a song, so that by default it is sent in another one.

    Examples
    --------
    >>> is_converted("/music/song.WMA"), is_converted("/music/song.flac")
    (True, False)
    """
    format = by_name(path)
    return format is None or not format.is_played


def song_facts(shelves: Marked, song: Song) -> dict[str, Any]:
    """Return a ``Child``."""
    album, artists = shelves.album_of[song.id], shelves.artists_of[song.id]
    record = shelves.history.of(song)
    suffix, known = os.path.splitext(song.path)[1].lower(), shelves.files.get(song.path)
    whole, format = song.start is None, by_name(song.path)
    genres, converted = genres_of(song), None if whole and not is_converted(song.path) else CONVERTED
    if whole:
        size = known.size if known else None
        kilobits = round(size * 8 / song.duration / 1000) if size and song.duration else None
    else:  # what is sent of a part of a file; Strawberry takes no song without a size
        kilobits = ENCODINGS[CONVERTED].kilobits
        size = round(song.duration * kilobits * 125)
    facts: dict[str, Any] = {
        "id": str(song.id),
        "parent": album.id,
        "isDir": False,
        "title": song.title or os.path.splitext(os.path.basename(song.path))[0],
        "album": album.name,
        "artist": song.artist or song.albumartist or artists[0].name,
        "track": song.track,
        "discNumber": album.disc_of(song),
        "year": song.year,
        "genre": genres[0] if genres else None,
        "coverArt": album.cover_of(song),
        "size": size or None,
        "contentType": format.media_type if format is not None else "application/octet-stream",
        "suffix": suffix[1:],
        "transcodedContentType": converted and ENCODINGS[converted].format.media_type,
        "transcodedSuffix": converted,
        "duration": round(song.duration),
        "bitRate": kilobits,
        "path": shelves.place(song.path),
        "created": moment(known.mtime_ns / 1e9 if known else 0.0),
        "albumId": album.id,
        "artistId": artists[0].id,
        "type": "music",
        "mediaType": "song",
        "isVideo": False,
        "musicBrainzId": song.recording_mbid or "",
        "genres": [{"name": name} for name in genres],
        "artists": [_in_brief(artist) for artist in artists],
        "displayArtist": song.artist or song.albumartist or artists[0].name,
        "albumArtists": [_in_brief(album.artist)],
        "displayAlbumArtist": album.by,
        "replayGain": _loudness(song),
        **_marks(record, record.plays, record.played),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _loudness(song: Song) -> dict[str, float]:
    """Return the ``ReplayGain`` of a song; empty if its tags have none."""
    facts = {
        "trackGain": song.track_gain,
        "trackPeak": song.track_peak,
        "albumGain": song.album_gain,
        "albumPeak": song.album_peak,
    }
    return {name: value for name, value in facts.items() if value is not None}


def album_facts(album: Album, marks: Marked) -> dict[str, Any]:
    """Return an ``AlbumID3``, without its songs."""
    genres = album.genres
    facts: dict[str, Any] = {
        "id": album.id,
        "name": album.name,
        "artist": album.by,
        "artistId": album.artist.id,
        "coverArt": album.id if album.has_cover else None,
        "songCount": len(album.songs),
        "duration": album.seconds,
        "created": moment(album.created),
        "year": album.year,
        "genre": genres[0] if genres else None,
        "musicBrainzId": album.mbid or "",
        "genres": [{"name": name} for name in genres],
        "artists": [_in_brief(album.artist)],
        "displayArtist": album.by,
        **_marks(marks.of_albums.get(album.id), *marks.plays.get(album.id, (0, None))),
    }
    return {name: value for name, value in facts.items() if value is not None}


def artist_facts(artist: Artist, marks: Marked | None = None) -> dict[str, Any]:
    """Return an ``ArtistID3``, without its albums."""
    facts = {
        **_in_brief(artist),
        **({"coverArt": artist.id} if artist.cover is not None else {}),
        "albumCount": len(artist.albums),
        "musicBrainzId": artist.mbid or "",
        "sortName": artist.sorted_by,
        **_marks(marks.of_artists.get(artist.id) if marks is not None else None),
    }
    return {name: value for name, value in facts.items() if value is not None}


def songs_facts(shelves: Marked, songs: Sequence[Song]) -> list[dict[str, Any]]:
    """Return a list of ``Child``."""
    return [song_facts(shelves, song) for song in songs]


def playlist_cover(shelves: Shelves, songs: Sequence[Song]) -> str | None:
    """Return the id of the cover of a playlist, that of the first of its first songs that has one."""
    covers = (shelves.album_of[song.id].cover_of(song) for song in songs if song.id in shelves.album_of)
    return next(filter(None, covers), None)


def moment(seconds: float) -> str:
    """Format seconds since 1970 as ISO 8601.

    Examples
    --------
    >>> moment(0.0), moment(1e20)
    ('1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z')
    """
    return datetime.fromtimestamp(min(max(seconds, 0.0), 253402300799.0), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _marks(record: Record | None, plays: int = 0, played: float | None = None) -> dict[str, Any]:
    """Return what the person likes and plays, None where there is nothing."""
    starred = record.starred if record is not None else None
    return {
        "starred": None if starred is None else moment(starred),
        "userRating": (record.rating if record is not None else 0) or None,
        "playCount": plays or None,
        "played": None if played is None else moment(played),
    }


def _in_brief(artist: Artist) -> dict[str, Any]:
    return {"id": artist.id, "name": artist.name}
