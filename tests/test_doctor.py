"""``songspace doctor``: what is broken is found, what is whole is not blamed, and nothing is changed."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from songspace import AudioError, Library, pipeline
from songspace.cli.commands import app
from songspace.doctor import Verdict, examine
from songspace.library import Home
from songspace.library.likes import Event, EventKind, Likes
from songspace.library.listening import DESCRIPTORS
from songspace.server.user import User


@pytest.fixture
def home(learnt_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy of the learnt tunes' home, in an installation that has its page."""
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").touch()
    monkeypatch.setattr("songspace.server.documents.BUILT", tmp_path / "page")
    return Home(shutil.copytree(learnt_home, tmp_path / "home"))


def _not_ok(home: Home) -> dict[str, tuple[str, str]]:
    """(verdict, sentences) of what is not in order."""
    return {
        each.what: (str(each.verdict), f"{each.said} {each.todo}")
        for each in examine(home)
        if each.verdict is not Verdict.OK
    }


def _change(home: Home, *statements: str) -> None:
    db = sqlite3.connect(home.catalog, isolation_level=None)
    for statement in statements:
        db.execute(statement)
    db.close()


def test_all_is_well_and_nothing_is_changed(home: Home) -> None:
    # SQLite's own files beside the catalog go with the last connection, which is closed when Python finds the time.
    files = [path for path in home.folder.rglob("*") if path.is_file() and "sqlite-" not in path.name]
    before = {path: path.read_bytes() for path in files}
    assert _not_ok(home) == {}
    assert {path: path.read_bytes() for path in files} == before


def test_every_format_is_tried(home: Home) -> None:
    [decoders] = [finding for finding in examine(home) if finding.what == "decoders"]
    for name in ("WAV", "AIFF", "FLAC", "Ogg Vorbis", "MP3", "AAC", "ALAC", "Opus", "WMA", "WavPack"):
        assert name in decoders.said and "Not tried" not in decoders.said


def test_a_decoder_that_fails_or_mishears(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from songspace.audio import read_windows

    def read(path: Path, **how: Any) -> Any:
        if path.name.startswith("MP3"):
            raise AudioError("It is damaged.")
        heard = read_windows(path, **how)
        return SimpleNamespace(samples=heard.samples[:, :11_025]) if path.name.startswith("Opus") else heard

    monkeypatch.setattr("songspace.doctor.read_windows", read)
    found = _not_ok(home)
    assert list(found) == ["decoders"]
    verdict, said = found["decoders"]
    assert verdict == "failure" and "MP3 (It is damaged); Opus (it sounds other than it is)." in said


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE tracks SET title = 'forged' WHERE song = 3", "1 rows of tracks are not what was written"),
        ("DELETE FROM songs WHERE id = 3", "1 rows of tracks do not fit to others"),
    ],
)
def test_a_catalog_that_is_not_what_was_written(home: Home, statement: str, said: str) -> None:
    _change(home, statement)
    verdict, told = _not_ok(home)["catalog"]
    assert verdict == "failure" and said in told and "`songspace update` mends" in told


@pytest.mark.parametrize("length", [10, 3000, 20_000])
def test_a_catalog_cut_short(home: Home, length: int) -> None:
    os.truncate(home.catalog, length)
    found = _not_ok(home)
    assert list(found) == ["catalog"] and found["catalog"][0] == "failure"


def test_a_catalog_of_a_newer_songspace_is_not_called_damaged(home: Home) -> None:
    _change(home, "PRAGMA user_version = 99")
    [(what, (verdict, said))] = _not_ok(home).items()
    assert (what, verdict) == ("catalog", "failure")
    assert "newer songspace (catalog version 99)" in said and "mends" not in said


def test_a_space_behind_the_library(home: Home, tunes: Path, tmp_path: Path, song: Callable[..., Path]) -> None:
    space = home.space.read_bytes()
    song(tmp_path / "more" / "new.flac", 99)
    pipeline.update(home, tmp_path / "more", workers=1)
    assert _not_ok(home) == {}
    home.space.write_bytes(space)
    [(what, (verdict, said))] = _not_ok(home).items()
    assert (what, verdict) == ("space", "warning") and "lacks 1 songs of the library, and has 0 that left" in said


