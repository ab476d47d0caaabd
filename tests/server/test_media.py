"""The files of songs: parts of them, what they are, their covers, and which are never sent."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import mutagen
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3
from mutagen.mp4 import MP4, MP4Cover
from PIL import Image
from starlette.testclient import TestClient

from songspace import Library, pipeline
from songspace.errors import AudioError
from songspace.library import Home, Song
from songspace.library.covers import LARGEST, read_cover
from songspace.library.tags import read_tags
from songspace.server import media
from songspace.server.app import create_app

PNG = b"\x89PNG\r\n\x1a\n" + b"front"
JPEG = b"\xff\xd8\xff" + b"back"


@pytest.fixture
def audio(client: TestClient, songs: list[Song]) -> Callable[..., Any]:
    """Ask for the sound of the first song."""
    return lambda method="GET", **headers: client.request(
        method, f"/api/v1/songs/{songs[0].id}/audio", headers={n.replace("_", "-"): v for n, v in headers.items()}
    )


def test_the_whole_file(audio: Callable[..., Any], songs: list[Song]) -> None:
    data = Path(songs[0].path).read_bytes()
    got = audio()
    assert (got.status_code, got.content) == (200, data)
    assert got.headers["content-type"] == "audio/flac" and got.headers["accept-ranges"] == "bytes"
    assert got.headers["content-length"] == str(len(data))
    head = audio("HEAD")
    assert (head.status_code, head.content) == (200, b"")
    same = ("content-type", "content-length", "etag", "last-modified", "accept-ranges")
    assert [head.headers[name] for name in same] == [got.headers[name] for name in same]


@given(begin=st.integers(0, 400_000), length=st.integers(1, 400_000))
def test_any_part_is_that_part_of_the_file(client: TestClient, songs: list[Song], begin: int, length: int) -> None:
    data = Path(songs[0].path).read_bytes()
    wanted = f"bytes={begin}-{begin + length - 1}"
    got = client.get(f"/api/v1/songs/{songs[0].id}/audio", headers={"Range": wanted})
    if begin >= len(data):
        assert got.status_code == 416 and got.headers["content-range"] == f"bytes */{len(data)}"
        return
    part = data[begin : begin + length]
    assert (got.status_code, got.content) == (206, part)
    assert got.headers["content-range"] == f"bytes {begin}-{begin + len(part) - 1}/{len(data)}"
    assert got.headers["content-length"] == str(len(part))


def test_ends_and_what_nobody_understands(audio: Callable[..., Any], songs: list[Song]) -> None:
    data = Path(songs[0].path).read_bytes()
    size = len(data)
    for header, part in {"bytes=-5": data[-5:], f"bytes={size - 3}-": data[-3:], f"bytes=-{10 * size}": data}.items():
        got = audio(Range=header)
        assert (got.status_code, got.content) == (206, part), header
    for header in ("bytes=-0", f"bytes={size}-", "bytes=999999999999-"):
        assert audio(Range=header).status_code == 416
    for header in (
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=0-1,4-5",
        "lines=0-1",
        "bytes=a-b",
        "bytes=٣-",
        "bytes=1-2-3",
    ):
        got = audio(Range=header.encode("utf-8"))
        assert (got.status_code, len(got.content)) == (200, size), header
    assert audio(Range="bytes=" + "9" * 5000 + "-").status_code == 200
    head = audio("HEAD", Range="bytes=0-9")
    assert (head.status_code, head.content, head.headers["content-length"]) == (206, b"", "10")


def test_a_part_of_another_version_is_not_sent(audio: Callable[..., Any]) -> None:
    whole = audio()
    for same in (whole.headers["etag"], whole.headers["last-modified"]):
        assert audio(Range="bytes=0-9", If_Range=same).status_code == 206
    for other in ('"other"', f"W/{whole.headers['etag']}", "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense"):
        assert audio(Range="bytes=0-9", If_Range=other).status_code == 200
    assert audio(If_None_Match=whole.headers["etag"]).status_code == 304


def write(audio_files: ModuleType, folder: Path, kind: str) -> Path:
    rate = 48_000 if "opus" in kind else 44_100
    path: Path = audio_files.write(folder / f"song{audio_files.KINDS[kind].suffix}", kind, rate=rate)
    return path


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("mp3 constant", "audio/mpeg"),
        ("mp3 constant, no header", "audio/mpeg"),
        ("flac 16", "audio/flac"),
        ("wav 16", "audio/wav"),
        ("aiff", "audio/aiff"),
        ("ogg vorbis", "audio/ogg"),
        ("opus", "audio/ogg"),
        ("aac", "audio/mp4"),
        ("aac raw", "audio/aac"),
        ("wma", "audio/x-ms-wma"),
        ("wavpack", "audio/x-wavpack"),
        ("matroska opus", "audio/webm"),
    ],
)
def test_types_go_by_content(audio_files: ModuleType, tmp_path: Path, kind: str, media_type: str) -> None:
    path = write(audio_files, tmp_path, kind)
    assert media.media_type(path.read_bytes()[:16]) == media_type


# Which files are never sent


@pytest.fixture
def linked(song: Callable[..., Path], tmp_path: Path) -> tuple[Path, Any]:
    """A library of two files and a link that leads out of it to a third; and its server."""
    music = tmp_path / "music"
    for number in range(2):
        song(music / f"{number}.flac", number)
    song(tmp_path / "disk" / "2.flac", 2)
    os.symlink(tmp_path / "disk" / "2.flac", music / "2.flac")
    (tmp_path / "secret").write_text("root:x:0:0")
    pipeline.learn(Home(tmp_path / "home"), music, encoder="pca", windows=2, workers=1)
    return music, create_app(tmp_path / "home")


def test_links_out_of_the_library_lead_only_to_what_was_listened_to(
    linked: tuple[Path, Any], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    music, app = linked
    client = clients(app)
    ids = {os.path.basename(one.path): one.id for one in Library(tmp_path / "home").songs()}

    def sent(name: str) -> int:
        got = client.get(f"/api/v1/songs/{ids[name]}/audio")
        assert b"root:" not in got.content
        assert client.get(f"/api/v1/songs/{ids[name]}/cover").status_code == 404
        return int(got.status_code)

    assert [sent(name) for name in ids] == [200, 200, 200]
    # A person's own link to another disk is one thing, a song that becomes a link to another file something else.
    for name in ("0.flac", "2.flac"):
        (music / name).unlink()
        os.symlink(tmp_path / "secret", music / name)
        assert sent(name) == 404
    (music / "0.flac").unlink()
    os.symlink(music / "1.flac", music / "0.flac")  # within the library, but another song
    assert sent("0.flac") == 404 and sent("1.flac") == 200
    (music / "1.flac").unlink()
    assert sent("1.flac") == 404 and sent("0.flac") == 404
    (music / "1.flac").mkdir()
    assert sent("1.flac") == 404


def in_place_of(path: Path, how: str, content: bytes, elsewhere: Path) -> None:
    """Put other content where a song is, of the same size and date; no link leads to what nobody may have written."""
    known = path.stat()
    assert len(content) == known.st_size
    path.unlink()
    if how == "a file":
        path.write_bytes(content)
        os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))
        return
    elsewhere.write_bytes(content)
    os.utime(elsewhere, ns=(known.st_atime_ns, known.st_mtime_ns))
    (os.link if how == "a hard link" else os.symlink)(elsewhere, path)


@pytest.mark.parametrize("how", ["a link", "a hard link", "a file"])
def test_a_file_of_the_same_size_and_date_is_not_the_one_that_was_listened_to(
    linked: tuple[Path, Any], clients: Callable[..., TestClient], tmp_path: Path, how: str
) -> None:
    music, app = linked
    client, song = clients(app), Library(tmp_path / "home").find(str(music / "0.flac"))
    sound = (music / "0.flac").read_bytes()
    url = f"/api/v1/songs/{song.id}/audio"
    assert client.get(url).content == sound
    secret = b"TOP SECRET KEY".ljust(len(sound), b"x")
    in_place_of(music / "0.flac", how, secret, tmp_path / "id_rsa")
    for path in ("audio", "cover", "audio?format=mp3"):
        got = client.get(f"/api/v1/songs/{song.id}/{path}")
        assert got.status_code == 404 and b"SECRET" not in got.content, path
    assert client.get(url, headers={"Range": "bytes=0-13"}).status_code == 404
    (music / "0.flac").unlink()
    (music / "0.flac").write_bytes(sound)  # it is back, with another number and date
    assert client.get(url).content == sound


def test_a_file_that_was_looked_at_is_not_looked_at_for_each_part_of_it(
    linked: tuple[Path, Any], clients: Callable[..., TestClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    music, app = linked
    looked_at, identify, now = [], media.identify, time.time_ns()
    monkeypatch.setattr(media, "identify", lambda file: looked_at.append(1) or identify(file))
    monkeypatch.setattr(media.time, "time_ns", lambda: now + 60 * 10**9)  # all was written long ago
    client, song = clients(app), Library(tmp_path / "home").find(str(music / "2.flac"))
    sound = (music / "2.flac").read_bytes()
    for begin in range(0, 1000, 100):
        got = client.get(f"/api/v1/songs/{song.id}/audio", headers={"Range": f"bytes={begin}-{begin + 99}"})
        assert got.content == sound[begin : begin + 100]
    assert len(looked_at) == 1
    os.utime(tmp_path / "disk" / "2.flac")
    assert client.get(f"/api/v1/songs/{song.id}/audio").content == sound
    assert len(looked_at) == 2


def test_only_so_many_files_are_remembered(linked: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    files, library, now = media.Files(most=2), Library(linked[1].app.state.service.home.folder), time.time_ns()
    monkeypatch.setattr(media.time, "time_ns", lambda: now + 60 * 10**9)
    for song in library.songs() * 2:
        os.utime(song.path)  # nothing is known of it any more
        files.open(song, library.catalog).close()
    assert len(files._known) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_in_the_place_of_a_song_makes_nobody_wait(
    linked: tuple[Path, Any], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    music, app = linked
    (music / "0.flac").unlink()
    os.mkfifo(music / "0.flac")
    id = next(one.id for one in Library(tmp_path / "home").songs() if one.path.endswith("0.flac"))
    assert clients(app).get(f"/api/v1/songs/{id}/audio").status_code == 404


def test_whoever_has_gone_stops_the_sending(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    path.write_bytes(b"fLaC" + bytes(20 * media.CHUNK))
    sent: list[Any] = []

    async def leave() -> None:
        stuck = asyncio.Event()

        async def receive() -> dict[str, Any]:
            while len(sent) < 3:
                await asyncio.sleep(0)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) >= 3:  # nobody takes the rest
                await stuck.wait()

        response = media.file_response(file, {}, method="GET")
        await asyncio.wait_for(response({"type": "http"}, receive, send), 30)

    with path.open("rb") as file:
        asyncio.run(leave())
        assert file.closed
    assert len(sent) == 3


# Covers


def picture(data: bytes, kind: int) -> Picture:
    made = Picture()
    made.data, made.type, made.mime = data, kind, "image/svg+xml"
    return made


def in_flac(path: Path, *pictures: tuple[bytes, int]) -> None:
    file = FLAC(path)
    file.clear_pictures()
    for data, kind in pictures:
        file.add_picture(picture(data, kind))
    file.save()


def in_mp3(path: Path, *pictures: tuple[bytes, int]) -> None:
    tags = ID3()
    for number, (data, kind) in enumerate(pictures):
        tags.add(APIC(mime="image/svg+xml", type=kind, desc=str(number), data=data))
    tags.save(path)


def in_ogg(path: Path, *pictures: tuple[bytes, int]) -> None:
    import base64

    file = mutagen.File(path)
    file["metadata_block_picture"] = [base64.b64encode(picture(*one).write()).decode() for one in pictures]
    file.save()


def in_m4a(path: Path, *pictures: tuple[bytes, int]) -> None:
    file = MP4(path)
    file["covr"] = [MP4Cover(data) for data, _ in sorted(pictures, key=lambda one: one[1] != 3)]
    file.save()


COVERS = {"flac 16": in_flac, "mp3 constant": in_mp3, "ogg vorbis": in_ogg, "opus": in_ogg, "aac": in_m4a}


@pytest.mark.parametrize("kind", COVERS)
def test_a_cover_is_the_front_in_any_format(audio_files: ModuleType, tmp_path: Path, kind: str) -> None:
    path = write(audio_files, tmp_path, kind)
    with path.open("rb") as file:
        assert read_cover(file) is None
    COVERS[kind](path, (JPEG, 4), (PNG, 3))
    with path.open("rb") as file:
        assert read_cover(file) == (PNG, "image/png")


@pytest.mark.parametrize("data", [b"<svg onload='alert(1)'/>", b"<html>", b"", b"RIFF....WAVE"])
def test_what_is_no_picture_is_no_cover(song: Callable[..., Path], tmp_path: Path, data: bytes) -> None:
    path = song(tmp_path / "song.flac", 0)
    in_flac(path, (data, 3))
    with path.open("rb") as file:
        assert read_cover(file) is None


def test_a_cover_that_is_too_large_and_files_that_are_damaged(song: Callable[..., Path], tmp_path: Path) -> None:
    path = song(tmp_path / "song.flac", 0)
    in_flac(path, (PNG + bytes(LARGEST), 3))
    with path.open("rb") as file, pytest.raises(AudioError, match="larger than 8 MB"):
        read_cover(file)
    assert not read_tags(path).pictured
    in_flac(path, (PNG + bytes(LARGEST), 3), (JPEG, 4))  # another one will do
    with path.open("rb") as file:
        assert read_cover(file) == (JPEG, "image/jpeg")
    assert read_tags(path).pictured
    for data in (b"", b"ID3\x04\0\0\x7f\x7f\x7f\x7f", path.read_bytes()[:60], b"OggS" + bytes(100)):
        path.write_bytes(data)
        with path.open("rb") as file:
            assert read_cover(file) is None


def test_a_cover_is_served_by_what_it_is(
    linked: tuple[Path, Any], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    music, home = linked[0], Home(tmp_path / "home")
    made = BytesIO()
    Image.new("RGB", (8, 8)).save(made, "PNG")
    png = made.getvalue()

    def updated() -> tuple[TestClient, str]:
        pipeline.update(home, workers=1)
        song = Library(home.folder).find(str(music / "0.flac"))
        return clients(create_app(home)), f"/api/v1/songs/{song.id}/cover"

    in_flac(music / "0.flac", (png, 3))
    client, url = updated()
    got = client.get(url)
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, png, "image/png")
    assert client.get(url, headers={"If-None-Match": got.headers["etag"]}).status_code == 304
    in_flac(music / "0.flac", (png + bytes(LARGEST), 3))
    client, url = updated()
    assert client.get(url).json()["detail"] == "The cover is larger than 8 MB."
    shutil.rmtree(music)
    assert client.get(url).status_code == 404
