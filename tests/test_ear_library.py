"""A library that listens with a trained ear: nothing is decoded twice, and an ear that is gone costs nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet
from starlette.testclient import TestClient
from typer.testing import CliRunner

from songspace import pipeline
from songspace.answers.view import View
from songspace.cli.commands import app
from songspace.encoders import ears
from songspace.encoders.ears import Ear
from songspace.encoders.musicnn import TAGS, MusiCNN
from songspace.encoders.student import Student
from songspace.errors import SongspaceError
from songspace.library import Home, Library
from songspace.library.learnt import kept_segments, learnt
from songspace.library.listening import encode_file
from songspace.library.where import parse
from songspace.library.words import Words
from songspace.reporter import Reporter
from songspace.server.app import create_app
from songspace.space import Space

pytestmark = pytest.mark.usefixtures("heard_here")


class Listener(Reporter):
    """Remembers what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


def kept(home: Path) -> dict[str, np.ndarray]:
    """What a home keeps of each song that its ear heard, by the song's path."""
    library = Library(home)
    paths = {song.id: song.path for song in library.songs()}
    what = learnt(library.catalog, "musicnn")
    assert what is not None
    return {paths[id]: vectors for id, vectors in kept_segments(library.catalog, what.vectors)}


@pytest.fixture
def got(ear: Ear, tmp_path: Path) -> Ear:
    ears.get(ear, tmp_path / "ear.whl")
    return ear


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test that asks for a home leaves it for the others."""
    return tmp_path_factory.mktemp("once") / "home"


@pytest.fixture
def home(got: Ear, tunes: Path, tmp_path: Path, once: Path) -> Path:
    """A home that has listened to the tunes with the ear, and decoded each once; a copy, to be changed."""
    if not once.exists():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pipeline.stages, "hear_sounds", lambda files, *_, **__: iter(()) if not files else 1 / 0)
            pipeline.learn(Home(once), tunes, encoder="musicnn", windows=3, workers=2)
    shutil.copytree(once, tmp_path / "home")
    return tmp_path / "home"


def test_what_was_decoded_once_serves_both_ears(home: Path) -> None:
    library = Library(home)
    assert library.encoder == "musicnn" and len(Space.open(library.home.space)) == 18
    found = kept(home)
    assert len(found) == 18 and {vectors.shape[1] for vectors in found.values()} == {200}


def test_a_library_that_was_heard_before_gives_the_same(home: Path, tunes: Path, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    pipeline.learn(other, tunes, encoder="timbre", windows=3, workers=2)
    pipeline.learn(other, tunes, encoder="musicnn", workers=2)
    for path, vectors in kept(home).items():
        np.testing.assert_array_equal(kept(other.folder)[path], vectors, err_msg=path)


def test_what_is_new_is_decoded_once(
    home: Path, song: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song(tmp_path / "more" / "new.flac", 99, style=2, title="New")
    monkeypatch.setattr(pipeline.stages, "hear_sounds", lambda files, *_, **__: iter(()) if not files else 1 / 0)
    report = pipeline.update(Home(home), tmp_path / "more", workers=1)
    assert (report.songs, report.encoder, len(kept(home))) == (19, "musicnn", 19)


def test_a_file_outside_of_the_library_is_heard_in_the_same_way(home: Path, tmp_path: Path) -> None:
    library = Library(home)
    inside = library.songs()[0]
    copied = tmp_path / "copy.flac"
    shutil.copyfile(inside.path, copied)
    segments, _ = encode_file(library.home, library.catalog, copied)
    np.testing.assert_array_equal(segments.vectors, library.segments_of([inside.id])[inside.id].vectors)


def test_back_and_forth_nothing_is_heard_again(home: Path, tunes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: Any, **__: Any) -> Any:
        raise AssertionError("something was decoded")

    before = Space.open(Home(home).space)
    pipeline.learn(Home(home), tunes, encoder="linear", workers=2)
    assert Library(home).encoder == "linear"
    monkeypatch.setattr(pipeline.stages, "hear_sounds", lambda files, *_, **__: iter(()) if not files else decode())
    monkeypatch.setattr(pipeline.stages, "hear", lambda files, *_, **__: iter(()) if not files else decode())
    monkeypatch.setattr("songspace.library.listening.hear", lambda files, *_, **__: iter(()) if not files else decode())
    pipeline.learn(Home(home), tunes, encoder="musicnn", workers=2)
    np.testing.assert_array_equal(Space.open(Home(home).space).vectors, before.vectors)


@pytest.mark.parametrize("what", ["gone", "damaged"])
def test_while_an_ear_is_gone_the_hand_made_space_answers(
    home: Path, got: Ear, tunes: Path, tmp_path: Path, what: str
) -> None:
    weights = got.folder / "weights.safetensors"
    if what == "gone":
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes()[:-1000])
    listener = Listener()
    report = pipeline.update(Home(home), workers=1, reporter=listener)
    assert report.encoder == "timbre" and len(Space.open(Home(home).space)) == 18
    assert sum("songspace ears get musicnn" in sentence for sentence in listener.said) == 1
    with pytest.raises(SongspaceError, match="songspace ears get musicnn"):
        pipeline.learn(Home(home), tunes, encoder="musicnn", workers=1)
    ears.get(got, tmp_path / "ear.whl")
    pipeline.learn(Home(home), tunes, encoder="musicnn", workers=1)
    assert Library(home).encoder == "musicnn"


def test_a_song_that_an_ear_cannot_encode_is_told(
    got: Ear, tunes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from songspace.errors import EncodingError

    keep = MusiCNN.keep_song
    calls: list[int] = []

    def sometimes(self: MusiCNN, X: Any) -> np.ndarray:
        calls.append(1)
        if len(calls) in (1, 19):
            raise EncodingError("it makes no sense.")
        return keep(self, X)

    monkeypatch.setattr(MusiCNN, "keep_song", sometimes)
    listener = Listener()
    pipeline.learn(Home(tmp_path / "home"), tunes, encoder="musicnn", windows=2, workers=1, reporter=listener)
    assert len(Space.open(Home(tmp_path / "home").space)) == 17
    assert [sentence for sentence in listener.said if "could not be encoded: it makes no sense." in sentence]


# A student of the ear

TAUGHT: dict[str, Any] = {"encoder": "student", "steps": 3, "workers": 2}


def test_an_ear_teaches_on_a_sample_and_its_student_hears_the_rest(
    got: Ear, tunes: Path, song: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Student, "taught_on", 7)
    home, listener = Home(tmp_path / "home"), Listener()
    report = pipeline.learn(home, tunes, windows=3, reporter=listener, **TAUGHT)
    assert report.encoder == "student" and len(Space.open(home.space)) == 18
    assert " ".join(listener.said).count("Learning the student encoder from 7 of 18 songs") == 1
    library = Library(home.folder)
    # What the ear said is kept, and is what it would say of these songs.
    heard = dict(kept_segments(library.catalog, library.catalog.fact("heard:musicnn") or ""))
    assert len(heard) == 7
    pipeline.learn(home, tunes, encoder="musicnn", workers=2)
    own = kept(home.folder)
    paths = {song.id: song.path for song in library.songs()}
    for id, vectors in heard.items():
        np.testing.assert_array_equal(vectors, own[paths[id]])

    # Going back, nothing is heard and nothing is learnt; and the student needs its ear no more.
    shutil.rmtree(got.folder)
    listener = Listener()
    pipeline.learn(home, tunes, reporter=listener, **TAUGHT)
    assert "The student encoder has been learnt from these songs already." in listener.said
    song(tmp_path / "more" / "new.flac", 99, style=2, title="New")
    report = pipeline.update(home, tmp_path / "more", workers=1)
    assert (report.songs, report.encoder, len(Space.open(home.space))) == (19, "student", 19)
    what = learnt(Library(home.folder).catalog, "student")
    words = Words.open(home.words, what.fingerprint if what else "")
    assert words is not None and (len(words.songs), len(words.names)) == (19, len(TAGS))


def test_what_an_ear_has_said_is_not_asked_again_by_a_run_that_goes_on(
    got: Ear, tunes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    keep = MusiCNN.keep_song

    def once(self: MusiCNN, X: Any) -> np.ndarray:
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return keep(self, X)

    home = Home(tmp_path / "home")
    monkeypatch.setattr(MusiCNN, "keep_song", once)
    with pytest.raises(KeyboardInterrupt):
        pipeline.learn(home, tunes, windows=3, **TAUGHT)
    pipeline.update(home, workers=1)
    pipeline.learn(home, tunes, **TAUGHT)
    assert Library(home.folder).encoder == "student" and len(calls) == 18 + 1


def test_a_student_is_examined_on_songs_that_it_was_not_taught(
    got: Ear, song: Callable[..., Path], tmp_path: Path
) -> None:
    for number in range(24):
        song(tmp_path / "music" / f"{number}.flac", number, style=number % 3, artist=f"Artist {number // 2}")
    home, listener = Home(tmp_path / "home"), Listener()
    pipeline.learn(home, tmp_path / "music", windows=2, reporter=listener, **TAUGHT)
    catalog = Library(home.folder).catalog
    what = learnt(catalog, "student")
    assert what is not None and len(what.held_out) == 4
    ear = dict(kept_segments(catalog, catalog.fact("heard:musicnn") or ""))
    student = dict(kept_segments(catalog, what.vectors))
    middle = np.concatenate([ear[id] for id in ear if id not in what.held_out]).mean(axis=0)
    each = [
        (a - middle) @ (b - middle) / np.linalg.norm(a - middle) / np.linalg.norm(b - middle)
        for id in what.held_out
        for a, b in zip(ear[id], student[id], strict=True)
    ]
    expected = (
        f"Of 4 songs that it was not taught, the student says what the ear says with a cosine of {np.mean(each):.2f}"
    )
    [told] = [sentence for sentence in listener.said if sentence.startswith(expected)]
    assert told.endswith("more steps may help.") == (np.mean(each) < 0.5)


def test_a_student_without_an_ear_is_told_before_any_work(ear: Ear, tunes: Path, tmp_path: Path) -> None:
    with pytest.raises(SongspaceError, match="songspace ears get musicnn"):
        pipeline.learn(Home(tmp_path / "home"), tunes, **TAUGHT)
    assert not (tmp_path / "home" / "catalog.sqlite").exists()


# What the ear says in words


def answered(home: Path, *arguments: object) -> Any:
    result = CliRunner().invoke(app, ["--home", str(home), *map(str, arguments), "--json"], env={})
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def expected_words(home: Path) -> Words:
    """From the network in torch's own way, of which only the last layer is needed here."""
    library = Library(home)
    what = learnt(library.catalog, "musicnn")
    assert what is not None
    tensors = ears.EARS["musicnn"].open()
    heard = {
        id: (vectors @ tensors["dense_1/kernel"] + tensors["dense_1/bias"]).mean(axis=0)
        for id, vectors in kept_segments(library.catalog, what.vectors)
    }
    return Words.of(TAGS, np.array(list(heard)), np.stack(list(heard.values())))


