"""Browsing and searching: folders, artists, albums, songs, genres."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from songspace.library import Song
from songspace.library.likes import Record
from songspace.library.names import plain, sought
from songspace.library.shelves import ARTICLES, Album, Artist, Shelves, folders, genres_of
from songspace.server.api.songs import search
from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.opensubsonic.envelope import GENERIC, SubsonicError
from songspace.server.opensubsonic.marks import Marked
from songspace.server.opensubsonic.shapes import album_facts, artist_facts, song_facts, songs_facts

_PAGE = 500
_LARGEST_PAGE = 10_000  # of a search: players read the whole library by it, and stop at the first short page


def _folders(call: Call) -> Answered:
    roots = call.whole.roots
    named = [{"id": int(id), "name": os.path.basename(root) or root} for id, root in folders(roots)]
    return {"musicFolders": {"musicFolder": named}}


def _by_letter(artists: Sequence[Artist], marks: Marked) -> list[dict[str, Any]]:
    def letter(artist: Artist) -> str:
        first = artist.sorted_by[:1].upper()
        return first if first.isalpha() else "#"

    by_letter = groupby(sorted(artists, key=letter), key=letter)
    return [{"name": name, "artist": [artist_facts(artist, marks) for artist in some]} for name, some in by_letter]


def _artists(call: Call) -> Answered:
    shelves = call.shelves
    index = _by_letter([*shelves.artists.values()], shelves)
    return {"artists": {"ignoredArticles": " ".join(map(str.title, ARTICLES)), "index": index}}


def _indexes(call: Call) -> Answered:
    shelves = call.shelves
    newest = int(max((album.created for album in shelves.albums.values()), default=0.0) * 1000)
    if newest and call.number("ifModifiedSince", 0, most=10**16) >= newest:
        return {"indexes": {"ignoredArticles": "", "lastModified": newest}}
    answer = _artists(call)
    assert isinstance(answer, dict)
    return {"indexes": {"lastModified": newest, **answer["artists"]}}


def _directory(call: Call) -> Answered:
    """Return the albums of an artist or the songs of an album, as folders, for players that browse by folders."""
    id = call.text("id")
    if id.startswith("al-"):
        album = call.album(id)
        children = songs_facts(call.whole, album.songs)
        return {"directory": {"id": id, "parent": album.artist.id, "name": album.name, "child": children}}
    artist = call.artist(id)
    children = [as_folder(album, call.whole) for album in artist.albums]
    return {"directory": {"id": id, "name": artist.name, "child": children}}


def as_folder(album: Album, marks: Marked) -> dict[str, Any]:
    facts = album_facts(album, marks)
    kept = (
        *("id", "artist", "artistId", "coverArt", "created", "duration", "year", "genre", "songCount", "name"),
        *("starred", "userRating", "playCount", "played"),
    )
    named = {"parent": album.artist.id, "isDir": True, "title": album.name, "album": album.name, "mediaType": "album"}
    return {name: facts[name] for name in kept if name in facts} | named


def _artist(call: Call) -> Answered:
    artist = call.artist(call.text("id"))
    albums = [album_facts(album, call.whole) for album in artist.albums]
    return {"artist": artist_facts(artist, call.whole) | {"album": albums}}


def _album(call: Call) -> Answered:
    album = call.album(call.text("id"))
    return {"album": album_facts(album, call.whole) | {"song": songs_facts(call.whole, album.songs)}}


def _song(call: Call) -> Answered:
    return {"song": song_facts(call.whole, call.song(call.text("id")))}


def _albums_listed(call: Call) -> list[Album]:
    kind, shelves = call.text("type"), call.shelves
    albums = [*shelves.albums.values()]
    if kind == "random":
        random.shuffle(albums)
    elif kind == "newest":
        albums.sort(key=lambda album: -album.created)
    elif kind == "alphabeticalByArtist":
        albums.sort(key=lambda album: album.artist.sorted_by)
    elif kind == "byYear":
        first, last = call.number("fromYear"), call.number("toYear")
        low, high = min(first, last), max(first, last)
        albums = [album for album in albums if low <= (album.year or -1) <= high]
        albums.sort(key=lambda album: album.year or 0, reverse=first > last)
    elif kind == "byGenre":
        genre = plain(call.text("genre"))
        albums = [album for album in albums if genre in map(plain, album.genres)]
    elif kind in ("highest", "frequent", "recent", "starred"):
        marks = {album.id: _mark(kind, album, shelves) for album in albums}
        albums = sorted((album for album in albums if marks[album.id]), key=lambda album: -marks[album.id])
    elif kind != "alphabeticalByName":
        raise SubsonicError(GENERIC, "The parameter type is none of the lists that there are.")
    begin = call.number("offset", 0)
    return albums[begin : begin + call.number("size", 10, most=_PAGE)]


def _mark(kind: str, album: Album, marks: Marked) -> float:
    """Return the number by which a list of albums is sorted, the highest first; 0 for an album that is not in it."""
    if kind in ("frequent", "recent"):
        return marks.plays.get(album.id, (0, 0.0))[kind == "recent"]
    record = marks.of_albums.get(album.id) or Record()
    return record.rating if kind == "highest" else record.starred or 0.0


def _album_list(call: Call) -> Answered:
    return {"albumList": {"album": [as_folder(album, call.whole) for album in _albums_listed(call)]}}


def _album_list_2(call: Call) -> Answered:
    return {"albumList2": {"album": [album_facts(album, call.whole) for album in _albums_listed(call)]}}


def _in_genre(shelves: Shelves, genre: str) -> list[Song]:
    wanted = plain(genre)
    return [song for song in shelves.songs if song.genre and wanted in map(plain, genres_of(song))]


def _random_songs(call: Call) -> Answered:
    shelves = call.shelves
    songs = _in_genre(shelves, call.text("genre")) if call.given.get("genre") else shelves.songs
    first, last = call.number("fromYear", 0), call.number("toYear", 10**9)
    if call.given.get("fromYear") or call.given.get("toYear"):
        songs = [song for song in songs if song.year is not None and first <= song.year <= last]
    drawn = random.sample(songs, min(len(songs), call.number("size", 10, most=_PAGE)))
    return {"randomSongs": {"song": songs_facts(shelves, drawn)}}


def _genres(call: Call) -> Answered:
    shelves = call.shelves
    songs = Counter(name for song in shelves.songs for name in genres_of(song))
    albums = Counter(name for album in shelves.albums.values() for name in album.genres)
    genres = [{"songCount": songs[name], "albumCount": albums[name], "value": name} for name in sorted(songs)]
    return {"genres": {"genre": genres}}


def _songs_by_genre(call: Call) -> Answered:
    shelves, begin = call.shelves, call.number("offset", 0)
    songs = _in_genre(shelves, call.text("genre"))[begin : begin + call.number("count", 10, most=_PAGE)]
    return {"songsByGenre": {"song": songs_facts(shelves, songs)}}


def _found(call: Call) -> tuple[Sequence[Artist], Sequence[Album], Sequence[Song]]:
    """Search by all words of the query; without words, return everything, page by page: players read a library so."""
    shelves, query = call.shelves, call.text("query", "")
    words = sought(query).split() if query.strip(' "*') else []

    def matches(things: Sequence[Any], name: Callable[[Any], str]) -> Sequence[Any]:
        return [one for one in things if all(word in sought(name(one)) for word in words)] if words else things

    def page(what: str, things: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        count, begin = call.number(f"{what}Count", 20, most=_LARGEST_PAGE), call.number(f"{what}Offset", 0)
        return things()[begin : begin + count] if count else []

    def songs() -> Sequence[Song]:
        if not words:
            return shelves.songs
        return [song for song in search(call.at.snapshot, query) if song.id in shelves.album_of]

    artists = page("artist", lambda: matches([*shelves.artists.values()], lambda artist: artist.name))
    albums = page("album", lambda: matches([*shelves.albums.values()], lambda album: f"{album.name} - {album.by}"))
    return artists, albums, page("song", songs)


def _search_2(call: Call) -> Answered:
    artists, albums, songs = _found(call)
    return {
        "searchResult2": {
            "artist": [artist_facts(artist, call.whole) for artist in artists],
            "album": [as_folder(album, call.whole) for album in albums],
            "song": songs_facts(call.shelves, songs),
        }
    }


def _search_3(call: Call) -> Answered:
    artists, albums, songs = _found(call)
    return {
        "searchResult3": {
            "artist": [artist_facts(artist, call.whole) for artist in artists],
            "album": [album_facts(album, call.whole) for album in albums],
            "song": songs_facts(call.shelves, songs),
        }
    }


HANDLERS: dict[str, Handler] = {
    "getMusicFolders": _folders,
    "getArtists": _artists,
    "getIndexes": _indexes,
    "getMusicDirectory": _directory,
    "getArtist": _artist,
    "getAlbum": _album,
    "getSong": _song,
    "getAlbumList": _album_list,
    "getAlbumList2": _album_list_2,
    "getRandomSongs": _random_songs,
    "getGenres": _genres,
    "getSongsByGenre": _songs_by_genre,
    "search2": _search_2,
    "search3": _search_3,
}
