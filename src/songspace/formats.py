"""The formats of music files, one row each, with all that differs between them and needs no code.

A new format is a new row here (and in ``web/src/deck.ts``, which a test compares with it). Then FFmpeg decodes it, and
the library, the server, the page and ``songspace doctor`` support it. The places of sound and tags in a file are code:
`songspace.library.identity` and `songspace.library.tagged`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Format:
    """A format of music files.

    Attributes
    ----------
    name : str
        Name in documentation and messages.
    extensions : tuple of str
        Extensions in lower case, with the dot; the usual one first. Files with these extensions count as music.
    media_type : str
        Media type for HTTP.
    signature : bytes
        Regular expression for the first bytes of a file.
    demuxers : tuple of str
        FFmpeg's demuxers that may open it; the first one is also the name of FFmpeg's muxer.
    decoder : {"soundfile", "mp3", "ogg", "ffmpeg"}
        Module of `songspace.audio` that is tried first. FFmpeg is always tried last.
    tags : {"id3", "ape", "mutagen", "matroska"}
        Reader of the tags that count first: "mutagen" reads those of this format alone.
    is_played : bool
        True if nearly all Subsonic clients play it. Other formats are transcoded for them.
    codec : str
        Codec for browsers, if they cannot tell from the media type alone whether they can play it.
    encoder : str
        FFmpeg's encoder, for the server and for the test of the decoders in ``songspace doctor``.
    seconds : float
        Processor time for the windows of a song of several minutes, on one core.
    full_size : int
        Bytes of a file from which it takes that time; an empty file would take half of it.
    """

    name: str
    extensions: tuple[str, ...]
    media_type: str
    signature: bytes
    demuxers: tuple[str, ...]
    decoder: Literal["soundfile", "mp3", "ogg", "ffmpeg"] = "ffmpeg"
    tags: Literal["id3", "ape", "mutagen", "matroska"] = "id3"
    is_played: bool = False
    codec: str = ""
    encoder: str = ""
    seconds: float = 0.090
    full_size: int = 3_500_000


# If two signatures match, the first format counts.
# fmt: off
FORMATS = (
    Format("MP3", (".mp3",), "audio/mpeg", rb"ID3|\xff[\xe2\xe3\xea\xeb\xf2\xf3\xfa\xfb]", ("mp3",), "mp3",
           is_played=True, encoder="libmp3lame", seconds=0.084),
    Format("MP2", (".mp2",), "audio/mpeg", rb"\xff[\xe4-\xe7\xec-\xef\xf4-\xf7\xfc-\xff]", ("mp3",), "mp3",
           is_played=True),
    Format("FLAC", (".flac",), "audio/flac", rb"fLaC", ("flac",), "soundfile", "mutagen",
           is_played=True, encoder="flac", seconds=0.083, full_size=15_000_000),
    Format("WAV", (".wav", ".wave"), "audio/wav", rb"(RIFF|RIFX|RF64|BW64)....WAVE", ("wav",), "soundfile",
           is_played=True, encoder="pcm_s16le", seconds=0.045, full_size=15_000_000),
    Format("Wave64", (".w64",), "audio/x-w64", rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb", ("w64",), "soundfile",
           seconds=0.045, full_size=15_000_000),
    Format("AIFF", (".aiff", ".aif", ".aifc"), "audio/aiff", rb"FORM....AIF[FC]", ("aiff",), "soundfile",
           encoder="pcm_s16be", seconds=0.045, full_size=15_000_000),
    Format("CAF", (".caf",), "audio/x-caf", rb"caff", ("caf",), "soundfile"),
    Format("AU", (".au", ".snd"), "audio/basic", rb"\.snd", ("au",), "soundfile", seconds=0.045, full_size=15_000_000),
    Format("Opus", (".opus",), "audio/ogg", rb"OggS.{24}OpusHead", ("ogg",), "ogg", "mutagen",
           is_played=True, codec="opus", encoder="libopus", seconds=0.168, full_size=2_000_000),
    Format("Speex", (".spx",), "audio/ogg", rb"OggS.{24}Speex   ", ("ogg",), "ogg", "mutagen", codec="speex"),
    Format("Ogg Vorbis", (".ogg", ".oga"), "audio/ogg", rb"OggS", ("ogg",), "ogg", "mutagen",
           is_played=True, encoder="vorbis", seconds=0.092, full_size=2_500_000),
    Format("AAC", (".m4a", ".m4b", ".mp4"), "audio/mp4", rb"....ftyp", ("mp4", "mov", "m4a"), tags="mutagen",
           is_played=True, encoder="aac"),
    Format("ALAC", (".alac",), "audio/mp4", rb"....ftyp", ("mp4", "mov", "m4a"), tags="mutagen",
           is_played=True, codec="alac", encoder="alac"),
    Format("raw AAC", (".aac",), "audio/aac", rb"\xff[\xe0\xe1\xe8\xe9\xf0\xf1\xf8\xf9]", ("aac",), is_played=True),
    # WebM is Matroska; browsers play both only under this media type.
    Format("WebM", (".weba",), "audio/webm", rb"\x1a\x45\xdf\xa3.*\x42\x82.webm", ("webm",), tags="matroska",
           is_played=True, encoder="libopus"),
    Format("Matroska", (".mka",), "audio/webm", rb"\x1a\x45\xdf\xa3", ("matroska",), tags="matroska"),
    Format("WMA", (".wma", ".asf"), "audio/x-ms-wma", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", ("asf",), tags="mutagen",
           encoder="wmav2"),
    Format("WavPack", (".wv",), "audio/x-wavpack", rb"wvpk", ("wv",), tags="ape", encoder="wavpack"),
    Format("Monkey's Audio", (".ape",), "audio/x-ape", rb"MAC ", ("ape",), tags="ape"),
    Format("Musepack", (".mpc",), "audio/x-musepack", rb"MPCK|MP\+", ("mpc", "mpc8"), tags="ape"),
    Format("TTA", (".tta",), "audio/x-tta", rb"TTA1", ("tta",), encoder="tta"),
    Format("DSF", (".dsf",), "audio/x-dsf", rb"DSD ", ("dsf",)),
    Format("DSDIFF", (".dff",), "audio/x-dff", rb"FRM8", ("iff",)),
)
# fmt: on

OTHER_DEMUXERS = ("ac3 amr avi dts eac3 flv mpeg mpegts oma rm shn tak truehd voc").split()
"""FFmpeg's demuxers of other formats, which are decoded in files with an extension of music.

No other demuxers are allowed: FFmpeg also opens playlists, scripts and pictures, and some of these refer to other
files.
"""

BY_EXTENSION = {extension: format for format in FORMATS for extension in format.extensions}
_SIGNATURES = [(re.compile(format.signature, re.DOTALL), format) for format in FORMATS]


def by_name(path: str | os.PathLike[str]) -> Format | None:
    """Return the format of a file by its extension; None if it is no extension of music.

    Examples
    --------
    >>> by_name("/music/song.OGA").name, by_name("/music/cover.jpg")
    ('Ogg Vorbis', None)
    """
    return BY_EXTENSION.get(os.path.splitext(path)[1].lower())


def by_content(head: bytes) -> Format | None:
    """Return the format of a file by its first bytes (64 are enough); None if it is unknown.

    Examples
    --------
    >>> by_content(b"fLaC...").name, by_content(b"<html>")
    ('FLAC', None)
    """
    return next((format for signature, format in _SIGNATURES if signature.match(head)), None)
