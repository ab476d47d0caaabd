"""Encoders that other packages offer: found by entry points, used as if they were songspace's own."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from songspace import Library, SongspaceError
from songspace.audio import read_places
from songspace.cli.commands import app
from songspace.encoders import encoder_class, encoder_names
from songspace.encoders.base import REGISTRY, load
from songspace.frontends import PowerSpectrogram

TOY = '''
"""The mean level of each band, and nothing else."""
import numpy as np
from songspace.encoders import Encoder
from songspace.frontends import PowerSpectrogram

class Toy(Encoder):
    name = "toy"
    seconds_to_fit = 0.001

    def __init__(self, frontend=None):
        self.frontend = frontend

    def fit(self, X, y=None, *, groups=None):
        X = self._start_fit(X)
        self.mean_ = sum(batch.mean(axis=2).sum(axis=0) for batch in self._batches(X)) / len(X)
        return self

    def _embed(self, batch):
        return batch.mean(axis=2) - self.mean_

    def _arrays(self):
        return {"mean": self.mean_}

    def _restore(self, arrays, facts):
        self.mean_ = arrays["mean"]

class Anonymous(Toy):
    name = "somebody"

class Wide(Toy):
    """It hears what the library does not: twice the rate, two seconds."""
    name = "wide"

    def get_frontend(self):
        return self.frontend or PowerSpectrogram(seconds=2.0, log=True)

    def fit(self, X, y=None, *, groups=None):
        assert X[0:1].dtype == np.float32
        self.groups_ = groups
        return super().fit(X)

class Taught(Wide):
    """It takes artists, too."""
    name = "taught"
    takes_artists = True

    def fit(self, X, y=None, *, groups=None, artists=None):
        assert len(artists) == len(groups) == len(X)
        return super().fit(X, groups=groups)
'''
Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a package of one module where Python finds it, with what an installer writes beside it."""
    modules = []

    def put(package: str, source: str, **offers: str) -> Path:
        module, place = package.replace("-", "_"), tmp_path / package
        modules.append(module)
        about = place / f"{module}-1.0.dist-info"
        about.mkdir(parents=True)
        (place / f"{module}.py").write_text(source, "utf-8")
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", "utf-8")
        points = "".join(f"{name} = {module}:{value}\n" for name, value in offers.items())
        (about / "entry_points.txt").write_text(f"[songspace.encoders]\n{points}", "utf-8")
        monkeypatch.syspath_prepend(place)
        return place

    yield put
    for module in modules:
        sys.modules.pop(module, None)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def answered(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_toy_is_learnt_saved_loaded_evaluated_and_answered_with(
    install: Install, tunes: Path, song: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tunes = Path(shutil.copytree(tunes, tmp_path / "tunes"))
    place = install("toy-ear", TOY, toy="Toy")
    home = tmp_path / "home"
    monkeypatch.setenv("SONGSPACE_HOME", str(home))
    assert "toy" in encoder_names()
    assert "onnx, musicnn, student, toy " in " ".join(run("learn", "--help").stdout.replace("│", "").split())
    learnt = run("learn", tunes, "--encoder", "toy", "--windows", 2, "--workers", 1)
    assert learnt.exit_code == 0, learnt.output
    assert "the toy space is ready" in learnt.output

    library = Library(home)
    [folder] = (home / "encoders").glob("toy-*")
    encoder = load(folder)
    vectors, songs, _ = library.segments()
    assert vectors.shape == (36, 64) and len(set(songs.tolist())) == 18
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-3)
    assert encoder.get_feature_names_out()[-1] == "toy63"

    low = next(song for song in library.songs() if song.genre == "Low")
    similar = answered("similar", low.id, "-n", 3)["similar"]
    assert [song["genre"] for song in similar] == ["Low"] * 3
    scored = answered("evaluate", "--encoders", "all")
    assert {"toy", "timbre", "pca", "random", "raw"} <= set(json.dumps(scored).replace('"', " ").split())
    assert answered("status")["summary"]["encoder"] == "toy"

    # Its package goes: what was encoded stays and answers, after an update, too, and what is new waits for it.
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != str(place)])
    assert "toy" not in encoder_names()
    assert answered("similar", low.id, "-n", 3)["similar"] == similar
    assert "toy" in json.dumps(answered("evaluate"))
    song(tunes / "new.flac", 99, title="The new one")
    updated = run("update", "--workers", 1)
    assert updated.exit_code == 0
    assert updated.output.count("There is no encoder called 'toy'") == 1
    assert (
        "19 songs: 1 new; the toy space is ready" in updated.output and "1 more come into its space" in updated.output
    )
    assert answered("status")["summary"]["encoder"] == "toy"
    assert answered("similar", low.id, "-n", 3)["similar"] == similar
    [finding] = [one for one in answered("doctor")["findings"] if one["what"] == "encoder"]
    assert finding["verdict"] == "warning" and "Install the package" in finding["todo"]
    assert list((home / "encoders").glob("toy-*")) == [folder]
    monkeypatch.syspath_prepend(place)
    assert "nothing has changed; the toy space is ready" in run("update", "--workers", 1).output
    assert len(Library(home).segments()[0]) == 38


