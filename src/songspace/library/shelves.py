"""The library for browsing in players: artists, their albums, and the songs of these.

A song belongs to each artist that its tags credit (see :mod:`songspace.library.credits`). "Various Artists" is no
artist, but players expect compilations under this name.

Ids are digests of names, so that they stay when the library is heard again: for an artist, of the normalized name; for
an album, of its MusicBrainz id, or its title and artist, or its title and folder (there are many "Greatest Hits"). A
song without an artist of its album belongs to the album of that title in its folder; the folders of discs ("CD 1")
count as one. A song without an album belongs to an album named like its folder, so that a library without tags is
browsed by folders.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Protocol

from songspace.categories import printable
from songspace.library.covers import is_of_a_disc
from songspace.library.credits import Credits
from songspace.library.names import artist_of, compared, folded, plain
from songspace.library.records import FileRow, Song
from songspace.library.scan import is_inside

UNKNOWN, SEVERAL = "[Unknown Artist]", "Various Artists"
ARTICLES = ("the", "a", "an", "der", "die", "das", "le", "la", "les", "el", "los", "las")


class Pictures(Protocol):
    """The pictures in the folders of songs."""

    def of(self, song: Song) -> str | None:
        """Return the path of the picture in the folder of a song; None if there is none."""


class NoPictures:
    """Folders that nobody has looked into."""

    def of(self, song: Song) -> str | None:
        """Return None."""
        return None


@dataclass
class Album:
    """An album, with its songs in the order of their numbers."""

    id: str
    name: str
    songs: list[Song]
    artist: Artist
    by: str = ""
    """Its artist, as written in the tags."""
    created: float = 0.0
    pictures: Pictures = field(default_factory=NoPictures)
    """Pictures in the folders of the library."""

    @cached_property
    def year(self) -> int | None:
        """Most frequent year of its songs."""
        return _most(song.year for song in self.songs)

    @cached_property
    def genres(self) -> list[str]:
        """Genres of its songs, the most frequent first."""
        return [name for name, _ in Counter(name for song in self.songs for name in genres_of(song)).most_common()]

    @property
    def mbid(self) -> str | None:
        """MusicBrainz id."""
        return _most(song.release_mbid for song in self.songs)

    @cached_property
    def _sides(self) -> list[int]:
        """Sides of its records, if these are its discs: all songs have one, and no two songs say another disc."""
        sides = [song.side for song in self.songs if song.side is not None]
        agree = len(sides) == len(self.songs) and len({song.disc for song in self.songs}) == 1
        return sorted(set(sides)) if agree else []

    def disc_of(self, song: Song) -> int | None:
        """Return the number of the disc of a song, or of the side of its record."""
        return self._sides.index(song.side) + 1 if song.side in self._sides else song.disc

    @cached_property
    def _is_pictured(self) -> bool:
        return any(song.pictured for song in self.songs)

    @cached_property
    def _of_folders(self) -> list[Song]:
        """One song of each of its folders."""
        return [*{os.path.dirname(song.path): song for song in reversed(self.songs)}.values()]

    @property
    def has_cover(self) -> bool:
        """True if there is a picture in one of its files or folders."""
        return self._is_pictured or any(self.pictures.of(song) is not None for song in self._of_folders)

    def has_own_cover(self, song: Song) -> bool:
        """Return True if there is a picture in the file of a song, or in its folder."""
        return song.pictured or self.pictures.of(song) is not None

    def cover_of(self, song: Song) -> str | None:
        """Return the id of the cover of a song: its own if its file holds a picture, or else that of the album."""
        if song.pictured:
            return str(song.id)
        return self.id if self.has_cover else None

    @property
    def seconds(self) -> int:
        """Duration."""
        return round(sum(song.duration for song in self.songs))


@dataclass
class Artist:
    """An artist, with all albums that have a song by the artist, and these songs."""

    id: str
    name: str
    albums: list[Album] = field(default_factory=list)
    songs: list[Song] = field(default_factory=list)
    alone: list[Song] = field(default_factory=list)
    """Songs by this artist alone."""

    @property
    def is_known(self) -> bool:
        """True for an artist, False for "Various Artists" and the like."""
        return artist_of(self.name) is not None

    @property
    def cover(self) -> Album | None:
        """The album whose cover stands for the artist: the first with a cover, own albums before others."""
        own = sorted(self.albums, key=lambda album: album.artist is not self)
        return next((album for album in own if album.has_cover), None)

    @property
    def sorted_by(self) -> str:
        """Name for sorting: without case, accents and article."""
        bare = folded(self.name)
        first, _, rest = bare.partition(" ")
        return rest if first in ARTICLES and rest else bare

    @property
    def mbid(self) -> str | None:
        """MusicBrainz id, if all songs by this artist alone have the same."""
        ids = {song.artist_mbid for song in self.alone if song.artist_mbid}
        return ids.pop() if len(ids) == 1 else None


@dataclass(frozen=True)
class Shelves:
    """All artists and albums by id, in the order of their names, and the album and artists of each song.

    Attributes
    ----------
    roots : list of str
        The folders of the library.
    songs : list of Song
        In the order of their paths.
    artists : mapping of str to Artist
    albums : mapping of str to Album
    album_of, artists_of : mapping of int to Album, list of Artist
        By the id of the song; the main artist comes first.
    files : mapping of str to FileRow
        Files by path.
    """

    roots: Sequence[str]
    songs: Sequence[Song]
    artists: Mapping[str, Artist]
    albums: Mapping[str, Album]
    album_of: Mapping[int, Album]
    artists_of: Mapping[int, list[Artist]]
    files: Mapping[str, FileRow]

    def artist_named(self, name: str) -> Artist | None:
        """Return the artist of a name; None if there is none."""
        return self.artists.get(_artist_id(name))

    def place(self, path: str) -> str:
        """Return a path relative to its folder of the library."""
        return _inside(path, self.roots, named=len(self.roots) > 1)


def folders(roots: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the id and the path of each folder of a library."""
    return ((str(number), root) for number, root in enumerate(roots, 1))


