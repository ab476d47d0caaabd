"""Playlist files: M3U8, XSPF and JSPF, written so that players, media servers and ListenBrainz read them.

M3U8 names files as they are (no ``file://``, nothing percent-encoded: Navidrome would not find them); XSPF and its
JSON form JSPF name them by URI. All three name them relative to the playlist's folder unless told otherwise, so
that music and playlists can be moved together.

Sources: xspf.org/spec (version 1), xspf.org/jspf, musicbrainz.org/doc/jspf (ListenBrainz's dialect).
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote_from_bytes, unquote_to_bytes
from xml.etree import ElementTree

from songspace.errors import SongspaceError

_XSPF = "http://xspf.org/ns/0/"
_MUSICBRAINZ = "https://musicbrainz.org"

# What would end a line, or may not stand in XML: control characters, Unicode's separators, halves of surrogate
# pairs (in Python the mark of a byte that is no character) and non-characters.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DECLARED_UTF8 = re.compile(rb"^(\xef\xbb\xbf|#EXTENC: *UTF-?8)", re.IGNORECASE | re.MULTILINE)


class Listed(Protocol):
    """What a playlist file says of a song; the catalog's songs know all of it."""

    @property
    def path(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def artist(self) -> str | None: ...
    @property
    def album(self) -> str | None: ...
    @property
    def duration(self) -> float: ...
    @property
    def recording_mbid(self) -> str | None: ...
    @property
    def release_mbid(self) -> str | None: ...
    @property
    def artist_mbid(self) -> str | None: ...


def write(
    path: str | os.PathLike[str], songs: Sequence[Listed], *, title: str | None = None, relative: bool = True
) -> Path:
    """Write a playlist; the format goes by the suffix: .m3u8 (or .m3u), .xspf or .jspf.

    Parameters
    ----------
    path : path-like
        A file that is there is replaced in one step: nobody ever reads half a playlist.
    songs : sequence of songs
        In the order of playing, each with an absolute path.
    title : str, optional
        The playlist's name; the file's, if left out.
    relative : bool
        Name files relative to the playlist's folder, or absolutely.

    Returns
    -------
    Path
        Where it was written, absolute.

    Raises
    ------
    SongspaceError
        If the suffix is another, the file cannot be written, or a song's file has a name that M3U cannot hold.
    """
    path = Path(path).absolute()
    data = _format(path).write(songs, _line(title) or _line(path.stem), path.parent if relative else None)
    beside = path.with_name(path.name + ".new")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise SongspaceError(f"The playlist cannot be written to {path} ({error.strerror}).") from error
    return path


def read(path: str | os.PathLike[str]) -> list[str]:
    """The files that a playlist names, in its order, as absolute paths; they need not exist.

    An entry on the web stays the URL that it is. Entries that name no file at all, as JSPF allows, are left out.

    Raises
    ------
    SongspaceError
        If the suffix is none of .m3u8, .m3u, .xspf and .jspf, or the file cannot be read or is damaged.
    """
    path = Path(path).absolute()
    parse = _format(path).read
    try:
        names = parse(path.read_bytes(), path.suffix.lower())
        return [_located(name, path.parent) for name in names]
    except OSError as error:
        raise SongspaceError(f"The playlist {path} cannot be read ({error.strerror}).") from error
    except (ElementTree.ParseError, LookupError, ValueError, TypeError, AttributeError, RecursionError):
        raise SongspaceError(f"The playlist {path} cannot be read: it is damaged, or something else.") from None


def _write_m3u(songs: Sequence[Listed], title: str, folder: Path | None) -> bytes:
    # The second line tells players that would take .m3u for Latin-1; to the others it is a comment.
    lines = ["#EXTM3U", "#EXTENC:UTF-8", f"#PLAYLIST:{title}"]
    for song in songs:
        name = _named(song.path, folder)
        if "\n" in name or "\r" in name:
            raise SongspaceError(f"M3U cannot hold the line break in {song.path!r}: write .xspf or .jspf instead.")
        if name[0] == "#" or name[0].isspace() or _SCHEME.match(name):
            name = f"./{name}"
        seconds = round(song.duration) if 0 < song.duration < math.inf else -1
        shown = " - ".join(filter(None, (_line(song.artist), _line(song.title) or _line(Path(song.path).stem))))
        lines += [f"#EXTINF:{seconds},{shown}", name]
    return os.fsencode("".join(f"{line}\n" for line in lines))


def _read_m3u(data: bytes, suffix: str) -> list[str]:
    if b"\0" in data:
        raise ValueError("a text file holds no zero bytes")
    if suffix == ".m3u8" or _DECLARED_UTF8.search(data):
        text = os.fsdecode(data.removeprefix(b"\xef\xbb\xbf"))
    else:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    lines = [line for line in re.split("\r\n|\n|\r", text) if line.strip() and not line.startswith("#")]
    return [_from_uri(line) if line[:7].lower() == "file://" else line for line in lines]


def _write_xspf(songs: Sequence[Listed], title: str, folder: Path | None) -> bytes:
    root = ElementTree.Element("playlist", version="1", xmlns=_XSPF)
    ElementTree.SubElement(root, "title").text = title
    tracks = ElementTree.SubElement(root, "trackList")
    for song in songs:
        track = ElementTree.SubElement(tracks, "track")
        for tag, value in _track(song, folder).items():
            for text in value if isinstance(value, list) else [value]:
                ElementTree.SubElement(track, tag).text = str(text)
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data + b"\n"


class _WithoutDoctype(ElementTree.TreeBuilder):
    """Playlists need no document type, and without one there are no entities to expand or to fetch."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("a playlist has no document type")


def _read_xspf(data: bytes, suffix: str) -> list[str]:
    root = ElementTree.fromstring(data, parser=ElementTree.XMLParser(target=_WithoutDoctype()))
    if root.tag != f"{{{_XSPF}}}playlist":
        raise ValueError(f"expected a playlist, got {root.tag}")
    tracks = root.iterfind("x:trackList/x:track", {"x": _XSPF})
    locations = [track.findtext("x:location", None, {"x": _XSPF}) for track in tracks]
    return [_from_uri(location.strip()) for location in locations if location]


def _write_jspf(songs: Sequence[Listed], title: str, folder: Path | None) -> bytes:
    tracks = []
    for song in songs:
        track = _track(song, folder)
        extension: dict[str, Any] = {}
        if artist := _musicbrainz("artist", song.artist_mbid):
            extension["artist_identifiers"] = [artist]
        if release := _musicbrainz("release", song.release_mbid):
            extension["release_identifier"] = release
        if extension:
            track["extension"] = {f"{_MUSICBRAINZ}/doc/jspf#track": extension}
        tracks.append(track)
    playlist = {"playlist": {"title": title, "track": tracks}}
    return json.dumps(playlist, ensure_ascii=False, indent=2).encode() + b"\n"


def _read_jspf(data: bytes, suffix: str) -> list[str]:
    locations = [track.get("location") for track in json.loads(data)["playlist"]["track"]]
    firsts = [location if isinstance(location, str) else location[0] for location in locations if location]
    return [_from_uri(location) for location in firsts]


class _Format(NamedTuple):
    write: Callable[[Sequence[Listed], str, Path | None], bytes]
    read: Callable[[bytes, str], list[str]]


_FORMATS = {
    ".m3u8": _Format(_write_m3u, _read_m3u),
    ".m3u": _Format(_write_m3u, _read_m3u),
    ".xspf": _Format(_write_xspf, _read_xspf),
    ".jspf": _Format(_write_jspf, _read_jspf),
}


def _format(path: Path) -> _Format:
    if path.suffix.lower() not in _FORMATS:
        raise SongspaceError(f"{path.name!r} is no playlist file: its name should end in .m3u8, .xspf or .jspf.")
    return _FORMATS[path.suffix.lower()]


def _track(song: Listed, folder: Path | None) -> dict[str, Any]:
    """What XSPF and JSPF have in common."""
    name = _named(song.path, folder)
    uri = Path(name).as_uri() if Path(name).is_absolute() else quote_from_bytes(os.fsencode(name))
    recording = _musicbrainz("recording", song.recording_mbid)
    said = {
        "location": [uri],
        "identifier": [recording] if recording else None,
        "title": _line(song.title) or _line(Path(song.path).stem),
        "creator": _line(song.artist),
        "album": _line(song.album),
        "duration": round(1000 * song.duration) if 0 < song.duration < math.inf else None,  # milliseconds
    }
    return {tag: value for tag, value in said.items() if value}


def _musicbrainz(kind: str, mbid: str | None) -> str | None:
    return f"{_MUSICBRAINZ}/{kind}/{mbid.lower()}" if mbid and _UUID.fullmatch(mbid) else None


def _line(text: str | None) -> str:
    """Text for one line of any of the formats."""
    return _NOT_IN_A_LINE.sub(" ", text or "").strip()


def _named(path: str, folder: Path | None) -> str:
    """The name of a file in a playlist that lies in ``folder``."""
    if folder is None:
        return path
    try:
        name = os.path.relpath(path, folder)
    except ValueError:  # on another drive, where no relative name leads
        return path
    # Where a folder on the way is a link, ".." leads up from what it points to, not from the link.
    if os.path.realpath(folder / name) != os.path.realpath(path):
        name = os.path.relpath(path, os.path.realpath(folder))
    return name.replace(os.sep, "/")


def _located(name: str, folder: Path) -> str:
    """The absolute path of what a playlist in ``folder`` calls ``name``."""
    if _SCHEME.match(name) and "://" in name:
        return name
    joined = folder / name
    if "\\" in name and os.path.exists(turned := folder / name.replace("\\", "/")) and not os.path.exists(joined):
        joined = turned  # the list was written under Windows
    plain = os.path.normpath(joined)
    real = os.path.realpath(joined)
    return plain if os.path.realpath(plain) == real else real


def _from_uri(uri: str) -> str:
    """The file name that a URI (or a relative reference) stands for; a URI of anything else as it is.

    Whoever wrote it may have left ``#``, ``?`` or ``%`` unescaped, so that these are taken for part of the name.
    """
    name = uri
    if uri[:7].lower() == "file://":
        host, _, rest = uri[7:].partition("/")
        if host.lower() not in ("", "localhost"):
            return uri
        name = rest if os.name == "nt" else f"/{rest}"
    elif _SCHEME.match(uri):
        return uri
    return os.fsdecode(unquote_to_bytes(name))
