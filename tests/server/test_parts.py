"""Songs that are parts of one file, as a CUE sheet says: played and streamed as songs, never the whole album."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from songspace import pipeline
from songspace.library import Home, Library
from songspace.server.app import create_app
from songspace.server.user import User

SHEET = """PERFORMER "Ann"
TITLE "Album"
FILE "album.flac" WAVE
  TRACK 01 AUDIO
    TITLE "Low"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "High"
    INDEX 01 00:08:00
  TRACK 03 AUDIO
    TITLE "Last"
    INDEX 01 00:12:37
"""
PITCHES = {"Low": 300.0, "High": 1000.0, "Last": 2000.0}
SECONDS = {"Low": 8.0, "High": 4 + 37 / 75, "Last": 8 - 37 / 75}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, song: Callable[..., Path]) -> Home:
    """A library with an album of three tones of different pitch in one file."""
    folder = tmp_path_factory.mktemp("parts")
    rate = 44_100
    rng = np.random.default_rng(0)
    tones = [
        0.3 * np.sin(2 * np.pi * PITCHES[title] * np.arange(round(seconds * rate)) / rate)
        for title, seconds in SECONDS.items()
    ]
    sound = np.concatenate(tones) + 0.003 * rng.normal(size=sum(map(len, tones)))
    (folder / "music").mkdir()
    soundfile.write(folder / "music" / "album.flac", sound.astype(np.float32), rate)
    (folder / "music" / "album.cue").write_text(SHEET)
    for number in range(4):
        song(folder / "music" / f"{number}.flac", number, style=number % 3, title=f"Tune {number}")
    home = Home(folder / "home")
    pipeline.learn(home, folder / "music", encoder="timbre", windows=2, workers=1)
    User("ann", "sesame").save(home.user)
    return home


@pytest.fixture(scope="module")
def client(home: Home, clients: Callable[..., TestClient], tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return clients(create_app(home.folder, page=tmp_path_factory.mktemp("no-page")))


def _is(title: str, got: Any, audio_files: ModuleType, path: Path, *, start: float = 0.0) -> None:
    """Whether an answer is the sound of a song, of its length and nothing of its neighbours."""
    assert got.status_code == 200, got.text
    path.write_bytes(got.content)
    samples, rate = audio_files.decode(path)
    assert len(samples) / rate == pytest.approx(SECONDS[title] - start, abs=0.06)
    for part in (samples[: rate // 4], samples[len(samples) // 2 :][: rate // 4], samples[-rate // 4 : -rate // 20]):
        spectrum = np.abs(np.fft.rfft(part[:, 0] * np.hanning(len(part))))
        assert np.argmax(spectrum) * rate / len(part) == pytest.approx(PITCHES[title], abs=10)


@pytest.mark.parametrize("title", PITCHES)
def test_each_is_sent_as_a_song(
    home: Home, client: TestClient, audio_files: ModuleType, tmp_path: Path, title: str
) -> None:
    [part] = [one for one in Library(home.folder).songs() if one.title == title]
    told = client.get(f"/api/v1/songs/{part.id}").json()
    assert told["part"] is True and told["duration"] == pytest.approx(SECONDS[title], abs=0.001)
    sound = f"/api/v1/songs/{part.id}/audio"
    _is(title, client.get(sound), audio_files, tmp_path / "a.mp3")
    _is(title, client.get(sound, params={"format": "webm", "start": 1}), audio_files, tmp_path / "a.webm", start=1)
    assert client.get(sound, headers={"Range": "bytes=0-9"}).status_code == 200


def test_others_are_sent_as_they_are(home: Home, client: TestClient) -> None:
    [tune] = [one for one in Library(home.folder).songs() if one.title == "Tune 1"]
    assert client.get(f"/api/v1/songs/{tune.id}").json()["part"] is False
    assert client.get(f"/api/v1/songs/{tune.id}/audio").content == Path(tune.path).read_bytes()


@pytest.mark.parametrize("asked", [{}, {"format": "raw"}, {"format": "flac"}, {"maxBitRate": "128"}])
def test_players_get_them_too(
    home: Home, client: TestClient, audio_files: ModuleType, tmp_path: Path, asked: dict[str, str]
) -> None:
    [part] = [one for one in Library(home.folder).songs() if one.title == "High"]
    who = {"u": "ann", "p": "sesame", "v": "1.16.1", "c": "test", "f": "json", "id": str(part.id)}
    _is("High", client.get("/rest/stream", params=who | asked), audio_files, tmp_path / "a.mp3")
    child = client.get("/rest/getSong", params=who).json()["subsonic-response"]["song"]
    assert (child["title"], child["duration"], child["transcodedSuffix"]) == ("High", 4, "mp3")
    # As it is sent: Strawberry takes no song without a size.
    assert child["bitRate"] == 192 and child["size"] == round(192 * 125 * part.duration)


def test_downloads_are_songs(home: Home, client: TestClient, audio_files: ModuleType, tmp_path: Path) -> None:
    [part] = [one for one in Library(home.folder).songs() if one.title == "Last"]
    got = client.get("/rest/download", params={"u": "ann", "p": "sesame", "v": "1", "c": "test", "id": str(part.id)})
    _is("Last", got, audio_files, tmp_path / "a.mp3")
    assert 'filename="Ann - Last.mp3"' in got.headers["Content-Disposition"]


def test_a_file_that_is_another_is_not_sent(home: Home, client: TestClient, song: Callable[..., Path]) -> None:
    [part] = [one for one in Library(home.folder).songs() if one.title == "Low"]
    path = Path(part.path)
    kept = path.read_bytes()
    try:
        song(path, 99, seconds=20.5)
        assert client.get(f"/api/v1/songs/{part.id}/audio").status_code == 404
    finally:
        path.write_bytes(kept)
    assert client.get(f"/api/v1/songs/{part.id}/audio").status_code == 200