def arrange(
    songs: Sequence[Song],
    roots: Sequence[str],
    files: Mapping[str, FileRow],
    credits: Credits | None = None,
    pictures: Pictures | None = None,
) -> Shelves:
    """Group songs into artists and albums; ``credits`` are those of the whole library, if these are not all songs.

    ``pictures`` are those in the folders of the library; without them, covers are in files only.

    Examples
    --------
    >>> songs = [Song(1, "/m/a/1.mp3", 60.0, "Sea", "Ann", album="Blue"), Song(2, "/m/b/2.mp3", 60.0)]
    >>> shelves = arrange(songs, ["/m"], {})
    >>> [(album.name, album.artist.name) for album in shelves.albums.values()]
    [('b', '[Unknown Artist]'), ('Blue', 'Ann')]
    """
    credits, pictures = credits or Credits(songs), pictures or NoPictures()
    keyed: dict[str, list[Song]] = defaultdict(list)
    spelled: dict[str, Counter[str]] = defaultdict(Counter)
    by_artist: dict[str, list[Song]] = defaultdict(list)
    ids_of: dict[int, list[str]] = {}
    key_of = _album_keys(songs, roots)
    for song in songs:
        keyed[key_of[song.id]].append(song)
        names = credits.written(song) or (song.artist or song.albumartist,)
        ids_of[song.id] = [*map(_artist_id, names)]
        for id, name in zip(ids_of[song.id], names, strict=True):
            spelled[id][_shown(name) or UNKNOWN] += 1
            by_artist[id].append(song)
    owners: dict[str, tuple[str, str]] = {}
    for key, there in keyed.items():
        by = _most(song.albumartist for song in there)
        owner = next(iter(credits.names_in(by)), by)
        if owner is None:
            first = {ids_of[song.id][0]: song for song in there}
            one = next(iter(first.values()))
            owner = by = next(iter(credits.written(one)), one.artist) if len(first) == 1 else SEVERAL
        id = _artist_id(owner)
        owners[key] = id, printable(by)
        spelled[id][printable(owner) or UNKNOWN] += 1
    artists_by_id = {
        id: Artist(
            id,
            min(names, key=lambda name: (-names[name], name)),
            songs=by_artist[id],
            alone=[song for song in by_artist[id] if len(ids_of[song.id]) == 1],
        )
        for id, names in spelled.items()
    }
    albums = []
    for key, there in keyed.items():
        name = printable(_most(song.album for song in there)) or _folder(min(there, key=lambda song: song.path))
        owner, by = owners[key]
        album = Album(_id("al", key), name, _in_order(there), artists_by_id[owner], by or artists_by_id[owner].name)
        album.pictures = pictures
        album.created = max((files[song.path].mtime_ns / 1e9 for song in there if song.path in files), default=0.0)
        albums.append(album)
    albums.sort(key=lambda album: (folded(album.name), album.id))
    album_of = {song.id: album for album in albums for song in album.songs}
    artists_of = {song: [artists_by_id[id] for id in ids] for song, ids in ids_of.items()}
    for album in albums:
        of_songs = [artist for song in album.songs for artist in artists_of[song.id]]
        for artist in {artist.id: artist for artist in (album.artist, *of_songs)}.values():
            artist.albums.append(album)
    people = sorted(artists_by_id.values(), key=lambda artist: (artist.sorted_by, artist.id))
    return Shelves(
        roots,
        songs,
        {artist.id: artist for artist in people},
        {album.id: album for album in albums},
        album_of,
        artists_of,
        files,
    )


