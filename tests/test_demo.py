"""The synthetic library: what is promised of it, heard rather than read where that is possible."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile

from songspace.demo import plan, render
from songspace.demo.instruments import RATE, oscillator
from songspace.demo.mixing import echo, frequency, reverberate
from songspace.demo.notes import Composition, Harmony, Note, arpeggio, bass, chords, melody, steps, walking_bass
from songspace.demo.songs import STYLES, habits_of
from songspace.errors import SongspaceError

SECONDS = 5
SOME = 17
"""So many songs of the plan have all styles and all formats among them."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    render(folder, songs=SOME, seconds=SECONDS, workers=2)
    return folder


def digest(path: Path) -> str:
    samples, rate = soundfile.read(path, dtype="int16")
    return hashlib.sha256(f"{rate}{samples.shape}".encode() + samples.tobytes()).hexdigest()


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".txt"]
    return {str(path.relative_to(folder)): digest(path) for path in files}


class TestPlan:
    def test_is_a_library_of_some_size(self):
        songs = plan()
        assert 72 <= len(songs) <= 90
        artists = {(song.style, song.artist) for song in songs}
        assert len({song.style for song in songs}) == len(STYLES) == 8
        assert set(Counter(style for style, _ in artists).values()) == {3}
        assert len({song.artist for song in songs}) == len(artists)
        assert min(Counter(song.artist for song in songs).values()) >= 3
        assert {song.suffix for song in songs} == {".mp3", ".ogg", ".flac", ".wav"}

    @pytest.mark.parametrize("seed", range(20))
    def test_no_two_songs_share_a_path_or_an_album_a_track(self, seed):
        songs = plan(seed=seed)
        assert len({str(song.path).casefold() for song in songs}) == len(songs)
        assert len({(song.artist, song.album, song.track) for song in songs}) == len(songs)
        assert len({(song.artist, song.title) for song in songs}) == len(songs)
        years = {(song.artist, song.album): set() for song in songs}
        for song in songs:
            years[song.artist, song.album].add((song.year, song.suffix))
        assert {len(found) for found in years.values()} == {1}, "an album has one year and one format"

    def test_some_songs_have_another_version(self):
        songs = plan()
        versions = [song for song in songs if song.version]
        assert {song.version for song in versions} == {"Live", "Instrumental"}
        for version in versions:
            (original,) = (song for song in songs if song.key == version.key and not song.version)
            assert version.title == f"{original.title} ({version.version})"
            assert version.album != original.album

    def test_its_first_songs_are_of_all_styles(self):
        assert [song.style for song in plan()[:8]] == [style.name for style in STYLES]

    def test_another_seed_is_another_library(self):
        titles = [{(song.artist, song.title) for song in plan(seed=seed)} for seed in (0, 1)]
        assert len(titles[0] & titles[1]) < len(titles[0]) / 4

    def test_artists_of_a_style_share_neither_tempos_nor_instruments(self):
        for style in STYLES:
            habits = [habits_of(style, artist, album=0, seed=3) for artist in range(3)]
            assert len({h.lead for h in habits}) == len({h.comp for h in habits}) == 3
            bounds = sorted(h.tempo for h in habits)
            assert all(slow[1] <= fast[0] + 1e-9 for slow, fast in pairwise(bounds))