def test_songs_are_found_by_words(home: Path) -> None:
    words = expected_words(home)
    found = answered(home, "search", "mellow female vocalists from the 80s", "-n", 18)
    assert found["unknown"] == ["from", "the"]
    ranks = dict(zip(words.songs.tolist(), words.sums(["mellow", "female vocalists", "80s"]).tolist(), strict=True))
    order = sorted(ranks.values(), reverse=True)
    assert [song["similarity"] for song in found["songs"]] == pytest.approx(order, abs=1e-5)
    for song in found["songs"]:
        assert song["similarity"] == pytest.approx(ranks[song["id"]], abs=1e-5)
    wrong = CliRunner().invoke(app, ["--home", str(home), "search", "fluffy"])
    assert wrong.exit_code == 1 and "The ear knows none of these words. It knows 00s, 60s" in str(wrong.exception)


def test_words_that_were_lost_come_back(home: Path, tunes: Path) -> None:
    before = Home(home).words.read_bytes()
    Home(home).words.unlink()
    pipeline.update(Home(home), workers=1)
    assert Home(home).words.read_bytes() == before


def test_a_filter_asks_for_words(home: Path) -> None:
    words = expected_words(home)
    jazz = {id for id in words.songs.tolist() if "jazz" in words.told(id)}
    assert 0 < len(jazz) < 18
    view = View(Library(home))
    left = parse("tags = jazz").mask(view.songs)
    assert {song.id for song, is_left in zip(view.songs, left, strict=True) if is_left} == jazz
    made = answered(
        home, "playlist", next(iter(jazz)), "--where", "tags ~ jaz", "--length", len(jazz), "--artist-gap", 0
    )
    assert {song["id"] for song in made["songs"]} == jazz


