"""Writing playlist files: M3U8, M3U, XSPF and JSPF."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from xml.etree import ElementTree

from songspace.errors import SongspaceError
from songspace.interchange.paths import SCHEME, mapped, named, spelled, to_uri
from songspace.library.records import Song
from songspace.plainfiles import put_plain

_XSPF = "http://xspf.org/ns/0/"
_MUSICBRAINZ = "https://musicbrainz.org"
JSPF_EXTENSION = f"{_MUSICBRAINZ}/doc/jspf#playlist"
"""Name of MusicBrainz' extension of JSPF, which says whether a playlist is public."""
IDENTITY = "urn:songspace:"
"""Prefix of an identifier with the identity of a song's sound; 32 hexadecimal digits follow."""

# Characters that would end a line, or are invalid in XML: control characters, Unicode's separators, halves of surrogate
# pairs (in Python they stand for bytes that are not UTF-8) and non-characters.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Listed(Protocol):
    """A song with the data for playlist files; :class:`songspace.library.Song` is one."""

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
    @property
    def start(self) -> float | None: ...
    @property
    def end(self) -> float | None: ...


class _NamedSong(NamedTuple):
    """A song with its file name and title in a playlist."""

    song: Listed
    name: str
    title: str
    similarity: float | None


def write(
    path: str | os.PathLike[str],
    songs: Sequence[Listed],
    *,
    title: str | None = None,
    relative: bool = True,
    prefixes: Mapping[str, str] | None = None,
    similarity: Sequence[float | None] | None = None,
) -> Path:
    """Write a playlist in the format of the suffix: .m3u8 (or .m3u), .xspf or .jspf.

    Parameters
    ----------
    path : path-like
        An existing file is replaced in one step, so that no program reads half a playlist.
    songs : sequence of songs
        In the order of playing, each with an absolute path.
    title : str, optional
        Title of the playlist; by default the name of the file.
    relative : bool
        True for names relative to the folder of the playlist, False for absolute paths.
    prefixes : mapping of str to str, optional
        Absolute folders here, and their names on a media server: ``{"/home/me/Music": "/music"}``. The longest one
        counts; files in none of them are named according to ``relative``.
    similarity : sequence of float or None, one for each song, optional
        From 0 to 1; only JSPF has a field for it.

    Returns
    -------
    Path
        Absolute path of the file.

    Raises
    ------
    SongspaceError
        If the suffix is unknown, the file cannot be written, or M3U cannot hold the name of a song's file.
    ValueError
        If there is not one similarity from 0 to 1 (or None) for each song.
    """
    path = Path(path).absolute()
    if path.suffix.lower() not in FORMATS:
        raise SongspaceError(f"{path.name!r} is no playlist file: its name should end in .m3u8, .xspf or .jspf.")
    data = written(
        path.suffix,
        songs,
        title=_line(title) or path.stem,
        folder=path.parent if relative else None,
        prefixes=prefixes,
        similarity=similarity,
    )
    put(path, data)
    return path


def put(path: Path, data: bytes) -> None:
    """Write the bytes of a playlist, and replace an existing file in one step.

    Raises
    ------
    SongspaceError
        If they cannot be written.
    """
    try:
        put_plain(path, [data])
    except OSError as error:
        raise SongspaceError(f"The playlist cannot be written to {path} ({error.strerror}).") from error


def written(
    suffix: str,
    songs: Sequence[Listed],
    *,
    title: str,
    folder: Path | None = None,
    prefixes: Mapping[str, str] | None = None,
    similarity: Sequence[float | None] | None = None,
) -> bytes:
    """Return the bytes that :func:`write` writes into a file, to send a playlist without a file.

    Parameters
    ----------
    suffix : str
        .m3u8 (or .m3u), .xspf or .jspf
    songs, title, prefixes, similarity
        See :func:`write`.
    folder : Path, optional
        Folder for relative names; by default names are absolute.

    Raises
    ------
    SongspaceError, ValueError
        See :func:`write`.
    """
    alike = [None] * len(songs) if similarity is None else list(similarity)
    if len(alike) != len(songs) or any(one is not None and not 0 <= one <= 1 for one in alike):
        raise ValueError(f"Expected a similarity from 0 to 1 (or None) for each of {len(songs)} songs, got {alike}")
    if suffix.lower() not in FORMATS:
        raise SongspaceError(f"{suffix!r} is no format of playlists: there are .m3u8, .xspf and .jspf.")
    tracks = [
        _NamedSong(
            song,
            (mapped(song.path, prefixes) if prefixes else None) or named(song.path, folder),
            _titled(song),
            None if one is None else round(float(one), 4),
        )
        for song, one in zip(songs, alike, strict=True)
    ]
    return FORMATS[suffix.lower()](tracks, _line(title))