def test_a_package_that_does_not_work_stands_in_nobodys_way(install: Install, learnt_home: Path) -> None:
    install("broken-ear", "raise RuntimeError('no such chip')\n", broken="Toy")
    install("toy-ear", TOY, absent="Nobody", notes="np", somebody_else="Anonymous")
    assert {"broken", "absent", "notes", "somebody_else"} <= set(encoder_names())
    for name, reason in {
        "broken": r"'broken' of the package broken-ear cannot be loaded \(RuntimeError: no such chip\)",
        "absent": "'absent' of the package toy-ear cannot be loaded .*Nobody",
        "notes": "'notes' of the package toy-ear is no songspace.encoders.Encoder",
        "somebody_else": "'somebody_else' of the package toy-ear calls itself 'somebody'",
    }.items():
        with pytest.raises(SongspaceError, match=reason):
            encoder_class(name)
    told = run("learn", learnt_home, "--encoder", "broken")
    assert told.exit_code == 1 and "no such chip" in str(told.exception)
    assert answered("evaluate", "--encoders", "pca,timbre", "--home", learnt_home)


def test_two_packages_with_one_name_are_told_apart_by_nobody(install: Install) -> None:
    install("toy-ear", TOY, toy="Toy", pca="Toy")
    install("other-ear", TOY, toy="Toy")
    assert encoder_names().count("toy") == 1
    with pytest.raises(SongspaceError, match="an encoder called 'toy': other-ear and toy-ear; uninstall all but one"):
        encoder_class("toy")
    assert encoder_class("pca").__module__ == "songspace.encoders.baselines"  # these names are taken


def test_a_name_that_is_no_folders_name_is_none(install: Install) -> None:
    install("odd-ear", TOY, **{"../toy": "Toy", "Toy": "Toy", "a b": "Toy"})
    assert encoder_names() == list(REGISTRY)


def test_one_that_hears_otherwise_than_the_library_learns_from_what_it_hears(
    install: Install, tunes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("wide-ear", TOY, wide="Wide")
    home = tmp_path / "home"
    monkeypatch.setenv("SONGSPACE_HOME", str(home))
    learnt = run("learn", tunes, "--encoder", "wide", "--windows", 2, "--workers", 2)
    assert learnt.exit_code == 0, learnt.output
    library = Library(home)
    [folder] = (home / "encoders").glob("wide-*")
    encoder = load(folder)
    vectors, ids, starts = library.segments()
    assert vectors.shape == (36, 257)
    one = library.songs()[5]
    sound = read_places(one.path, starts[ids == one.id] + 1.5, seconds=2.0, rate=44100)
    expected = encoder.transform(PowerSpectrogram(seconds=2.0, log=True)(sound))
    np.testing.assert_allclose(vectors[ids == one.id], expected, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-3)
    assert {path.name for path in home.iterdir() if path.is_file()} >= {"catalog.sqlite", "space.safetensors"}
    again = tmp_path / "again"
    assert run("learn", tunes, "--encoder", "wide", "--windows", 2, "--workers", 1, "--home", again).exit_code == 0
    assert [each.name for each in (again / "encoders").glob("wide-*")] == [folder.name]
    assert "learnt from these songs already" in run("learn", tunes, "--encoder", "wide", "--windows", 2).output


def test_one_that_hears_for_itself_and_takes_artists_is_checked_on_songs_kept_out(
    install: Install, song: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("taught-ear", TOY, taught="Taught")
    for number in range(24):
        song(tmp_path / "music" / f"{number}.flac", number, seconds=12.0, artist=f"Artist {number // 2}")
    monkeypatch.setenv("SONGSPACE_HOME", str(tmp_path / "home"))
    learnt = run("learn", tmp_path / "music", "--encoder", "taught", "--windows", 3, "--workers", 1)
    assert learnt.exit_code == 0, learnt.output
    said = " ".join(learnt.output.split())
    assert "Learning the taught encoder from 20 of 24 songs and who made them." in said
    assert "On 4 songs by 2 artists held out of training, the taught space finds" in said
