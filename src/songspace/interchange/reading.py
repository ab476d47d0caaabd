"""Reading playlist files of any program: M3U8, M3U, XSPF, JSPF and PLS."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from songspace.errors import SongspaceError
from songspace.interchange.paths import from_uri, located, native

LARGEST = 64 * 2**20
"""Largest size of a playlist, in bytes; enough for a hundred thousand songs in any format."""
MOST = 500_000
"""Most songs of a playlist."""

_LONGEST = 100_000  # characters of a line, and of an escaped file name
_PIECES = 4_000_000  # lines, tags or lists: millions of tiny ones would need gigabytes of memory
_PIECE = {".xspf": b"<", ".jspf": b"[{,"}

_XSPF = "{http://xspf.org/ns/0/}"
_RECORDING = re.compile(r"musicbrainz\.org/recording/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_IDENTITY = re.compile(r"urn:songspace:([0-9a-f]{32})", re.IGNORECASE)
_DECLARED_UTF8 = re.compile(rb"^(\xef\xbb\xbf|#EXTENC: *UTF-?8)", re.IGNORECASE | re.MULTILINE)
_EXTINF = re.compile(r"#EXTINF: *(-?\d{1,7}(?:\.\d{1,6})?)?[^,\"]*(?:\"[^\"]*\"[^,\"]*)*,?(.*)", re.ASCII)
_PLS = re.compile(r"(File|Title|Length)(\d{1,6}) *= *(.*)", re.IGNORECASE | re.ASCII)
_LINES = re.compile(r"\r\n|\n|\r")
_BLANKS = " \t\r\n"
_ERRORS = {"utf-8": "surrogateescape"}  # keeps bytes that are not UTF-8
_CUE = re.compile(r'^FILE "[^"\n]*" (?:WAVE|MP3|AIFF|BINARY|MOTOROLA)\s*$', re.IGNORECASE | re.MULTILINE)
_HLS = re.compile(r"^#EXT-X-(?:TARGETDURATION|STREAM-INF)", re.MULTILINE)
_DAMAGED = "it is damaged, or something else"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a playlist.

    Attributes
    ----------
    name : str or None
        File name in the playlist, or URL; None if there is none, as JSPF allows.
    path : str or None
        Absolute path (or URL) of this name; the file need not exist.
    title, artist, album : str or None
    duration : float or None
        Seconds.
    recording_mbid : str or None
        MusicBrainz id in lower case.
    folder : str or None
        Folder of relative names.
    guessed : str or None
        Encoding in which the text was read, if the playlist declares none; :meth:`reread` reads it in another one.
    identity : bytes or None
        Identity of the sound, if songspace wrote the playlist (see :attr:`songspace.library.Song.identity`).
    """

    name: str | None = None
    path: str | None = None
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    duration: float | None = None
    recording_mbid: str | None = None
    identity: bytes | None = None
    folder: str | None = field(default=None, compare=False, repr=False)
    guessed: str | None = field(default=None, compare=False, repr=False)

    def reread(self, encoding: str) -> Entry | None:
        """Return the entry in another encoding; None if its text is invalid in it."""
        if self.guessed is None or encoding == self.guessed:
            return self
        try:
            texts: dict[str, Any] = {
                field: self._recoded(field, encoding) for field in ("name", "title", "artist", "album")
            }
            again = replace(self, guessed=None, **texts)
            return again if self.folder is None else _located(again, Path(self.folder))
        except UnicodeError:  # also if the encoding of the system (LC_ALL=C) has no such name
            return None

    def _recoded(self, field: str, encoding: str) -> str | None:
        text: str | None = getattr(self, field)
        was = self.guessed or "utf-8"
        if text is None or text.isascii() or (was == "utf-8" and not _holds_bytes(text)):
            return text
        return text.encode(was, _ERRORS.get(was, "strict")).decode(encoding, _ERRORS.get(encoding, "strict"))

    @property
    def label(self) -> str:
        """Name for messages: its file, or else "artist - title"."""
        text = self.name or " - ".join(filter(None, (self.artist, self.title))) or self.recording_mbid or "(nothing)"
        return "".join(c if c.isprintable() else "\ufffd" for c in text)


class _NotAPlaylistError(ValueError):
    """A file that is no playlist; the message says what it is."""


