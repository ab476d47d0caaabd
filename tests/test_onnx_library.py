"""A library in the space of somebody's own model: every answer, new songs, and the model gone."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from songspace import Library, SongspaceError, Space, pipeline
from songspace.audio import read_places, read_windows
from songspace.cli.commands import app
from songspace.encoders.base import load
from songspace.encoders.onnx import ONNX
from songspace.errors import EncodingError
from songspace.evaluation.embeddings import of_library
from songspace.evaluation.worth import Check, Question
from songspace.library import Home
from songspace.library.learnt import Learnt, kept_segments, learnt
from songspace.library.listening import encode_file
from songspace.pipeline.check import check
from songspace.reporter import Reporter

pytestmark = pytest.mark.usefixtures("heard_here")

QUICK = ("--windows", 3, "--workers", 1)


def run(home: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"SONGSPACE_HOME": str(home)})


def answered(home: Path, *arguments: object) -> Any:
    result = run(home, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def home(tunes: Path, onnx_files: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has taken a model which hears as MERT does; the model is gone."""
    place = tmp_path_factory.mktemp("onnx")
    (place / "models").mkdir()
    model = onnx_files.sound_model(place / "models" / "m.onnx", onnx_files.MERT)
    learnt = run(place / "home", "learn", tunes, "--encoder", "onnx", "--model", model, *QUICK)
    assert learnt.exit_code == 0, learnt.output
    assert "the onnx space is ready" in learnt.output
    shutil.rmtree(model.parent)
    return place / "home"


def test_segments_are_encoded_where_they_lie(home: Path, onnx_files: ModuleType) -> None:
    library = Library(home)
    assert library.encoder == "onnx"
    vectors, ids, starts = library.segments()
    assert vectors.shape == (18 * 3, 2)
    for song in library.songs()[::5]:
        windows = read_windows(song.path, seconds=5.0, count=3, rate=24000)
        np.testing.assert_allclose(starts[ids == song.id], windows.starts, atol=1e-4)
        sound = read_places(song.path, starts[ids == song.id], seconds=5.0, rate=24000)
        np.testing.assert_allclose(vectors[ids == song.id], onnx_files.by_numpy(sound), rtol=1e-4)


def test_everything_answers(home: Path, tmp_path: Path) -> None:
    library = Library(home)
    high = next(song for song in library.songs() if song.genre == "High")
    similar = answered(home, "similar", high.id, "-n", 4, "--explain")["similar"]
    assert [song["genre"] for song in similar] == ["High"] * 4
    made = answered(home, "playlist", high.id, "--length", 5)
    assert len(made["songs"]) == 5
    assert run(home, "map", "-o", tmp_path / "map.png", "--method", "pca").exit_code == 0
    assert "onnx" in json.dumps(answered(home, "evaluate"))
    summary = answered(home, "status")["summary"]
    assert summary["encoder"] == "onnx"


def test_a_file_outside_of_the_library_is_heard_in_the_same_way(
    home: Path, song: Callable[..., Path], tmp_path: Path
) -> None:
    library = Library(home)
    inside = library.songs()[0]
    copied = tmp_path / "copy.flac"
    shutil.copyfile(inside.path, copied)
    segments, _ = encode_file(library.home, library.catalog, copied)
    held = library.segments_of([inside.id])[inside.id]
    np.testing.assert_array_equal(segments.vectors, held.vectors)
    np.testing.assert_array_equal(segments.starts, held.starts)
    similar = answered(home, "similar", copied, "-n", 2, "--versions")["similar"]
    assert similar[0]["id"] == inside.id and similar[0]["similarity"] > 0.999