def test_a_server_filters_by_words_and_explains_with_them(home: Path) -> None:
    words = expected_words(home)
    jazz = {id for id in words.songs.tolist() if "jazz" in words.told(id)}
    with TestClient(create_app(Home(home)), base_url="http://127.0.0.1") as client:
        listed = client.get("/api/v1/songs", params={"where": "tags = jazz"}).json()
        assert {song["id"] for song in listed["songs"]} == jazz
        asked = words.songs.tolist()[0]
        similar = client.get(f"/api/v1/songs/{asked}/neighbours", params={"count": 3, "explain": True}).json()
        assert similar["similar"] == answered(home, "similar", asked, "-n", 3, "--explain")["similar"]
        refused = client.get("/api/v1/songs", params={"where": "tags = polka"})
        assert refused.status_code == 422 and "The ear knows no such word" in refused.json()["detail"]


def test_status_and_page_say_which_ear_answers(home: Path) -> None:
    assert answered(home, "status")["summary"]["listens with a trained ear"].startswith("musicnn: ")
    with TestClient(create_app(Home(home)), base_url="http://127.0.0.1") as client:
        quality = client.get("/api/v1/status/quality").json()
    assert quality["summary"]["listens with a trained ear"].startswith("musicnn: ")


@pytest.mark.parametrize("filter", ["tags ~ polka", "not tags = polka and year > 1990", "tags not in (polka, dirge)"])
def test_a_word_that_the_ear_does_not_know_is_told(home: Path, filter: str) -> None:
    asked = CliRunner().invoke(app, ["--home", str(home), "playlist", "1", "--where", filter])
    said = str(asked.exception)
    assert asked.exit_code == 1 and "The ear knows no such word as in “tags" in said
    assert all(word in said for word in ("polka", "chillout", "female vocalists"))


