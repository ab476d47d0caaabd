"""What a song is, whatever its file is called and its tags say."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import mutagen
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from mutagen.apev2 import APEv2
from mutagen.flac import Picture
from mutagen.id3 import APIC, ID3, TIT2, TXXX

from songspace.audio import read_windows
from songspace.library import identity as identifying
from songspace.library.identity import identify, identity_of_part
from songspace.library.tags import read_tags

LONG = "a long comment " * 10_000
COVER = bytes(range(256)) * 800


def _id3(path: Path) -> None:
    tags = ID3()
    tags.add(TIT2(text="Blue"))
    tags.add(TXXX(desc="comment", text=LONG))
    tags.add(APIC(mime="image/jpeg", type=3, desc="", data=COVER))
    tags.save(path)


def _id3_with_footer_of_version_1(path: Path) -> None:
    ID3().save(path, v1=2)
    tags = ID3(path)
    tags.add(TIT2(text="Blue"))
    tags.save(path, v1=2, v2_version=3)


def _ape(path: Path) -> None:
    tags = APEv2()
    tags["Title"], tags["Comment"] = "Blue", LONG
    tags.save(path)


def _ape_and_version_1(path: Path) -> None:
    _ape(path)
    with path.open("ab") as file:
        file.write(b"TAG" + b"Blue".ljust(125, b"\0"))


def _lyrics(path: Path) -> None:
    with path.open("ab") as file:
        words = b"LYRICSBEGININD0000210LYR00011la la la la"
        file.write(words + b"%06dLYRICS200" % len(words) + b"TAG" + bytes(125))


def _old_lyrics(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"LYRICSBEGINla la laLYRICSEND" + b"TAG" + bytes(125))


def _id3_at_the_end(path: Path) -> None:
    frame = b"TIT2\x00\x00\x00\x05\x00\x00\x03Blue"
    head = b"\x04\x00\x10" + bytes([0, 0, 0, len(frame)])
    with path.open("ab") as file:
        file.write(b"ID3" + head + frame + b"3DI" + head)


def _comments(path: Path) -> None:
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    file["title"], file["comment"] = ["Blue"], [LONG]
    file.save()


def _comments_and_cover(path: Path) -> None:
    file = mutagen.File(path)
    picture = Picture()
    picture.data, picture.mime, picture.type = COVER, "image/jpeg", 3
    file.add_picture(picture)
    file.save()
    _comments(path)


def _atoms(path: Path) -> None:
    file = mutagen.File(path)
    file["\xa9nam"], file["\xa9cmt"] = ["Blue"], [LONG]
    file.save()


def _chunk_of_id3(path: Path) -> None:
    file = mutagen.File(path)
    file.add_tags()
    file.tags.add(TIT2(text="Blue"))
    file.tags.add(TXXX(desc="comment", text=LONG))
    file.save()


def _info(path: Path) -> None:
    """LIST/INFO before the sound, as some programs write it, and the size of the whole put right."""
    data = path.read_bytes()
    body = b"INFO" + b"INAM" + struct.pack("<I", 6) + b"Blue\0\0"
    new = data[:12] + b"LIST" + struct.pack("<I", len(body)) + body + data[12:]
    path.write_bytes(new[:4] + struct.pack("<I", len(new) - 8) + new[8:])


def _attributes(path: Path) -> None:
    file = mutagen.File(path)
    file["Title"], file["Description"] = ["Blue"], [LONG]
    file.save()


TAGGED: list[tuple[str, Callable[[Path], None]]] = [
    *[("mp3 constant", edit) for edit in (_id3, _id3_with_footer_of_version_1, _ape, _ape_and_version_1)],
    *[("mp3 variable, no header", edit) for edit in (_id3, _lyrics, _old_lyrics, _id3_at_the_end)],
    ("mp2", _id3),
    ("aac raw", _id3),
    ("flac 16", _comments),
    ("flac 16", _comments_and_cover),
    ("flac 24", _id3),
    ("ogg vorbis", _comments),
    ("opus", _comments),
    ("ogg flac", _comments),
    ("aac", _atoms),
    ("aac, index first", _atoms),
    ("alac", _atoms),
    ("wav 16", _chunk_of_id3),
    ("wav float", _info),
    ("aiff", _chunk_of_id3),
    ("wma", _attributes),
    ("wavpack", _ape),
    ("wavpack", _ape_and_version_1),
    ("tta", _ape),
]


def _id3_of_dsd(path: Path) -> None:
    """A chunk of DSDIFF; of DSF what lies behind all chunks, and a place in its head."""
    file = mutagen.File(path)
    file.add_tags()
    file.tags.add(TIT2(text="Blue"))
    file.tags.add(TXXX(desc="comment", text=LONG))
    file.save()


@pytest.fixture(scope="module")
def made(audio_files: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A file of a kind and a seed, made once; for reading only."""
    folder, files = tmp_path_factory.mktemp("made"), {}

    def make(kind: str, seed: int = 0) -> Path:
        if (kind, seed) not in files:
            path = folder / f"{len(files)}{audio_files.KINDS[kind].suffix}"
            sound = audio_files.sound(3, rate=48_000, seed=seed)
            files[kind, seed] = audio_files.write(path, kind, sound, rate=48_000)
        return files[kind, seed]

    return make


