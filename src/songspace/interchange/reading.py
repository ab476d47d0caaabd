"""Reading playlist files: M3U8, M3U, XSPF, JSPF and PLS, whoever wrote them."""

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
"""Bytes; a hundred thousand songs in the wordiest of the formats fit into it."""
MOST = 500_000
"""Songs."""

_LONGEST = 100_000  # characters of a line that is looked at, and of a file's name, escaped as it may be
_PIECES = 4_000_000  # lines, tags or lists; millions of next to nothing would take gigabytes when they are read
_PIECE = {".xspf": b"<", ".jspf": b"[{,"}

_XSPF = "{http://xspf.org/ns/0/}"
_RECORDING = re.compile(r"musicbrainz\.org/recording/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_IDENTITY = re.compile(r"urn:songspace:([0-9a-f]{32})", re.IGNORECASE)
_DECLARED_UTF8 = re.compile(rb"^(\xef\xbb\xbf|#EXTENC: *UTF-?8)", re.IGNORECASE | re.MULTILINE)
_EXTINF = re.compile(r"#EXTINF: *(-?\d{1,7}(?:\.\d{1,6})?)?[^,\"]*(?:\"[^\"]*\"[^,\"]*)*,?(.*)", re.ASCII)
_PLS = re.compile(r"(File|Title|Length)(\d{1,6}) *= *(.*)", re.IGNORECASE | re.ASCII)
_LINES = re.compile(r"\r\n|\n|\r")
_BLANKS = " \t\r\n"
_ERRORS = {"utf-8": "surrogateescape"}  # so that nothing is lost of what is none
_CUE = re.compile(r'^FILE "[^"\n]*" (?:WAVE|MP3|AIFF|BINARY|MOTOROLA)\s*$', re.IGNORECASE | re.MULTILINE)
_HLS = re.compile(r"^#EXT-X-(?:TARGETDURATION|STREAM-INF)", re.MULTILINE)
_DAMAGED = "it is damaged, or something else"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a playlist says of one of its songs.

    Attributes
    ----------
    name : str or None
        The file as the playlist names it, or a URL; None if it names none, as JSPF allows.
    path : str or None
        The absolute path (or URL) that this would be here; it need not exist.
    title, artist, album : str or None
    duration : float or None
        Seconds.
    recording_mbid : str or None
        In lower case.
    folder : str or None
        The folder that relative names begin in.
    guessed : str or None
        The encoding in which the text was read, if the playlist does not say its own: it may be another one, and
        :meth:`reread` reads it in that.
    identity : bytes or None
        Of the sound, where this program wrote it (see :attr:`songspace.library.Song.identity`).
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
        """Return the same in another encoding; None if it cannot be text in that."""
        if self.guessed is None or encoding == self.guessed:
            return self
        try:
            said: dict[str, Any] = {
                what: self._recoded(what, encoding) for what in ("name", "title", "artist", "album")
            }
            again = replace(self, guessed=None, **said)
            return again if self.folder is None else _located(again, Path(self.folder))
        except UnicodeError:  # also where the system's own encoding (LC_ALL=C) has no such name
            return None

    def _recoded(self, what: str, encoding: str) -> str | None:
        text: str | None = getattr(self, what)
        was = self.guessed or "utf-8"
        if text is None or text.isascii() or (was == "utf-8" and not _holds_bytes(text)):
            return text
        return text.encode(was, _ERRORS.get(was, "strict")).decode(encoding, _ERRORS.get(encoding, "strict"))

    @property
    def label(self) -> str:
        """What to call it in a message: its file, or else "artist - title"."""
        said = self.name or " - ".join(filter(None, (self.artist, self.title))) or self.recording_mbid or "(nothing)"
        return "".join(c if c.isprintable() else "\ufffd" for c in said)


class _NotAPlaylistError(ValueError):
    """A file that is something else, and the message says what."""


def entries(path: str | os.PathLike[str]) -> list[Entry]:
    """Return what a playlist holds, in its order.

    Raises
    ------
    SongspaceError
        If the suffix is none of .m3u8, .m3u, .xspf, .jspf and .pls, or the file cannot be read, is damaged or
        something else.
    """
    path = Path(path).absolute()
    if path.suffix.lower() not in _READERS:
        raise SongspaceError(
            f"{path.name!r} is no playlist file: its name should end in .m3u8, .m3u, .xspf, .jspf or .pls."
        )
    try:
        suffix = path.suffix.lower()
        found = list(islice(_READERS[suffix](_bytes_of(path, suffix), suffix), MOST + 1))
        if len(found) > MOST:
            raise _NotAPlaylistError(f"it names more than {MOST:,} songs")
        return [_located(entry, path.parent) for entry in found]
    except OSError as error:
        raise SongspaceError(f"The playlist {path} cannot be read ({error.strerror}).") from error
    except _NotAPlaylistError as error:
        raise SongspaceError(f"The playlist {path} cannot be read: {error}.") from None
    except (ElementTree.ParseError, LookupError, ValueError, TypeError, AttributeError, RecursionError):
        raise SongspaceError(f"The playlist {path} cannot be read: {_DAMAGED}.") from None


def read(path: str | os.PathLike[str]) -> list[str]:
    """Return the files that a playlist names, in its order, as absolute paths; they need not exist.

    An entry on the web stays the URL that it is. Entries that name no file at all are left out.

    Raises
    ------
    SongspaceError
        As for :func:`entries`.
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
    # A URI does not say the encoding of what it escapes.
    guessed = entry.guessed or ("utf-8" if _holds_bytes(entry.name) else None)
    return replace(entry, path=located(entry.name, folder), folder=str(folder), guessed=guessed)


def _holds_bytes(text: str) -> bool:
    """Return whether there is something in a text that is no text, and stands as it is in the names of files."""
    return any("\udc80" <= c <= "\udcff" for c in text) if not text.isascii() else False


def _text(data: bytes, suffix: str) -> tuple[str, str | None]:
    """Return the text of a file, and its encoding where that is a guess: neither UTF-8 nor UTF-16."""
    guessed = None
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        text = data.decode("utf-16")
    else:
        data = data.removeprefix(codecs.BOM_UTF8)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            # Names of files need not be text, and a list of UTF-8 holds them as they are.
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
    said: dict[str, Any] = {}
    text, guessed = _text(data, suffix)
    for line in _LINES.split(text):
        if not line.startswith("#"):
            if line.strip():
                yield Entry(_name(line), **said, guessed=None if line.isascii() and _are_ascii(said) else guessed)
                said = {}
        elif len(line) > _LONGEST:  # pictures stand in some
            continue
        elif found := _EXTINF.match(line):
            said |= {"duration": _positive(found[1]), **_artist_and_title(found[2])}
        elif line[:8].upper() in ("#EXTALB:", "#EXTART:"):
            said["album" if line[:8].upper() == "#EXTALB:" else "artist"] = line[8:].strip(_BLANKS) or None


def _read_pls(data: bytes, suffix: str) -> Iterator[Entry]:
    found: dict[int, dict[str, str]] = {}
    text, guessed = _text(data, suffix)
    if not text.lstrip().lower().startswith("[playlist]"):
        raise _NotAPlaylistError(_DAMAGED)
    for line in _LINES.split(text):
        if match := _PLS.fullmatch(line.strip(_BLANKS)):
            found.setdefault(int(match[2]), {})[match[1].lower()] = match[3].strip(_BLANKS)
    for _, said in sorted(found.items()):
        if name := said.get("file"):
            length, names = _positive(said.get("length")), _artist_and_title(said.get("title", ""))
            yield Entry(_name(name), duration=length, **names, guessed=None if _are_ascii(said) else guessed)


class _WithoutDoctype(ElementTree.TreeBuilder):
    """Playlists need no document type, and without one there are no entities to expand or to fetch."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise _NotAPlaylistError("it is a web page" if name.lower() == "html" else _DAMAGED)


def _read_xspf(data: bytes, suffix: str) -> Iterator[Entry]:
    root = ElementTree.fromstring(data, parser=ElementTree.XMLParser(target=_WithoutDoctype()))
    if root.tag != f"{_XSPF}playlist":
        raise _NotAPlaylistError("it is a web page" if root.tag.lower().endswith("html") else _DAMAGED)
    for track in root.iterfind(f"{_XSPF}trackList/{_XSPF}track"):
        said = {
            tag: [text for element in track.iterfind(_XSPF + tag) if (text := (element.text or "").strip())]
            for tag in ("location", "identifier", "title", "creator", "album", "duration")
        }
        yield _entry(said)


def _read_jspf(data: bytes, suffix: str) -> Iterator[Entry]:
    for track in json.loads(data)["playlist"]["track"]:
        yield _jspf_entry(track)


def _jspf_entry(track: Mapping[str, Any]) -> Entry:
    said = {tag: value if isinstance(value, list) else [value] for tag, value in track.items() if value}
    if any(not isinstance(value, str) for value in said.get("location", ())):
        raise _NotAPlaylistError(_DAMAGED)
    return _entry(said)


def jspf_entry(track: Mapping[str, Any], folder: Path) -> Entry:
    """Return what a track of a JSPF file in a folder says.

    Raises
    ------
    ValueError
        If it is none.
    """
    return _located(_jspf_entry(track), folder)


def _entry(said: dict[str, list[Any]]) -> Entry:
    """Return the entry of a track of XSPF or JSPF, by what its elements say."""

    def text(tag: str) -> str | None:
        value = next(iter(said.get(tag, ())), None)
        return value.strip() or None if isinstance(value, str) else None

    named = [one for one in said.get("identifier", ()) if isinstance(one, str)]
    ids = [found[1].lower() for one in named if (found := _RECORDING.search(one))]
    own = [found[1] for one in named if (found := _IDENTITY.fullmatch(one))]
    location = next(iter(said.get("location", ())), None)
    milliseconds = _positive(str(next(iter(said.get("duration", ())), "")))
    return Entry(
        name=_name(location, uri=True) if location else None,
        title=text("title"),
        artist=text("creator"),
        album=text("album"),
        duration=milliseconds / 1000 if milliseconds else None,
        recording_mbid=ids[0] if ids else None,
        identity=bytes.fromhex(own[0]) if own else None,
    )


def _name(said: str, *, uri: bool = False) -> str:
    """Return the file that an entry means, which may be named by its URI."""
    if len(said) > _LONGEST:
        raise _NotAPlaylistError("it names a file by more characters than any name has")
    return from_uri(said) if uri or said[:6].lower() == "file:/" else native(said)


def _positive(text: str | None) -> float | None:
    """Return a length, if that is one: -1 and 0 stand for unknown."""
    known = text and re.fullmatch(r"\d{1,12}(?:\.\d{1,12})?", text.strip(), re.ASCII)
    return float(text) or None if known and text else None


def _artist_and_title(shown: str) -> dict[str, Any]:
    artist, dash, title = shown.partition(" - ")
    said = {"artist": artist, "title": title} if dash and title.strip() else {"title": shown}
    # In another encoding what is a blank here may be half of a letter, so only those go that are blanks everywhere.
    return {key: value.strip(_BLANKS) for key, value in said.items() if value.strip()}


def _are_ascii(said: dict[str, Any]) -> bool:
    return all(not isinstance(text, str) or text.isascii() for text in said.values())


_READERS: dict[str, Callable[[bytes, str], Iterator[Entry]]] = {
    ".m3u8": _read_m3u,
    ".m3u": _read_m3u,
    ".xspf": _read_xspf,
    ".jspf": _read_jspf,
    ".pls": _read_pls,
}
