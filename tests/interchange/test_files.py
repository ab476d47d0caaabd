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
from songspace.interchange import Entry, entries, match, read, write
from songspace.library import catalog

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
    start: float | None = None
    end: float | None = None


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
            (".m3u8", "\ufeffü.mp3\r\n".encode("utf-16-le"), ["ü.mp3"]),
            (".m3u", "\ufeff#EXTM3U\nü.mp3\n".encode("utf-16-be"), ["ü.mp3"]),
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
            '<playlist xmlns="http://example.org/something-else"/>',
            "<?xml version='1.0' encoding='no-such'?><playlist/>",
            "not xml at all",
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
                "creator": "songspace",
                "extension": {
                    "https://musicbrainz.org/doc/jspf#playlist": {
                        "public": False,
                        "additional_metadata": {"algorithm_metadata": {"source_patch": "songspace"}},
                    }
                },
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
        with pytest.raises(SongspaceError, match=r"should end in \.m3u8, \.xspf or \.jspf"):
            write(tmp_path / name, [])
        if name != "list.pls":
            with pytest.raises(SongspaceError, match=r"should end in \.m3u8, \.m3u, \.xspf, \.jspf or \.pls"):
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

    @pytest.mark.parametrize("suffix", [*FORMATS, ".pls"])
    def test_what_is_no_playlist(self, tmp_path: Path, suffix: str) -> None:
        def why(data: bytes) -> str:
            (tmp_path / f"list{suffix}").write_bytes(data)
            with pytest.raises(SongspaceError) as raised:
                read(tmp_path / f"list{suffix}")
            message = str(raised.value)
            start = f"The playlist {tmp_path / f'list{suffix}'} cannot be read: "
            assert message.startswith(start)
            assert message.endswith(".")
            return message.removeprefix(start)[:-1]

        damaged = "it is damaged, or something else"
        assert why(b"") == why(b"\xef\xbb\xbf \r\n"[3:]) == "it is empty"
        assert why(b"#EXTM3U\n" + bytes(1000)) == damaged
        assert why(b"\xff\xfea") == damaged  # half a character of UTF-16
        page = why(b"\n<!DOCTYPE html>\n<html><body>Moved</body></html>")
        assert page == (damaged if suffix == ".jspf" else "it is a web page")
        assert why(b"<html><body>Moved</body></html>") == page
        if suffix not in (".xspf", ".jspf"):
            assert "should end in .xspf" in why(b'<?xml version="1.0"?><playlist/>')
            cue = b'PERFORMER "Ann"\r\nFILE "Blue.flac" WAVE\r\n  TRACK 01 AUDIO\r\n'
            assert "cue sheet" in why(cue)
            assert "HLS" in why(b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9.009,\nhttp://x.example/1.ts\n")

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_folders_and_what_never_ends(self, tmp_path: Path, suffix: str) -> None:
        (tmp_path / f"folder{suffix}").mkdir()
        with pytest.raises(SongspaceError, match="it is a folder"):
            read(tmp_path / f"folder{suffix}")
        with (tmp_path / f"large{suffix}").open("wb") as file:
            file.truncate(100 * 2**20)
        with pytest.raises(SongspaceError, match="larger than 64 MB"):
            read(tmp_path / f"large{suffix}")
        if hasattr(os, "mkfifo"):
            os.mkfifo(tmp_path / f"pipe{suffix}")
            with pytest.raises(SongspaceError, match="no ordinary file"):
                read(tmp_path / f"pipe{suffix}")

    @pytest.mark.parametrize(
        ("suffix", "begin", "piece", "times", "end", "why"),
        [
            (".m3u8", b"#EXTM3U", b"\n", 4_000_001, b"", "more pieces"),
            (".m3u", b"", b"a\n", 500_001, b"", "more than 500,000 songs"),
            (".pls", b"[playlist]\n", b"\r", 4_000_001, b"", "more pieces"),
            (".xspf", b'<playlist xmlns="http://xspf.org/ns/0/">', b"<a>", 4_000_001, b"", "more pieces"),
            (".jspf", b'{"playlist": {"track": [', b"[],", 2_000_001, b"[]]}}", "more pieces"),
            (".jspf", b'{"playlist": {"track": [{"location": "', b"%41", 40_000, b'"}]}}', "more characters"),
            (".m3u8", b"#EXTM3U\n", b"../", 40_000, b"a.mp3\n", "more characters"),
            (".pls", b"[playlist]\nFile1=", b"x\\", 60_000, b"a.mp3\n", "more characters"),
        ],
    )
    def test_what_would_take_minutes_or_gigabytes(
        self, tmp_path: Path, suffix: str, begin: bytes, piece: bytes, times: int, end: bytes, why: str
    ) -> None:
        (tmp_path / f"list{suffix}").write_bytes(begin + piece * times + end)
        with pytest.raises(SongspaceError, match=why):
            entries(tmp_path / f"list{suffix}")

    def test_a_picture_in_a_comment_is_passed_over(self, tmp_path: Path) -> None:
        picture = b'#EXTINF:60 tvg-logo="data:image/png;base64,' + b"A" * 200_000 + b'",Ann - Blue\n'
        (tmp_path / "list.m3u8").write_bytes(b"#EXTM3U\n" + picture + b"a.mp3\n#EXTINF:60,Bea - Red\nb.mp3\n")
        assert [(entry.name, entry.title) for entry in entries(tmp_path / "list.m3u8")] == [
            ("a.mp3", None),
            ("b.mp3", "Red"),
        ]

    @pytest.mark.parametrize("suffix", [*FORMATS, ".pls"])
    @given(
        st.binary(max_size=80),
        st.sampled_from(
            [
                b"",
                b"#EXTM3U\n#EXTINF:",
                b"\xff\xfe",
                b"[playlist]\nFile1=",
                b'{"playlist": {"track": [',
                b"<?xml",
                b'<playlist xmlns="http://xspf.org/ns/0/"><trackList><track><location>',
            ]
        ),
    )
    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_bytes_are_read_or_refused(self, tmp_path: Path, suffix: str, data: bytes, before: bytes) -> None:
        (tmp_path / f"list{suffix}").write_bytes(before + data)
        try:
            found = entries(tmp_path / f"list{suffix}")
        except SongspaceError as error:
            assert "\n" not in str(error)
        else:
            assert all(entry.label.isprintable() for entry in found)

    @pytest.mark.parametrize("similarity", [[0.5], [0.5, 1.5], [0.5, float("nan")]])
    def test_similarities_that_do_not_fit(self, tmp_path: Path, similarity: list[float]) -> None:
        songs = [song_at(tmp_path, "a.mp3"), song_at(tmp_path, "b.mp3")]
        with pytest.raises(ValueError, match="a similarity from 0 to 1"):
            write(tmp_path / "list.jspf", songs, similarity=similarity)

    @posix_only
    def test_what_was_there_stays_if_the_new_cannot_be_written(self, tmp_path: Path) -> None:
        file = write(tmp_path / "list.m3u8", [song_at(tmp_path, "a.mp3")])
        with pytest.raises(SongspaceError, match="line break"):
            write(file, [song_at(tmp_path, "a\nb.mp3")])
        assert read(file) == [str(tmp_path / "a.mp3")]
        assert os.listdir(tmp_path) == ["list.m3u8"]


words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
texts = st.none() | st.lists(words, min_size=1, max_size=3).map(" ".join)


class TestEntries:
    @posix_only
    @pytest.mark.parametrize("suffix", FORMATS)
    @given(
        st.lists(
            st.builds(
                Song,
                path=words.map(lambda name: f"/music/{name.replace('/', '_')}.mp3"),
                title=texts,
                artist=texts,
                album=texts,
                duration=st.sampled_from([0.0, 1.0, 61.0, 299.0]),
                recording_mbid=st.sampled_from([None, RECORDING]),
            ),
            max_size=4,
        )
    )
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_what_is_written_comes_back(self, tmp_path: Path, suffix: str, songs: list[Song]) -> None:
        found = entries(write(tmp_path / f"list{suffix}", songs, relative=False))
        titles = [song.title or Path(song.path).stem for song in songs]
        assert [entry.path for entry in found] == [song.path for song in songs]
        assert [entry.name for entry in found] == [song.path for song in songs]
        assert [entry.duration for entry in found] == [song.duration or None for song in songs]
        if suffix.startswith(".m3u"):  # has one line for artist and title, and no more
            shown = [" - ".join(filter(None, (entry.artist, entry.title))) for entry in found]
            assert shown == [
                " - ".join(filter(None, pair)) for pair in zip((s.artist for s in songs), titles, strict=True)
            ]
        else:
            assert [(entry.title, entry.artist, entry.album, entry.recording_mbid) for entry in found] == [
                (title, song.artist, song.album, song.recording_mbid) for title, song in zip(titles, songs, strict=True)
            ]

    def test_m3u_lines(self, tmp_path: Path) -> None:
        (tmp_path / "list.m3u8").write_text(
            "#EXTM3U\n#EXTART:Nobody\n#EXTALB:True\n#EXTINF:299, Spandau Ballet - Gold - Live \na.mp3\n"
            '#EXTINF:-1 tvg-id="x, y" group="z",Radio\nhttp://radio.example/x\n#EXTINF:12.5,\nb.mp3\nc.mp3\n'
        )
        assert [(e.name, e.artist, e.title, e.album, e.duration) for e in entries(tmp_path / "list.m3u8")] == [
            ("a.mp3", "Spandau Ballet", "Gold - Live", "True", 299.0),
            ("http://radio.example/x", None, "Radio", None, None),
            ("b.mp3", None, None, None, 12.5),
            ("c.mp3", None, None, None, None),
        ]

    def test_pls(self, tmp_path: Path) -> None:
        (tmp_path / "list.pls").write_text(
            "[playlist]\r\nFile2=b.mp3\r\nTitle2=Ann - Blue\r\nLength2=61\r\nfile1=file:///a%20b.mp3\r\nLength1=-1\r\n"
            "NumberOfEntries=2\r\nVersion=2\r\n"
        )
        assert entries(tmp_path / "list.pls") == [
            Entry("/a b.mp3", "/a b.mp3"),
            Entry("b.mp3", str(tmp_path / "b.mp3"), "Blue", "Ann", None, 61.0),
        ]

    def test_listenbrainz(self, tmp_path: Path) -> None:
        """As its servers send playlists: no files, one identifier as text or as a list."""
        tracks = [
            {"title": "Gold", "creator": "Spandau Ballet", "album": "True", "duration": 299600,
             "identifier": [f"https://musicbrainz.org/recording/{RECORDING.upper()}"]},
            {"identifier": f"http://musicbrainz.org/recording/{RECORDING}"},
            {"title": 3, "duration": "soon", "identifier": [None, "https://example.org/x"], "location": None},
        ]  # fmt: skip
        (tmp_path / "list.jspf").write_text(json.dumps({"playlist": {"track": tracks}}))
        found = entries(tmp_path / "list.jspf")
        assert found == [
            Entry(None, None, "Gold", "Spandau Ballet", "True", 299.6, RECORDING),
            Entry(recording_mbid=RECORDING),
            Entry(),
        ]
        assert [entry.label for entry in found] == ["Spandau Ballet - Gold", RECORDING, "(nothing)"]
        assert read(tmp_path / "list.jspf") == []


class TestPrefixes:
    SONGS = (Song("/home/me/Music/a b/c.mp3"), Song("/home/me/Music2/d.mp3"), Song("/home/me/e.mp3"))

    @posix_only
    @pytest.mark.parametrize(
        ("prefixes", "names"),
        [
            ({"/home/me/Music": "/music"}, ["/music/a b/c.mp3", "/home/me/Music2/d.mp3", "/home/me/e.mp3"]),
            ({"/home/me/Music/": "/music/"}, ["/music/a b/c.mp3", "/home/me/Music2/d.mp3", "/home/me/e.mp3"]),
            ({"/home/me": "/me", "/home/me/Music": "/"}, ["/a b/c.mp3", "/me/Music2/d.mp3", "/me/e.mp3"]),
            ({"/": "/nas"}, ["/nas/home/me/Music/a b/c.mp3", "/nas/home/me/Music2/d.mp3", "/nas/home/me/e.mp3"]),
            ({"/home/me": ""}, ["Music/a b/c.mp3", "Music2/d.mp3", "e.mp3"]),
            ({"/home/me": "D:\\"}, ["D:\\Music\\a b\\c.mp3", "D:\\Music2\\d.mp3", "D:\\e.mp3"]),
            (
                {"/home/me": "\\\\nas\\me"},
                ["\\\\nas\\me\\Music\\a b\\c.mp3", "\\\\nas\\me\\Music2\\d.mp3", "\\\\nas\\me\\e.mp3"],
            ),
        ],
    )
    def test_names_as_the_server_has_them(self, tmp_path: Path, prefixes: dict[str, str], names: list[str]) -> None:
        for suffix in FORMATS:
            file = write(tmp_path / f"list{suffix}", self.SONGS, relative=False, prefixes=prefixes)
            if ".m3u" in suffix:
                assert [line for line in file.read_text().splitlines() if line[0] != "#"] == names
            # And back again.
            found = match(entries(file), [catalog.Song(i, song.path, 0.0) for i, song in enumerate(self.SONGS)],
                          prefixes=prefixes)  # fmt: skip
            assert [song and song.path for song in found] == [song.path for song in self.SONGS]

    @posix_only
    def test_uris(self, tmp_path: Path) -> None:
        def locations(server: str) -> str:
            file = write(tmp_path / "list.jspf", self.SONGS[:1], prefixes={"/home/me/Music": server})
            return str(json.loads(file.read_text())["playlist"]["track"][0]["location"][0])

        assert locations("/music") == "file:///music/a%20b/c.mp3"
        assert locations("D:\\Music") == "file:///D:/Music/a%20b/c.mp3"
        assert locations("\\\\nas\\music") == "file://nas/music/a%20b/c.mp3"
        assert locations("") == "a%20b/c.mp3"

    @posix_only
    def test_what_lies_elsewhere_is_relative_as_ever(self, tmp_path: Path) -> None:
        file = write(tmp_path / "list.m3u8", [song_at(tmp_path, "x", "a.mp3")], prefixes={"/home/me": "/me"})
        assert "\nx/a.mp3\n" in file.read_text()


def test_similarity_stands_where_listenbrainz_has_a_place_for_it(tmp_path: Path) -> None:
    songs = [
        song_at(tmp_path, "a.mp3"),
        Song(str(tmp_path / "b.mp3"), release_mbid=RELEASE),
        song_at(tmp_path, "c.mp3"),
    ]
    file = write(tmp_path / "list.jspf", songs, similarity=[1, 0.123456, None])
    extensions = [track.get("extension") for track in json.loads(file.read_text())["playlist"]["track"]]
    track = "https://musicbrainz.org/doc/jspf#track"
    assert extensions == [
        {track: {"additional_metadata": {"similarity": 1.0}}},
        {
            track: {
                "release_identifier": f"https://musicbrainz.org/release/{RELEASE}",
                "additional_metadata": {"similarity": 0.1235},
            }
        },
        None,
    ]
    for suffix in FORMATS:
        assert len(read(write(tmp_path / f"list{suffix}", songs, similarity=[1, 0.5, None]))) == 3


class TestMatch:
    SONGS = (
        catalog.Song(1, "/m/Ann/Blue/01 Sea.flac", 200.4, "Sea", "Ann", album="Blue", recording_mbid=RECORDING),
        catalog.Song(2, "/m/Ann/Live/01 Sea.flac", 260.0, "Sea (Live)", "Ann", album="Live"),
        catalog.Song(3, "/m/Bea/Red/01 Intro.mp3", 30.0, "Intro", "Béa", album="Red"),
        catalog.Song(4, "/m/Bea/Red/02 Sky.mp3", 100.0, "Sky", "Béa", album="Red"),
        catalog.Song(5, "/m/Bea/Hits/07 Sky.mp3", 120.0, "Sky", "Béa", album="Hits"),
        catalog.Song(6, "/m/Bea/Hits/07 Sky.ogg", 120.0, "Sky", "Béa", album="Hits"),
        catalog.Song(7, "/m/Cy/Été.mp3", 90.0, "Été - 2011 Remaster", "Cy feat. Ann"),
        catalog.Song(8, "/m/x/untagged.wav", 50.0),
        catalog.Song(9, "/m/Ann/Best/05 Sea.mp3", 200.9, "Sea", "Ann", album="Best", recording_mbid=RECORDING),
    )

    @pytest.mark.parametrize(
        ("entry", "id"),
        [
            (Entry("x", "/m/Ann/Blue/01 Sea.flac"), 1),
            (Entry("x", "/m/Ann/Blue/01 Sea.flac", title="Sky", artist="Béa", duration=1.0), 1),
            # The end of the path, from other machines and in other formats.
            (Entry("/Volumes/Music/Ann/Blue/01 Sea.m4a"), 1),
            (Entry("D:\\Music\\ann\\LIVE\\01 sea.flac"), 2),
            (Entry("file://nas/music/Bea/Red/02%20Sky.mp3"), 4),
            (Entry("../Red/02 Sky.mp3"), 4),
            (Entry("x/Cy/E\u0301te\u0301.mp3"), 7),
            (Entry("/other/Hits/07 Sky.mp3"), 5),
            (Entry("/other/Hits/07 Sky.ogg"), 6),
            (Entry("/other/Hits/07 Sky.opus"), None),
            (Entry("http://radio.example/Red/02 Sky.mp3"), None),
            (Entry("/other/Ann/Blue/01 Sea.flac", duration=215.0), None),
            (Entry("/other/Ann/Blue/01 Sea.flac", duration=201.0), 1),
            # A file's name alone says too little, unless the length agrees.
            (Entry("01 Intro.mp3"), None),
            (Entry("01 Intro.mp3", duration=31.0), 3),
            (Entry("01 Sea.flac", duration=200.0), None),
            (Entry("02 Sea.flac"), None),
            # The recording, on the album that the entry names if that is there.
            (Entry(recording_mbid=RECORDING), 9),
            (Entry(recording_mbid=RECORDING, album="blue"), 1),
            (Entry("y/nowhere.mp3", recording_mbid=RECORDING, album="Gone"), 9),
            # Artist and title.
            (Entry(artist="bea", title="INTRO"), 3),
            (Entry(artist="bea", title="sky"), None),
            (Entry(artist="bea", title="sky", duration=101.0), 4),
            (Entry(artist="bea", title="sky", album="red"), 4),
            (Entry(artist="bea", title="sky", album="hits"), None),
            (Entry(artist="Ann", title="Sea (live)"), 2),
            (Entry(artist="Ann", title="Sea", album="Blue"), 1),
            (Entry(artist="Bea", title="Sky", duration=150.0), None),
            (Entry(artist="Ann", title="Intro"), None),
            (Entry(artist="Various Artists", title="Intro"), None),
            (Entry(title="Intro"), None),
            (Entry(title="Intro", duration=29.0), 3),
            # Another note on the version will do if it lasts as long.
            (Entry(artist="Cy", title="Été"), None),
            (Entry(artist="Cy", title="Été", duration=90.5), 7),
            (Entry(artist="Cy", title="Été (Live)", duration=95.0), None),
            (Entry(), None),
            (Entry(title="  ", artist="Ann"), None),
        ],
    )
    def test_what_an_entry_means(self, entry: Entry, id: int | None) -> None:
        (found,) = match([entry], self.SONGS)
        assert (found and found.id) == id
        (found,) = match([entry], self.SONGS[::-1])
        assert (found and found.id) == id

    def test_a_path_goes_through_the_longest_prefix(self) -> None:
        prefixes = {"/m/Bea": "/music/Ann", "/m": "/music"}
        found = match([Entry("/music/Ann/Red/02 Sky.mp3"), Entry("/music/Ann/Blue/01 Sea.flac")], self.SONGS,
                      prefixes=prefixes)  # fmt: skip
        assert [song and song.id for song in found] == [4, 1]

    def test_the_catalog_may_know_more_paths(self) -> None:
        copies = {"/copy/1.flac": self.SONGS[0]}
        assert match([Entry("1.flac", "/copy/1.flac")], self.SONGS, at=copies.get) == [self.SONGS[0]]

    def test_nothing(self) -> None:
        assert match([], self.SONGS) == []
        assert match([Entry("a/b.mp3", "/a/b.mp3")], []) == [None]
