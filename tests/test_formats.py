"""The table of formats: true of the files that FFmpeg and libsndfile write, and the same in the page and the README."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import ModuleType

import av
import pytest

from songspace.formats import BY_EXTENSION, FORMATS, OTHER_DEMUXERS, by_content, by_name
from songspace.library.listening import seconds_to_decode
from songspace.library.scan import Found
from songspace.server.opensubsonic.shapes import is_converted

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("mp3 constant", "MP3"),
        ("mp3 constant, no header", "MP3"),
        ("mp2", "MP2"),
        ("flac 16", "FLAC"),
        ("wav 16", "WAV"),
        ("aiff", "AIFF"),
        ("ogg vorbis", "Ogg Vorbis"),
        ("ogg flac", "Ogg Vorbis"),
        ("opus", "Opus"),
        ("aac", "AAC"),
        ("aac raw", "raw AAC"),
        ("wma", "WMA"),
        ("wavpack", "WavPack"),
        ("matroska opus", "WebM"),
        ("matroska flac", "Matroska"),
        ("tta", "TTA"),
    ],
)
def test_a_file_is_known_by_its_content(audio_files: ModuleType, tmp_path: Path, kind: str, name: str) -> None:
    rate = 48_000 if "opus" in kind else 44_100
    file: Path = audio_files.write(tmp_path / f"song{audio_files.KINDS[kind].suffix}", kind, rate=rate)
    format = by_content(file.read_bytes()[:64])
    assert format is not None and format.name == name


@pytest.mark.parametrize("suffix", [".dsf", ".dff"])
def test_dsd_is_known_by_its_content(audio_files: ModuleType, tmp_path: Path, suffix: str) -> None:
    format = by_content(audio_files.write_dsd(tmp_path / f"song{suffix}").read_bytes()[:64])
    assert format is not None and suffix in format.extensions


@pytest.mark.parametrize("head", [b"", b"<html>", b"%PDF-1.7", b"RIFF\0\0\0\0WEBPVP8 ", b"\x89PNG\r\n\x1a\n", b"ID"])
def test_what_is_no_music(head: bytes) -> None:
    assert by_content(head) is None


def test_extensions_are_those_of_one_format_and_can_be_scanned() -> None:
    extensions = [extension for format in FORMATS for extension in format.extensions]
    assert len(extensions) == len(BY_EXTENSION)
    for extension in extensions:
        assert re.fullmatch(r"\.[a-z0-9]+", extension)
        assert by_name("/music/SONG" + extension.upper()) is BY_EXTENSION[extension]


def test_ffmpeg_has_what_the_table_names() -> None:
    demuxers = [*OTHER_DEMUXERS, *(name for format in FORMATS for name in format.demuxers)]
    assert all(av.ContainerFormat(name, "r").is_input for name in demuxers)
    assert all(av.Codec(format.encoder, "w").type == "audio" for format in FORMATS if format.encoder)


def test_files_that_open_other_files_are_not_opened() -> None:
    demuxers = {*OTHER_DEMUXERS, *(name for format in FORMATS for name in format.demuxers)}
    assert not demuxers & {"hls", "concat", "dash", "sdp", "rtsp", "image2", "webm_dash_manifest", "lavfi", "imf"}


def test_the_page_and_the_readme_say_the_same() -> None:
    types = (ROOT / "web/src/deck.ts").read_text(encoding="utf-8").partition("TYPES:")[2].partition("};")[0]
    page = {
        f".{name}": double or single for name, double, single in re.findall(r"""(\w+): (?:"(.+?)"|'(.+?)')""", types)
    }
    assert page == {
        extension: format.media_type + (f'; codecs="{format.codec}"' if format.codec else "")
        for extension, format in BY_EXTENSION.items()
    }
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = readme[: readme.index("are read; a file")].rpartition("music folder.")[2]
    assert {format.name for format in FORMATS if format.name not in re.sub(r"\s+", " ", named)} == set()


def test_names_of_one_format_are_treated_alike() -> None:
    for format in FORMATS:
        files = [Found(f"song{extension}", 1_000_000, 0) for extension in format.extensions]
        assert len({seconds_to_decode(file) for file in files}) == 1
        assert {is_converted(file.path) for file in files} == {not format.is_played}


def test_what_few_programs_play_is_sent_as_mp3() -> None:
    converted = {extension for extension in BY_EXTENSION if is_converted(f"/music/song{extension}")}
    assert converted == set(
        ".w64 .aiff .aif .aifc .caf .au .snd .spx .mka .wma .asf .wv .ape .mpc .tta .dsf .dff".split()
    )
    assert is_converted("/music/song.rm") and os.path.splitext("song.rm")[1] not in BY_EXTENSION