def entries(path: str | os.PathLike[str]) -> list[Entry]:
    """Return the entries of a playlist, in their order.

    Raises
    ------
    SongspaceError
        If the suffix is not .m3u8, .m3u, .xspf, .jspf or .pls, or if the file cannot be read, is damaged or is no
        playlist.
    """
    path = Path(path).absolute()
    if path.suffix.lower() not in _READERS:
        raise SongspaceError(
            f"{path.name!r} is no playlist file: its name should end in .m3u8, .m3u, .xspf, .jspf or .pls."
        )
    try:
        suffix = path.suffix.lower()
        listed = list(islice(_READERS[suffix](_bytes_of(path, suffix), suffix), MOST + 1))
        if len(listed) > MOST:
            raise _NotAPlaylistError(f"it names more than {MOST:,} songs")
        return [_located(entry, path.parent) for entry in listed]
    except OSError as error:
        raise SongspaceError(f"The playlist {path} cannot be read ({error.strerror}).") from error
    except _NotAPlaylistError as error:
        raise SongspaceError(f"The playlist {path} cannot be read: {error}.") from None
    except (ElementTree.ParseError, LookupError, ValueError, TypeError, AttributeError, RecursionError):
        raise SongspaceError(f"The playlist {path} cannot be read: {_DAMAGED}.") from None


def read(path: str | os.PathLike[str]) -> list[str]:
    """Return the absolute paths of the files in a playlist, in their order; they need not exist.

    URLs are returned unchanged. Entries without a file are left out.

    Raises
    ------
    SongspaceError
        See :func:`entries`.
    """
    return [entry.path for entry in entries(path) if entry.path is not None]


def _bytes_of(path: Path, suffix: str) -> bytes:
    if path.is_dir():
        raise _NotAPlaylistError("it is a folder")
    if path.exists() and not path.is_file():
        raise _NotAPlaylistError("it is no ordinary file")
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise _NotAPlaylistError(f"it is larger than {LARGEST // 2**20} MB, and no playlist is")
    if not data.strip():
        raise _NotAPlaylistError("it is empty")
    if sum(data.count(piece) for piece in _PIECE.get(suffix, b"\n\r")) > _PIECES:
        raise _NotAPlaylistError("it is made of more pieces than any playlist is")
    return data


def _located(entry: Entry, folder: Path) -> Entry:
    if entry.name is None:
        return entry
    # A URI does not declare the encoding of its escaped bytes.
    guessed = entry.guessed or ("utf-8" if _holds_bytes(entry.name) else None)
    return replace(entry, path=located(entry.name, folder), folder=str(folder), guessed=guessed)


def _holds_bytes(text: str) -> bool:
    """Return True if a text contains bytes that could not be decoded (as surrogates)."""
    return any("\udc80" <= c <= "\udcff" for c in text) if not text.isascii() else False


def _text(data: bytes, suffix: str) -> tuple[str, str | None]:
    """Return the text of a file, and its encoding if that is a guess (neither UTF-8 nor UTF-16)."""
    guessed = None
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        text = data.decode("utf-16")
    else:
        data = data.removeprefix(codecs.BOM_UTF8)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            # File names need not be valid text, and a playlist in UTF-8 may contain their bytes.
            says_utf8 = suffix == ".m3u8" or _DECLARED_UTF8.search(data)
            guessed = "utf-8" if says_utf8 else "cp1252"
            try:
                text = data.decode(guessed, _ERRORS.get(guessed, "strict"))
            except UnicodeDecodeError:
                guessed = "latin-1"
                text = data.decode(guessed)
    begins = text[:2000].lstrip()
    if "\0" in text:
        raise _NotAPlaylistError(_DAMAGED)
    if begins[:14].lower() == "<!doctype html" or begins[:5].lower() == "<html":
        raise _NotAPlaylistError("it is a web page")
    if begins.startswith(("<?xml", "<playlist")):
        raise _NotAPlaylistError("it is XML; if it is an XSPF playlist, its name should end in .xspf")
    if _CUE.search(begins) and not begins.startswith("#EXTM3U"):
        raise _NotAPlaylistError("it is a cue sheet, which names the tracks of one file")
    if _HLS.search(begins):
        raise _NotAPlaylistError("it lists the pieces of a stream (HLS)")
    return text, guessed


def _read_m3u(data: bytes, suffix: str) -> Iterator[Entry]:
    tags: dict[str, Any] = {}
    text, guessed = _text(data, suffix)
    for line in _LINES.split(text):
        if not line.startswith("#"):
            if line.strip():
                yield Entry(_name(line), **tags, guessed=None if line.isascii() and _are_ascii(tags) else guessed)
                tags = {}
        elif len(line) > _LONGEST:  # some contain pictures
            continue
        elif match := _EXTINF.match(line):
            tags |= {"duration": _positive(match[1]), **_artist_and_title(match[2])}
        elif line[:8].upper() in ("#EXTALB:", "#EXTART:"):
            tags["album" if line[:8].upper() == "#EXTALB:" else "artist"] = line[8:].strip(_BLANKS) or None