def genres_of(song: Song) -> tuple[str, ...]:
    """Return the genres of a song; one tag may hold several: "Rock; Pop"."""
    return _genres(song.genres or (song.genre or "",))


# The same names occur again and again, and normalizing them takes most of the time here.
_once = lru_cache(maxsize=2**16)
_shown = _once(printable)


@_once
def _genres(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for tag in tags for part in tag.split(";") if (name := printable(part))))


@_once
def _title(album: str | None) -> str:
    return compared(album or "") or folded(printable(album))


@_once
def _artist_id(name: str | None) -> str:
    key = artist_of(name) or plain(name or "") or folded(printable(name))
    return _id("ar", key)


def _album_keys(songs: Sequence[Song], roots: Sequence[str]) -> dict[int, str]:
    """Return what tells the album of each song from others, by the id of the song."""
    keys: dict[int, str] = {}
    lonely: dict[int, str] = {}  # titles of albums of songs that do not say whose they are
    for song in songs:
        title = _title(song.album)
        if song.release_mbid:
            keys[song.id] = song.release_mbid.lower()
        elif title and song.albumartist:
            keys[song.id] = f"{title}\n{_artist_id(song.albumartist)}"
        else:
            lonely[song.id] = title
    titles = {*lonely.values()} - {""}
    beside: dict[str, set[str]] = defaultdict(set)  # albums that say whose they are, by title and folder
    for song in songs:
        if song.id in keys and (title := _title(song.album)) in titles:
            beside[f"{title}\n{_folder_of_album(song, title, roots)}"].add(keys[song.id])
    for song in songs:
        if song.id in lonely:
            title = lonely[song.id]
            here = f"{title}\n{_folder_of_album(song, title, roots)}"
            albums = beside.get(here, set())
            keys[song.id] = next(iter(albums)) if len(albums) == 1 else here
    return keys


def _folder_of_album(song: Song, title: str, roots: Sequence[str]) -> str:
    """Return the folder of a song, in that of the library; of an album with a title, the one above that of a disc."""
    folder = os.path.dirname(_inside(song.path, roots, named=True))
    return os.path.dirname(folder) if title and is_of_a_disc(os.path.basename(folder)) else folder


def _folder(song: Song) -> str:
    """Return the name of the folder of a song."""
    return printable(os.path.basename(os.path.dirname(song.path)) or "Music")


def _inside(path: str, roots: Sequence[str], *, named: bool) -> str:
    """Return a path relative to its folder of the library, with or without the name of that folder."""
    for root in roots:
        if is_inside(path, root):
            inside = os.path.relpath(path, root).replace(os.sep, "/")
            return f"{os.path.basename(root)}/{inside}" if named else inside
    return os.path.basename(path)


def _in_order(songs: Sequence[Song]) -> list[Song]:
    """Sort songs by disc, side and number, or by path if numbers are missing or not unique."""
    places = {song.id: (song.disc or 1, song.side or 0, song.track or 0) for song in songs}
    if not all(song.track for song in songs) or len(set(places.values())) < len(songs):
        return sorted(songs, key=lambda song: song.path)
    return sorted(songs, key=lambda song: places[song.id])


def _id(kind: str, key: str) -> str:
    return f"{kind}-{hashlib.blake2b(key.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def _most(values: Iterable[Any]) -> Any:
    """Return the most frequent value, or the smallest of several; None if there is none."""
    counted = Counter(value for value in values if value)
    return min(counted, key=lambda value: (-counted[value], value), default=None)
