"""Covers: of songs, albums and artists, in their files and folders, in the size that is asked for; and what is none."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.flac import FLAC, Picture
from PIL import Image
from starlette.testclient import TestClient

from songspace.errors import AudioError
from songspace.library import Home
from songspace.library.covers import LARGEST, scaled
from songspace.library.tags import read_tags
from songspace.server import covers as served
from songspace.server.app import create_app
from songspace.server.covers import Covers, FolderPictures
from songspace.server.user import User

OWN = {"u": "ann", "p": "open sesame", "v": "1.16.1", "c": "tests", "f": "json"}


def drawn(width: int, height: int, kind: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    """A picture with a gradient in it."""
    made = BytesIO()
    image = Image.linear_gradient("L").resize((width, height)).convert(mode)
    if mode.endswith("A"):
        image.putalpha(200)
    image.save(made, kind, **options)
    return made.getvalue()


def looked_at(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


# Pictures made smaller


@given(
    width=st.integers(1, 90), height=st.integers(1, 90), size=st.integers(1, 100), kind=st.sampled_from(["PNG", "JPEG"])
)
def test_a_picture_is_made_smaller_and_never_larger(width: int, height: int, size: int, kind: str) -> None:
    data = drawn(width, height, kind)
    made = scaled(data, size)
    assert made is not None and made[1] == f"image/{kind.lower()}"
    if max(width, height) <= size:
        assert made[0] == data
        return
    image = looked_at(made[0])
    assert image.format == kind and max(image.size) == size
    share = size / max(width, height)
    assert abs(image.width - width * share) <= 1 and abs(image.height - height * share) <= 1


@pytest.mark.parametrize(
    ("kind", "mode", "options", "becomes"),
    [
        ("JPEG", "CMYK", {}, "JPEG"),
        ("JPEG", "L", {}, "JPEG"),
        ("PNG", "P", {}, "PNG"),
        ("PNG", "1", {}, "PNG"),
        ("PNG", "LA", {}, "PNG"),
        ("PNG", "RGBA", {}, "PNG"),
        ("PNG", "I;16", {}, "PNG"),
        ("GIF", "P", {}, "PNG"),
        ("WEBP", "RGB", {}, "JPEG"),
        ("WEBP", "RGBA", {}, "PNG"),
    ],
)
def test_pictures_of_all_kinds(kind: str, mode: str, options: dict[str, Any], becomes: str) -> None:
    data = drawn(60, 40, kind, mode, **options)
    assert scaled(data) == (data, f"image/{kind.lower()}")
    made = scaled(data, 30)
    assert made is not None and made[1] == f"image/{becomes.lower()}"
    image = looked_at(made[0])
    assert (image.format, image.size) == (becomes, (30, 20))
    if mode not in ("1", "I;16"):  # the gradient is still one, from dark to light
        shades = image.convert("L")
        assert shades.getpixel((15, 1)) < 40 and shades.getpixel((15, 18)) > 215


def test_a_picture_that_lies_on_its_side_is_put_upright() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by 90 degrees clockwise
    made = scaled(drawn(60, 40, "JPEG", exif=turned), 30)
    assert made is not None
    image = looked_at(made[0])
    assert image.size == (20, 30) and 0x0112 not in image.getexif()
    shades = image.convert("L")
    assert shades.getpixel((1, 15)) > 215 and shades.getpixel((18, 15)) < 40


def claims(width: int, height: int, kind: str) -> bytes:
    """A small file that claims to be a large picture."""
    if kind == "PNG":
        data = drawn(1, 1, kind)
        head = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
        return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]
    if kind == "GIF":
        data = drawn(1, 1, kind, "P")
        at = data.index(b",\0\0\0\0") + 5
        size = struct.pack("<HH", width, height)
        return data[:6] + size + data[10:at] + size + data[at + 4 :]
    data = drawn(1, 1, "JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG"])
@pytest.mark.parametrize("size", [None, 300])
@pytest.mark.parametrize("width", [7_000, 12_000, 50_000])
def test_a_picture_that_claims_too_much_is_refused_before_it_is_decoded(
    kind: str, size: int | None, width: int
) -> None:
    assert scaled(claims(64, 64, kind)) is not None
    tracemalloc.start()
    with pytest.raises(AudioError, match=r"^The cover claims to have .* pixels: one of at most 40,000,000 is shown\.$"):
        scaled(claims(width, width, kind), size)
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


@given(kind=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]), data=st.data())
def test_a_damaged_picture_is_one_or_none(kind: str, data: st.DataObject) -> None:
    picture = bytearray(drawn(40, 40, kind, "P" if kind == "GIF" else "RGB"))
    for _ in range(data.draw(st.integers(1, 4))):
        picture[data.draw(st.integers(0, len(picture) - 1))] = data.draw(st.integers(0, 255))
    broken = bytes(picture[: data.draw(st.integers(0, len(picture)))])
    try:
        made = scaled(broken, 20)
    except AudioError:
        return
    assert made is None or made[1].startswith("image/")


def test_a_part_of_a_picture_is_not_made_smaller() -> None:
    assert scaled(drawn(300, 300)[:300], 20) is None
    assert scaled(b"\x89PNG\r\n\x1a\nfront") is None and scaled(b"<svg onload='alert()'/>") is None


def test_what_was_made_is_kept_up_to_a_limit() -> None:
    kept = Covers(most=1000)
    for number in range(20):
        kept.keep(str(number), (bytes(100), "image/png"))
        assert kept.get("0") is not None  # the one that is asked for again and again
    assert [number for number in range(20) if kept.get(str(number))] == [0, *range(11, 20)]
    kept.keep("large", (bytes(300), "image/png"))
    assert kept.get("large") is None and kept.get("0") is not None


# Pictures in folders


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (["cover.jpg", "folder.jpg"], "cover.jpg"),
        (["Folder.JPG", "front.png"], "Folder.JPG"),
        (["FRONT.webp", "albumart.jpg"], "FRONT.webp"),
        (["AlbumArtSmall.jpg", "AlbumArt_{1-2}_Large.jpg", "album.gif"], "AlbumArt_{1-2}_Large.jpg"),
        (["album.gif", "back.jpg"], "album.gif"),
        (["cover.png", "cover.jpeg", "cover.txt"], "cover.jpeg"),
        (["back.jpg", "cover", "cover.svg", "my cover.jpg", ".cover.jpg"], None),
    ],
)
def test_names_of_pictures(tmp_path: Path, names: list[str], best: str | None) -> None:
    for name in names:
        (tmp_path / name).write_bytes(drawn(4, 4))
    found = FolderPictures([str(tmp_path)]).of(_song_in(tmp_path))
    assert found == (best and str(tmp_path / best))


def _song_in(folder: Path) -> Any:
    from songspace.library import Song

    return Song(1, str(folder / "1.flac"), 1.0)


@pytest.mark.parametrize(
    ("name", "above"), [("CD1", True), ("Disc 02 - Live", True), ("side b", True), ("Demos", False)]
)
def test_the_picture_above_the_folder_of_a_disc(tmp_path: Path, name: str, above: bool) -> None:
    disc = tmp_path / "music" / "album" / name
    disc.mkdir(parents=True)
    picture = tmp_path / "music" / "album" / "cover.jpg"
    picture.write_bytes(drawn(4, 4, "JPEG"))
    assert FolderPictures([str(tmp_path / "music")]).of(_song_in(disc)) == (str(picture) if above else None)
    assert FolderPictures([str(disc)]).of(_song_in(disc)) is None  # outside the library
    (disc / "folder.png").write_bytes(drawn(4, 4))
    assert FolderPictures([str(tmp_path / "music")]).of(_song_in(disc)) == str(disc / "folder.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_what_is_no_picture_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    music, secret = tmp_path / "music", tmp_path / "secret.jpg"
    music.mkdir()
    secret.write_bytes(drawn(4, 4, "JPEG"))
    (music / "cover.jpg").symlink_to(secret)
    os.mkfifo(music / "cover.png")
    (music / "folder.jpg").write_text("root:x:0:0")
    (music / "folder.png").write_bytes(drawn(4, 4) + bytes(LARGEST))
    (music / "front.gif").mkdir()
    pictures = FolderPictures([str(music)])
    assert pictures.of(_song_in(music)) is None
    with pytest.raises(OSError, match="leads out"):
        pictures.open(str(music / "cover.jpg"))
    (music / "album.png").write_bytes(drawn(4, 4))
    assert FolderPictures([str(music)]).of(_song_in(music)) == str(music / "album.png")
    (tmp_path / "linked").symlink_to(music)
    assert FolderPictures([str(tmp_path / "linked")]).of(_song_in(tmp_path / "linked")) is not None
    assert FolderPictures([]).of(_song_in(music)) is FolderPictures([str(music / "x")]).of(_song_in(music)) is None


def test_a_folder_is_listed_again_when_its_date_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, listdir = [], os.listdir
    monkeypatch.setattr(served.os, "listdir", lambda folder: listed.append(folder) or listdir(folder))
    os.utime(tmp_path, (1e9, 1e9))
    pictures, song = FolderPictures([str(tmp_path)], patience=0), _song_in(tmp_path)
    assert [pictures.of(song) for _ in range(5)] == [None] * 5 and len(listed) == 1
    (tmp_path / "cover.png").write_bytes(drawn(4, 4))
    assert pictures.of(song) == str(tmp_path / "cover.png") and len(listed) == 2
    patient = FolderPictures([str(tmp_path)], patience=1e9)
    assert patient.of(song) is not None
    (tmp_path / "cover.png").unlink()
    assert patient.of(song) is not None and pictures.of(song) is None


# Over HTTP


@pytest.fixture(scope="module")
def client(
    song: Callable[..., Path],
    made_up: Callable[..., Path],
    clients: Callable[..., TestClient],
    tmp_path_factory: pytest.TempPathFactory,
) -> TestClient:
    """A library of albums with a picture in a file, in the folder, in both, and nowhere."""
    folder = tmp_path_factory.mktemp("covers")
    music = folder / "music"
    paths = []
    for number, (artist, album) in enumerate(
        [("Ann", "File"), ("Ann", "File"), ("Ann", "Folder"), ("Bea", "Both"), ("Cid", "None"), ("Dan", "Huge")]
    ):
        path = song(
            music / album / f"{number}.flac", number, seconds=1.0, artist=artist, album=album, title=str(number)
        )
        if number in (1, 3, 5):
            file, picture = FLAC(path), Picture()
            picture.type, picture.data = 3, claims(50_000, 50_000, "PNG") if number == 5 else drawn(100, 100 + number)
            file.add_picture(picture)
            file.save()
        paths.append(str(path))
    for album in ("Folder", "Both"):
        (music / album / "Cover.JPG").write_bytes(drawn(200, 50, "JPEG"))
    home = made_up(folder / "home", [read_tags(path) for path in paths], paths, root=str(music))
    User("ann", "open sesame").save(Home(home).user)
    return clients(create_app(home, page=folder / "no-page"))


@pytest.fixture
def songs(client: TestClient) -> dict[str, dict[str, Any]]:
    found = client.get("/rest/search3", params=OWN | {"query": ""}).json()["subsonic-response"]["searchResult3"]
    named = {thing["name"]: thing for kind in ("album", "artist") for thing in found[kind]}
    return named | {song["title"]: song for song in found["song"]}


def test_ids_are_where_pictures_are(songs: dict[str, dict[str, Any]]) -> None:
    album = {name: songs[name]["id"] for name in ("File", "Folder", "Both", "None")}
    assert songs["1"]["coverArt"] == songs["1"]["id"] and songs["3"]["coverArt"] == songs["3"]["id"]
    assert songs["0"]["coverArt"] == album["File"] and songs["2"]["coverArt"] == album["Folder"]
    for name in ("File", "Folder", "Both", "Ann", "Bea"):
        assert songs[name]["coverArt"] == songs[name]["id"]
    for name in ("4", "None", "Cid"):
        assert "coverArt" not in songs[name]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *(("1", (100, 101)), ("File", (100, 101)), ("Ann", (100, 101)), ("0", (100, 101))),
        *(("2", (200, 50)), ("Folder", (200, 50)), ("3", (100, 103)), ("Both", (100, 103)), ("Bea", (100, 103))),
        *(("4", None), ("None", None), ("Cid", None)),
    ],
)
def test_the_file_comes_first_and_then_the_folder(
    client: TestClient, songs: dict[str, dict[str, Any]], name: str, size: tuple[int, int] | None
) -> None:
    got = client.get("/rest/getCoverArt", params=OWN | {"id": songs[name]["id"]})
    if size is None:
        assert got.json()["subsonic-response"]["error"]["code"] == 70
        return
    assert looked_at(got.content).size == size
    if name.isdigit() and name != "0":
        assert client.get(f"/api/v1/songs/{songs[name]['id']}/cover").content == got.content
    again = client.get(
        "/rest/getCoverArt", params=OWN | {"id": songs[name]["id"]}, headers={"If-None-Match": got.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_the_size_is_obeyed_and_what_was_made_is_kept(
    client: TestClient, songs: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, scale = [], served.scaled
    monkeypatch.setattr(served, "scaled", lambda data, size: made.append(size) or scale(data, size))
    id = songs["2"]["id"]
    tags = set()
    for size, width in ((50, 50), (51, 51), (50, 50), (1000, 200), (0, 200)):
        got = client.get("/rest/getCoverArt", params=OWN | {"id": id, "size": size})
        assert looked_at(got.content).size == (width, width // 4 + (width == 51 or width == 50) * (width % 4 > 1))
        tags.add(got.headers["etag"])
    assert made == [50, 51, 1000, None] and len(tags) == 4
    small = client.get(f"/api/v1/songs/{id}/cover", params={"size": 50})
    assert small.headers["etag"] in tags and looked_at(small.content).width == 50 and len(made) == 4
    for wrong in (0, -1, "x", 10**9):
        assert client.get(f"/api/v1/songs/{id}/cover", params={"size": wrong}).status_code == 422
    told = client.get("/rest/getCoverArt", params=OWN | {"id": id, "size": "x"}).json()
    assert told["subsonic-response"]["status"] == "failed"


def test_a_picture_that_claims_too_much_is_told_in_one_sentence(
    client: TestClient, songs: dict[str, dict[str, Any]]
) -> None:
    error = client.get("/rest/getCoverArt", params=OWN | {"id": songs["5"]["id"], "size": 90}).json()
    said = error["subsonic-response"]["error"]
    assert (said["code"], said["message"].count(".")) == (70, 1) and "claims to have" in said["message"]
    native = client.get(f"/api/v1/songs/{songs['5']['id']}/cover")
    assert native.status_code == 404 and native.json()["detail"] == said["message"]
