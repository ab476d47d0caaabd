"""Playlists as other programs and other machines write them: which songs they mean here."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from songspace.interchange import Entry, entries, match, understood
from songspace.library import Song


def a_library(*paths: str) -> list[Song]:
    return [
        Song(number, f"/music/{path}", 100.0, Path(path).stem[3:], Path(path).parts[0])
        for number, path in enumerate(paths, 1)
    ]


def found_in(folder: Path, name: str, data: bytes | str, songs: list[Song]) -> list[int | None]:
    """The songs that a playlist means which lies above the music."""
    file = folder / name
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    moved = [replace(song, path=str(folder / song.path.removeprefix("/music/"))) for song in songs]
    return [song and song.id for song in match(entries(file), moved)]


ENCODED = {
    "cp1252": "Amélie/Sailor’s Hut/01 – Calm….flac",
    "cp1250": "Żywiołak/Łąka/01 Świt źródła.flac",
    "cp1251": "Кино/Группа/01 Звезда.flac",
    "cp932": "宇多田/十ソ表/01 能.flac",  # in these letters the second byte is a backslash
    "gb18030": "王菲/红豆/01 传奇.flac",
    "cp949": "아이유/좋은날/01 너랑나.flac",
    "big5": "周杰倫/功許蓋/01 七里香.flac",
    "euc-jp": "坂本龍一/音楽図鑑/01 旅の極北.flac",
    "cp1253": "Χάρις/Νύχτα/01 Άστρο.flac",
    "koi8-r": "Земфира/Вендетта/01 Искала.flac",
    "cp437": "Björk/Égæti/01 Ñu.flac",
    "cp866": "Сплин/Гранатовый/01 Выхода.flac",
    "mac-roman": "Zoë/Déjà/01 Ætla ñu.flac",
}


class TestWhatOthersWrite:
    @pytest.mark.parametrize("encoding", ENCODED)
    @pytest.mark.parametrize("suffix", [".m3u", ".m3u8", ".pls"])
    def test_any_encoding_is_tried(self, tmp_path: Path, encoding: str, suffix: str) -> None:
        songs = a_library("Ann/Blue/01 Sea.flac", *ENCODED.values())
        number = 2 + [*ENCODED].index(encoding)
        path = ENCODED[encoding].replace("/", "\\")
        if suffix == ".pls":
            text = f"[playlist]\r\nFile1={path}\r\nFile2=Ann\\Blue\\01 Sea.flac\r\nNumberOfEntries=2\r\n"
        else:
            text = f"#EXTM3U\r\n{path}\r\nAnn\\Blue\\01 Sea.flac\r\n"
        assert found_in(tmp_path, f"a{suffix}", text.encode(encoding), songs) == [number, 1]

    @pytest.mark.parametrize("encoding", ["cp1252", "cp1251", "cp932"])
    def test_the_words_beside_names_are_in_the_same_encoding(self, tmp_path: Path, encoding: str) -> None:
        songs = a_library(*ENCODED.values())
        wanted = songs[[*ENCODED].index(encoding)]
        text = f"#EXTM3U\n#EXTINF:100,{wanted.artist} - {wanted.title}\nD:\\elsewhere\\x.mp3\n"
        (tmp_path / "a.m3u").write_bytes(text.encode(encoding))
        [entry] = understood(entries(tmp_path / "a.m3u"), songs)
        assert (entry.artist, entry.title) == (wanted.artist, wanted.title)
        assert match([entry], songs) == [wanted]

    def test_names_of_files_that_are_no_text_stay_as_they_are(self, tmp_path: Path) -> None:
        path = os.fsdecode(b"Ann/Bl\xe9u/01 Sea.flac")
        songs = [Song(1, f"/music/{path}", 100.0)]
        for name in ("a.m3u", "a.m3u8"):
            assert found_in(tmp_path, name, b"Ann/Bl\xe9u/01 Sea.flac\n", songs) == [1]

    @pytest.mark.parametrize(
        ("written", "number"),
        [
            ("Zo%C3%AB/Caf%C3%A9%20Days/01%20Hum%20(Dub).flac", 1),
            ("Zo%c3%ab/Caf%c3%a9%20Days/02%2050%25%20Off.flac", 2),
            ("Zoë/Café Days/02 50% Off.flac", 2),
            ("Zoë/Café Days/03 a%20b.flac", 3),
            ("Zoë/Café Days/04 a b.flac", 4),
            ("zoë\\CAFÉ DAYS\\01 hum (dub).FLAC", 1),
            ("Zoe\N{COMBINING DIAERESIS}/Cafe\N{COMBINING ACUTE ACCENT} Days/01 Hum (Dub).flac", 1),
            ("C:\\Music\\Zoë\\Café Days\\01 Hum (Dub).flac", 1),
            ("\\\\nas\\share\\Zoë\\Café Days\\01 Hum (Dub).flac", 1),
            ("file:///C:/Music/Zo%C3%AB/Caf%C3%A9%20Days/01%20Hum%20(Dub).flac", 1),
            ("file://nas/share/Zo%C3%AB/Caf%C3%A9%20Days/02%2050%25%20Off.flac", 2),
            ("file:/mnt/Zo%C3%AB/Caf%C3%A9%20Days/01%20Hum%20(Dub).flac", 1),
            ("file:///mnt/Zo%EB/Caf%E9%20Days/01%20Hum%20(Dub).flac", 1),
            ("Zoë/Café Days/05 Gone.flac", None),
            ("Zoë/Café Days/01 Hum (Mix).flac", None),
        ],
    )
    def test_each_way_to_write_a_name(self, tmp_path: Path, written: str, number: int | None) -> None:
        names = ["01 Hum (Dub)", "02 50% Off", "03 a%20b", "04 a b", "03 a b"]
        songs = a_library(*(f"Zoë/Café Days/{name}.flac" for name in names))
        for name in ("a.m3u8", "a.m3u"):
            for mark in ("", "\N{ZERO WIDTH NO-BREAK SPACE}"):
                for end in ("\n", "\r\n", "\r"):
                    assert found_in(tmp_path, name, f"{mark}{written}{end}", songs) == [number]
            assert found_in(tmp_path, name, written.encode("utf-16"), songs) == [number]

    def test_the_longest_common_end_of_a_path_decides(self) -> None:
        paths = [
            "/a/Rock/Ann/Live/Blue/01 Sea.flac",
            "/b/Jazz/Ann/Live/Blue/01 Sea.flac",
            "/b/Ann/Live/Blue/02 Sky.flac",
        ]
        songs = [Song(number, path, 100.0) for number, path in enumerate(paths, 1)]
        asked = ["X:\\My\\Jazz\\Ann\\Live\\Blue\\01 Sea.mp3", "/c/Ann/Live/Blue/01 Sea.flac", "/c/Blue/02 Sky.flac"]
        assert [song and song.id for song in match(map(Entry, asked), songs)] == [2, None, 3]

    def test_a_song_right_below_the_root_is_one_song(self) -> None:
        songs = [Song(1, "/a.flac", 100.0)]
        assert match([Entry("b:\\a.mp3", duration=100.0)], songs) == songs

    def test_never_another_song_of_other_signs(self) -> None:
        songs = [
            Song(1, "/1", 100.0, "×", "Ed"),
            Song(2, "/2", 100.0, "...", "Xx"),
            Song(3, "/3", 100.0, "× (Live)", "Ed"),
        ]
        asked = [
            ("Ed", "÷"),
            ("Ed", "×"),
            ("Xx", "\N{BLACK HEART}"),
            ("Xx", "…"),
            ("Ed", "÷ (Live)"),
            (None, "÷"),
            ("Ed", " "),
        ]
        made = [Entry(artist=artist, title=title, duration=100.0) for artist, title in asked]
        assert [song and song.id for song in match(made, songs)] == [None, 1, None, 2, None, None, None]

    def test_several_artists(self) -> None:
        credits = [("Mau, Rob", ("Mau", "Rob"), "Night"), ("Mau", (), "Day"), ("Kas & Mau", (), "Dawn")]
        songs = [Song(n, f"/{n}", 100.0, title, one, artists=all) for n, (one, all, title) in enumerate(credits, 1)]
        asked = [("Mau feat. Rob", "Night"), ("Mau & Rob", "Day"), ("Kas", "Dawn"), ("Rob", "Night")]
        made = [Entry(artist=artist, title=title) for artist, title in asked]
        assert [song and song.id for song in match(made, songs)] == [1, 2, 3, None]
