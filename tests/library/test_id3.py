"""ID3 tags cut down: what mutagen finds in the whole tag, it finds in what is left, and nothing is inflated."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.id3 import APIC, COMM, ID3, TALB, TCON, TIT2, TPE1, TXXX, Frame

from songspace.library.covers import read_cover
from songspace.library.id3 import Header, header, trimmed
from songspace.library.tags import read_tags

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300)
frames = st.lists(
    st.one_of(
        st.builds(TIT2, encoding=st.sampled_from([1, 3]), text=texts),
        st.builds(TPE1, encoding=st.sampled_from([1, 3]), text=texts),
        st.builds(TALB, encoding=st.sampled_from([1, 3]), text=texts),
        st.builds(TCON, encoding=st.just(3), text=st.sampled_from(["Jazz", "(8)", "17"])),
        st.builds(TXXX, encoding=st.just(3), desc=texts, text=texts),
        st.builds(COMM, encoding=st.just(3), lang=st.just("eng"), desc=texts, text=texts),
        st.builds(APIC, encoding=st.just(3), mime=st.just("image/png"), type=st.integers(0, 20), desc=texts,
                  data=st.binary(max_size=3_000)),
    ),
    max_size=12,
)  # fmt: skip


@given(frames, st.sampled_from([3, 4]), st.binary(max_size=40), st.booleans())
def test_nothing_that_is_wanted_is_lost(frames: list[Frame], version: int, before: bytes, pictures: bool) -> None:
    tag = ID3()
    for frame in frames:
        tag.add(frame)
    whole = BytesIO()
    tag.save(whole, v2_version=version)
    names = (b"APIC",) if pictures else (b"T",)
    small = trimmed(
        BytesIO(before + whole.getvalue()), len(before), lambda name: name.startswith(names), largest=10**6, most=10**7
    )
    expected = {key: frame for key, frame in ID3(BytesIO(whole.getvalue())).items() if key.encode().startswith(names)}
    assert dict(ID3(BytesIO(small))) == expected


@given(st.binary(max_size=300), st.integers(0, 255), st.integers(0, 255))
def test_any_bytes_are_no_worse_than_no_tag(body: bytes, version: int, flags: int) -> None:
    tag = b"ID3" + bytes([version, 0, flags, 0, 0, len(body) >> 7, len(body) & 127]) + body
    small = trimmed(BytesIO(tag), 0, lambda name: True, largest=10**6, most=10**6)
    assert len(small) <= len(tag)
    found = header(small)
    assert small == b"" if version not in (2, 3, 4) else found is not None and found.size == len(small) - 10


def test_headers() -> None:
    assert header(b"ID3\x03\0\x80\0\0\x01\x01more") == Header(3, 0x80, 129)
    assert Header(4, 0x10, 100).end == 120
    assert header(b"ID3\x03\0\0\0\0\x01") is None
    assert header(b"ID3\x03\0\0\0\0\x01\x80") is None
    assert header(b"OggS\0\0\0\0\0\0") is None


def synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def plain(number: int) -> bytes:
    return number.to_bytes(4, "big")


def frame(name: bytes, data: bytes, *, flags: int = 0, size: Callable[[int], bytes] = synchsafe) -> bytes:
    return name + size(len(data)) + bytes([0, flags]) + data


def song(path: Path, *frames: bytes, version: int = 4, flags: int = 0, after: bytes = b"no music") -> Path:
    body = b"".join(frames)
    path.write_bytes(b"ID3" + bytes([version, 0, flags]) + synchsafe(len(body)) + body + after)
    return path


def test_old_names_of_three_letters(tmp_path: Path) -> None:
    frames = [
        name + len(data).to_bytes(3, "big") + data for name, data in ((b"TT2", b"\0Blue"), (b"PIC", b"\0PNG\3\0" + PNG))
    ]
    path = song(tmp_path / "song.mp3", *frames, version=2)
    assert read_tags(path).title == "Blue"
    with path.open("rb") as file:
        assert read_cover(file) == (PNG, "image/png")


def test_sizes_as_itunes_wrote_them(tmp_path: Path) -> None:
    album = b"\0" + b"x" * 300
    frames = [
        frame(b"TIT2", b"\0Blue", size=plain),
        frame(b"TALB", album, size=plain),
        frame(b"TPE1", b"\0Ann", size=plain),
    ]
    tags = read_tags(song(tmp_path / "song.mp3", *frames))
    assert (tags.title, tags.album, tags.artist) == ("Blue", "x" * 300, "Ann")


def test_a_whole_tag_that_is_unsynchronised(tmp_path: Path) -> None:
    text = "\ufeffÿblÿe".encode("utf-16-le")
    body = frame(b"TIT2", b"\1" + text, size=plain) + frame(b"TPE1", b"\0Ann", size=plain)
    hidden = body.replace(b"\xff\0", b"\xff\0\0").replace(b"\xff\xfe", b"\xff\0\xfe")
    assert len(hidden) == len(body) + 3
    tags = read_tags(song(tmp_path / "song.mp3", hidden, version=3, flags=0x80))
    assert (tags.title, tags.artist) == ("ÿblÿe", "Ann")


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("written", [True, False])
def test_an_extended_header_is_stepped_over(tmp_path: Path, version: int, written: bool) -> None:
    extended = {3: plain(6) + bytes(6), 4: synchsafe(6) + b"\1\0"}[version] if written else b""
    tags = read_tags(song(tmp_path / "song.mp3", extended, frame(b"TIT2", b"\0Blue"), version=version, flags=0x40))
    assert tags.title == "Blue"


@pytest.mark.parametrize("version", [3, 4])
def test_a_little_that_is_deflated_is_read_and_a_lot_is_not(tmp_path: Path, version: int) -> None:
    def deflated(name: bytes, text: bytes) -> bytes:
        data = plain(len(text)) + zlib.compress(text)
        return frame(name, data, flags=0x80 if version == 3 else 0x09, size=plain if version == 3 else synchsafe)

    last = frame(b"TPE1", b"\0Ann")
    assert read_tags(song(tmp_path / "little.mp3", deflated(b"TIT2", b"\0Blue"), last, version=version)).title == "Blue"
    bombs = [deflated(name, bytes(50_000_000)) for name in (b"TIT2", b"CHAP", b"APIC")]
    path = song(tmp_path / "lot.mp3", *bombs, last, version=version)
    tracemalloc.start()
    tags = read_tags(path)
    with path.open("rb") as file:
        assert read_cover(file) is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tags.title, tags.artist) == (None, "Ann")
    assert peak < 5_000_000


def test_a_picture_is_not_read_for_the_texts(tmp_path: Path) -> None:
    picture = b"\0image/png\0\3\0" + PNG + bytes(10_000_000)
    path = song(tmp_path / "song.mp3", frame(b"APIC", picture), frame(b"TIT2", b"\0Blue"))
    tracemalloc.start()
    tags = read_tags(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tags.title == "Blue" and not tags.pictured  # it is larger than what is shown
    assert peak < 2_000_000


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize(("content", "is_one"), [(PNG, True), (b"<svg>", False)])
def test_of_a_picture_only_the_beginning_is_read_to_see_that_it_is_one(
    tmp_path: Path, version: int, content: bytes, is_one: bool
) -> None:
    tag = ID3()
    tag.add(APIC(encoding=3, mime="image/png", type=3, desc="front", data=content + bytes(7_000_000)))
    path = tmp_path / "song.mp3"
    path.write_bytes(b"")
    tag.save(path, v2_version=version)
    tracemalloc.start()
    tags = read_tags(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tags.pictured is is_one and peak < 2_000_000
    with path.open("rb") as file:
        assert (read_cover(file) is not None) is is_one


def test_frames_without_end(tmp_path: Path) -> None:
    """mutagen would copy 2 MB for each of 200,000 frames."""
    frames = [frame(b"TXXX", b"\0%d\0x" % number) for number in range(200_000)]
    tags = read_tags(song(tmp_path / "song.mp3", frame(b"TIT2", b"\0Blue"), *frames))
    assert tags.title == "Blue"


def test_what_is_encrypted_is_left_out(tmp_path: Path) -> None:
    path = song(tmp_path / "song.mp3", frame(b"TIT2", b"\0Blue", flags=0x04), frame(b"TPE1", b"\0Ann"))
    assert (read_tags(path).title, read_tags(path).artist) == (None, "Ann")


def test_the_old_tag_at_the_end_fills_what_is_missing(tmp_path: Path) -> None:
    old = struct.pack("<3s30s30s30s4s30sB", b"TAG", b"Green", b"Bea", b"Leaves", b"1971", b"", 8)
    path = song(tmp_path / "song.mp3", frame(b"TIT2", b"\0Blue"), after=bytes(1_000) + old)
    tags = read_tags(path)
    assert (tags.title, tags.artist, tags.album, tags.year, tags.genre) == ("Blue", "Bea", "Leaves", 1971, "Jazz")


def test_a_flac_behind_an_id3_tag_keeps_its_own(tmp_path: Path) -> None:
    import mutagen
    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "song.flac", np.zeros(44_100), 44_100)
    file = mutagen.File(tmp_path / "song.flac")
    file["title"] = "Blue"
    file.save()
    path = song(tmp_path / "both.flac", frame(b"TIT2", b"\0Other"), after=(tmp_path / "song.flac").read_bytes())
    assert read_tags(path).title == "Blue"
