"""What songs say of themselves, in every kind of tag."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path
from types import ModuleType

import av
import mutagen
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, TALB, TCON, TDOR, TDRC, TIT2, TPE1, TPE2, TPOS, TRCK, TXXX, UFID

from songspace.errors import SongspaceError
from songspace.library.catalog import Catalog
from songspace.library.cue import Part
from songspace.library.eight_bits import known_encoding
from songspace.library.records import Track
from songspace.library.scan import Found
from songspace.library.tags import Tags, read_tags
from songspace.pipeline import remember


def _touch(path: Path, content: bytes = b"x") -> Path:
    path.write_bytes(content)
    return path


def _song(path: Path) -> Path:
    soundfile.write(path, np.zeros(44100, np.float32), 44100)
    return path


FULL = Tags(
    title="Blue",
    artist="Ann",
    albumartist="Ann & Co",
    album="Colours",
    genre="Jazz",
    year=1990,
    track=3,
    disc=2,
    recording_mbid="aaaaaaaa-0000-0000-0000-000000000000",
    release_mbid="bbbbbbbb-0000-0000-0000-000000000000",
    artist_mbid="cccccccc-0000-0000-0000-000000000000",
    artists=("Ann",),
    genres=("Jazz",),
)


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_vorbis_comments(tmp_path: Path, suffix: str) -> None:
    path = _song(tmp_path / f"song.{suffix}")
    file = mutagen.File(path)
    file["title"], file["artist"], file["albumartist"], file["album"] = "Blue", "Ann", "Ann & Co", "Colours"
    file["genre"], file["originaldate"], file["date"] = "Jazz", "1990-02-03", "2011"
    file["tracknumber"], file["discnumber"] = "03/12", "2/2"
    file["musicbrainz_trackid"], file["musicbrainz_albumid"] = FULL.recording_mbid, FULL.release_mbid
    file["musicbrainz_artistid"] = FULL.artist_mbid
    file.save()
    assert read_tags(path) == FULL


def test_all_values_of_artist_and_genre_are_kept(tmp_path: Path) -> None:
    path = _song(tmp_path / "song.flac")
    file = mutagen.File(path)
    file["artist"], file["genre"] = ["Ann", "Bea", "Ann"], ["Jazz", "Jazz/Funk"]
    file.save()
    tags = read_tags(path)
    assert (tags.artist, tags.artists) == ("Ann, Bea", ("Ann", "Bea"))
    assert (tags.genre, tags.genres) == ("Jazz; Jazz/Funk", ("Jazz", "Jazz/Funk"))


@pytest.mark.parametrize("suffix", ["mp3", "wav", "aiff"])
def test_id3(tmp_path: Path, suffix: str) -> None:
    path = _song(tmp_path / f"song.{suffix}")
    frames = [
        TIT2(text="Blue"),
        TPE1(text="Ann"),
        TPE2(text="Ann & Co"),
        TALB(text="Colours"),
        TCON(text="(8)"),
        TDOR(text="1990-02-03"),
        TDRC(text="2011"),
        TRCK(text="3/12"),
        TPOS(text="2/2"),
        UFID(owner="http://musicbrainz.org", data=FULL.recording_mbid.encode()),
        TXXX(desc="MusicBrainz Album Id", text=FULL.release_mbid),
        TXXX(desc="MusicBrainz Artist Id", text=FULL.artist_mbid),
    ]
    if suffix == "mp3":
        tags = ID3()
        for frame in frames:
            tags.add(frame)
        tags.save(path)
    else:
        file = mutagen.File(path)
        file.add_tags()
        for frame in frames:
            file.tags.add(frame)
        file.save()
    assert read_tags(path) == FULL


def test_tags_are_cleaned(tmp_path: Path) -> None:
    path = _song(tmp_path / "song.flac")
    file = mutagen.File(path)
    file["title"], file["artist"], file["album"], file["date"] = "two\nlines\x00", "   ", "long" * 1000, "unknown"
    file.save()
    tags = read_tags(path)
    assert tags.title == "two lines"
    assert tags.artist is None
    assert tags.album is not None and len(tags.album) == 1000
    assert tags.year is None


@pytest.mark.parametrize(
    "content",
    [b"", b"ID3\x04\x00\x00\xff\xff\xff\xff" * 20, b"OggS" * 100, np.random.default_rng(0).bytes(5000)],
    ids=["nothing", "ID3", "Ogg", "noise"],
)
def test_no_tags_from_what_is_no_music(tmp_path: Path, content: bytes) -> None:
    assert read_tags(_touch(tmp_path / "song.mp3", content)) == Tags()


def test_whatever_mutagen_raises_means_no_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: object) -> None:
        raise AttributeError("a damaged file")

    path = _song(tmp_path / "song.flac")
    file = mutagen.File(path)
    file["title"] = "Blue"
    file.save()
    assert read_tags(path).title == "Blue"
    monkeypatch.setattr(mutagen, "File", broken)
    assert read_tags(path) == Tags()


# APEv2

APE = {
    "picard": {
        "Title": "Blue", "Artist": "Ann", "Artists": "Ann", "Album Artist": "Ann & Co", "Album": "Colours",
        "Genre": "Jazz", "Year": "2011", "ORIGINALDATE": "1990-02-03", "Track": "3/12", "Disc": "2/2",
        "MUSICBRAINZ_TRACKID": FULL.recording_mbid, "MUSICBRAINZ_ALBUMID": FULL.release_mbid,
        "MUSICBRAINZ_ARTISTID": FULL.artist_mbid,
    },
    "foobar2000": {
        "TITLE": "Blue", "ARTIST": "Ann", "ALBUM ARTIST": "Ann & Co", "ALBUM": "Colours", "GENRE": "Jazz",
        "Year": "2011", "ORIGINAL YEAR": "1990", "Track": "03", "Disc": "2",
        "MUSICBRAINZ_TRACKID": FULL.recording_mbid, "MUSICBRAINZ_ALBUMID": FULL.release_mbid,
        "MUSICBRAINZ_ARTISTID": FULL.artist_mbid,
    },
    "mp3tag": {
        "Title": "Blue", "Artist": "Ann", "ALBUMARTIST": "Ann & Co", "Album": "Colours", "Genre": "Jazz",
        "Year": "1990", "Track": "3", "Discnumber": "2", "MusicBrainz_TrackId": FULL.recording_mbid,
        "MusicBrainz_AlbumId": FULL.release_mbid, "MusicBrainz_ArtistId": FULL.artist_mbid,
    },
}  # fmt: skip


def _ape(path: Path, **items: str) -> None:
    tags = APEv2()
    for key, value in items.items():
        tags[key] = value
    tags.save(path)


def _version_1(path: Path, title: bytes, artist: bytes = b"", genre: int = 255) -> None:
    with path.open("ab") as file:
        file.write(struct.pack("<3s30s30s30s4s28sBBB", b"TAG", title, artist, b"Leaves", b"1971", b"", 0, 5, genre))


@pytest.mark.parametrize("written", APE)
@pytest.mark.parametrize("kind", ["wavpack", "mp3 constant, no header", "tta"])
def test_ape(tmp_path: Path, audio_files: ModuleType, kind: str, written: str) -> None:
    path = audio_files.write(tmp_path / f"song{audio_files.KINDS[kind].suffix}", kind, audio_files.sound(1))
    _ape(path, **APE[written])
    assert read_tags(path) == FULL


@pytest.mark.parametrize("magic", [b"MAC ", b"MPCK", b"MP+", b"wvpk"])
def test_where_ape_belongs_to_the_format_it_comes_before_id3(tmp_path: Path, magic: bytes) -> None:
    path = _touch(tmp_path / "song.ape", magic + bytes(500))
    tags = ID3()
    tags.add(TIT2(text="Red"))
    tags.add(TPOS(text="2"))
    tags.save(path)
    _ape(path, Title="Blue", Artist="Ann")
    _version_1(path, b"Green", b"Bea")
    found = read_tags(path)
    assert (found.title, found.artist, found.disc, found.album, found.track) == ("Blue", "Ann", 2, "Leaves", 5)


def test_ape_that_holds_gains_only_leaves_the_old_tag_to_speak(tmp_path: Path) -> None:
    path = _song(tmp_path / "song.mp3")
    _ape(path, MP3GAIN_MINMAX="089,214", REPLAYGAIN_TRACK_GAIN="-1.5 dB")
    _version_1(path, b"Old Title", b"Old Artist", 8)
    assert read_tags(path) == Tags(
        title="Old Title", artist="Old Artist", album="Leaves", genre="Jazz", year=1971, track=5,
        artists=("Old Artist",), genres=("Jazz",), track_gain=-1.5,
    )  # fmt: skip


GAINS = {"track_gain": "-6.52 dB", "track_peak": "0.988553", "album_gain": "+1.5 dB", "album_peak": "1.102"}


@pytest.mark.parametrize("kind", ["mp3 constant", "flac 16", "ogg vorbis", "opus", "aac", "wma", "wavpack", "aiff"])
def test_loudness_in_all_formats(audio_files: ModuleType, tmp_path: Path, kind: str) -> None:
    path = audio_files.write(tmp_path / f"song{audio_files.KINDS[kind].suffix}", kind, rate=48_000)
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    for name, value in GAINS.items():
        name = f"replaygain_{name}"
        if isinstance(file.tags, ID3):
            file.tags.add(mutagen.id3.TXXX(desc=name, text=value))
        elif kind == "aac":
            file[f"----:com.apple.iTunes:{name}"] = mutagen.mp4.MP4FreeForm(value.encode())
        else:
            file[name.upper()] = value
    file.save()
    found = read_tags(path)
    assert (found.track_gain, found.track_peak, found.album_gain, found.album_peak) == (-6.52, 0.988553, 1.5, 1.102)


@pytest.mark.parametrize(
    ("text", "gain"),
    [
        ("-6,50 dB", -6.5), ("+3", 3.0), (".5dB", 0.5), ("0.00 dB", 0.0), ("", None), ("loud", None), ("-", None),
        ("1e9", None), ("101 dB", None), ("nan", None), ("-1.2.3", None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_a_gain_is_a_number_within_reason(tmp_path: Path, text: str, gain: float | None) -> None:
    path = _song(tmp_path / "song.mp3")
    _ape(path, REPLAYGAIN_TRACK_GAIN=text or " ", REPLAYGAIN_TRACK_PEAK="0.000000")
    found = read_tags(path)
    if gain is not None or text != "1e9":
        assert (found.track_gain, found.track_peak) == (gain, None)
    assert found.track_gain is None or abs(found.track_gain) <= 100


@pytest.mark.parametrize(
    ("r128", "gain"), [("-1280", 0.0), ("0", 5.0), ("256", 6.0), ("-3", 5 - 3 / 256), ("loud", None), ("1.5", None)]
)
def test_the_loudness_of_opus(audio_files: ModuleType, tmp_path: Path, r128: str, gain: float | None) -> None:
    """RFC 7845, 5.2.1: 1/256 dB, for -23 LUFS; ReplayGain is for -18."""
    path = audio_files.write(tmp_path / "song.opus", "opus", rate=48_000)
    file = mutagen.File(path)
    file["R128_TRACK_GAIN"] = file["R128_ALBUM_GAIN"] = r128
    file.save()
    found = read_tags(path)
    assert (found.track_gain, found.album_gain) == (gain, gain)
    file["REPLAYGAIN_TRACK_GAIN"] = "-2 dB"
    file.save()
    assert (read_tags(path).track_gain, read_tags(path).album_gain) == (-2.0, gain)


@pytest.mark.parametrize(
    ("text", "side", "track"),
    [
        ("A1", 1, 1),
        ("B2", 2, 2),
        ("AA1", 27, 1),
        ("a", 1, 1),
        ("C-11/12", 3, 11),
        ("12/13", None, 12),
        ("A1b", None, 1),
    ],
)
def test_the_side_of_a_record(tmp_path: Path, text: str, side: int | None, track: int) -> None:
    path = _song(tmp_path / "song.mp3")
    _ape(path, Track=text)
    assert (read_tags(path).side, read_tags(path).track) == (side, track)


def test_each_field_is_that_of_the_first_tag_that_has_it(tmp_path: Path) -> None:
    path = _song(tmp_path / "song.mp3")
    tags = ID3()
    tags.add(TIT2(text="From ID3v2"))
    tags.add(TALB(text=" "))
    tags.save(path)
    _ape(path, Title="From APE", Artist="A Name of More Than Thirty Letters", Year="unknown")
    _version_1(path, b"From ID3v1", b"A Name of More Than Thirty Let")
    found = read_tags(path)
    assert (found.title, found.artist) == ("From ID3v2", "A Name of More Than Thirty Letters")
    assert (found.album, found.year, found.track, found.genre) == ("Leaves", 1971, 5, None)


def test_several_values_in_ape_and_pictures_between_them(tmp_path: Path) -> None:
    path = _song(tmp_path / "song.mp3")
    tags = APEv2()
    tags["Artist"], tags["Genre"] = ["Ann", "Bea"], ["Jazz", "Funk"]
    tags["Cover Art (Front)"] = mutagen.apev2.APEValue(b"cover.jpg\0" + bytes(300_000), 1)
    tags.save(path)
    found = read_tags(path)
    assert (found.artists, found.genres) == (("Ann", "Bea"), ("Jazz", "Funk"))


def test_ape_of_version_1_has_the_encoding_of_its_writer(tmp_path: Path) -> None:
    item = struct.pack("<II", 4, 0) + b"Artist\0" + "Кино".encode("cp1251")
    foot = b"APETAGEX" + struct.pack("<4I", 1000, len(item) + 32, 1, 0) + bytes(8)
    path = _touch(tmp_path / "song.mp3", bytes(1_000) + item + foot)
    assert read_tags(path).artist == "Êèíî"
    assert read_tags(path, encoding="cp1251").artist == "Кино"


# RIFF, AIFF and other chunks


def _chunk(name: bytes, data: bytes, order: str = "<", size: str = "I") -> bytes:
    return name + struct.pack(order + size, len(data)) + data + bytes(len(data) % 2)


def _info(**texts: bytes) -> bytes:
    return _chunk(b"LIST", b"INFO" + b"".join(_chunk(name.encode(), text + b"\0") for name, text in texts.items()))


def _with_chunks(path: Path, *chunks: bytes, at_end: bool = True) -> Path:
    data, more = path.read_bytes(), b"".join(chunks)
    data = data + more if at_end else data[:12] + more + data[12:]
    order = ">" if data[:4] == b"FORM" else "<"
    return _touch(path, data[:4] + struct.pack(order + "I", len(data) - 8) + data[8:])


INFO = Tags(
    title="Blue", artist="Ann", album="Colours", genre="Jazz", year=1971, track=3, artists=("Ann",), genres=("Jazz",)
)


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("track", ["ITRK", "IPRT"])
def test_info(tmp_path: Path, track: str, at_end: bool) -> None:
    texts = {"INAM": b"Blue", "IART": b"Ann", "IPRD": b"Colours", "IGNR": b"Jazz", "ICRD": b"1971-05", track: b"3/9"}
    path = _with_chunks(_song(tmp_path / "song.wav"), _info(**texts), at_end=at_end)
    assert read_tags(path) == INFO


@pytest.mark.parametrize("long", [False, True])
def test_info_as_ffmpeg_writes_it(tmp_path: Path, audio_files: ModuleType, long: bool) -> None:
    path = tmp_path / "song.wav"
    options = {"rf64": "always"} if long else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("pcm_s16le", rate=8_000, layout="mono")
        container.metadata.update(
            {"title": "Blue", "artist": "Ann", "album": "Colours", "genre": "Jazz", "date": "1971", "track": "3"}
        )
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8_001), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8_000
        container.mux(stream.encode(frame))
    data = path.read_bytes()
    assert data[:4] == (b"RF64" if long else b"RIFF")
    assert read_tags(path) == INFO
    if long:  # the same behind the sound, whose length only 64 bits tell
        at = data.index(b"LIST")
        end = at + 8 + struct.unpack_from("<I", data, at + 4)[0]
        assert data.index(b"data") == end
        moved = data[:at] + data[end:] + bytes(len(data[end:]) % 2) + data[at:end]
        assert read_tags(_touch(path, moved)) == INFO


def test_id3_comes_before_info_which_fills(tmp_path: Path) -> None:
    path = _with_chunks(_song(tmp_path / "song.wav"), _info(INAM=b"From INFO", IART=b"Ann"))
    file = mutagen.File(path)
    file.add_tags()
    file.tags.add(TIT2(text="From ID3"))
    file.save()
    assert (read_tags(path).title, read_tags(path).artist) == ("From ID3", "Ann")


def test_the_encoding_of_info_is_utf_8_or_what_is_named_or_that_of_windows(tmp_path: Path) -> None:
    texts = {"INAM": "Café d’Or".encode("cp1252"), "IART": "Кино".encode(), "IPRD": "Звезда".encode("cp1251")}
    path = _with_chunks(_song(tmp_path / "song.wav"), _info(**texts))
    found = read_tags(path)
    assert (found.title, found.artist, found.album) == ("Café d’Or", "Кино", "Çâåçäà")
    found = read_tags(path, encoding="cp1251")
    assert (found.artist, found.album) == ("Кино", "Звезда")


def test_text_chunks_of_aiff(tmp_path: Path) -> None:
    texts = {b"NAME": b"Blue", b"AUTH": b"Ann", b"(c) ": b"1990 Ann & Co", b"ANNO": b"a remark of 2020"}
    path = _with_chunks(_song(tmp_path / "song.aiff"), *[_chunk(name, text, ">") for name, text in texts.items()])
    assert read_tags(path) == Tags(title="Blue", artist="Ann", year=1990, artists=("Ann",))


def test_caf(tmp_path: Path) -> None:
    path = _song(tmp_path / "song.caf")
    texts = {"title": "Blue", "artist": "Ann", "album": "Colours", "genre": "Jazz", "recorded date": "1971",
             "track number": "3"}  # fmt: skip
    words = b"".join(f"{name}\0{text}\0".encode() for name, text in texts.items())
    info = b"info" + struct.pack(">qI", len(words) + 4, len(texts)) + words
    data = path.read_bytes()
    assert read_tags(_touch(path, data[:8] + data[8:52] + info + data[52:])) == INFO  # behind "desc"


def test_dsd_files(tmp_path: Path, audio_files: ModuleType) -> None:
    dff = audio_files.write_dsd(tmp_path / "song.dff", seconds=0.1)
    texts = [_chunk(name, struct.pack(">I", len(text)) + text, ">", "Q") for name, text in
             ((b"DIAR", b"Ann"), (b"DITI", b"Blue"))]  # fmt: skip
    plain = dff.read_bytes()
    _touch(dff, plain + _chunk(b"DIIN", b"".join(texts), ">", "Q"))
    assert read_tags(dff) == Tags(title="Blue", artist="Ann", artists=("Ann",))
    for path in (_touch(dff, plain), audio_files.write_dsd(tmp_path / "song.dsf", seconds=0.1)):
        file = mutagen.File(path)
        file.add_tags()
        file.tags.add(TIT2(text="From ID3"))
        file.save()
        assert read_tags(path) == Tags(title="From ID3")


# Matroska


def _element(id: str, *content: bytes) -> bytes:
    data = b"".join(content)
    return bytes.fromhex(id) + (1 << 56 | len(data)).to_bytes(8, "big") + data


def _simple(name: str, text: str) -> bytes:
    return _element("67c8", _element("45a3", name.encode()), _element("4487", text.encode()))


def _matroska_tag(level: int | None, *texts: tuple[str, str], about: bytes = b"") -> bytes:
    targets = _element("63c0", b"" if level is None else _element("68ca", bytes([level])), about)
    return _element("7373", targets, *(_simple(*text) for text in texts))


def _matroska(path: Path, *tags: bytes, title: str | None = None) -> Path:
    info = _element("1549a966", _element("7ba9", title.encode())) if title else b""
    head = _element("1a45dfa3", _element("4282", b"matroska"))
    return _touch(path, head + _element("18538067", info, _element("1f43b675", bytes(99)), _element("1254c367", *tags)))


@pytest.mark.parametrize(("form", "codec"), [("mka", "flac"), ("webm", "libopus")])
def test_matroska_as_ffmpeg_writes_it(tmp_path: Path, form: str, codec: str) -> None:
    path = tmp_path / f"song.{form}"
    with av.open(str(path), "w", format="matroska" if form == "mka" else form) as container:
        stream = container.add_stream(codec, rate=48_000, layout="mono", options={})
        stream.format = "s16" if codec == "flac" else stream.format
        container.metadata.update(
            {"title": "Blue", "artist": "Ann", "album": "Colours", "genre": "Jazz", "date": "1971", "track": "3",
             "album_artist": "Ann & Co", "disc": "2"}
        )  # fmt: skip
        convert = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=48_000)
        for start in range(0, 48_000, 960):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48_000, start
            for part in convert.resample(frame):
                container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    assert read_tags(path) == Tags(
        title="Blue", artist="Ann", album="Colours", genre="Jazz", year=1971, track=3, artists=("Ann",),
        genres=("Jazz",), albumartist="Ann & Co", disc=2,
    )  # fmt: skip


def test_matroska_of_which_some_tags_are_about_the_album(tmp_path: Path) -> None:
    album = [("TITLE", "Colours"), ("ARTIST", "Ann & Co"), ("DATE_RELEASED", "1971-05-01"), ("PART_NUMBER", "2")]
    song = [("TITLE", "Blue"), ("ARTIST", "Ann"), ("ARTIST", "Bea"), ("GENRE", "Jazz"), ("PART_NUMBER", "3")]
    chapter = _matroska_tag(30, ("TITLE", "A Chapter"), about=_element("63c4", b"\7"))
    path = _matroska(tmp_path / "song.mka", chapter, _matroska_tag(50, *album), _matroska_tag(30, *song), title="File")
    expected = Tags(
        title="Blue", artist="Ann, Bea", albumartist="Ann & Co", album="Colours", genre="Jazz", year=1971, track=3,
        disc=2, artists=("Ann", "Bea"), genres=("Jazz",),
    )  # fmt: skip
    assert read_tags(path) == expected
    path = _matroska(tmp_path / "song.mka", _matroska_tag(50, *album), _matroska_tag(30, ("TITLE", "Blue")))
    assert (read_tags(path).artist, read_tags(path).albumartist) == ("Ann & Co", "Ann & Co")
    assert read_tags(_matroska(tmp_path / "song.mka", title="File")) == Tags(title="File")


def test_a_recording_of_unknown_length_has_the_title_that_stands_before_it(tmp_path: Path) -> None:
    path = _matroska(tmp_path / "song.webm", _matroska_tag(None, ("ARTIST", "Ann")), title="Blue")
    data = path.read_bytes()
    at = data.index(bytes.fromhex("1f43b675")) + 4
    assert read_tags(path) == Tags(title="Blue", artist="Ann", artists=("Ann",))
    assert read_tags(_touch(path, data[:at] + b"\1" + b"\xff" * 7 + data[at + 8 :])) == Tags(title="Blue")


# Several values


@pytest.mark.parametrize("version", [3, 4])
def test_several_values_in_id3(tmp_path: Path, version: int) -> None:
    path = _song(tmp_path / "song.mp3")
    tags = ID3()
    tags.add(TPE1(text=["Ann", "Bea"]))
    tags.add(TCON(text=["Jazz", "Funk"]))
    tags.save(path, v2_version=version, v23_sep="/")
    found = read_tags(path)
    if version == 4:
        assert (found.artists, found.genres, found.genre) == (("Ann", "Bea"), ("Jazz", "Funk"), "Jazz; Funk")
    else:  # version 3 knows one value; AC/DC is one, too
        assert (found.artists, found.genres, found.genre) == (("Ann/Bea",), ("Jazz/Funk",), "Jazz/Funk")


@pytest.mark.parametrize("suffix", ["mp3", "flac", "m4a", "wma", "wv"])
def test_artists_one_by_one_beside_their_credit(tmp_path: Path, audio_files: ModuleType, suffix: str) -> None:
    kind = {"mp3": "mp3 constant", "flac": "flac 16", "m4a": "aac", "wma": "wma", "wv": "wavpack"}[suffix]
    path = audio_files.write(tmp_path / f"song.{suffix}", kind, audio_files.sound(1))
    credit, artists = "Ann feat. Bea", ["Ann", "Bea"]
    if suffix == "mp3":
        tags = ID3()
        tags.add(TPE1(text=credit))
        tags.add(TXXX(desc="ARTISTS", text=artists))
        tags.save(path)
    else:
        file = mutagen.File(path)
        if file.tags is None:
            file.add_tags()
        file[{"m4a": "\xa9ART", "wma": "Author"}.get(suffix, "Artist")] = credit
        several = [one.encode() for one in artists] if suffix == "m4a" else artists
        file[{"m4a": "----:com.apple.iTunes:ARTISTS", "wma": "WM/ARTISTS"}.get(suffix, "Artists")] = several
        file.save()
    assert (read_tags(path).artist, read_tags(path).artists) == (credit, ("Ann", "Bea"))


def test_a_person_says_what_stands_between_genres(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite", write=True)
    tags = Tags(title="Blue", genre="Jazz/Funk; Soul", genres=("Jazz/Funk", "Soul"))
    [id] = catalog.record(Found("/a.mp3", 1, 2), [Track(b"a" * 16, Part(tags=tags), 9.0, [0.0], [False])])
    before = catalog.digest("none")
    for separators, genres in {None: tags.genres, "/,": ("Jazz", "Funk", "Soul"), "": tags.genres}.items():
        remember(catalog, print, separators=separators)
        for song in (catalog.song(id), *catalog.songs()):
            assert song is not None
            assert (song.genres, song.genre) == (genres, "; ".join(genres))
        assert (catalog.digest("none") != before) == (separators == "/,")  # what is kept of the songs is made anew


# Encodings


@pytest.mark.parametrize(("encoding", "title"), [("cp1251", "Звезда"), ("shift_jis", "夜の歌"), ("gbk", "青春")])
def test_latin_1_that_is_something_else(tmp_path: Path, encoding: str, title: str) -> None:
    path = _song(tmp_path / "song.mp3")
    tags = ID3()
    tags.add(TIT2(encoding=0, text=title.encode(encoding).decode("latin-1")))
    tags.add(TPE1(encoding=3, text="Ünë"))
    tags.save(path, v2_version=3)
    assert read_tags(path, encoding=encoding).title == title
    assert read_tags(path, encoding=encoding).artist == "Ünë"  # it says that it is Unicode
    path = _song(tmp_path / "old.mp3")
    _version_1(path, title.encode(encoding), b"Ann")
    assert read_tags(path, encoding=encoding).title == title
    assert read_tags(path, encoding=encoding).artist == "Ann"


def test_where_nothing_is_named_or_it_cannot_be_it_is_what_windows_writes(tmp_path: Path) -> None:
    path = _song(tmp_path / "song.mp3")
    tags = ID3()
    tags.add(TIT2(encoding=0, text="\x81 d\x92Oré"))
    tags.save(path, v2_version=3)
    assert read_tags(path).title == "d’Oré"  # 81 is no letter
    assert read_tags(path, encoding="shift_jis").title == "d’Oré"  # E9 is half of a letter


@pytest.mark.parametrize("name", ["nope", "utf-16", "base64", "", "cp037", "a\0b"])
def test_what_is_no_encoding_of_old_tags(name: str) -> None:
    with pytest.raises(SongspaceError, match="is no encoding of old tags"):
        known_encoding(name)


def test_another_encoding_lets_tags_be_read_again_and_files_away_keep_their_places(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite", write=True)
    file = Found("/a.mp3", 10, 20, None, 30, 40, 50)
    catalog.record(file, [Track(b"a" * 16, Part(tags=Tags(title="Blue")), 9.0, [0.0], [False])])
    catalog.record_failure(Found("/b.mp3", 1, 2), "no sound")
    catalog.set_away({"/a.mp3": "a link that leads nowhere"})
    before = catalog.files()
    remember(catalog, print, encoding="windows-1251")
    after = catalog.files()
    assert catalog.fact("tag encoding") == "cp1251"
    assert after["/b.mp3"] == before["/b.mp3"]
    assert (after["/a.mp3"].stamp[0], *after["/a.mp3"].stamp[3:]) == (10, 40, 50)
    assert after["/a.mp3"].stamp[:3] != file.stamp[:3]
    assert (after["/a.mp3"].why, after["/a.mp3"].songs) == (before["/a.mp3"].why, before["/a.mp3"].songs)
    catalog.set_back([file])
    remember(catalog, print, encoding="cp1251")  # it is that already
    remember(catalog, print)
    assert catalog.files()["/a.mp3"].stamp == file.stamp
    with pytest.raises(SongspaceError):
        remember(catalog, print, encoding="nope")
    remember(catalog, print, encoding="")
    assert catalog.fact("tag encoding") is None and catalog.files()["/a.mp3"].stamp != file.stamp


# Hostile files; see also tests/hostile

HEADS = [
    b"RIFF....WAVE",
    b"RF64....WAVEds64",
    b"FORM....AIFF",
    b"FRM8........DSD ",
    b"caff\0\1\0\0",
    b"APETAGEX",
    b"MAC ",
]
HEADS += [b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01" + b"\0" * 6 + b"\x99", b"DSD ", b"ID3\4\0\0\0\0\0\0wvpk"]
PIECES = [
    b"LIST",
    b"INFO",
    b"INAM",
    b"DIIN",
    b"info",
    b"NAME",
    b"\x12\x54\xc3\x67\x80",
    b"\x73\x73\xff",
    b"\x67\xc8\x82",
]
PIECES += [b"\x10\0\0\0", b"\0\0\0\x10", b"\xff\xff\xff\xff", b"APETAGEX\xd0\x07\0\0", b"TAG", bytes(128), b"Artist\0"]


@given(st.sampled_from(HEADS), st.lists(st.sampled_from(PIECES) | st.binary(max_size=9), max_size=40), st.booleans())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_tags_or_none(tmp_path: Path, head: bytes, pieces: list[bytes], named: bool) -> None:
    path = _touch(tmp_path / "song", head + b"".join(pieces))
    tags = read_tags(path, encoding="cp1251" if named else None)
    assert isinstance(tags, Tags)
    assert tags.title is None or 0 < len(tags.title) <= 1_000


def test_tags_that_are_too_much_cost_little(tmp_path: Path) -> None:
    text = b"x" * 60_000
    huge = struct.pack("<II", 2**30, 0) + b"Artist\0"
    wave = b"RIFF\0\0\0\0WAVE" + _info(INAM=b"Blue")
    head, title = _element("1a45dfa3"), _element("1549a966", _element("7ba9", b"Blue"))
    tags_of_30_mb = _element("1254c367", *[_simple("ARTIST", "x" * 60_000)] * 500)
    foot = b"APETAGEX" + struct.pack("<4I", 2000, len(huge) + 32, 2**31, 0) + bytes(8)
    many = {
        "texts.wav": wave + _info(IART=text) * 500,
        "lists.wav": wave + _chunk(b"LIST", b"INFO" + bytes(80_000)) * 300,
        "nothing.wav": wave + bytes(8 * 2_000_000),
        "long.ape": b"MAC " + huge + foot,
        "texts.mka": head + _element("18538067", title, tags_of_30_mb),
        "elements.mka": head + _element("18538067", title, b"\xec\x80" * 5_000_000),
    }
    for name, content in many.items():
        path = _touch(tmp_path / name, content)
        tracemalloc.start()
        tags = read_tags(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert tags.title == (None if name == "long.ape" else "Blue"), name
        assert peak < 8e6, name