def test_songs_without_vectors(home: Home) -> None:
    _change(home, f"DELETE FROM vectors WHERE song = 3 AND encoder = '{DESCRIPTORS}'")
    verdict, said = _not_ok(home)["songs"]
    assert verdict == "warning" and "Of 18 songs, 1 have not been encoded. Run `songspace" in said


def test_songs_that_are_away(home: Home) -> None:
    _change(
        home, "UPDATE files SET away = 1.7e9, why = 'its folder is empty' WHERE CAST(path AS TEXT) LIKE '%Artist 00%'"
    )
    verdict, said = _not_ok(home)["music"]
    assert verdict == "warning"
    assert "Songs are away: 3 in " in said and "Artist 00 since 2023-11-1" in said and "(its folder is empty)" in said


@pytest.mark.parametrize("file", ["space", "weights"])
def test_a_flipped_bit_in_what_was_learnt(home: Home, file: str) -> None:
    path = home.space if file == "space" else next(home.encoders.glob("pca-*")) / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    [(what, (verdict, _))] = _not_ok(home).items()
    assert (what, verdict) == ({"space": "space", "weights": "encoder"}[file], "failure")


def test_a_flipped_bit_in_the_cache(home: Home) -> None:
    content = bytearray(home.cache.read_bytes())
    content[5] ^= 1
    home.cache.write_bytes(content)
    [(what, (verdict, said))] = _not_ok(home).items()
    assert (what, verdict) == ("cache", "warning") and "of 1 of 18 songs are damaged" in said


def test_music_that_is_away_and_files_that_failed(
    home: Home, tmp_path: Path, song: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    song(tmp_path / "more" / "new.flac", 99)
    (tmp_path / "more" / "bad.mp3").write_text("words")
    pipeline.update(home, tmp_path / "more", workers=1)
    (tmp_path / "more").rename(tmp_path / "away")
    found = _not_ok(home)
    assert sorted(found) == ["files", "music"]
    assert found["files"][1].startswith("1 of 20 files could not be read. `songspace status --failures`")
    assert str(tmp_path / "more") in found["music"][1]


@pytest.mark.skipif(os.name == "nt", reason="there are no such permissions")
def test_a_password_that_others_can_read(home: Home) -> None:
    User("ann", "sesame").save(home.user)
    assert _not_ok(home) == {}
    home.user.chmod(0o644)
    verdict, said = _not_ok(home)["user"]
    assert verdict == "failure" and "chmod 600" in said and "sesame" not in said


def test_likes_that_are_damaged(home: Home) -> None:
    Likes(home.likes).add([Event.of(EventKind.star, Library(home.folder).songs()[0], 1.0)])
    assert _not_ok(home) == {}
    home.likes.write_bytes(b"not a database" * 100)
    verdict, said = _not_ok(home)["likes"]
    assert verdict == "failure" and "likes.sqlite" in said


def test_a_disk_that_is_nearly_full(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    verdict, said = _not_ok(home)["disk"]
    assert verdict == "warning" and "Make room" in said


def test_a_page_that_was_not_built(home: Home, tmp_path: Path) -> None:
    (tmp_path / "page" / "index.html").unlink()
    assert _not_ok(home)["page"][0] == "warning"


def test_without_a_library_there_is_nothing_broken(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "--home", str(tmp_path / "nowhere")])
    assert done.exit_code == 0 and "There is no library in" in done.stdout
    assert not (tmp_path / "nowhere").exists()


def test_the_command_ends_with_1_if_something_is_broken(home: Home) -> None:
    whole = CliRunner().invoke(app, ["doctor", "--json", "--home", str(home.folder)])
    assert whole.exit_code == 0
    told = json.loads(whole.stdout)["findings"]
    assert {finding["verdict"] for finding in told} == {"ok"} and all(finding["said"] for finding in told)
    home.space.unlink()
    broken = CliRunner().invoke(app, ["doctor", "--home", str(home.folder)])
    assert broken.exit_code == 1
    [line] = [line for line in broken.stdout.splitlines() if line.split()[:1] == ["failure"]]
    assert line.split()[1] == "space" and "songspace update" in " ".join(broken.stdout.split())  # folded to the width