@pytest.mark.parametrize(("kind", "edit"), TAGGED)
def test_tags_are_no_part_of_it(
    made: Callable[..., Path], tmp_path: Path, kind: str, edit: Callable[[Path], None]
) -> None:
    plain = made(kind)
    edited = shutil.copy(plain, tmp_path / f"edited{plain.suffix}")
    edit(edited)
    assert edited.read_bytes() != plain.read_bytes()
    assert identify(edited) == identify(plain)
    assert identify(made(kind, 1)) != identify(plain)


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in TAGGED} | {"ogg flac", "matroska flac"}))
def test_a_byte_in_the_middle_of_the_sound_is(made: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    content = bytearray(made(kind).read_bytes())
    content[len(content) * 2 // 3] ^= 1
    (tmp_path / "changed").write_bytes(content)
    assert identify(tmp_path / "changed") != identify(made(kind))


@pytest.mark.parametrize("suffix", ["dff", "dsf"])
def test_tags_are_no_part_of_dsd(audio_files: ModuleType, tmp_path: Path, suffix: str) -> None:
    plain = audio_files.write_dsd(tmp_path / f"plain.{suffix}", seconds=0.2)
    edited = shutil.copy(plain, tmp_path / f"edited.{suffix}")
    _id3_of_dsd(edited)
    assert edited.read_bytes() != plain.read_bytes()
    assert identify(edited) == identify(plain)
    other = audio_files.write_dsd(tmp_path / f"other.{suffix}", seconds=0.2, tones=(440.0, 661.0))
    assert identify(other) != identify(plain)


def _size(number: int) -> bytes:
    return (1 << 56 | number).to_bytes(8, "big")


SEGMENT, TAGS = bytes.fromhex("18538067"), bytes.fromhex("1254c367")


def _as_propedit(data: bytes, *, tags: bytes) -> bytes:
    """A Matroska file whose tags were taken out, and others put behind everything."""
    at = data.rindex(TAGS)  # before it, an index says where they are
    width = 9 - data[at + 4].bit_length()
    length = int.from_bytes(data[at + 4 : at + 4 + width], "big") & (1 << 7 * width) - 1
    old = 4 + width + length
    void = b"\xec" + _size(old - 9) + bytes(old - 9)
    begin = data.index(SEGMENT) + 4
    assert data[begin] == 1  # FFmpeg leaves eight bytes for the size
    assert int.from_bytes(data[begin + 1 : begin + 8], "big") == len(data) - begin - 8
    data = data[:at] + void + data[at + old :] + TAGS + _size(len(tags)) + tags
    return data[:begin] + _size(len(data) - begin - 8) + data[begin + 8 :]


@pytest.mark.parametrize("kind", ["matroska flac", "matroska opus"])
def test_tags_are_no_part_of_matroska(made: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    plain = made(kind)
    text = _simple_tag(b"TITLE", b"Blue")
    edited = tmp_path / "edited.mka"
    edited.write_bytes(_as_propedit(plain.read_bytes(), tags=text))
    assert read_tags(edited).title == "Blue"
    assert identify(edited) == identify(plain)
    assert identify(made(kind, 1)) != identify(plain)


def _simple_tag(name: bytes, text: bytes) -> bytes:
    inner = b"\x45\xa3" + _size(len(name)) + name + b"\x44\x87" + _size(len(text)) + text
    simple = b"\x67\xc8" + _size(len(inner)) + inner
    return b"\x73\x73" + _size(len(simple)) + simple


def test_of_matroska_that_breaks_its_rules_all_bytes_count(made: Callable[..., Path], tmp_path: Path) -> None:
    data = bytearray(made("matroska flac").read_bytes())
    at = data.index(bytes.fromhex("1f43b675")) + 4
    data[at : at + 9 - data[at].bit_length()] = b"\xff" * (9 - data[at].bit_length())  # of unknown size
    before = _identity(tmp_path, data)
    data[data.index(b"matroska")] ^= 1
    assert _identity(tmp_path, data) != before


def _identity(folder: Path, data: bytes | bytearray) -> bytes:
    (folder / "song.mka").write_bytes(data)
    return identify(folder / "song.mka")


def test_it_is_that_of_an_open_file(made: Callable[..., Path]) -> None:
    path = made("mp3 constant")
    with path.open("rb") as file:
        file.seek(100)
        assert identify(file) == identify(path)


@pytest.mark.parametrize(("kind", "edit"), [("mp3 constant", _id3), ("opus", _comments), ("aac", _atoms)])
def test_of_a_huge_file_pieces_are_read_and_tags_are_no_part_of_it_either(
    made: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    edit: Callable[[Path], None],
) -> None:
    plain = made(kind)
    monkeypatch.setattr(identifying, "WHOLE", 10_000)
    monkeypatch.setattr(identifying, "_PIECE", 4_000)
    before = identify(plain)
    edited = shutil.copy(plain, tmp_path / f"edited{plain.suffix}")
    edit(edited)
    assert identify(edited) == before
    assert identify(made(kind, 1)) != before


def test_a_huge_file_that_is_no_known_format_shows_its_ends_and_its_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identifying, "WHOLE", 10_000)
    monkeypatch.setattr(identifying, "_PIECE", 100)
    content = bytearray(np.random.default_rng(0).bytes(50_000))
    path = tmp_path / "long.mp3"
    path.write_bytes(content)
    before = identify(path)
    for place in (0, len(content) - 1):
        changed = content.copy()
        changed[place] ^= 1
        path.write_bytes(changed)
        assert identify(path) != before
    path.write_bytes(content + b"x")
    assert identify(path) != before


def test_of_two_parts_of_one_flac_that_keep_its_checksum(made: Callable[..., Path], tmp_path: Path) -> None:
    """Programs that cut without encoding leave the MD5 of the whole in each part."""
    one, two = (bytearray(made("flac 16", seed).read_bytes()) for seed in (0, 1))
    two[26:42] = one[26:42]
    (tmp_path / "two.flac").write_bytes(two)
    assert identify(tmp_path / "two.flac") != identify(made("flac 16"))


MAGIC = [b"", b"fLaC", b"OggS", b"RIFF....WAVE", b"FORM....AIFF", b"....ftyp", b"ID3\x04\0\0", b"APETAGEX", b"caff"]
MAGIC += [b"DSD ", b"FRM8", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67", identifying._W64, identifying._ASF, b"\x01vorbis"]


@given(st.sampled_from(MAGIC), st.binary(max_size=400), st.sampled_from([*MAGIC, b"LYRICS200", b"TAG" + bytes(125)]))
def test_any_bytes_have_one(head: bytes, body: bytes, tail: bytes) -> None:
    from io import BytesIO

    content = head + body + tail
    assert identify(BytesIO(content)) == identify(BytesIO(content)) and len(identify(BytesIO(content))) == 16


def test_parts_of_a_file_have_their_own() -> None:
    whole = bytes(16)
    times: list[tuple[float, Any]] = [(0.0, 60.0), (60.0, 120.0), (60.0, None), (0.0, None)]
    assert len({identity_of_part(whole, *part) for part in times} | {whole}) == 5
    assert identity_of_part(whole, 1 / 75, 2.0) == identity_of_part(whole, 0.0133, 2.0)
    assert identity_of_part(b"x" * 16, 0.0, 60.0) != identity_of_part(whole, 0.0, 60.0)


@pytest.mark.parametrize(
    ("kind", "name", "width", "sizes"),
    [("AIFF", b"SSND", 4, "big"), ("W64", b"data", 8, "little")],
)
def test_songs_in_files_that_were_never_finished_are_not_one(
    tmp_path: Path, kind: str, name: bytes, width: int, sizes: Literal["big", "little"]
) -> None:
    """A recorder that was cut off leaves a size of 0 before the sound, and decoders read to the end."""
    made = []
    for seed in (1, 2):
        path = tmp_path / f"{seed}.{kind.lower()}"
        soundfile.write(path, 0.1 * np.random.default_rng(seed).normal(size=22_050), 22_050, "PCM_16", format=kind)
        data = bytearray(path.read_bytes())
        at = data.index(name) + (4 if kind == "AIFF" else 16)
        assert int.from_bytes(data[at : at + width], sizes) > 2 * 22_050
        data[at : at + width] = bytes(width)
        path.write_bytes(data)
        made.append(
            (identify(path), float(np.abs(read_windows(path, seconds=0.2, count=2, rate=22_050).samples).max()))
        )
    assert all(loudest > 0.1 for _, loudest in made)
    assert made[0][0] != made[1][0]
