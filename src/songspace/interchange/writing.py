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
IDENTITY = "urn:songspace:"
"""What the identity of a song's sound begins with, as an identifier; 32 hexadecimal digits follow."""

# What would end a line, or may not stand in XML: control characters, Unicode's separators, halves of surrogate
# pairs (in Python the mark of a byte that is no character) and non-characters.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


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
    @property
    def start(self) -> float | None: ...
    @property
    def end(self) -> float | None: ...


class _Track(NamedTuple):
    """A song, by what its playlist calls it."""

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
    prefixes : mapping of str to str, optional
        Absolute folders here, and what a media server calls them: ``{"/home/me/Music": "/music"}``. The longest one
        counts; what lies in none of them is named as ``relative`` says.
    similarity : sequence of float or None, one for each song, optional
        From 0 to 1, for whoever reads the playlist; only JSPF has a place for it.

    Returns
    -------
    Path
        Where it was written, absolute.

    Raises
    ------
    SongspaceError
        If the suffix is another, the file cannot be written, or a song's file has a name that M3U cannot hold.
    ValueError
        If there is not one similarity from 0 to 1 (or None) for each song.
    """
    path = Path(path).absolute()
    if path.suffix.lower() not in _FORMATS:
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
    """Put a playlist's bytes in place of what is there, in one step.

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
    """Return what :func:`write` puts into a file: for whoever sends a playlist instead of keeping it.

    Parameters
    ----------
    suffix : str
        .m3u8 (or .m3u), .xspf or .jspf
    songs, title, prefixes, similarity
        As for :func:`write`.
    folder : Path, optional
        Name files relative to it; absolutely, if left out.

    Raises
    ------
    SongspaceError, ValueError
        As for :func:`write`.
    """
    alike = [None] * len(songs) if similarity is None else list(similarity)
    if len(alike) != len(songs) or any(one is not None and not 0 <= one <= 1 for one in alike):
        raise ValueError(f"Expected a similarity from 0 to 1 (or None) for each of {len(songs)} songs, got {alike}")
    if suffix.lower() not in _FORMATS:
        raise SongspaceError(f"{suffix!r} is no format of playlists: there are .m3u8, .xspf and .jspf.")
    tracks = [
        _Track(
            song,
            (mapped(song.path, prefixes) if prefixes else None) or named(song.path, folder),
            _titled(song),
            None if one is None else round(float(one), 4),
        )
        for song, one in zip(songs, alike, strict=True)
    ]
    return _FORMATS[suffix.lower()](tracks, _line(title))


def _write_m3u(tracks: Sequence[_Track], title: str) -> bytes:
    # The second line tells players that would take .m3u for Latin-1; to the others it is a comment.
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
    """Return which part of its file a song is, as VLC reads it; to other players these lines are comments."""
    times = {"start": song.start, "stop": song.end}
    return [f"#EXTVLCOPT:{what}-time={seconds:.3f}" for what, seconds in times.items() if seconds]


def _write_xspf(tracks: Sequence[_Track], title: str) -> bytes:
    root = ElementTree.Element("playlist", version="1", xmlns=_XSPF)
    ElementTree.SubElement(root, "title").text = title
    listed = ElementTree.SubElement(root, "trackList")
    for track in tracks:
        element = ElementTree.SubElement(listed, "track")
        for tag, value in _said(track).items():
            for text in value if isinstance(value, list) else [value]:
                ElementTree.SubElement(element, tag).text = str(text)
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data + b"\n"


def _write_jspf(tracks: Sequence[_Track], title: str) -> bytes:
    return jspf([_jspf_track(track) for track in tracks], title)


def _jspf_track(track: _Track) -> dict[str, Any]:
    said = _said(track)
    extension: dict[str, Any] = {}
    if artist := _musicbrainz("artist", track.song.artist_mbid):
        extension["artist_identifiers"] = [artist]
    if release := _musicbrainz("release", track.song.release_mbid):
        extension["release_identifier"] = release
    if track.similarity is not None:
        extension["additional_metadata"] = {"similarity": track.similarity}
    if extension:
        said["extension"] = {f"{_MUSICBRAINZ}/doc/jspf#track": extension}
    return said


def jspf_track(song: Song) -> dict[str, Any]:
    """Return what JSPF says of a song of this library: with its absolute path, and the identity of its sound."""
    said = _jspf_track(_Track(song, song.path, _titled(song), None))
    ids = [*said.get("identifier", ()), *([IDENTITY + song.identity.hex()] if song.identity else ())]
    return said | ({"identifier": ids} if ids else {})


def jspf(tracks: Sequence[Mapping[str, Any]], title: str) -> bytes:
    """Return a JSPF file of tracks as :func:`jspf_track` or another JSPF file says them."""
    # ListenBrainz takes no playlist that does not say whether it is public.
    about = {"public": False, "additional_metadata": {"algorithm_metadata": {"source_patch": "songspace"}}}
    playlist = {
        "title": title,
        "creator": "songspace",
        "extension": {f"{_MUSICBRAINZ}/doc/jspf#playlist": about},
        "track": list(tracks),
    }
    return json.dumps({"playlist": playlist}, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"


_FORMATS: dict[str, Callable[[Sequence[_Track], str], bytes]] = {
    ".m3u8": _write_m3u,
    ".m3u": _write_m3u,
    ".xspf": _write_xspf,
    ".jspf": _write_jspf,
}


def _said(track: _Track) -> dict[str, Any]:
    """Return what XSPF and JSPF have in common."""
    song = track.song
    recording = _musicbrainz("recording", song.recording_mbid)
    said = {
        "location": [to_uri(track.name)],
        "identifier": [recording] if recording else None,
        "title": track.title,
        "creator": _line(song.artist),
        "album": _line(song.album),
        "duration": round(1000 * song.duration) if 0 < song.duration < math.inf else None,  # milliseconds
    }
    return {tag: value for tag, value in said.items() if value}


def _musicbrainz(kind: str, mbid: str | None) -> str | None:
    return f"{_MUSICBRAINZ}/{kind}/{mbid.lower()}" if mbid and _UUID.fullmatch(mbid) else None


def _titled(song: Listed) -> str:
    return _line(song.title) or _line(spelled(Path(song.path).stem))


def _line(text: str | None) -> str:
    """Text for one line of any of the formats."""
    return _NOT_IN_A_LINE.sub(" ", text or "").strip()