def test_update_hears_what_is_new_and_nothing_else(
    home: Path, tunes: Path, song: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Home(tmp_path / "home")
    shutil.copytree(home, own.folder)
    song(tmp_path / "more" / "new.flac", 99, style=2, title="New")
    before = Space.open(own.space)
    heard: list[str] = []
    hear = pipeline.stages.hear_sounds

    def watched(files: Any, *args: Any, **how: Any) -> Any:
        files = list(files)
        heard.extend(Path(file.path).name for file in files)
        return hear(files, *args, **how)

    monkeypatch.setattr(pipeline.stages, "hear_sounds", watched)
    report = pipeline.update(own, tmp_path / "more", workers=1)
    assert (report.songs, report.encoder, heard) == (19, "onnx", ["new.flac"])
    after = Space.open(own.space)
    assert after.encoder == before.encoder and len(after) == 19
    assert pipeline.update(own, workers=1).tally.new == 0 and heard == ["new.flac"]


def test_the_same_model_again_is_not_taken_twice(
    home: Path, tunes: Path, onnx_files: ModuleType, tmp_path: Path
) -> None:
    own = tmp_path / "home"
    shutil.copytree(home, own)
    model = onnx_files.sound_model(tmp_path / "other.onnx", onnx_files.MERT)
    again = run(own, "learn", tunes, "--encoder", "onnx", "--model", model, *QUICK)
    assert "has this onnx encoder already" in again.output
    [folder] = (own / "encoders").glob("onnx-*")
    assert load(folder).fingerprint_ == Space.open(own / "space.safetensors").encoder
    onnx_files.write(model, onnx_files.MERT | {"seconds": 4})  # 100 pieces of 4 s are others
    refused = run(own, "learn", tunes, "--encoder", "onnx", "--model", model, *QUICK)
    assert refused.exit_code == 1 and "takes 120000 samples, but the settings make 96000" in str(refused.exception)
    changed = onnx_files.sound_model(model, onnx_files.MERT | {"seconds": 2, "patches": 2})
    assert run(own, "learn", tunes, "--encoder", "onnx", "--model", changed, *QUICK).exit_code == 0
    assert len(list((own / "encoders").glob("onnx-*"))) == 1


def test_what_musicnn_and_clap_take_becomes_a_space(tunes: Path, onnx_files: ModuleType, tmp_path: Path) -> None:
    for name, model in {
        "mel": onnx_files.mel_model(tmp_path / "mel.onnx"),
        "clap": onnx_files.sound_model(tmp_path / "clap.onnx", onnx_files.CLAP),
    }.items():
        home = tmp_path / name
        pipeline.learn(Home(home), tunes, encoder="onnx", model=model, windows=2, workers=2)
        library = Library(home)
        vectors, ids, starts = library.segments()
        one = library.songs()[3]
        begin = starts[ids == one.id]
        if name == "mel":  # three seconds in the middle of five
            sound = read_places(one.path, begin + 1, seconds=3.0, rate=16000)
            expected = onnx_files.by_librosa(sound).mean(axis=1) @ onnx_files.weights(96, 8)
        else:  # ten around them; the song has eight
            sound = np.repeat(read_places(one.path, [0.0], seconds=10.0, rate=48000), 2, axis=0)
            assert not sound[:, 8 * 48000 :].any()
            expected = onnx_files.by_numpy(sound)
        np.testing.assert_allclose(vectors[ids == one.id], expected, rtol=2e-3, atol=2e-4)


def picky(onnx_files: ModuleType, path: Path, limit: float) -> Path:
    """A model that gives no number for what is louder than ``limit``."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("ReduceMax", ["sound"], ["most"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["limit", "most"], ["left"]),
        helper.make_node("Log", ["left"], ["rest"]),
        helper.make_node("Concat", ["most", "rest"], ["embedding"], axis=1),
    ]
    inputs = {"sound": (TensorProto.FLOAT, ["n", 120_000])}
    outputs = {"embedding": (TensorProto.FLOAT, ["n", 2])}
    onnx_files.save(path, nodes, inputs, outputs, limit=np.array([limit], np.float32))
    return onnx_files.write(path, onnx_files.MERT | {"output": {"name": "embedding"}})


def test_a_song_that_a_model_cannot_encode_costs_only_itself(
    song: Callable[..., Path], onnx_files: ModuleType, tmp_path: Path
) -> None:
    for number, name in enumerate(("a", "b", "loud")):
        song(tmp_path / "songs" / f"{name}.flac", number, style=number)
    home = tmp_path / "home"
    model = picky(onnx_files, tmp_path / "m.onnx", 0.6)
    learnt = run(home, "learn", tmp_path / "songs", "--encoder", "onnx", "--model", model, *QUICK)
    assert learnt.exit_code == 0, learnt.output
    assert "loud.flac could not be encoded" in " ".join(learnt.output.split())
    library = Library(home)
    assert len(Space.open(library.home.space)) == 2 and len(library.songs()) == 3


def test_a_model_that_can_encode_no_song_takes_no_other_away(
    home: Path, tunes: Path, onnx_files: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is tried with is quieter than music."""
    own, loud = tmp_path / "home", tmp_path / "loud"
    shutil.copytree(home, own)
    before = answered(own, "similar", 1)
    loud.mkdir()
    for number in range(3):
        time = np.arange(24000 * 8) / 24000
        soundfile.write(loud / f"{number}.wav", 0.99 * np.sin(2 * np.pi * 110 * (number + 2) * time), 24000)
    model = picky(onnx_files, tmp_path / "m.onnx", 0.55)
    failed = run(tmp_path / "new", "learn", loud, "--encoder", "onnx", "--model", model, *QUICK)
    assert failed.exit_code == 1 and "gives numbers that are not finite" in str(failed.exception)
    assert Library(tmp_path / "new").encoder == "timbre" and answered(tmp_path / "new", "similar", 1)["similar"]
    with monkeypatch.context() as patch:
        patch.setattr(ONNX, "keep_song", lambda *_: (_ for _ in ()).throw(EncodingError("No.")))
        assert run(own, "learn", tunes, "--encoder", "onnx", "--model", model, *QUICK).exit_code == 1
    assert answered(own, "similar", 1) == before
    assert run(own, "update", "--workers", 1).exit_code == 0


def test_without_onnx_runtime_old_songs_answer_and_new_ones_wait(
    home: Path, song: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "home"
    shutil.copytree(home, own)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert answered(own, "similar", 1, "-n", 2)["similar"]
    assert run(own, "update", "--workers", 1).exit_code == 0
    song(tmp_path / "more" / "new.flac", 98, style=1)
    song(tmp_path / "more" / "newer.flac", 97, style=1)
    updated = run(own, "update", tmp_path / "more", "--workers", 1)
    assert updated.exit_code == 1
    assert str(updated.exception) == 'The onnx encoder needs ONNX Runtime: pip install "songspace[onnx]".'
    assert "could not be encoded" not in updated.output
    monkeypatch.undo()
    assert run(own, "update", "--workers", 1).exit_code == 0
    assert len(Space.open(own / "space.safetensors")) == 20


def test_a_model_belongs_to_onnx_and_onnx_to_a_model(tunes: Path, tmp_path: Path) -> None:
    with pytest.raises(SongspaceError, match="The pca encoder is learnt here"):
        pipeline.learn(Home(tmp_path), tunes, encoder="pca", model="m.onnx")
    with pytest.raises(SongspaceError, match="The onnx encoder needs a model: --model FILE"):
        pipeline.learn(Home(tmp_path), tunes, encoder="onnx")
    assert not (tmp_path / "catalog.sqlite").exists()


@pytest.fixture(scope="module")
def music(song: Callable[..., Path], onnx_files: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 36 songs by twelve artists, and beside it a model that hears as MusiCNN does."""
    place = tmp_path_factory.mktemp("taught")
    for number in range(36):
        artist = number // 3
        tags = {"title": f"Tune {number}", "artist": f"Artist {artist}", "genre": f"Genre {artist % 3}"}
        song(place / "music" / f"{number}.flac", number, seconds=16.0, style=artist % 3, **tags)
    onnx_files.mel_model(place / "m.onnx", features=24)
    return place / "music"


def learn(home: Path, music: Path, **how: Any) -> str:
    """Take the model; what is said."""
    said = Said()
    model = music.parent / "m.onnx"
    pipeline.learn(Home(home), music, encoder="onnx", model=model, windows=3, workers=1, reporter=said, **how)
    return " ".join(said.sentences)


class Said(Reporter):
    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)


def says(gain: float, *, others: float = 0.1, sure: bool = True) -> Callable[..., Check]:
    """A check that finds a map better than the model's own vectors by ``gain``, than the hand-made by ``others``."""

    def check(run: Any, name: str, what: Learnt) -> Check:
        gains = {"timbre": others} | ({"unmapped": gain} if what.vectors != what.fingerprint else {})
        told = {key: {"value": value, "interval": [-0.5, 0.5], "sure": sure} for key, value in gains.items()}
        scores = {"learnt": 0.5} | {key: 0.5 - value for key, value in gains.items()}
        return Check(18, 6, True, (Question("artist", 18, 0, 0.1, scores, told),))

    return check


@pytest.fixture
def mapped(music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which a map was found that is better than the model's own vectors."""
    monkeypatch.setattr(pipeline.learning, "check", says(0.1))
    learn(tmp_path / "home", music)
    return tmp_path / "home"


def opened(home: Path) -> tuple[Library, ONNX, Learnt]:
    library = Library(home)
    what = learnt(library.catalog, "onnx")
    assert what is not None
    encoder = load(library.home.encoder("onnx", what.fingerprint))
    assert isinstance(encoder, ONNX) and encoder.fingerprint_ == Space.open(library.home.space).encoder
    return library, encoder, what


def test_the_map_is_asked_about_artists_that_it_was_not_found_by(music: Path, tmp_path: Path) -> None:
    said = learn(tmp_path, music)
    # Noise teaches no map that is surely a gain: a sentence tells of that check, and figures of the one that counts.
    assert re.search(r"A map that the library teaches the onnx space adds .* on \d+ songs that did not teach it", said)
    assert said.count("the onnx space finds") == 1 and "by 6 artists, the onnx space finds" in said
    assert "as the model gives it" not in said
    opened(tmp_path)


def test_songs_are_kept_as_the_model_gives_them_and_placed_by_the_map(
    mapped: Path, music: Path, onnx_files: ModuleType, song: Callable[..., Path], tmp_path: Path
) -> None:
    library, encoder, what = opened(mapped)
    assert (what.vectors, what.teacher) == (encoder.kept_as_, "artists") and what.vectors != what.fingerprint
    assert answered(mapped, "status")["summary"]["learnt from"] == "36 songs and who made them"
    kept = dict(kept_segments(library.catalog, what.vectors))
    vectors, ids, starts = library.segments()
    one = library.songs()[4]
    sound = read_places(one.path, starts[ids == one.id] + 1, seconds=3.0, rate=16000)
    own = onnx_files.by_librosa(sound).mean(axis=1) @ onnx_files.weights(96, 24)
    np.testing.assert_allclose(kept[one.id], own, rtol=2e-3, atol=2e-4)
    np.testing.assert_array_equal(vectors[ids == one.id], encoder.placed(kept[one.id]))
    shutil.copyfile(one.path, tmp_path / "copy.flac")
    segments, _ = encode_file(library.home, library.catalog, tmp_path / "copy.flac")
    np.testing.assert_array_equal(segments.vectors, vectors[ids == one.id])
    song(tmp_path / "more" / "new.flac", 99, seconds=16.0, artist="New", title="New")
    assert pipeline.update(library.home, tmp_path / "more", workers=1).songs == 37
    after, _, since = opened(mapped)
    assert since.fingerprint == what.fingerprint
    np.testing.assert_array_equal(after.segments()[0][after.segments()[1] == one.id], vectors[ids == one.id])


def test_its_own_vectors_stand_beside_those_of_the_map(mapped: Path) -> None:
    scores = answered(mapped, "evaluate", "--labels", "genre", "--encoders", "all", "--seeds", 1)["encoders"]
    assert {"onnx", "onnx-unmapped", "timbre"} <= scores.keys()
    library, _, what = opened(mapped)
    songs, spaces = of_library(library, ["onnx", "onnx-unmapped"])
    kept = dict(kept_segments(library.catalog, what.vectors))
    own = np.stack([kept[song.id].mean(axis=0) for song in songs])
    np.testing.assert_allclose(spaces["onnx-unmapped"].vectors, Space.from_vectors(own).vectors, atol=1e-6)
    assert not np.allclose(spaces["onnx"].vectors @ spaces["onnx"].vectors.T, own @ own.T, atol=0.1)


def test_another_map_is_found_without_hearing_a_song(
    mapped: Path, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, by_artists = opened(mapped)
    monkeypatch.setattr(pipeline.stages, "hear_sounds", lambda files, *_, **__: iter(()) if not files else 1 / 0)
    learn(mapped, music)
    assert opened(mapped)[2].fingerprint == by_artists.fingerprint
    learn(mapped, music, teacher="songs")
    _, _, by_songs = opened(mapped)
    assert by_songs.teacher == "songs"
    assert by_songs.fingerprint != by_artists.fingerprint and by_songs.vectors == by_artists.vectors


@pytest.mark.parametrize(("gain", "sure"), [(0.0, False), (-0.1, True), (0.1, False)])
def test_a_map_that_is_not_surely_better_is_not_used(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gain: float, sure: bool
) -> None:
    monkeypatch.setattr(pipeline.learning, "check", says(gain, sure=sure))
    said = learn(tmp_path, music)
    assert "surely a gain: the model's own vectors are used." in said
    _, encoder, what = opened(tmp_path)
    assert encoder.discriminants_ is None and what.vectors == what.fingerprint and what.check is not None


def test_what_a_dropped_map_leaves_is_asked_of_the_same_songs(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the figures said first, of the model as it is, stay those of the space that answers."""
    found: list[Check] = []

    def spoilt(run: Any, name: str, what: Learnt) -> Check:
        asked = check(run, name, what)
        assert asked is not None
        for question in asked.questions:
            if "unmapped" in question.differences:
                question.differences["unmapped"]["value"] = -0.1
        found.append(asked)
        return asked

    monkeypatch.setattr(pipeline.learning, "check", spoilt)
    said = learn(tmp_path, music)
    mapped, own = found
    assert (own.songs, own.artists, own.whole_artists) == (mapped.songs, mapped.artists, True)
    for before, after in zip(mapped.questions, own.questions, strict=True):
        assert after.scores["learnt"] == pytest.approx(before.scores["unmapped"])
        assert after.scores["timbre"] == pytest.approx(before.scores["timbre"])
    assert "are used. On 18 songs by 6 artists, the onnx space finds" in said


def test_where_words_have_places_too_there_is_no_map(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ONNX, "has_words", True)
    learn(tmp_path, music)
    _, encoder, what = opened(tmp_path)
    assert encoder.discriminants_ is None and what.vectors == what.fingerprint


def test_taken_again_without_a_map_it_is_checked_again(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library may have grown since."""
    monkeypatch.setattr(ONNX, "has_words", True)
    found = {}
    for gain in (0.1, 0.2):
        monkeypatch.setattr(pipeline.learning, "check", says(gain, others=gain))
        learn(tmp_path, music)
        check = opened(tmp_path)[2].check
        assert check is not None
        found[gain] = check["questions"][0]["scores"]["timbre"]
    assert found[0.1] != found[0.2]