def _read_pls(data: bytes, suffix: str) -> Iterator[Entry]:
    by_number: dict[int, dict[str, str]] = {}
    text, guessed = _text(data, suffix)
    if not text.lstrip().lower().startswith("[playlist]"):
        raise _NotAPlaylistError(_DAMAGED)
    for line in _LINES.split(text):
        if match := _PLS.fullmatch(line.strip(_BLANKS)):
            by_number.setdefault(int(match[2]), {})[match[1].lower()] = match[3].strip(_BLANKS)
    for _, fields in sorted(by_number.items()):
        if name := fields.get("file"):
            length, tags = _positive(fields.get("length")), _artist_and_title(fields.get("title", ""))
            yield Entry(_name(name), duration=length, **tags, guessed=None if _are_ascii(fields) else guessed)


class _WithoutDoctype(ElementTree.TreeBuilder):
    """A builder that refuses document types: playlists need none, and entities could be used for attacks."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise _NotAPlaylistError("it is a web page" if name.lower() == "html" else _DAMAGED)


def _read_xspf(data: bytes, suffix: str) -> Iterator[Entry]:
    root = ElementTree.fromstring(data, parser=ElementTree.XMLParser(target=_WithoutDoctype()))
    if root.tag != f"{_XSPF}playlist":
        raise _NotAPlaylistError("it is a web page" if root.tag.lower().endswith("html") else _DAMAGED)
    for track in root.iterfind(f"{_XSPF}trackList/{_XSPF}track"):
        values = {
            tag: [text for element in track.iterfind(_XSPF + tag) if (text := (element.text or "").strip())]
            for tag in ("location", "identifier", "title", "creator", "album", "duration")
        }
        yield _entry(values)


def _read_jspf(data: bytes, suffix: str) -> Iterator[Entry]:
    for track in json.loads(data)["playlist"]["track"]:
        yield _jspf_entry(track)


def _jspf_entry(track: Mapping[str, Any]) -> Entry:
    values = {tag: value if isinstance(value, list) else [value] for tag, value in track.items() if value}
    if any(not isinstance(value, str) for value in values.get("location", ())):
        raise _NotAPlaylistError(_DAMAGED)
    return _entry(values)


def jspf_entry(track: Mapping[str, Any], folder: Path) -> Entry:
    """Return the entry of a track of a JSPF file in a folder.

    Raises
    ------
    ValueError
        If the track is invalid.
    """
    return _located(_jspf_entry(track), folder)


def _entry(values: dict[str, list[Any]]) -> Entry:
    """Return the entry of a track of XSPF or JSPF, from the values of its elements."""

    def text(tag: str) -> str | None:
        value = next(iter(values.get(tag, ())), None)
        return value.strip() or None if isinstance(value, str) else None

    identifiers = [one for one in values.get("identifier", ()) if isinstance(one, str)]
    ids = [match[1].lower() for one in identifiers if (match := _RECORDING.search(one))]
    own = [match[1] for one in identifiers if (match := _IDENTITY.fullmatch(one))]
    location = next(iter(values.get("location", ())), None)
    milliseconds = _positive(str(next(iter(values.get("duration", ())), "")))
    return Entry(
        name=_name(location, uri=True) if location else None,
        title=text("title"),
        artist=text("creator"),
        album=text("album"),
        duration=milliseconds / 1000 if milliseconds else None,
        recording_mbid=ids[0] if ids else None,
        identity=bytes.fromhex(own[0]) if own else None,
    )


def _name(text: str, *, uri: bool = False) -> str:
    """Return the file name of an entry, which may be a URI."""
    if len(text) > _LONGEST:
        raise _NotAPlaylistError("it names a file by more characters than any name has")
    return from_uri(text) if uri or text[:6].lower() == "file:/" else native(text)


def _positive(text: str | None) -> float | None:
    """Parse a duration; return None if it is missing, invalid, -1 or 0 (unknown)."""
    known = text and re.fullmatch(r"\d{1,12}(?:\.\d{1,12})?", text.strip(), re.ASCII)
    return float(text) or None if known and text else None


def _artist_and_title(shown: str) -> dict[str, Any]:
    artist, dash, title = shown.partition(" - ")
    tags = {"artist": artist, "title": title} if dash and title.strip() else {"title": shown}
    # Only blanks of all encodings are removed: others may be half of a letter in another encoding.
    return {key: value.strip(_BLANKS) for key, value in tags.items() if value.strip()}


def _are_ascii(fields: dict[str, Any]) -> bool:
    return all(not isinstance(text, str) or text.isascii() for text in fields.values())


_READERS: dict[str, Callable[[bytes, str], Iterator[Entry]]] = {
    ".m3u8": _read_m3u,
    ".m3u": _read_m3u,
    ".xspf": _read_xspf,
    ".jspf": _read_jspf,
    ".pls": _read_pls,
}
