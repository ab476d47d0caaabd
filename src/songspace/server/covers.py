"""Covers of songs, albums and artists: where a picture is, and the answer with it, in the size that is asked for.

The picture in the file of a song comes first, then one in its folder. Only pictures inside the folders of the library
are sent: a link that leads out of them is ignored.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BufferedReader
from itertools import islice
from time import monotonic, time_ns
from typing import TYPE_CHECKING

from starlette.responses import Response

from songspace.errors import AudioError
from songspace.library import Song
from songspace.library.covers import LARGEST, is_of_a_disc, picture_type, pictures_among, read_cover, scaled
from songspace.server import media
from songspace.server.problems import UnknownError

if TYPE_CHECKING:
    from songspace.server.service import At, Service

_LOOKED_AT = 5  # files, and folders, of an album that are searched


class FolderPictures:
    """The pictures in the folders of songs.

    A folder is listed when one of its songs is asked for, and again when its date has changed.

    Parameters
    ----------
    roots : sequence of str
        The folders of the library.
    patience : float
        Seconds for which the date of a folder is not looked at again.
    """

    def __init__(self, roots: Sequence[str] = (), *, patience: float = 10.0) -> None:
        self._roots, self._patience = roots, patience
        self._known: dict[str, tuple[float, int, str | None]] = {}  # by folder: when, its date, its picture

    def of(self, song: Song) -> str | None:
        """Return the path of the picture in the folder of a song, or above the folder of a disc; None if none is."""
        folder = os.path.dirname(song.path)
        if (found := self._in(folder)) is None and is_of_a_disc(os.path.basename(folder)):
            found = self._in(os.path.dirname(folder))
        return found

    def open(self, path: str) -> BufferedReader:
        """Open a picture that was found; see :func:`songspace.server.media.open_beside`."""
        return media.open_beside(path, self._roots)

    def _in(self, folder: str) -> str | None:
        now, known = monotonic(), self._known.get(folder)
        if known is not None and now - known[0] < self._patience:
            return known[2]
        try:
            date = os.stat(folder).st_mtime_ns
            found = known[2] if known is not None and known[1] == date else self._look(folder)
            if time_ns() - date < media.COARSEST:  # it may change again without another date
                date = 0
        except OSError:
            date, found = 0, None
        self._known[folder] = (now, date, found)
        return found

    def _look(self, folder: str) -> str | None:
        if not media.stays_inside(folder, self._roots):
            return None
        for name in pictures_among(os.listdir(folder)):
            path = os.path.join(folder, name)
            try:
                with self.open(path) as file:
                    fits = 0 < os.fstat(file.fileno()).st_size <= LARGEST
                    if fits and picture_type(file.read(16)) is not None:
                        return path
            except OSError:
                continue
        return None


def folder_pictures(service: Service, at: At) -> FolderPictures:
    """Return the pictures in the folders of a library; there are none if its songs were imported."""
    made: FolderPictures = service.once(
        "folder pictures", at.snapshot.key, lambda: FolderPictures(media.shared(at.library.catalog))
    )
    return made


class Covers:
    """Pictures that were made smaller, the last ones asked for.

    Parameters
    ----------
    most : int
        Most bytes of pictures that are kept.
    """

    def __init__(self, most: int = 8 * 2**20) -> None:
        self._most, self._bytes = most, 0
        self._kept: OrderedDict[str, tuple[bytes, str]] = OrderedDict()
        self._changing = threading.Lock()

    def get(self, tag: str) -> tuple[bytes, str] | None:
        """Return the picture of an entity tag."""
        with self._changing:
            if (kept := self._kept.get(tag)) is not None:
                self._kept.move_to_end(tag)
            return kept

    def keep(self, tag: str, picture: tuple[bytes, str]) -> None:
        """Keep a picture, and drop those that nobody asked for for longest."""
        with self._changing:
            if tag in self._kept or len(picture[0]) > self._most // 4:
                return
            self._kept[tag] = picture
            self._bytes += len(picture[0])
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1][0])


def cover_response(
    service: Service, at: At, songs: Sequence[Song], headers: Mapping[str, str], *, size: int | None = None
) -> Response:
    """Return the response with the cover of some songs: of one song, of an album, ...

    Parameters
    ----------
    service, at
    songs : sequence of Song
        The picture is that in the file of the first one with a picture, or else that in the first folder with one.
    headers : mapping of str to str
        Headers of the request, by their names in lower case.
    size : int, optional
        Most pixels in width and height.

    Raises
    ------
    UnknownError
        If there is no cover, or none that can be shown.
    """
    covers: Covers = service.once("covers", "", Covers)
    refused: list[str] = []
    for file, read in _candidates(service, at, songs, refused):
        with file:
            tag = media.entity_tag(file) if size is None else f'{media.entity_tag(file)[:-1]}-{size}"'
            told = {"Cache-Control": "private, no-cache", "ETag": tag}
            if media.matches(headers.get("if-none-match"), tag):  # a tag is given only with a picture
                return Response(status_code=304, headers=told)
            try:
                if (picture := covers.get(tag)) is None and (data := read(file)) is not None:
                    picture = scaled(data, size)
                    if picture is not None and picture[0] is not data:
                        covers.keep(tag, picture)
            except AudioError as error:
                refused.append(str(error))
                continue
            except OSError:
                continue
        if picture is not None:
            return Response(picture[0], headers=told, media_type=picture[1])
    raise UnknownError(refused[0] if refused else "There is no cover in the files.")


Read = Callable[[BufferedReader], bytes | None]


def _candidates(
    service: Service, at: At, songs: Sequence[Song], refused: list[str]
) -> Iterator[tuple[BufferedReader, Read]]:
    """Yield files that may hold the cover, open, and the function that reads it; add why files cannot be opened."""
    # What is asked for by itself is looked at in any case: it may have a picture that is too large.
    pictured = songs if len(songs) == 1 else (song for song in songs if song.pictured)
    for song in islice(pictured, _LOOKED_AT):
        try:
            yield service.files.open(song, at.library.catalog), _in_file
        except UnknownError as error:
            refused.append(str(error))
    pictures = folder_pictures(service, at)
    for path in _first(map(pictures.of, songs), _LOOKED_AT):
        try:
            yield pictures.open(path), _whole
        except OSError:
            continue


def _first(paths: Iterable[str | None], most: int) -> Iterator[str]:
    return islice(dict.fromkeys(path for path in paths if path is not None), most)


def _in_file(file: BufferedReader) -> bytes | None:
    cover = read_cover(file)
    return cover[0] if cover is not None else None


def _whole(file: BufferedReader) -> bytes | None:
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise AudioError(f"The cover is larger than {LARGEST // 2**20} MB.")
    return data
