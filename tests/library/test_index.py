"""Listening: what a run over a folder keeps, skips and survives. Real workers, real files."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile

from songspace.errors import SongspaceError
from songspace.library.cache import SpectrogramCache
from songspace.library.catalog import Catalog
from songspace.library.index import Tally, index
from songspace.library.listening import DESCRIPTORS, Heard, Listening, hear
from songspace.library.scan import Found, Listing, look_through, scan
from songspace.library.workers import FileFailure
from songspace.pipeline import remember

LISTENING = Listening(windows=3)
RATE = 22050

# A frontend that behaves like a decoder gone wrong: what it does depends on how loud the sound is.
NAUGHTY = """
import os, signal, time
from dataclasses import dataclass
from songspace.frontends import LogMel

@dataclass(frozen=True)
class Naughty(LogMel):
    def __call__(self, windows):
        peak = abs(windows).max()
        if peak > 0.9:
            os.kill(os.getpid(), signal.SIGKILL)
        if peak > 0.8:
            time.sleep(60)
        if peak > 0.7:
            raise RuntimeError("nobody foresaw this")
        return super().__call__(windows)
"""


def _song(path: Path, seed: int = 0, *, peak: float = 0.5, seconds: float = 8.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = np.random.default_rng(seed).normal(size=round(seconds * RATE))
    soundfile.write(path, peak * sound / np.abs(sound).max(), RATE, subtype="FLOAT" if path.suffix == ".wav" else None)
    return path


class Shelf:
    """A catalog, its cache, and a folder of music to run over."""

    def __init__(self, folder: Path) -> None:
        self.music = folder / "music"
        self.music.mkdir()
        self.catalog = Catalog(folder / "catalog.sqlite", write=True)
        self.cap = 10**9
        self.cache_path = folder / "cache.u8"

    def run(self, listening: Listening = LISTENING, **options: object) -> Tally:
        shape = (listening.windows, *listening.frontend.shape)
        cache = SpectrogramCache(self.cache_path, self.catalog, shape=shape, cap=self.cap)
        cache.forget_lost()
        options = {"workers": 1} | options
        return index(self.catalog, cache, [str(self.music)], listening, **options)  # type: ignore[arg-type]  # options of many types

    def names(self) -> list[str]:
        return [os.path.relpath(song.path, self.music) for song in self.catalog.songs()]

    def vectors(self) -> dict[int, bytes]:
        return {song: segments.tobytes() for song, segments, _ in self.catalog.vectors(DESCRIPTORS)}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def _refuse(*args: object, **kwargs: object) -> object:
    raise AssertionError("a worker was started, although there was nothing to do")


def test_a_folder_is_heard_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    _song(shelf.music / "b.wav", 1)
    _song(shelf.music / "a.flac", 2)
    told: list[object] = []
    tally = shelf.run(
        on_begin=lambda new, again: told.append(([Path(file.path).name for file in new], again)),
        on_progress=lambda file, failure: told.append((Path(file.path).name, failure)),
    )
    assert (tally.files, tally.new, tally.failures) == (2, 2, [])
    assert shelf.names() == ["a.flac", "b.wav"]
    assert told[0] == (["a.flac", "b.wav"], []) and sorted(told[1:]) == [("a.flac", None), ("b.wav", None)]
    song = shelf.catalog.songs()[0]
    starts, silent = shelf.catalog.segments(song.id)
    np.testing.assert_allclose(starts, [0, 1.5, 3], atol=0.01)
    assert not silent.any() and song.duration == pytest.approx(8)
    [one, two] = shelf.vectors().values()
    assert one != two
    # A second run opens no file and starts no worker.
    monkeypatch.setattr("songspace.library.workers._Worker", _refuse)
    assert shelf.run().new == 0


def test_moved_copied_changed_and_gone(shelf: Shelf) -> None:
    moved, changed, gone = (_song(shelf.music / f"{name}.wav", seed) for seed, name in enumerate("mcg"))
    _song(shelf.music / "stays.wav", 9)
    shelf.run()
    before = {song.path: song.id for song in shelf.catalog.songs()}
    vectors = shelf.vectors()
    moved.rename(shelf.music / "elsewhere.wav")
    shutil.copy(shelf.music / "stays.wav", shelf.music / "copy.wav")
    _song(changed, 77)
    gone.unlink()
    tally = shelf.run()
    assert (tally.new, tally.linked, tally.gone) == (1, 2, 2)
    after = {song.path: song.id for song in shelf.catalog.songs()}
    assert shelf.names() == ["c.wav", "copy.wav", "elsewhere.wav"]
    assert after[str(shelf.music / "elsewhere.wav")] == before[str(moved)]
    assert shelf.vectors()[before[str(moved)]] == vectors[before[str(moved)]]
    assert after[str(changed)] != before[str(changed)]


def test_bad_files_are_told_and_the_rest_is_heard(shelf: Shelf) -> None:
    _song(shelf.music / "good.wav")
    (shelf.music / "empty.mp3").touch()
    (shelf.music / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(20_000))
    (shelf.music / "text.mp3").write_text("these are words, not music\n" * 100)
    (shelf.music / "picture.flac").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    (shelf.music / "folder.flac").mkdir()
    (shelf.music / "dangling.ogg").symlink_to("nowhere")
    soundfile.write(shelf.music / "silence.wav", np.zeros(8 * RATE), RATE)
    soundfile.write(shelf.music / "nan.wav", np.full(8 * RATE, np.nan), RATE, subtype="FLOAT")
    tally = shelf.run()
    assert shelf.names() == ["good.wav"]
    reasons = {os.path.relpath(path, shelf.music): reason for path, reason in tally.failures}
    assert set(reasons) == {
        "empty.mp3", "noise.mp3", "text.mp3", "picture.flac", "folder.flac", "dangling.ogg", "silence.wav", "nan.wav",
    }  # fmt: skip
    assert all(reasons.values())
    assert reasons["silence.wav"] == "nothing but silence"
    assert dict(shelf.catalog.failures()) == dict(tally.failures)


def test_a_failure_is_tried_again_only_when_the_file_changes(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = shelf.music / "bad.mp3"
    bad.write_text("no music " * 100)
    first = shelf.run()
    with monkeypatch.context() as patch:
        patch.setattr("songspace.library.workers._Worker", _refuse)
        assert shelf.run().failures == first.failures
    _song(shelf.music / "x.wav").rename(bad)
    assert shelf.run().failures == []
    assert shelf.names() == ["bad.mp3"]


def test_a_file_that_may_not_be_read_is_tried_again(shelf: Shelf) -> None:
    found = replace(next(iter(scan(_song(shelf.music / "a.wav").parent))), path=str(shelf.music / "locked.wav"))
    [(_, failure)] = hear([found], LISTENING, workers=1)
    assert (failure.reason, failure.lasting) == ("cannot be read: no such file or directory", False)  # type: ignore[union-attr]  # a FileFailure
    _song(shelf.music / "locked.wav", 3)
    shelf.catalog.record_failure(found, "cannot be read: permission denied", lasting=False)
    assert shelf.run().new == 2


@pytest.fixture
def naughty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listening:
    (tmp_path / "naughty.py").write_text(NAUGHTY)
    monkeypatch.syspath_prepend(tmp_path)
    import naughty

    return Listening(windows=2, frontend=naughty.Naughty())


def test_a_file_that_kills_or_stalls_its_worker_costs_that_file_only(shelf: Shelf, naughty: Listening) -> None:
    for number in range(6):
        _song(shelf.music / f"good{number}.wav", number)
    _song(shelf.music / "a kills.wav", peak=0.95)
    _song(shelf.music / "d stalls.wav", peak=0.85)
    _song(shelf.music / "f raises.wav", peak=0.75)
    _song(shelf.music / "h kills.wav", 3, peak=0.95)
    tally = shelf.run(naughty, workers=2, timeout=5.0)
    reasons = {os.path.relpath(path, shelf.music): reason for path, reason in tally.failures}
    assert reasons == {
        "a kills.wav": "the decoder crashed on it",
        "d stalls.wav": "decoding took longer than 5 s",
        "f raises.wav": "an unforeseen error: RuntimeError: nobody foresaw this",
        "h kills.wav": "the decoder crashed on it",
    }
    assert shelf.names() == [f"good{number}.wav" for number in range(6)]


def test_an_unmounted_disk_does_not_empty_the_library(shelf: Shelf, tmp_path: Path) -> None:
    _song(shelf.music / "a.wav")
    shelf.run()
    shelf.music.rename(tmp_path / "away")
    with pytest.raises(SongspaceError, match="is its disk mounted"):
        shelf.run()
    shelf.music.mkdir()
    with pytest.raises(SongspaceError, match="is empty, but 1 songs"):
        shelf.run()
    assert shelf.names() == ["a.wav"]


def test_a_disk_that_goes_away_half_way_takes_no_song(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = _song(shelf.music / "a.wav")
    shelf.run()
    os.utime(song, (1, 1))
    _away_after_scan(monkeypatch, shelf.music, tmp_path / "away")
    tally = shelf.run()
    assert [reason for _, reason in tally.failures] == ["cannot be read: no such file or directory"]
    assert (tally.away, tally.gone) == (1, 0) and [Path(song.path) for song in shelf.catalog.away()] == [song]
    monkeypatch.undo()
    (tmp_path / "away").rename(shelf.music)
    assert (shelf.run().back, shelf.names()) == (1, ["a.wav"])


def _away_after_scan(monkeypatch: pytest.MonkeyPatch, folder: Path, away: Path) -> None:
    def look_and_unmount(root: str) -> Listing:
        found = look_through(root)
        folder.rename(away)
        return found

    monkeypatch.setattr("songspace.library.index.look_through", look_and_unmount)


def test_the_music_folder_is_never_written(shelf: Shelf) -> None:
    _song(shelf.music / "album" / "a.wav")
    before = {path: path.stat().st_mtime_ns for path in shelf.music.rglob("*")} | {
        shelf.music: shelf.music.stat().st_mtime_ns
    }
    shelf.run()
    after = {path: path.stat().st_mtime_ns for path in shelf.music.rglob("*")} | {
        shelf.music: shelf.music.stat().st_mtime_ns
    }
    assert before == after


def test_a_lost_cache_is_filled_again_with_the_same(shelf: Shelf) -> None:
    for number in range(3):
        _song(shelf.music / f"{number}.wav", number)
    shelf.run(fill_cache=True)
    before = shelf.cache_path.read_bytes()
    vectors = shelf.vectors()
    shelf.cache_path.unlink()
    assert shelf.run(fill_cache=True).new == 0
    assert sorted(_records(before)) == sorted(_records(shelf.cache_path.read_bytes()))
    assert shelf.vectors() == vectors


def _records(content: bytes) -> list[bytes]:
    size = 3 * 64 * 251
    return [content[at : at + size] for at in range(0, len(content), size)]


def test_new_songs_are_encoded_while_they_are_heard(shelf: Shelf) -> None:
    _song(shelf.music / "a.wav")
    shelf.run(encode=lambda heard: {"mean": heard.codes.mean(axis=(1, 2), keepdims=True)[:, 0]})
    [(_, segments, _)] = shelf.catalog.vectors("mean")
    assert segments.shape == (3, 1) and (segments > 0).all()


def test_stopping_in_the_middle_keeps_what_was_finished(shelf: Shelf) -> None:
    for number in range(5):
        _song(shelf.music / f"{number}.wav", number)

    heard = []

    def stop(file: Found, failure: str | None) -> None:
        heard.append(file)
        if len(heard) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shelf.run(on_progress=stop)
    finished = set(shelf.names())
    assert len(finished) == 2
    tally = shelf.run()
    assert tally.new == 3 and len(shelf.names()) == 5


def test_tags_and_identity_come_with_the_sound(shelf: Shelf) -> None:
    path = _song(shelf.music / "a.flac")
    file = mutagen.File(path)
    file["title"] = "Blue"
    file.save()
    [found] = scan(shelf.music)
    [(_, outcome)] = hear([found], LISTENING, workers=1)
    assert not isinstance(outcome, FileFailure)
    [heard] = outcome
    assert isinstance(heard, Heard)
    assert heard.tags.title == "Blue" and len(heard.identity) == 16
    assert heard.codes.shape == (3, 64, 251) and heard.codes.dtype == np.uint8
    assert heard.descriptors.shape[0] == 3 and np.isfinite(heard.descriptors).all()


def test_another_encoding_of_tags_reads_them_again_and_decodes_nothing(shelf: Shelf) -> None:
    from mutagen.id3 import ID3, TIT2

    tags = ID3()
    tags.add(TIT2(encoding=0, text="Звезда".encode("cp1251").decode("latin-1")))
    tags.save(_song(shelf.music / "a.mp3"))
    assert (shelf.run().new, [song.title for song in shelf.catalog.songs()]) == (1, ["Çâåçäà"])
    [before] = shelf.catalog.songs()
    remember(shelf.catalog, print, encoding="cp1251")
    tally = shelf.run()
    assert (tally.new, tally.linked, tally.away) == (0, 1, 0)
    assert shelf.catalog.songs() == [replace(before, title="Звезда")]
    assert shelf.run().linked == 0