def _write_m3u(tracks: Sequence[_NamedSong], title: str) -> bytes:
    # The second line declares the encoding for players that take .m3u for Latin-1; others ignore it.
    lines = ["#EXTM3U", "#EXTENC:UTF-8", f"#PLAYLIST:{title}"]
    for track in tracks:
        song, name = track.song, spelled(track.name)
        if "\n" in name or "\r" in name:
            raise SongspaceError(f"M3U cannot hold the line break in {song.path!r}: write .xspf or .jspf instead.")
        if name[0] == "#" or name[0].isspace() or SCHEME.match(name):
            name = f"./{name}"
        seconds = round(song.duration) if 0 < song.duration < math.inf else -1
        shown = " - ".join(filter(None, (_line(song.artist), track.title)))
        lines += [f"#EXTINF:{seconds},{shown}", *_part(song), name]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _part(song: Listed) -> list[str]:
    """Return the lines with start and end of a song in its file, for VLC; other players ignore them."""
    times = {"start": song.start, "stop": song.end}
    return [f"#EXTVLCOPT:{what}-time={seconds:.3f}" for what, seconds in times.items() if seconds]


def _write_xspf(tracks: Sequence[_NamedSong], title: str) -> bytes:
    root = ElementTree.Element("playlist", version="1", xmlns=_XSPF)
    ElementTree.SubElement(root, "title").text = title
    listed = ElementTree.SubElement(root, "trackList")
    for track in tracks:
        element = ElementTree.SubElement(listed, "track")
        for tag, value in _elements(track).items():
            for text in value if isinstance(value, list) else [value]:
                ElementTree.SubElement(element, tag).text = str(text)
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data + b"\n"


def _write_jspf(tracks: Sequence[_NamedSong], title: str) -> bytes:
    return jspf([_jspf_track(track) for track in tracks], title)


def _jspf_track(track: _NamedSong) -> dict[str, Any]:
    values = _elements(track)
    extension: dict[str, Any] = {}
    if artist := _musicbrainz("artist", track.song.artist_mbid):
        extension["artist_identifiers"] = [artist]
    if release := _musicbrainz("release", track.song.release_mbid):
        extension["release_identifier"] = release
    if track.similarity is not None:
        extension["additional_metadata"] = {"similarity": track.similarity}
    if extension:
        values["extension"] = {f"{_MUSICBRAINZ}/doc/jspf#track": extension}
    return values


def jspf_track(song: Song) -> dict[str, Any]:
    """Return the JSPF track of a song of the library, with its absolute path and the identity of its sound."""
    track = _jspf_track(_NamedSong(song, song.path, _titled(song), None))
    ids = [*track.get("identifier", ()), *([IDENTITY + song.identity.hex()] if song.identity else ())]
    return track | ({"identifier": ids} if ids else {})


def jspf(tracks: Sequence[Mapping[str, Any]], title: str, *, comment: str = "", public: bool = False) -> bytes:
    """Return a JSPF file of tracks, made by :func:`jspf_track` or read from another JSPF file."""
    # ListenBrainz refuses playlists without the field "public".
    about = {"public": public, "additional_metadata": {"algorithm_metadata": {"source_patch": "songspace"}}}
    playlist = {
        "title": title,
        "creator": "songspace",
        **({"annotation": comment} if comment else {}),
        "extension": {JSPF_EXTENSION: about},
        "track": list(tracks),
    }
    return json.dumps({"playlist": playlist}, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"


FORMATS: dict[str, Callable[[Sequence[_NamedSong], str], bytes]] = {
    ".m3u8": _write_m3u,
    ".m3u": _write_m3u,
    ".xspf": _write_xspf,
    ".jspf": _write_jspf,
}
"""Formats by suffix."""


def _elements(track: _NamedSong) -> dict[str, Any]:
    """Return the elements of a track that XSPF and JSPF have in common."""
    song = track.song
    recording = _musicbrainz("recording", song.recording_mbid)
    elements = {
        "location": [to_uri(track.name)],
        "identifier": [recording] if recording else None,
        "title": track.title,
        "creator": _line(song.artist),
        "album": _line(song.album),
        "duration": round(1000 * song.duration) if 0 < song.duration < math.inf else None,  # milliseconds
    }
    return {tag: value for tag, value in elements.items() if value}


def _musicbrainz(kind: str, mbid: str | None) -> str | None:
    return f"{_MUSICBRAINZ}/{kind}/{mbid.lower()}" if mbid and _UUID.fullmatch(mbid) else None


def _titled(song: Listed) -> str:
    return _line(song.title) or _line(spelled(Path(song.path).stem))


def _line(text: str | None) -> str:
    """Return a text as one line that is valid in all formats."""
    return _NOT_IN_A_LINE.sub(" ", text or "").strip()