def test_who_has_no_ear_is_told_what_tags_are(tunes: Path, tmp_path: Path) -> None:
    pipeline.learn(Home(tmp_path / "home"), tunes, encoder="timbre", windows=2, workers=2)
    asked = CliRunner().invoke(app, ["--home", str(tmp_path / "home"), "playlist", "1", "--where", "has tags"])
    assert asked.exit_code == 1 and "words of a trained ear (`songspace ears`)" in str(asked.exception)


def test_words_stand_in_explanations_exports_and_maps(home: Path, tmp_path: Path) -> None:
    words = expected_words(home)
    for asked in words.songs.tolist():
        for song in answered(home, "similar", asked, "-n", 3, "--explain")["similar"]:
            common = [word for word in words.told(song["id"]) if word in words.told(asked)]
            assert song["why"].endswith(f"Both: {', '.join(common)}.") if common else "Both: " not in song["why"]
    exported = CliRunner().invoke(app, ["--home", str(home), "export", "-o", str(tmp_path / "a.parquet"), "--no-map"])
    assert exported.exit_code == 0
    table = parquet.read_table(tmp_path / "a.parquet")
    told = dict(zip(table["id"].to_pylist(), table["tags"].to_pylist(), strict=True))
    assert told == {id: list(words.told(id)) for id in words.songs.tolist()}
    for kind in ("png", "html"):
        drawn = ["--home", str(home), "map", "-o", str(tmp_path / f"map.{kind}"), "--color", "tags", "--method", "pca"]
        assert CliRunner().invoke(app, drawn).exit_code == 0


def test_another_space_has_no_words(home: Path, tunes: Path) -> None:
    pipeline.learn(Home(home), tunes, encoder="linear", workers=2)
    assert not Home(home).words.exists()
    wrong = CliRunner().invoke(app, ["--home", str(home), "search", "jazz"])
    assert wrong.exit_code == 1 and "songspace ears" in str(wrong.exception)


def test_that_ears_can_be_had_is_said_once_and_not_to_whom_has_one(ear: Ear, tunes: Path, tmp_path: Path) -> None:
    def heard(home: Path, encoder: str) -> int:
        listener = Listener()
        pipeline.learn(Home(home), tunes, encoder=encoder, windows=2, workers=2, reporter=listener)
        return listener.said.count(pipeline.EARS)

    assert [heard(tmp_path / "a", encoder) for encoder in ("timbre", "linear", "timbre")] == [1, 0, 0]
    ears.get(ear, tmp_path / "ear.whl")
    assert heard(tmp_path / "b", "timbre") == 0


def test_an_ear_is_named_as_it_is_called(got: Ear, tunes: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    wrong = CliRunner().invoke(app, ["--home", str(home), "learn", str(tunes), "--ear", "musician"])
    assert wrong.exit_code == 2 and "'musician' is not one of 'musicnn'" in wrong.output and not home.exists()
    asked = ["--home", str(home), "learn", str(tunes), "--ear", "musicnn", "--windows", "2"]
    right = CliRunner().invoke(app, asked)
    assert right.exit_code == 0 and Library(home).encoder == "musicnn"
    assert pipeline.EARS not in right.output