class TestSound:
    @pytest.fixture
    def house(self):
        return plan()[4].samples(seconds=12)

    def test_is_stereo_and_peaks_at_minus_one_decibel(self, house):
        assert house.dtype == np.float32
        assert house.shape[0] == 2
        assert np.isfinite(house).all()
        assert np.abs(house).max() == pytest.approx(10 ** (-1 / 20), rel=1e-5)
        assert np.abs(house[0] - house[1]).max() > 0.01

    def test_ends_in_silence_after_about_the_length_that_was_asked_for(self, house):
        assert house.shape[1] / RATE == pytest.approx(12, abs=2)
        assert np.abs(house[:, -200:]).max() < 0.01

    def test_the_tempo_is_in_the_sound(self, house):
        """Energy below 120 Hz, which is the kick's, comes back once a beat."""
        habits = habits_of(STYLES[4], 0, album=0, seed=0)
        low = oscillator("sine", 60, 1 / 60)  # a crude low-pass: one period of 60 Hz
        energy = np.convolve(house.mean(axis=0) ** 2, np.ones(len(low)) / len(low), mode="same")[:: RATE // 200]
        energy = np.maximum(np.diff(energy), 0)
        energy -= energy.mean()
        agreement = np.correlate(energy, energy, mode="full")[len(energy) - 1 :]
        beats = 60 * 200 / np.arange(1, len(agreement))  # beats a minute at each lag
        likely = (beats > 80) & (beats < 180)
        found = beats[likely][agreement[1:][likely].argmax()]
        assert habits.tempo[0] - 2 <= found <= habits.tempo[1] + 2

    def test_versions_are_other_recordings_of_the_same_song(self):
        songs = plan()
        live = next(song for song in songs if song.version == "Live" and song.style == "Jazz")
        original = next(song for song in songs if song.key == live.key and not song.version)
        other = next(song for song in songs if song.artist == live.artist and song.key != live.key)

        def pitches(song):
            """How much of each pitch class there is, over time stretched to 30 frames."""
            sound = song.samples(seconds=10).mean(axis=0)
            frames = np.array_split(sound, 30)
            classes = []
            for frame in frames:
                power = np.abs(np.fft.rfft(frame * np.hanning(len(frame)), 1 << 16)) ** 2
                hz = np.fft.rfftfreq(1 << 16, 1 / RATE)
                heard = (hz > 80) & (hz < 1000)
                bins = np.round(12 * np.log2(hz[heard] / 440)).astype(int) % 12
                classes.append(np.bincount(bins, np.sqrt(power[heard]), minlength=12))
            found = np.array(classes)
            return ((found - found.mean(axis=1, keepdims=True)) / found.std(axis=1, keepdims=True)).ravel()

        same = np.corrcoef(pitches(live), pitches(original))[0, 1]
        different = np.corrcoef(pitches(live), pitches(other))[0, 1]
        assert same > 0.7
        assert different < same - 0.2

    @pytest.mark.parametrize(
        "instrument",
        ["clean guitar", "electric piano", "flute", "guitar", "lead", "organ", "pulse", "reed", "square", "choir"],
    )
    @pytest.mark.parametrize("pitch", [45, 60, 76, 88])
    def test_instruments_are_in_tune(self, instrument, pitch):
        habits = habits_of(STYLES[0], 0, album=0, seed=0)
        wanted = frequency(pitch)
        sound = habits.tone(instrument)(wanted, 2.0, np.random.default_rng(0))
        sound = np.atleast_2d(sound).mean(axis=0)
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 19))
        hz = np.fft.rfftfreq(1 << 19, 1 / RATE)
        near = (hz > 0.9 * wanted) & (hz < 1.1 * wanted)
        found = hz[near][spectrum[near].argmax()]
        assert abs(1200 * np.log2(found / wanted)) < 20, "within a fifth of a semitone"
        assert spectrum[near].max() > 0.1 * spectrum.max(), "and the fundamental is there"

    @pytest.mark.parametrize("shape", ["saw", "square", "pulse", "organ"])
    def test_oscillators_do_not_alias(self, shape):
        """Beside the multiples of a frequency that divides nothing, there is nothing."""
        sound = oscillator(shape, 3 * RATE / 97, 1.0)[: 97 * 400]  # whole periods, so no window is needed
        power = np.abs(np.fft.rfft(sound)) ** 2
        harmonic = np.zeros(len(power), dtype=bool)
        harmonic[:: 3 * 400] = True
        assert power[~harmonic].sum() < 1e-4 * power.sum()

    def test_reverberation_dies_away_as_fast_as_it_says(self):
        click = np.zeros(2 * RATE, dtype=np.float32)
        click[0] = 1
        wet = reverberate(click, seconds=1.0, rng=np.random.default_rng(0))
        level = [10 * np.log10((part**2).mean()) for part in np.array_split(wet[:, RATE // 10 : RATE], 9, axis=1)]
        assert all(sooner > later for sooner, later in pairwise(level))
        assert 60 * 0.8 - 6 < level[0] - level[-1] < 60 * 0.8 + 12
        assert np.abs(wet[:, RATE + 10 :]).max() < 1e-5

    def test_echoes_alternate_sides_and_fade(self):
        click = np.zeros((2, RATE), dtype=np.float32)
        click[:, 0] = 1
        sound = echo(click, seconds=0.25, feedback=0.8)
        energy = np.square(sound).reshape(2, 4, -1).sum(axis=2)
        assert energy[0, 1] == 0
        assert energy[1, 2] == 0
        assert 0 < energy[1, 3] < energy[0, 2] < energy[1, 1] < 1


class TestScore:
    harmony = Harmony(60, "major", (0, 3, 4, 0), change=(4, 2))

    def test_chords_are_the_triads_of_the_key(self):
        classes = [{pitch % 12 for pitch in self.harmony.chord(bar, near=64)} for bar in range(5)]
        assert classes == [{0, 4, 7}, {5, 9, 0}, {7, 11, 2}, {0, 4, 7}, {2, 6, 9}]

    def test_chords_stay_in_their_octave(self):
        for bar in range(8):
            assert all(58 <= pitch < 70 for pitch in self.harmony.chord(bar, near=64, size=4))

    def test_melodies_stay_in_key_and_meet_the_chord_on_the_beat(self):
        rng = np.random.default_rng(1)
        notes = melody(rng, self.harmony, bars=range(4), rhythms=("x.xxx.x.", "xxxx.xx."), near=72, reach=5)
        assert len(notes) > 12
        for note in notes:
            assert note.pitch % 12 in {0, 2, 4, 5, 7, 9, 11}
            assert 60 <= note.pitch <= 84
            if note.beat % 1 == 0:
                chord = self.harmony.chord(int(note.beat // 4), near=60)
                assert note.pitch % 12 in {pitch % 12 for pitch in chord}

    def test_motifs_come_back(self):
        notes = melody(
            np.random.default_rng(5), Harmony(60, "major", (0,)), bars=range(8), rhythms=("x.xx", "xx.x"), near=72
        )
        bars = [[(n.beat % 4, n.pitch) for n in notes if n.beat // 4 == bar] for bar in range(8)]
        assert bars[:4] == bars[4:]
        assert len({tuple(bar) for bar in bars}) == 2

    def test_the_walking_bass_plays_the_root_on_one_and_leads_to_the_next(self):
        notes = walking_bass(np.random.default_rng(0), self.harmony, bars=range(3), near=40)
        assert [note.pitch for note in notes[::4]] == [self.harmony.root(bar, near=40) for bar in range(3)]
        assert all(1 <= abs(notes[4 * bar + 3].pitch - notes[4 * bar + 4].pitch) <= 2 for bar in range(2))

    def test_patterns_divide_the_bar(self):
        assert [note.beat for note in steps("x..x..", bars=[2], meter=3)] == [6.0, 7.5]
        assert [(note.beat, note.pitch) for note in bass("x.8.", self.harmony, bars=[0], near=36)] == [(0, 36), (2, 48)]
        assert [note.pitch for note in arpeggio((0, 3), self.harmony, bars=[0], near=64)] == [60, 72]
        assert len(chords("x.x.", self.harmony, bars=[0, 1], near=60)) == 12

    def test_swing_moves_the_second_note_of_a_pair_only(self):
        straight = Composition(120, 4, [])
        swung = Composition(120, 4, [], swing=2 / 3)
        assert [swung.seconds(beat) for beat in (0, 1, 2)] == [straight.seconds(beat) for beat in (0, 1, 2)]
        assert straight.seconds(0.5) == 0.25
        assert swung.seconds(0.5) == pytest.approx(1 / 3)
        times = [swung.seconds(beat) for beat in np.arange(0, 4, 0.1)]
        assert times == sorted(times)

    @pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
    @pytest.mark.parametrize("artist", range(3))
    def test_every_style_writes_playable_scores(self, style, artist):
        for seed in range(5):
            habits = habits_of(style, artist, album=0, seed=seed)
            score = style.compose(np.random.default_rng(seed), habits, 30.0)
            assert habits.tempo[0] <= score.tempo <= habits.tempo[1]
            assert score.seconds(score.beats) == pytest.approx(28, abs=2.5)
            assert any(part.name == "lead" for part in score.parts)
            for part in score.parts:
                assert part.notes, part.name
                for note in part.notes:
                    assert isinstance(note, Note)
                    assert 0 <= note.beat < score.beats
                    assert note.length > 0
                    assert 20 <= note.pitch <= 110
                    assert 0 < note.velocity <= 1


class TestRender:
    def test_files_lie_where_a_library_has_them(self, library):
        assert set(digests(library)) == {str(song.path) for song in plan()[:SOME]}
        assert "synthetic" in (library / "README.txt").read_text(encoding="utf-8")

    def test_tags_say_what_it_is(self, library):
        for song in plan()[:SOME]:
            file = mutagen.File(library / song.path)
            if song.suffix in (".mp3", ".wav"):
                names = ("TIT2", "TPE1", "TPE2", "TALB", "TCON", "TDRC", "TRCK")
                found = [str(file.tags[name].text[0]) for name in names]
                comment = file.tags.getall("COMM")[0].text[0]
            else:
                names = ("title", "artist", "albumartist", "album", "genre", "date", "tracknumber")
                found = [file.tags[name][0] for name in names]
                comment = file.tags["comment"][0]
            expected = [song.title, song.artist, song.artist, song.album, song.style, str(song.year), str(song.track)]
            assert found == expected
            assert comment.startswith("rendered by songspace demo")
            assert not [key for key in file.tags if "musicbrainz" in str(key).lower()]

    def test_all_formats_hold_the_song(self, library):
        seen = set()
        for song in plan()[:SOME]:
            if song.suffix in seen:
                continue
            seen.add(song.suffix)
            samples, rate = soundfile.read(library / song.path)
            expected = song.samples(seconds=SECONDS).T
            assert rate == RATE
            assert abs(len(samples) - len(expected)) < 3000
            length = min(len(samples), len(expected))
            energy = (samples[:length] ** 2).mean() / (expected[:length] ** 2).mean()
            assert energy == pytest.approx(1, abs=0.1)
        assert seen == {".mp3", ".ogg", ".flac", ".wav"}

    def test_the_same_seed_gives_the_same_samples_whatever_the_workers(self, library, tmp_path):
        render(tmp_path, songs=SOME, seconds=SECONDS, workers=1)
        assert digests(tmp_path) == digests(library)

    def test_another_seed_gives_other_samples(self, library, tmp_path):
        files = render(tmp_path, seed=1, songs=2, seconds=SECONDS, workers=1)
        assert not {digest(file) for file in files} & set(digests(library).values())

    def test_a_second_run_leaves_what_is_there(self, library):
        before = {path: path.stat().st_mtime_ns for path in library.rglob("*")}
        files = render(library, songs=SOME, seconds=SECONDS, workers=1)
        assert files == [library / song.path for song in plan()[:SOME]]
        assert {path: path.stat().st_mtime_ns for path in library.rglob("*")} == before

    def test_only_what_is_missing_is_rendered(self, tmp_path):
        one, two = render(tmp_path, songs=2, seconds=SECONDS, workers=1)
        before, kept = digest(two), one.stat().st_mtime_ns
        two.unlink()
        render(tmp_path, songs=2, seconds=SECONDS, workers=1)
        assert digest(two) == before
        assert one.stat().st_mtime_ns == kept

    @pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".flac", ".wav"])
    @pytest.mark.parametrize("content", [b"", b"something of mine", b"fLaC", b"RIFF\0\0\0\0WAVE", b"OggS", b"ID3"])
    def test_foreign_files_are_not_overwritten(self, tmp_path, suffix, content):
        place = next(song for song in plan() if song.suffix == suffix)
        path = tmp_path / place.path
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        with pytest.raises(SongspaceError, match="in the way"):
            render(tmp_path, seconds=SECONDS, workers=1)
        assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path], "nothing was begun"
        assert path.read_bytes() == content

    def test_a_song_of_another_length_is_foreign_too(self, tmp_path):
        render(tmp_path, songs=1, seconds=SECONDS, workers=1)
        with pytest.raises(SongspaceError, match="in the way"):
            render(tmp_path, songs=1, seconds=SECONDS + 1, workers=1)

    def test_other_files_stay_as_they_are(self, tmp_path):
        (tmp_path / "README.txt").write_text("mine")
        (tmp_path / "song.mp3").write_bytes(b"mine too")
        render(tmp_path, songs=1, seconds=SECONDS, workers=1)
        assert (tmp_path / "README.txt").read_text() == "mine"
        assert (tmp_path / "song.mp3").read_bytes() == b"mine too"

    def test_a_dangling_link_is_not_followed(self, tmp_path):
        (folder := tmp_path / "demo" / plan()[0].path.parent).mkdir(parents=True)
        (folder / plan()[0].path.name).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(SongspaceError, match="in the way"):
            render(tmp_path / "demo", songs=1, seconds=SECONDS, workers=1)
        assert not (tmp_path / "elsewhere").exists()

    def test_a_folder_that_is_a_file_is_refused_in_one_sentence(self, tmp_path):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(SongspaceError, match="cannot be written"):
            render(tmp_path / "file", songs=1, seconds=SECONDS, workers=1)

    def test_a_kill_leaves_no_half_file(self, tmp_path):
        code = f"from songspace.demo import render; render({str(tmp_path)!r}, songs={SOME}, seconds=20, workers=1)"
        process = subprocess.Popen([sys.executable, "-c", code])
        try:
            deadline = time.monotonic() + 60
            while len(music_in(tmp_path)) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL) if hasattr(signal, "SIGKILL") else process.kill()
            process.wait()
        songs = {song.path: song for song in plan()}
        names = music_in(tmp_path)
        assert names
        for path in names:
            samples, _ = soundfile.read(path)
            expected = songs[path.relative_to(tmp_path)].samples(seconds=20)
            assert abs(len(samples) - expected.shape[1]) < 3000

    @pytest.mark.parametrize("wrong", [{"seed": -1}, {"songs": 0}, {"seconds": 1}, {"workers": 0}])
    def test_arguments_out_of_range_are_named(self, tmp_path, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            render(tmp_path, **wrong)


def music_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in (".mp3", ".ogg", ".flac", ".wav")]
