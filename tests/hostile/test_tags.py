"""Tags and covers of files that are damaged or made to be too much: read or not, within bounds, and nothing raised."""

from __future__ import annotations

import base64
import tracemalloc
from dataclasses import astuple
from pathlib import Path
from types import ModuleType

import mutagen
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen.apev2 import APEValue
from mutagen.asf import ASFByteArrayAttribute
from mutagen.flac import Picture
from mutagen.id3 import APIC, SYLT, USLT
from mutagen.mp4 import MP4Cover

from songspace.errors import AudioError
from songspace.library.covers import LARGEST, picture_type, read_cover
from songspace.library.lyrics import read_lyrics
from songspace.library.tags import Tags, read_tags

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4

damages = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 2), st.binary(min_size=1, max_size=9)), max_size=12
)


def read(path: Path) -> Tags:
    """Tags and cover, which are such or are not there."""
    tags = read_tags(path)
    for said in (one for each in astuple(tags) for one in (each if isinstance(each, tuple) else (each,))):
        assert said is None or isinstance(said, int) or (said == said.strip() != "" and len(said) <= 1_000)
        assert not isinstance(said, str) or not any(c < " " or "\x7f" <= c < "\xa0" for c in said)
        str(said).encode()  # no lone surrogates
    try:
        with path.open("rb") as file:
            cover = read_cover(file)
    except AudioError as error:
        assert str(error).startswith("The cover is larger than")
    else:
        assert tags.pictured == (cover is not None)
        assert cover is None or (picture_type(cover[0]) == cover[1] and len(cover[0]) <= LARGEST)
    with path.open("rb") as file:
        for lyrics in read_lyrics(file):
            assert 0 < len(lyrics.lines) <= 5_000 and all(len(line.text) <= 1_000 for line in lyrics.lines)
            lyrics.text.encode()
    return tags


PICTURED = {
    "mp3 constant": "APIC",
    "aiff": "APIC",
    "wav 16": "APIC",
    "flac 16": "",
    "ogg vorbis": "metadata_block_picture",
    "opus": "metadata_block_picture",
    "aac, index first": "covr",
    "wma": "WM/Picture",
    "wavpack": "Cover Art (Front)",
}
"""Where each kind of file keeps pictures."""


def add_picture(path: Path, key: str) -> None:
    file = mutagen.File(path)
    picture = Picture()
    picture.data, picture.type = PNG, 3
    if key == "":
        file.add_picture(picture)
    elif key == "APIC":
        if file.tags is None:
            file.add_tags()
        file.tags.add(APIC(mime="image/png", type=3, data=PNG))
        file.tags.add(USLT(encoding=1, lang="eng", text="[00:01.00]Oh\nyes"))
        file.tags.add(SYLT(encoding=3, lang="eng", format=2, type=1, text=[("Oh", 5), ("\nyes", 900)]))
    else:
        file[key] = {
            "metadata_block_picture": [base64.b64encode(picture.write()).decode()],
            "covr": [MP4Cover(PNG)],
            "WM/Picture": [ASFByteArrayAttribute(b"\3" + len(PNG).to_bytes(4, "little") + b"p\0\0\0\0\0" + PNG)],
            "Cover Art (Front)": APEValue(b"cover.png\0" + PNG, 1),
        }[key]
    file.save()


@pytest.fixture(scope="module")
def pictured(
    songs: dict[str, bytes], audio_files: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Songs that hold a picture, in each of the ways in which formats hold one."""
    folder = tmp_path_factory.mktemp("pictured")
    found = {}
    for kind in songs.keys() & PICTURED:
        path = folder / f"{len(found)}{audio_files.KINDS[kind].suffix}"
        path.write_bytes(songs[kind])
        add_picture(path, PICTURED[kind])
        with path.open("rb") as file:
            assert read_cover(file) == (PNG, "image/png"), kind
        found[kind] = path.read_bytes()
    return dict(sorted(found.items()))


def test_mutations(mutations: ModuleType, songs: dict[str, bytes], tmp_path: Path) -> None:
    for number in range(10_000, 10_600):
        kind, _, data = mutations.mutation(number, songs)
        (tmp_path / f"song.{'mp3' if number % 2 else kind[:4].strip()}").write_bytes(data)
        read(tmp_path / f"song.{'mp3' if number % 2 else kind[:4].strip()}")


@given(st.data())
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_tags(pictured: dict[str, bytes], tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(pictured)))
    song = bytearray(pictured[kind])
    reach = data.draw(st.sampled_from([200, 4_000, len(song)]))
    from_end = data.draw(st.booleans())
    for share, how, value in data.draw(damages):
        at = int(share * min(reach, len(song)))
        at = len(song) - 1 - at if from_end else at
        if how == 0:
            song[at : at + len(value)] = value
        elif how == 1:
            song[at:at] = value
        else:
            del song[at : at + len(value)]
    (tmp_path / "song").write_bytes(song)
    read(tmp_path / "song")


MAGIC = [
    b"",
    b"ID3\3\0\0",
    b"ID3\4\0\x40",
    b"ID3\2\0\x80",
    b"fLaC",
    b"OggS",
    b"RIFF",
    b"FORM",
    b"FRM8",
    b"DSD ",
    b"MAC ",
]
MAGIC += [
    b"APETAGEX",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    b"\0\0\0\x20ftypM4A ",
    b"wvpk",
    b"TTA1",
    b"MPCK",
    b"caff\0\1\0\0",
]
MAGIC += [b"RIFF\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67"]


@given(
    st.sampled_from(MAGIC),
    st.binary(max_size=400),
    st.binary(max_size=200),
)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(tmp_path: Path, magic: bytes, data: bytes, end: bytes) -> None:
    for suffix in (".mp3", ".m4a"):
        (tmp_path / f"song{suffix}").write_bytes(magic + data + end)
        read(tmp_path / f"song{suffix}")


def test_bombs_take_little(bombs: ModuleType, songs: dict[str, bytes], tmp_path: Path) -> None:
    bombs.write(tmp_path, songs)
    peaks = {}
    for name, _ in bombs.in_tags(songs):
        tracemalloc.start()
        read(tmp_path / name)
        peaks[name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    large = {name for name, peak in peaks.items() if peak > 20e6}
    assert large <= {"twelve covers of 16 MB.flac", "comment of 20 MB.ogg"}  # these are read as they are
    assert max(peaks.values()) < 260e6
    assert read_tags(tmp_path / "control characters.mp3").title == "[2J ]0;x"
