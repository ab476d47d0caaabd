"""Clips of rendered tones at known places: the right seconds, equally loud, without clicks, all or none."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile

from songspace.errors import SongspaceError
from songspace.playlists.explain import clips
from songspace.playlists.explain.clips import RATE, Excerpt, Pair


def _song(path: Path, *, rate: int = 22_050, level: float = 0.5, channels: int = 1) -> Path:
    """Four tones of three seconds each: 300, 600, 900 and 1200 Hz."""
    time = np.arange(3 * rate) / rate
    tones = np.concatenate([np.sin(2 * np.pi * pitch * time) for pitch in (300, 600, 900, 1200)])
    soundfile.write(path, np.tile(level * tones[:, None], channels), rate)
    return path


def _pair(first: Path, second: Path, *, names: tuple[str, str] = ("Ada - One", "Bob - Two"), **seconds: object) -> Pair:
    there, here = seconds.get("there", (3.0, 6.0)), seconds.get("here", (9.0, 12.0))
    return Pair(Excerpt(str(first), names[0], there), Excerpt(str(second), names[1], here), "Because.")  # type: ignore[arg-type]


@pytest.fixture
def songs(tmp_path: Path) -> tuple[Path, Path]:
    loud = _song(tmp_path / "loud.wav", level=0.9)
    return loud, _song(tmp_path / "soft.flac", rate=48_000, level=0.01, channels=2)


def _pitch(sound: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(sound)).argmax() * RATE / len(sound))


class TestSound:
    def test_the_seconds_asked_for(self, songs: tuple[Path, Path], tmp_path: Path) -> None:
        [written] = clips.write(tmp_path / "out", [_pair(*songs)], title="Like Ada")
        assert written.files == ("01 a Ada - One.wav", "01 b Bob - Two.wav") and written.problem is None
        for name, pitch in zip(written.files, (600, 1200), strict=True):
            about = soundfile.info(tmp_path / "out" / name)
            assert (about.samplerate, about.channels, about.subtype) == (RATE, 1, "PCM_16")
            sound, _ = soundfile.read(tmp_path / "out" / name)
            assert len(sound) == 3 * RATE and _pitch(sound) == pytest.approx(pitch, abs=1)

    def test_equally_loud_below_the_ceiling_and_without_clicks(self, songs: tuple[Path, Path], tmp_path: Path) -> None:
        [written] = clips.write(tmp_path / "out", [_pair(*songs)], title="")
        levels = []
        for name in written.files:
            sound, _ = soundfile.read(tmp_path / "out" / name)
            levels.append(20 * np.log10(np.sqrt(np.mean(sound**2))))
            assert np.abs(sound).max() <= 10 ** (-1 / 20)
            assert sound[0] == 0 and sound[-1] == 0
            steepest = np.abs(np.diff(sound[RATE : 2 * RATE])).max()  # of the tone itself, in the middle
            assert np.abs(np.diff(sound)).max() <= 1.05 * steepest
        assert levels == pytest.approx([-20, -20], abs=0.01)

    def test_peaks_lower_both_clips_alike(self) -> None:
        rng = np.random.default_rng(0)
        peaky = 0.001 * rng.normal(size=RATE)
        peaky[RATE // 2] = 1.0
        one, other = clips.matched(peaky, rng.normal(size=RATE))
        rms = [float(np.sqrt(np.mean(clip**2))) for clip in (one, other)]
        assert rms[0] == pytest.approx(rms[1]) and rms[0] < 0.1
        assert max(np.abs(one).max(), np.abs(other).max()) == pytest.approx(10 ** (-1 / 20))

    @pytest.mark.parametrize("length", [1, 2, 100])
    def test_short_and_silent_clips(self, length: int) -> None:
        one, other = clips.matched(np.zeros(length, np.float32), np.ones(length, np.float32))
        assert not one.any() and np.isfinite(other).all() and len(other) == length


class TestFolder:
    def test_a_page_that_plays_what_is_there_and_nothing_else(self, songs: tuple[Path, Path], tmp_path: Path) -> None:
        names = ("A & B - <script>alert(1)</script> 100%", 'C "quoted" - Straße #1')
        written = clips.write(tmp_path / "out", [_pair(*songs, names=names), _pair(*songs)], title="<b>Title</b>")
        page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
        played = [unquote(html.unescape(source)) for source in re.findall(r'src="([^"]+)"', page)]
        assert played == [name for done in written for name in done.files]
        assert sorted([*played, "index.html"]) == sorted(os.listdir(tmp_path / "out"))
        assert "<script" not in page and "<b>Title" not in page and "http://" not in page and "https://" not in page
        assert html.escape(names[0]) in page and "0:03–0:06" in page and "0:09–0:12" in page and "Because." in page

    @pytest.mark.parametrize(
        ("name", "safe"),
        [
            ("AC/DC - Back: in \\ Black?", "AC_DC - Back_ in _ Black_"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("dots and blanks... ", "dots and blanks"),
            ("line\nbreak\ttab\0null\x1b[31m", "line_break_tab_null_[31m"),
            ("half a pair \udcff", "half a pair _"),
            ("e\u0301", "é"),
            ("", ""),
            ("...", ""),
        ],
    )
    def test_names_that_every_file_system_takes(
        self, name: str, safe: str, songs: tuple[Path, Path], tmp_path: Path
    ) -> None:
        [written] = clips.write(tmp_path / "out", [_pair(*songs, names=(name, "x"))], title=name)
        assert written.files[0] == f"01 a {safe}".rstrip(" ") + ".wav"
        assert (tmp_path / "out" / written.files[0]).is_file()

    def test_long_names_and_names_that_are_the_same(self, songs: tuple[Path, Path], tmp_path: Path) -> None:
        pairs = [_pair(*songs, names=("ж" * 300, "ж" * 300)) for _ in range(2)]
        written = clips.write(tmp_path / "out", pairs, title="")
        names = [name for done in written for name in done.files]
        assert len(set(names)) == 4 and all(len(name.encode()) <= 143 for name in names)

    def test_earlier_clips_are_replaced_and_other_files_left_alone(
        self, songs: tuple[Path, Path], tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        clips.write(out, [_pair(*songs, names=("A", f"B {n}")) for n in range(3)], title="")
        (out / "03 a mine.wav").write_bytes(b"mine")
        (out / "notes.txt").write_text("mine")
        clips.write(out, [_pair(*songs, names=("A", "C"))], title="")
        assert sorted(os.listdir(out)) == ["01 a A.wav", "01 b C.wav", "03 a mine.wav", "index.html", "notes.txt"]

    @pytest.mark.parametrize("name", ["index.html", "01 a Ada - One.wav"])
    def test_a_file_of_someone_else_is_not_overwritten(
        self, name: str, songs: tuple[Path, Path], tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / name).write_bytes(b"\xff mine")
        with pytest.raises(SongspaceError, match=f"{name} is no file of songspace's clips: choose another folder"):
            clips.write(out, [_pair(*songs)], title="")
        assert os.listdir(out) == [name] and (out / name).read_bytes() == b"\xff mine"


class TestFailures:
    def test_a_song_that_cannot_be_heard_costs_its_pair_only(self, songs: tuple[Path, Path], tmp_path: Path) -> None:
        (tmp_path / "words.mp3").write_text("no sound at all")
        pairs = [
            _pair(songs[0], tmp_path / "gone.mp3"),
            _pair(*songs),
            _pair(songs[0], tmp_path / "words.mp3"),
            _pair(*songs, here=(12.0, 15.0)),
        ]
        written = clips.write(tmp_path / "out", pairs, title="")
        assert [done.problem for done in written] == [
            "“Bob - Two” cannot be heard. There is no such file.",
            None,
            "“Bob - Two” cannot be heard. It is damaged, or it is not a sound file.",
            "“Bob - Two” cannot be heard. It is shorter than it was.",
        ]
        assert [len(done.files) for done in written] == [0, 2, 0, 0]
        page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
        assert "There is no such file." in page and page.count("<audio") == 2
        assert sorted(os.listdir(tmp_path / "out")) == ["02 a Ada - One.wav", "02 b Bob - Two.wav", "index.html"]

    def test_nothing_to_hear(self, songs: tuple[Path, Path], tmp_path: Path) -> None:
        with pytest.raises(
            SongspaceError, match=r"^There is nothing to hear: “Ada - One” cannot be heard\. There is no"
        ):
            clips.write(tmp_path / "out", [_pair(tmp_path / "gone", songs[0])], title="")
        with pytest.raises(SongspaceError, match=r"^There is nothing to hear\.$"):
            clips.write(tmp_path / "out", [], title="")
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("at", ["write_bytes", "write_text"])
    def test_a_full_disk_leaves_what_was_there(
        self, at: str, songs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "out"
        clips.write(out, [_pair(*songs)], title="before")
        before = {path.name: path.read_bytes() for path in out.iterdir()}

        def full(*arguments: object, **options: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, at, full)
        for folder in (out, tmp_path / "new"):
            with pytest.raises(SongspaceError, match=rf"cannot be written to {folder} \(No space left on device\)\."):
                clips.write(folder, [_pair(*songs)] * 2, title="after")
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before
        assert not (tmp_path / "new").exists()

    def test_a_folder_that_is_none(self, songs: tuple[Path, Path], tmp_path: Path) -> None:
        with pytest.raises(SongspaceError, match=r"The clips cannot be written to .*loud\.wav"):
            clips.write(songs[0], [_pair(*songs)], title="")
