"""Playlist files: what is written comes back, others read it, and nothing harmful is read."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.playlists.files import read, write

FORMATS = (".m3u8", ".m3u", ".xspf", ".jspf")
RECORDING = "e8f9b188-f819-4e43-ab0f-4bd26ce9ff56"
ARTIST = "4c0d9acf-a8a1-4765-9c56-05f92f68c048"
RELEASE = "8d3acbb4-c541-4324-a124-a670615f0f77"
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such file names")


@dataclass(frozen=True)
class Song:
    path: str
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    duration: float = 0.0
    recording_mbid: str | None = None
    release_mbid: str | None = None
    artist_mbid: str | None = None


def song_at(*parts: str | Path) -> Song:
    return Song(str(Path(*parts)))


# File names: any character but the two that no file system takes, and any byte where that is allowed.
characters = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
odd_names = st.one_of(
    st.text(characters, min_size=1, max_size=20),
    st.binary(min_size=1, max_size=12).map(lambda raw: os.fsdecode(raw.replace(b"/", b"_").replace(b"\0", b"_"))),
    st.sampled_from(["#1 hit.mp3", " leading", "trailing ", "100% pure?.ogg", "a:b", "http:", "~", "\ufeffbom", "..."]),
).filter(lambda name: name not in (".", ".."))


class TestRoundTrip:
    @posix_only
    @pytest.mark.parametrize("suffix", FORMATS)
    @given(st.lists(st.lists(odd_names, min_size=1, max_size=3), min_size=1, max_size=5), st.booleans())
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_file_name(self, tmp_path: Path, suffix: str, names: list[list[str]], relative: bool) -> None:
        songs = [song_at(tmp_path, "music", *parts) for parts in names]
        file = tmp_path / "lists" / f"list{suffix}"
        file.parent.mkdir(exist_ok=True)
        if suffix.startswith(".m3u") and any("\n" in song.path or "\r" in song.path for song in songs):
            with pytest.raises(SongspaceError, match=r"line break .* write \.xspf or \.jspf instead"):
                write(file, songs, relative=relative)
        else:
            write(file, songs, relative=relative)
            assert read(file) == [song.path for song in songs]

    @pytest.mark.parametrize("suffix", FORMATS)
    @pytest.mark.parametrize("relative", [True, False])
    def test_files_beside_below_and_elsewhere(self, tmp_path: Path, suffix: str, relative: bool) -> None:
        places = [
            tmp_path / "lists" / "a.mp3",
            tmp_path / "lists" / "b" / "ü.mp3",
            tmp_path / "c" / "d.mp3",
            Path("/e.mp3"),
        ]
        songs = [Song(os.path.abspath(place)) for place in places]
        (tmp_path / "lists").mkdir()
        file = write(tmp_path / "lists" / f"list{suffix}", songs, relative=relative)
        assert read(file) == [song.path for song in songs]

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_it_can_be_moved_together_with_the_music(self, tmp_path: Path, suffix: str) -> None:
        (tmp_path / "old" / "lists").mkdir(parents=True)
        file = write(tmp_path / "old" / "lists" / f"list{suffix}", [song_at(tmp_path, "old", "x", "y.mp3")])
        (tmp_path / "old").rename(tmp_path / "new")
        assert read(tmp_path / "new" / "lists" / file.name) == [str(tmp_path / "new" / "x" / "y.mp3")]

    @posix_only
    @pytest.mark.parametrize("suffix", FORMATS)
    def test_a_folder_that_is_a_link(self, tmp_path: Path, suffix: str) -> None:
        """ "lists" is a link to a folder elsewhere, so that "../music" leads somewhere else than it seems."""
        (tmp_path / "disk" / "deep" / "lists").mkdir(parents=True)
        (tmp_path / "music").mkdir()
        (tmp_path / "music" / "a.mp3").touch()
        (tmp_path / "lists").symlink_to(tmp_path / "disk" / "deep" / "lists")
        file = write(tmp_path / "lists" / f"list{suffix}", [song_at(tmp_path, "music", "a.mp3")])
        (found,) = read(file)
        assert os.path.samefile(found, tmp_path / "music" / "a.mp3")
        (name,) = (
            (line for line in file.read_text().splitlines() if line.startswith("..")) if ".m3u" in suffix else [None]
        )
        if name is not None:
            assert os.path.samefile(tmp_path / "lists" / name, tmp_path / "music" / "a.mp3")

    @posix_only
    @pytest.mark.parametrize("suffix", FORMATS)
    def test_music_behind_a_link_keeps_its_name(self, tmp_path: Path, suffix: str) -> None:
        """The library knows the song by this path, and finds it in the playlist by it."""
        (tmp_path / "disk" / "music").mkdir(parents=True)
        (tmp_path / "home").symlink_to(tmp_path / "disk")
        song = song_at(tmp_path, "home", "music", "a.mp3")
        (tmp_path / "home" / "lists").mkdir()
        assert read(write(tmp_path / "home" / "lists" / f"list{suffix}", [song])) == [song.path]

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_an_empty_list(self, tmp_path: Path, suffix: str) -> None:
        assert read(write(tmp_path / f"list{suffix}", [])) == []


class TestM3U:
    def test_what_stands_in_it(self, tmp_path: Path) -> None:
        songs = [
            Song(str(tmp_path / "x" / "a.mp3"), "Gold", "Spandau Ballet", duration=299.6),
            Song(str(tmp_path / "x" / "ü.mp3"), "Two\nlines\u2028here\x00", None, duration=float("nan")),
            Song(str(tmp_path / "x" / "c.mp3")),
        ]
        file = write(tmp_path / "my list.m3u8", songs)
        assert file.read_bytes().decode("utf-8").split("\n") == [
            "#EXTM3U",
            "#EXTENC:UTF-8",
            "#PLAYLIST:my list",
            "#EXTINF:300,Spandau Ballet - Gold",
            "x/a.mp3",
            "#EXTINF:-1,Two lines here",
            "x/ü.mp3",
            "#EXTINF:-1,c",
            "x/c.mp3",
            "",
        ]

    @posix_only
    def test_a_name_in_no_encoding_is_written_byte_for_byte(self, tmp_path: Path) -> None:
        file = write(
            tmp_path / "list.m3u8", [song_at(tmp_path, os.fsdecode(b"caf\xe9.mp3")), song_at(tmp_path, "ü.mp3")]
        )
        assert b"\ncaf\xe9.mp3\n" in file.read_bytes()
        assert "\nü.mp3\n".encode() in file.read_bytes()

    @pytest.mark.parametrize("name", ["#a.mp3", " a.mp3", "http:a.mp3", "\u00a0a.mp3"])
    @posix_only
    def test_names_that_would_be_taken_for_something_else(self, tmp_path: Path, name: str) -> None:
        file = write(tmp_path / "list.m3u8", [song_at(tmp_path, name)])
        assert f"\n./{name}\n".encode() in file.read_bytes()

    @pytest.mark.parametrize(
        ("suffix", "data", "names"),
        [
            (".m3u8", b"\xef\xbb\xbf#EXTM3U\r\n#EXTINF:1,x\r\na.mp3\r\n\r\n  \r\nb/c.mp3\r\n", ["a.mp3", "b/c.mp3"]),
            (".m3u8", b"a.mp3\rb.mp3", ["a.mp3", "b.mp3"]),
            (".m3u", "ü.mp3\n".encode(), ["ü.mp3"]),
            (".m3u", "ü.mp3\n".encode("latin-1"), ["ü.mp3"]),
            (".M3U", b"\xef\xbb\xbf\xc3\xbc.mp3", ["ü.mp3"]),
            (".m3u8", b"", []),
            (".m3u8", b"# nothing\n", []),
        ],
    )
    def test_what_other_programs_write(self, tmp_path: Path, suffix: str, data: bytes, names: list[str]) -> None:
        file = tmp_path / f"list{suffix}"
        file.write_bytes(data)
        assert read(file) == [str(tmp_path / name) for name in names]

    @posix_only
    def test_uris_urls_and_absolute_names(self, tmp_path: Path) -> None:
        file = tmp_path / "list.m3u8"
        file.write_text(
            "file:///music/a%20b.mp3\nFILE://localhost/c.mp3\nfile://server/c.mp3\nhttps://radio.example/x?y=1\n/abs/../d.mp3\n../e.mp3\n"
        )
        assert read(file) == [
            "/music/a b.mp3",
            "/c.mp3",
            "file://server/c.mp3",
            "https://radio.example/x?y=1",
            "/d.mp3",
            str(tmp_path.parent / "e.mp3"),
        ]

    @posix_only
    def test_a_list_from_windows(self, tmp_path: Path) -> None:
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "a.mp3").touch()
        (tmp_path / "odd\\name.mp3").touch()
        (tmp_path / "list.m3u8").write_text("x\\a.mp3\r\nodd\\name.mp3\r\nx\\gone.mp3\r\n")
        assert read(tmp_path / "list.m3u8") == [
            str(tmp_path / "x" / "a.mp3"),
            str(tmp_path / "odd\\name.mp3"),
            str(tmp_path / "x\\gone.mp3"),
        ]


class TestXspf:
    def test_what_stands_in_it(self, tmp_path: Path) -> None:
        song = Song(
            str(tmp_path / "x y" / "50% #1?.mp3"),
            "<Gold> & \x0bco\ud800",
            "Spandau Ballet",
            "True",
            299.6,
            RECORDING.upper(),
        )
        file = write(tmp_path / "list.xspf", [song], title="Nice & easy")
        root = ElementTree.fromstring(file.read_bytes())
        space = {"x": "http://xspf.org/ns/0/"}
        assert (root.tag, root.get("version")) == ("{http://xspf.org/ns/0/}playlist", "1")
        assert root.findtext("x:title", None, space) == "Nice & easy"
        (track,) = root.findall("x:trackList/x:track", space)
        assert [(child.tag.rpartition("}")[2], child.text) for child in track] == [
            ("location", "x%20y/50%25%20%231%3F.mp3"),
            ("identifier", f"https://musicbrainz.org/recording/{RECORDING}"),
            ("title", "<Gold> &  co"),
            ("creator", "Spandau Ballet"),
            ("album", "True"),
            ("duration", "299600"),
        ]

    @posix_only
    @pytest.mark.parametrize("relative", [True, False])
    def test_a_location_resolves_as_any_uri_does(self, tmp_path: Path, relative: bool) -> None:
        song = song_at(tmp_path, "a:b", "ü ?.mp3")
        root = ElementTree.fromstring(write(tmp_path / "list.xspf", [song], relative=relative).read_bytes())
        location = root.findtext(".//{http://xspf.org/ns/0/}location")
        assert location is not None
        assert location.isascii()
        resolved = urljoin((tmp_path / "list.xspf").as_uri(), location)
        assert unquote(urlsplit(resolved).path) == song.path
        assert location.startswith("file:///") != relative

    @pytest.mark.parametrize(
        "document",
        [
            '<!DOCTYPE playlist [<!ENTITY a "boom">]><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>'
            "<track><location>&a;</location></track></trackList></playlist>",
            '<!DOCTYPE playlist SYSTEM "file:///etc/passwd"><playlist version="1" xmlns="http://xspf.org/ns/0/"/>',
            '<playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList><track><location>a.mp3</location>',
            '<html xmlns="http://www.w3.org/1999/xhtml"/>',
            "<?xml version='1.0' encoding='no-such'?><playlist/>",
            "not xml at all",
            "",
        ],
    )
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    def test_entities_and_damage_are_refused(self, tmp_path: Path, document: str, encoding: str) -> None:
        (tmp_path / "list.xspf").write_bytes(document.encode(encoding))
        with pytest.raises(SongspaceError, match=r"list\.xspf cannot be read: it is damaged, or something else"):
            read(tmp_path / "list.xspf")

    def test_what_other_programs_write(self, tmp_path: Path) -> None:
        """Unescaped names, tracks without a location, extensions."""
        (tmp_path / "list.xspf").write_text(
            '<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/" xmlns:v="urn:v"><trackList>'
            "<track><title>none</title></track><track><location>\n 50% #1.mp3 </location><v:x/></track>"
            "<track><location>http://radio.example/</location></track></trackList></playlist>"
        )
        assert read(tmp_path / "list.xspf") == [str(tmp_path / "50% #1.mp3"), "http://radio.example/"]


class TestJspf:
    def test_what_stands_in_it(self, tmp_path: Path) -> None:
        songs = [
            Song(str(tmp_path / "a b.mp3"), "Gold", "Spandau Ballet", "True", 299.6, RECORDING, RELEASE, ARTIST),
            Song(str(tmp_path / "c.mp3"), recording_mbid="no mbid", artist_mbid="two/of them"),
        ]
        file = write(tmp_path / "list.jspf", songs, title="Nice")
        assert json.loads(file.read_text(encoding="utf-8")) == {
            "playlist": {
                "title": "Nice",
                "track": [
                    {
                        "location": ["a%20b.mp3"],
                        "identifier": [f"https://musicbrainz.org/recording/{RECORDING}"],
                        "title": "Gold",
                        "creator": "Spandau Ballet",
                        "album": "True",
                        "duration": 299600,
                        "extension": {
                            "https://musicbrainz.org/doc/jspf#track": {
                                "artist_identifiers": [f"https://musicbrainz.org/artist/{ARTIST}"],
                                "release_identifier": f"https://musicbrainz.org/release/{RELEASE}",
                            }
                        },
                    },
                    {"location": ["c.mp3"], "title": "c"},
                ],
            }
        }

    def test_what_other_programs_write(self, tmp_path: Path) -> None:
        tracks = [{"location": "a.mp3"}, {"location": []}, {"title": "none"}, {"location": ["b.mp3", "c.mp3"]}]
        (tmp_path / "list.jspf").write_text("\ufeff" + json.dumps({"playlist": {"track": tracks}}), encoding="utf-8")
        assert read(tmp_path / "list.jspf") == [str(tmp_path / "a.mp3"), str(tmp_path / "b.mp3")]

    @pytest.mark.parametrize(
        "document",
        [
            "",
            "{",
            "[]",
            "{}",
            '{"playlist": 3}',
            '{"playlist": {"track": {"location": "a"}}}',
            '{"playlist": {"track": [3]}}',
            '{"playlist": {"track": [{"location": 3}]}}',
            '{"playlist": {"track": [{"location": [3]}]}}',
            '{"playlist": {"track": [{"location": "a%00b"}]}}',
            '{"playlist": {"track": [{"location": "\\ud800"}]}}',
            "[" * 100_000,
        ],
    )
    def test_damage_is_refused(self, tmp_path: Path, document: str) -> None:
        (tmp_path / "list.jspf").write_text(document)
        with pytest.raises(SongspaceError, match="damaged, or something else"):
            read(tmp_path / "list.jspf")


class TestRefusals:
    @pytest.mark.parametrize("name", ["list.pls", "list", "list.mp3", ".m3u8"])
    def test_another_suffix(self, tmp_path: Path, name: str) -> None:
        said = r"should end in \.m3u8, \.xspf or \.jspf"
        with pytest.raises(SongspaceError, match=said):
            write(tmp_path / name, [])
        with pytest.raises(SongspaceError, match=said):
            read(tmp_path / name)

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_a_file_or_folder_that_is_not_there(self, tmp_path: Path, suffix: str) -> None:
        with pytest.raises(SongspaceError, match="cannot be read"):
            read(tmp_path / f"list{suffix}")
        with pytest.raises(SongspaceError, match="cannot be written"):
            write(tmp_path / "nowhere" / f"list{suffix}", [])
        (tmp_path / f"folder{suffix}").mkdir()
        with pytest.raises(SongspaceError, match="cannot be read"):
            read(tmp_path / f"folder{suffix}")
        with pytest.raises(SongspaceError, match="cannot be written"):
            write(tmp_path / f"folder{suffix}", [])
        assert sorted(os.listdir(tmp_path)) == [f"folder{suffix}"]

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_a_picture(self, tmp_path: Path, suffix: str) -> None:
        (tmp_path / f"list{suffix}").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256)))
        with pytest.raises(SongspaceError, match="damaged, or something else"):
            read(tmp_path / f"list{suffix}")

    @posix_only
    def test_what_was_there_stays_if_the_new_cannot_be_written(self, tmp_path: Path) -> None:
        file = write(tmp_path / "list.m3u8", [song_at(tmp_path, "a.mp3")])
        with pytest.raises(SongspaceError, match="line break"):
            write(file, [song_at(tmp_path, "a\nb.mp3")])
        assert read(file) == [str(tmp_path / "a.mp3")]
        assert os.listdir(tmp_path) == ["list.m3u8"]
