"""``songspace similar --explain --clips``: what it says, as a table, as JSON and as sound."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from songspace import Library
from songspace.cli.commands import app
from songspace.errors import AudioError
from songspace.playlists.explain import clips

Run = Callable[..., Result]


@pytest.fixture
def run(learnt_home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call `similar` in this process, on the learnt tunes."""
    monkeypatch.setenv("SONGSPACE_HOME", str(learnt_home))

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["similar", *map(str, arguments)])

    return call


def _program(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "songspace", "similar", *map(str, arguments)]
    environment = os.environ | {"SONGSPACE_HOME": str(home)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key not in ("why", "beside", "match", "clips")}


def test_explanations_are_added_to_what_is_answered(run: Run, learnt_home: Path) -> None:
    bare, told = (json.loads(run("Tune 7", "-n", 5, "--json", *more).stdout) for more in ([], ["--explain"]))
    assert [_plain(answer) for answer in told["similar"]] == bare["similar"] and told["of"] == bare["of"]
    library = Library(learnt_home)
    asked = told["of"][0]["id"]
    for answer in told["similar"]:
        assert answer["beside"] == {"id": asked, "similarity": answer["similarity"]}
        match = answer["match"]
        assert match.keys() == {"here", "there", "similarity", "kind", "stronger_than", "also"}
        assert match["kind"] in ("parts", "whole", "little") and 0 <= match["stronger_than"] <= 1
        for side, id in (("here", answer["id"]), ("there", asked)):
            segments = library.segments_of([id])[id]
            assert match[side][0] in segments.starts.round(3) and match[side][1] in segments.ends.round(3)


def test_the_closest_segments_are_told(run: Run, learnt_home: Path) -> None:
    [answer] = json.loads(run("Tune 7", "-n", 1, "--json", "--explain").stdout)["similar"]
    library = Library(learnt_home)
    from songspace import Space

    space = Space.open(library.home.space)
    asked, found = (space.place(library.segments_of([id])[id].vectors) for id in (answer["beside"]["id"], answer["id"]))
    assert answer["match"]["similarity"] == pytest.approx(float((found @ asked.T).max()), abs=1e-5)


def test_a_table_with_reasons(run: Run) -> None:
    result = run("Tune 7", "-n", 3, "--explain")
    assert result.exit_code == 0 and "why" in result.stdout.splitlines()[1]
    assert sum(result.stdout.count(word) for word in ("sounds like", "as a whole", "No part of it")) == 3


def test_several_songs_and_one_from_outside(run: Run, song: Callable[..., Path], tmp_path: Path) -> None:
    outside = song(tmp_path / "outside.wav", 123, style=2, seconds=12.0)
    answer = json.loads(run(outside, "Tune 0", "-n", 16, "--json", "--explain").stdout)
    of_outside = answer["of"][0]
    assert of_outside["id"] < 0 and of_outside["duration"] == 12
    beside = [found["beside"]["id"] for found in answer["similar"]]
    assert set(beside) == {of_outside["id"], answer["of"][1]["id"]}
    explained = next(found for found in answer["similar"] if found["beside"]["id"] < 0)
    assert explained["genre"] == "High" and explained["why"].startswith("Of the songs asked for, it is nearest to “out")
    assert 0 <= explained["match"]["there"][0] < explained["match"]["there"][1] <= 12


def test_clips_of_each_song_found(run: Run, tmp_path: Path) -> None:
    result = run("Tune 7", "-n", 3, "--json", "--clips", tmp_path / "clips")  # which explains, too
    assert result.exit_code == 0
    answer = json.loads(result.stdout)  # and nothing but JSON on standard output
    named = [name for found in answer["similar"] for name in found["clips"]]
    assert sorted([*named, "index.html"]) == sorted(os.listdir(tmp_path / "clips"))
    for number, found in enumerate(answer["similar"], 1):
        assert [name[:4] for name in found["clips"]] == [f"{number:02d} a", f"{number:02d} b"]
        assert found["title"] in found["clips"][1] and "Tune 7" in found["clips"][0]
        for name, song, part in zip(found["clips"], (answer["of"][0], found), ("there", "here"), strict=True):
            clip, rate = soundfile.read(tmp_path / "clips" / name)
            whole, native = soundfile.read(song["path"])
            start, stop = found["match"][part]
            assert len(clip) == round(stop * rate) - round(start * rate)
            # At half the rate they are samples of the song itself, but for loudness, fades and resampling.
            original = whole[round(start * native) : round(stop * native)]
            half = clip[:: rate // native][: len(original)]
            assert np.corrcoef(half, original[: len(half)])[0, 1] > 0.99


def test_a_song_that_vanished_is_said_and_the_others_are_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = json.loads(run("Tune 7", "-n", 3, "--json").stdout)["similar"]
    read = clips.read_excerpt

    def gone(path: str, start: float, stop: float, *, rate: int) -> np.ndarray:
        if path == bare[1]["path"]:
            raise AudioError("There is no such file.")
        return read(path, start, stop, rate=rate)

    monkeypatch.setattr(clips, "read_excerpt", gone)
    result = run("Tune 7", "-n", 3, "--json", "--clips", tmp_path / "clips")
    assert result.exit_code == 0 and "cannot be heard. There is no such file." in result.stderr
    assert "Wrote 2 pairs of clips" in result.stderr
    assert [len(found["clips"]) for found in json.loads(result.stdout)["similar"]] == [2, 0, 2]


@pytest.mark.slow
def test_the_program(learnt_home: Path, tunes: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    refused = _program(learnt_home, "Tune 7", "--clips", tmp_path / "taken")
    assert refused.returncode == 1 and refused.stdout == ""
    assert refused.stderr.startswith("The clips cannot be written to") and refused.stderr.count("\n") == 1
    code = (
        "import sys; from songspace.cli.commands import app; "
        "app(['similar', 'Tune 7', '--explain', '--json'], standalone_mode=False); "
        "print([name for name in ('torch', 'sklearn', 'scipy', 'matplotlib') if name in sys.modules], file=sys.stderr)"
    )
    environment = os.environ | {"SONGSPACE_HOME": str(learnt_home)}
    lazy = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert lazy.stderr.strip() == "[]" and len(json.loads(lazy.stdout)["similar"]) == 10


def test_artists_and_albums_have_similar_ones_too(run: Run, learnt_home: Path) -> None:
    songs = Library(learnt_home).songs()
    artist, album = songs[0].artist, songs[0].album
    answer = json.loads(run(artist, "-n", 3, "--json").stdout)
    assert answer == json.loads(run("--artist", artist, "-n", 3, "--json").stdout)
    distances = [each["distance"] for each in answer["similar"]]
    assert answer["artist"] == artist and distances == sorted(distances) and len(distances) == 3
    assert f"Sound most like {artist}" in " ".join(run(artist, "-n", 2).stderr.split())
    albums = json.loads(run("--album", f"{artist} - {album}", "-n", 2, "--json").stdout)
    assert (albums["album"], albums["artist"], len(albums["similar"])) == (album, artist, 2)
    assert run("--album", f"{artist} - {album}").exit_code == 0
    for wrong in (("Tune 7", "--artist", artist), ("--artist", artist, "--explain"), ()):
        assert run(*wrong).exit_code == 2
    unknown = run("--artist", f"{artist}x")
    assert unknown.exit_code == 1 and artist is not None and artist in str(unknown.exception)
