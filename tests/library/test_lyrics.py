"""Lyrics: in all kinds of tags and in LRC files, with times and without; and what is none."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import mutagen
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.id3 import SYLT, TXXX, USLT, Encoding

from songspace.library.lyrics import LARGEST, Line, Lyrics, parse_file, parse_lyrics, read_lyrics


def _lines(lyrics: Lyrics | None) -> list[tuple[str, int | None]]:
    assert lyrics is not None
    return [(line.text, line.start) for line in lyrics.lines]


# Texts


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[00:01.00]One\n[01:02.5]Two\n[1:03]Three", [("One", 1000), ("Two", 62500), ("Three", 63000)]),
        ("[00:01:25]One\r\n[00:02.125]Two\r", [("One", 1250), ("Two", 2125)]),
        ("[00:09.00] [00:01.00]Again\n[00:05]Between", [("Again", 1000), ("Between", 5000), ("Again", 9000)]),
        ("[00:01.00]<00:01.00>One <00:01.50> on<00:01.70>ly <00:02>word", [("One only word", 1000)]),
        ("[ti:Blue]\n[ar: Ann]\n[#:note]\n[00:01]One\nno time\n[00:02]", [("One", 1000), ("", 2000)]),
        ("[100:00.00]Late", [("Late", 6_000_000)]),
        ("\n\nOne\n\nTwo\n\n", [("One", None), ("", None), ("Two", None)]),
        ("[Chorus: Bea]\nOne [00:01.00]", [("[Chorus: Bea]", None), ("One [00:01.00]", None)]),
        ("[00:0x]One", [("[00:0x]One", None)]),
        ("[٠١:٠٢.٠٠]One", [("[٠١:٠٢.٠٠]One", None)]),
    ],
)
def test_texts_and_their_times(text: str, lines: list[tuple[str, int | None]]) -> None:
    lyrics = parse_lyrics(text)
    assert _lines(lyrics) == lines and lyrics is not None
    assert lyrics.are_timed == (lines[0][1] is not None) and lyrics.offset == 0 and lyrics.language == "und"


@pytest.mark.parametrize("text", ["", "\n \n", "[ti:Blue]", "[00:01.00]", "[offset:5]\n[00:01.00] \n"])
def test_what_has_no_words(text: str) -> None:
    assert parse_lyrics(text) is None


def test_an_offset_and_a_language() -> None:
    lyrics = parse_lyrics("[offset: -250]\n[la:DE]\n[00:01]Eins")
    assert lyrics == Lyrics((Line("Eins", 1000),), "de", -250)
    for wrong in ("[offset:much]", "[la:<b>]", "[la:xxx]", "[offset:99999999]"):
        assert parse_lyrics(f"{wrong}\n[00:01]Eins") == Lyrics((Line("Eins", 1000),))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_encodings_of_files(encoding: str) -> None:
    assert _lines(parse_file("[00:01]Кино".encode(encoding), "cp1251")) == [("Кино", 1000)]
    assert parse_file("Zoë’s".encode("cp1252")) == Lyrics((Line("Zoë’s"),))


def test_limits() -> None:
    many = parse_lyrics("[00:01]" * 30_000 + "One\n" + "x" * LARGEST)
    assert many is not None and len(many.lines) <= 5_000
    assert len(_lines(parse_lyrics("x\n" * LARGEST))) <= 5_000


def test_a_row_of_blanks_takes_no_time() -> None:
    """It took the square of its length: a minute for one line of a file."""
    blanks = " " * (LARGEST - 50)
    assert parse_lyrics(f"[00:01]One{blanks}<00:02>two") == Lyrics((Line("One two", 1000),))
    assert parse_lyrics(f"[00:01]One{blanks}<00:0x>two") is not None


@given(st.text(alphabet=st.sampled_from(list("[]<>:.0123456789ab \n\r\x00\u2028é")), max_size=80))
def test_any_text(text: str) -> None:
    lyrics = parse_lyrics(text)
    if lyrics is not None:
        starts = [line.start for line in lyrics.lines]
        assert all(start is None for start in starts) or starts == sorted(starts)
        assert any(line.text for line in lyrics.lines)
        assert all(line.text.isprintable() and line.text == line.text.strip() for line in lyrics.lines)
    parse_file(text.encode("utf-16"))
    parse_file(text.encode()[:-1])


times = st.lists(st.integers(0, 5_999_999), min_size=1, max_size=20, unique=True)


@given(times, st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=20, max_size=20))
def test_what_is_written_is_read(starts: list[int], words: list[str]) -> None:
    lines = list(zip(words, starts, strict=False))
    text = "\n".join(f"[{at // 60_000:02}:{at // 1000 % 60:02}.{at % 1000:03}]{word}" for word, at in lines)
    assert _lines(parse_lyrics(text)) == sorted(lines, key=lambda line: line[1])


# Tags

WORDS = "Oh yes\n\nOh no"
PLAIN = [("Oh yes", None), ("", None), ("Oh no", None)]


@pytest.fixture
def sung(audio_files: ModuleType, tmp_path: Path) -> Path:
    path: Path = audio_files.write(tmp_path / "song.mp3", "mp3 constant")
    return path


def _read(path: Path, encoding: str | None = None) -> list[Lyrics]:
    with path.open("rb") as file:
        return read_lyrics(file, encoding)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("mp3 constant", "USLT"),
        ("aiff", "USLT"),
        ("flac 16", "LYRICS"),
        ("ogg vorbis", "UNSYNCEDLYRICS"),
        ("opus", "Lyrics"),
        ("aac", "\xa9lyr"),
        ("wma", "WM/Lyrics"),
        ("wavpack", "Lyrics"),
    ],
)
def test_lyrics_in_all_formats(audio_files: ModuleType, tmp_path: Path, kind: str, name: str) -> None:
    path = audio_files.write(tmp_path / f"song{audio_files.KINDS[kind].suffix}", kind, rate=48_000)
    assert _read(path) == []
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    for text, lines in ((WORDS, PLAIN), ("[00:01.50]Oh", [("Oh", 1500)])):
        if name == "USLT":
            file.tags.setall("USLT", [USLT(encoding=3, lang="eng", text=text)])
        else:
            file[name] = text
        file.save()
        [lyrics] = _read(path)
        assert _lines(lyrics) == lines
        assert lyrics.language == ("eng" if name == "USLT" else "und")


def test_several_in_one_tag(sung: Path) -> None:
    file = mutagen.File(sung)
    if file.tags is None:
        file.add_tags()
    file.tags.add(USLT(encoding=3, lang="deu", desc="", text="Ja"))
    file.tags.add(USLT(encoding=3, lang="XXX", desc="2", text="Ja"))
    file.tags.add(USLT(encoding=3, lang="fra", desc="", text="Oui"))
    file.tags.add(TXXX(encoding=3, desc="LYRICS", text="Si"))
    file.tags.add(SYLT(encoding=3, lang="eng", format=2, type=1, text=[("Yes", 500), ("No", 1500)]))
    file.tags.add(SYLT(encoding=3, lang="eng", format=1, type=1, desc="frames", text=[("Yes", 5)]))
    file.save()
    found = {lyrics.text: (lyrics.language, lyrics.are_timed) for lyrics in _read(sung)}
    assert found == {"Ja": ("deu", False), "Oui": ("fra", False), "Si": ("und", False), "Yes\nNo": ("eng", True)}


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([("One", 0), ("Two", 900)], [("One", 0), ("Two", 900)]),
        ([("On", 0), ("ly ", 100), ("you", 200), ("\nand", 900), (" me", 950)], [("Only you", 0), ("and me", 900)]),
        ([("On", 0), ("ly\n", 100), ("you", 900)], [("Only", 0), ("you", 900)]),
        ([("\nOne", 10), ("\nTwo", 20)], [("One", 10), ("Two", 20)]),
    ],
)
def test_timed_pieces_are_lines_or_syllables(
    sung: Path, pieces: list[tuple[str, int]], lines: list[tuple[str, int]]
) -> None:
    file = mutagen.File(sung)
    if file.tags is None:
        file.add_tags()
    file.tags.add(SYLT(encoding=3, lang="eng", format=2, type=1, text=pieces))
    file.save()
    [lyrics] = _read(sung)
    assert _lines(lyrics) == lines


def test_the_encoding_of_old_tags(sung: Path) -> None:
    file = mutagen.File(sung)
    if file.tags is None:
        file.add_tags()
    old = "Кино".encode("cp1251").decode("latin-1")
    file.tags.add(USLT(encoding=Encoding.LATIN1, lang="rus", text=old))
    file.save()
    assert [lyrics.text for lyrics in _read(sung, "cp1251")] == ["Кино"]
    assert [lyrics.text for lyrics in _read(sung)] == [old]


def test_damaged_and_large_ones(sung: Path) -> None:
    file = mutagen.File(sung)
    if file.tags is None:
        file.add_tags()
    file.tags.add(USLT(encoding=3, lang="eng", text="x" * 2 * LARGEST))
    file.tags.add(USLT(encoding=3, lang="eng", desc="2", text="Oh"))
    file.save()
    assert [lyrics.text for lyrics in _read(sung)] == ["Oh"]
    data = sung.read_bytes()
    for end in (3, 9, 30, 2 * LARGEST, 2 * LARGEST + 60):
        sung.write_bytes(data[:end])
        _read(sung)
