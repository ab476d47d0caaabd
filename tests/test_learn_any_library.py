"""Whatever library is learnt, the answer is honest: how much better the learnt space is, or which one stays in use."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from typer.testing import CliRunner

from songspace import Library, Space, pipeline
from songspace.answers.state import state
from songspace.answers.view import View
from songspace.cli.commands import app
from songspace.encoders import load, registry
from songspace.encoders.contrastive import Contrastive
from songspace.errors import SongspaceError
from songspace.evaluation import embeddings, retrieval
from songspace.evaluation.worth import Check, Question
from songspace.library import Catalog, Home
from songspace.library.cache import SpectrogramCache
from songspace.library.learnt import learnt, set_learnt
from songspace.pipeline.check import held_out, units
from songspace.reporter import Reporter

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("heard_here")]

QUICK: dict[str, Any] = {"encoder": "contrastive", "steps": 6, "windows": 3, "workers": 1}
LONG = 12.0
"""Seconds of a song in which the first and the last of three segments share no sound."""


class Told(Reporter):
    """Remembers what a run said."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.stages: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        self.stages.append(stage)


def learn(home: Home, folder: Path, **options: Any) -> tuple[str, list[str]]:
    """The encoder in use afterwards, and what was said of it."""
    told = Told()
    report = pipeline.learn(home, folder, reporter=told, **(QUICK | options))
    assert report.encoder == Library(home.folder).encoder
    return report.encoder, [sentence for sentence in told.sentences if sentence != pipeline.EARS]


def nearest(home: Home) -> dict[str, str]:
    """The name of each song's nearest song."""
    space, library = Space.open(home.space), Library(home.folder)
    names = {song.id: Path(song.path).name for song in library.songs()}
    assert np.isfinite(space.vectors).all()
    assert sorted(names) == sorted(space.ids.tolist())
    rows, _ = zip(*(space.neighbors(row, 1) for row in range(len(space.ids))), strict=True)
    return {names[int(id)]: names[int(space.ids[near])] for id, (near,) in zip(space.ids, rows, strict=True)}


def babble(path: Path, seed: int) -> Path:
    """Somebody speaks, roughly: bursts of hissing and of buzzing formants, with pauses."""
    rate, rng = 22050, np.random.default_rng([7, seed])
    syllables = []
    for _ in range(round(LONG * 4)):
        time = np.arange(rate // 4) / rate
        formants = sum(np.sin(2 * np.pi * rng.uniform(300, 3000) * time) for _ in range(3)) * (np.sin(700 * time) > 0)
        hiss = rng.normal(size=len(time))
        burst = np.hanning(len(time)) * (formants if rng.random() < 0.6 else hiss)
        syllables.append(burst * (rng.random() < 0.8))
    soundfile.write(path, 0.1 * np.concatenate(syllables).astype(np.float32), rate)
    return path


# ── a library of fifty songs ──────────────────────────────────────────────────────────────────────


class Learnt:
    """A library of fifty songs that has been learnt once, what was said, and what the encoder was given."""

    def __init__(self, folder: Path, home: Home) -> None:
        self.folder, self.home = folder, home
        self.X, self.groups, self.artists = np.empty(0), np.empty(0), [""]
        original = Contrastive.fit

        def spy(encoder: Contrastive, X: Any, y: None = None, *, groups: Any, artists: Any, **options: Any) -> Any:
            self.X, self.groups, self.artists = X[np.arange(len(X))], groups, artists
            return original(encoder, X, y, groups=groups, artists=artists, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Contrastive, "fit", spy)
            self.encoder, self.sentences = learn(home, folder)


@pytest.fixture(scope="module")
def fifty(song: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    folder = tmp_path_factory.mktemp("fifty")
    for number in range(50):
        artist = f"artist {number % 3} {number // 6}"  # of two songs in one style
        song(folder / f"{number:02d}.flac", number, style=number % 3, seconds=LONG, artist=artist)
    return Learnt(folder, Home(tmp_path_factory.mktemp("home of fifty")))


@pytest.fixture
def copied(fifty: Learnt, tmp_path: Path) -> Home:
    """The home of the fifty songs, to be changed."""
    shutil.copytree(fifty.home.folder, tmp_path / "home")
    return Home(tmp_path / "home")


def checked(difference: float, interval: list[float] | None, *, sure: bool = False) -> Check:
    """A check in which the learnt space differs from all others by so much."""
    differs = {"value": difference, "interval": interval, "p_holm": None, "sure": sure}
    scores = {"learnt": 0.5 + difference, "untrained": 0.5, "timbre": 0.5}
    question = Question("song", 10, 0, 0.1, scores, {"untrained": differs, "timbre": differs})
    return Check(10, 5, True, (question,))


def forget_check(home: Home) -> None:
    """Make the library ask again."""
    with Catalog(home.catalog, write=True) as catalog:
        set_learnt(catalog, "contrastive", replace(learnt(catalog, "contrastive"), check=None))


def held(home: Home, name: str = "contrastive") -> set[int]:
    what = learnt(Library(home.folder).catalog, name)
    assert what is not None
    return set(what.held_out)


def figures(home: Home, encoder: str) -> tuple[float, float]:
    """The mean average precision, and chance, of an encoder on the songs held out: worked out anew."""
    vectors, songs, starts = Library(home.folder).segments(encoder)
    rows = np.isin(songs, list(held(home)))
    centred = vectors[rows] - vectors[rows].mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    found = retrieval.same_song(unit, songs[rows], starts=starts[rows])["average_precision"]
    return found["value"], found["chance"]


def test_few_songs_are_said_to_be_few(fifty: Learnt):
    begins = "Learning the contrastive encoder from 40 of 50 songs, and who made them, in 6 steps, a minute or so"
    assert fifty.sentences[0].startswith(begins)
    assert "They are few to learn from" in fifty.sentences[0]


def test_songs_held_out_are_not_learnt_from(fifty: Learnt):
    library = Library(fifty.home.folder)
    cache = SpectrogramCache(fifty.home.cache, library.catalog, shape=(3, 64, 251))
    without = held(fifty.home)
    songs = library.catalog.songs(cache.songs())
    assert set(held_out(songs, units(songs))) == without and len(without) == 10
    assert {s.artist for s in songs if s.id in without}.isdisjoint(s.artist for s in songs if s.id not in without)
    seen = {row.tobytes() for row in fifty.X}
    assert len(fifty.X) == len(fifty.groups) == len(seen) == 40 * 3 and len(np.unique(fifty.groups)) == 40
    for song in cache.songs():
        learnt_from = [row.tobytes() in seen for row in cache.get(song)]
        assert learnt_from == [song not in without] * 3


def test_what_is_said_of_the_songs_held_out_is_what_retrieval_finds(fifty: Learnt):
    [place] = [place for place, sentence in enumerate(fifty.sentences) if "held out" in sentence]
    head, parts, others, worth, *_ = fifty.sentences[place:]
    assert head.startswith("On 10 songs by 5 artists held out of training, the contrastive space finds")
    learnt_one, chance = figures(fifty.home, "contrastive")
    by_hand, _ = figures(fifty.home, "timbre")
    assert chance < min(learnt_one, by_hand)
    assert re.fullmatch(
        rf"  other parts of the song: mean average precision {learnt_one:.2f}; with its network untrained \S+, "
        rf"without a network \S+, hand-made {by_hand:.2f} \(chance {chance:.2f}\)\.",
        parts,
    )
    assert others.startswith("  its artist's other songs: mean average precision ")
    why = "(the artists are too few to judge by)"
    assert worth.startswith(f"What learning adds in finding other parts of the song {why}: ")
    remembered = Check.of(learnt(Library(fifty.home.folder).catalog, "contrastive").check)
    song = remembered.questions[0]
    assert song.differences["timbre"]["value"] == pytest.approx(learnt_one - by_hand)
    assert remembered.better == (learnt_one > by_hand)


def test_controls_are_what_they_are_called(fifty: Learnt):
    """Fitted here to what the encoder learnt from, and asked of the songs held out, they answer as the check says."""
    library = Library(fifty.home.folder)
    cache = SpectrogramCache(fifty.home.cache, library.catalog, shape=(3, 64, 251))
    encoder = load(fifty.home.encoder("contrastive", learnt(library.catalog, "contrastive").fingerprint))
    remembered = Check.of(learnt(library.catalog, "contrastive").check)
    songs = sorted(held(fifty.home))
    for name, control in encoder.controls().items():
        control.fit(fifty.X, groups=fifty.groups, artists=fifty.artists)
        vectors = np.concatenate([control.transform(cache.get(song)) for song in songs])
        unit = vectors - vectors.mean(axis=0)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        starts = np.concatenate([library.catalog.segments(song)[0] for song in songs])
        found = retrieval.same_song(unit, np.repeat(songs, 3), starts=starts)["average_precision"]["value"]
        assert remembered.questions[0].scores[name] == pytest.approx(found, abs=1e-4)


def test_learning_again_says_it_again(fifty: Learnt, copied: Home):
    encoder, sentences = learn(copied, fifty.folder)
    assert encoder == fifty.encoder
    assert sentences == ["The contrastive encoder has been learnt from these songs already.", *fifty.sentences[2:]]


def test_controls_that_nobody_asked_for_stand_in_nobodys_way(fifty: Learnt, copied: Home):
    """They are fitted to the cache: without them the scores that need none are still told."""
    _, with_controls = embeddings.of_library(Library(copied.folder))
    damaged = bytearray(copied.cache.read_bytes())
    damaged[1000] ^= 1
    copied.cache.write_bytes(damaged)
    _, without = embeddings.of_library(Library(copied.folder))
    assert [name for name in with_controls if name in without] == list(without)
    controls = {"contrastive-untrained", "contrastive-no-network"} if fifty.encoder == "contrastive" else set()
    assert set(with_controls) - set(without) == controls
    with pytest.raises(SongspaceError, match="is damaged: run `songspace learn FOLDER` to mend it"):
        embeddings.of_library(Library(copied.folder), ["contrastive-no-network"])


def test_a_check_in_the_form_of_an_older_version_is_made_anew(fifty: Learnt, copied: Home):
    older = {"songs": 10, "learnt": 0.9, "by_hand": 0.7, "chance": 0.1, "interval": [0.1, 0.3]}
    with Catalog(copied.catalog, write=True) as catalog:
        made = learnt(catalog, "contrastive").check
        set_learnt(catalog, "contrastive", replace(learnt(catalog, "contrastive"), check=older))
    assert not any("held out" in what for what in state(View(Library(copied.folder))).summary)
    _, sentences = learn(copied, fifty.folder)
    assert sentences[1:] == fifty.sentences[2:]
    assert learnt(Library(copied.folder).catalog, "contrastive").check == made
    assert any("held out" in what for what in state(View(Library(copied.folder))).summary)


def test_a_learnt_space_that_is_no_better_gives_way_to_the_hand_made_one(
    fifty: Learnt, copied: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(registry, "ENOUGH", 50)
    monkeypatch.setattr(pipeline.learning, "check", lambda *_: checked(-0.3, [-0.4, -0.2], sure=True))
    encoder, sentences = learn(copied, fifty.folder, encoder=None, seed=1)
    assert encoder == "timbre"
    assert "Learning the contrastive encoder" in sentences[0]
    told = "The {} space is no better than the hand-made one at finding other parts of the song: the {} one is used."
    assert told.format("contrastive", "linear") in sentences
    assert sentences[-1] == told.format("linear", "hand-made")

    # What answers is the hand-made space.
    space, library = Space.open(copied.space), Library(copied.folder)
    assert space.encoder == learnt(library.catalog, "timbre").fingerprint
    vectors, songs, _ = library.segments("timbre")
    means = np.stack([vectors[songs == song.id].mean(axis=0) for song in library.songs()])
    wanted = Space.from_vectors(means, np.array([song.id for song in library.songs()]))
    asked = library.songs()[3]
    result = CliRunner().invoke(app, ["similar", asked.path, "--home", str(copied.folder), "--json", "-n", "5"])
    assert result.exit_code == 0, result.output
    rows, _ = wanted.neighbors(3, 5)
    assert [found["id"] for found in json.loads(result.stdout)["similar"]] == wanted.ids[rows].tolist()

    # And it is said again, without learning again.
    again, more = learn(copied, fifty.folder, encoder=None, seed=1)
    assert again == "timbre"
    assert more[0] == "The contrastive encoder has been learnt from these songs already."
    assert told.format("contrastive", "linear") in more and more[-1] == sentences[-1]
    assert not any(sentence.startswith("Learning the ") for sentence in more)


def test_a_network_that_does_harm_gives_way_to_the_same_without_it(
    fifty: Learnt, copied: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(registry, "ENOUGH", 50)
    noise = np.random.default_rng(0)
    original = Contrastive._describe

    def drowned(self: Contrastive, batch: np.ndarray, described: np.ndarray | None = None) -> list[np.ndarray]:
        blocks = original(self, batch, described)
        return [noise.normal(size=block.shape) for block in blocks] if self.is_trained else blocks

    monkeypatch.setattr(Contrastive, "_describe", drowned)
    encoder, sentences = learn(copied, fifty.folder, encoder=None, seed=1)
    bad, chance = figures(copied, "contrastive")
    assert abs(bad - chance) < 0.15
    assert "The network adds nothing in finding other parts of the song: the linear space is used." in sentences
    assert "Learning the linear encoder from 50 songs and who made them." in sentences  # and it is judged, too
    assert encoder == "linear" or sentences[-1].endswith(": the hand-made one is used.")
    assert Space.open(copied.space).encoder == learnt(Library(copied.folder).catalog, encoder).fingerprint


def test_without_a_wish_the_network_follows_the_linear_space_in_a_library_that_can_teach_it(
    fifty: Learnt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(registry, "ENOUGH", 51)
    encoder, sentences = learn(Home(tmp_path / "small"), fifty.folder, encoder=None)
    assert encoder == "linear" and not any("contrastive" in sentence for sentence in sentences)

    monkeypatch.setattr(registry, "ENOUGH", 50)
    answering: list[str] = []
    original = Contrastive.fit

    def spy(self: Contrastive, *args: Any, **options: Any) -> Any:
        if self.is_trained:
            answering.append(Library(tmp_path / "home").encoder)
        return original(self, *args, **options)

    monkeypatch.setattr(Contrastive, "fit", spy)
    encoder, sentences = learn(Home(tmp_path / "home"), fifty.folder, encoder=None)
    assert answering == ["linear"]
    assert encoder in ("contrastive", "linear") and learnt(Library(tmp_path / "home").catalog, "contrastive")
    assert next(sentence for sentence in sentences if sentence.startswith("Learning the ")).endswith("who made them.")

    # A run with nothing to do does nothing.
    again, more = learn(Home(tmp_path / "home"), fifty.folder, encoder=None)
    assert again == encoder and more[0] == "The contrastive encoder has been learnt from these songs already."
    assert not any(sentence.startswith("Learning the ") for sentence in more)


def test_songs_that_are_away_are_learnt_from_as_if_they_were_here(
    fifty: Learnt, copied: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Their spectrograms lie in the cache, and they come back."""
    monkeypatch.setattr(registry, "ENOUGH", 50)
    music = tmp_path / "music"
    shutil.copytree(fifty.folder, music)
    home = Home(tmp_path / "other")
    learn(home, music, encoder="linear")
    for number in range(20):
        (music / f"{number:02d}.flac").rename(tmp_path / f"{number:02d}.flac")
    encoder, sentences = learn(home, music, encoder=None, seed=2)
    assert encoder in ("contrastive", "linear", "timbre")
    assert any(sentence.startswith("Learning the contrastive encoder from 40 of 50 songs") for sentence in sentences)
    assert len(Space.open(home.space)) == 30


def test_a_network_of_which_nothing_can_be_said_is_not_used_unless_somebody_asked(
    fifty: Learnt, copied: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(registry, "ENOUGH", 50)
    monkeypatch.setattr(pipeline.learning, "check", lambda *_: None)
    forget_check(copied)
    assert learn(copied, fifty.folder)[0] == "contrastive"
    encoder, sentences = learn(copied, fifty.folder, encoder=None)
    assert encoder == "linear"
    assert any(sentence.endswith("is better than the hand-made one: the linear one is used.") for sentence in sentences)


def test_a_song_that_comes_later_is_answered_by_the_hand_made_space_that_stayed(
    fifty: Learnt, copied: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, song: Callable[..., Path]
):
    monkeypatch.setattr(registry, "ENOUGH", 50)
    monkeypatch.setattr(pipeline.learning, "check", lambda *_: checked(-0.3, [-0.4, -0.2], sure=True))
    forget_check(copied)
    assert learn(copied, fifty.folder, encoder=None)[0] == "timbre"
    song(tmp_path / "more" / "new.flac", 99, style=1, seconds=LONG)
    report = pipeline.update(copied, tmp_path / "more", workers=1)
    assert (report.encoder, report.songs, report.tally.new) == ("timbre", 51, 1)
    assert "new.flac" in nearest(copied)


def test_a_learnt_space_that_is_better_is_used_and_may_be_by_chance(
    fifty: Learnt, copied: Home, monkeypatch: pytest.MonkeyPatch
):
    for interval, sure, ending in (
        ([0.1, 0.3], True, "+0.21 [+0.10, +0.30] over the untrained network."),
        ([-0.1, 0.5], False, "+0.21 [-0.10, +0.50] over the untrained network (it may be chance)."),
        (None, False, "+0.21 over the untrained network (too few artists to say whether that is chance)."),
    ):
        found = checked(0.21, interval, sure=sure)
        monkeypatch.setattr(pipeline.learning, "check", lambda *_, found=found: found)
        forget_check(copied)
        encoder, sentences = learn(copied, fifty.folder)
        assert encoder == "contrastive"
        assert sentences[-1].endswith(ending)
        assert Space.open(copied.space).encoder == learnt(Library(copied.folder).catalog, "contrastive").fingerprint


@pytest.mark.parametrize(
    ("interval", "sure", "used"),
    [([-0.2, 0.1], False, "contrastive"), ([-0.2, -0.1], True, "timbre"), (None, False, "timbre")],
)
def test_one_that_nobody_asked_for_gives_way_unless_that_may_be_chance(
    fifty: Learnt, copied: Home, monkeypatch: pytest.MonkeyPatch, interval: list[float], sure: bool, used: str
):
    monkeypatch.setattr(registry, "ENOUGH", 50)
    monkeypatch.setattr(pipeline.learning, "check", lambda *_: checked(-0.05, interval, sure=sure))
    forget_check(copied)
    encoder, sentences = learn(copied, fifty.folder, encoder=None)
    assert encoder == used
    ending = ": the hand-made one is used." if used == "timbre" else ", but that may be chance: it is used."
    assert sentences[-1].endswith(ending)


def test_an_encoder_that_was_asked_for_is_used_though_it_is_no_better(
    fifty: Learnt, copied: Home, monkeypatch: pytest.MonkeyPatch
):
    worse = checked(-0.3, [-0.4, -0.2])
    monkeypatch.setattr(pipeline.learning, "check", lambda *_: worse)
    encoder, sentences = learn(copied, fifty.folder, encoder="ali", steps=1)
    assert encoder == "ali"
    assert sentences[-1].endswith("; it is used because you asked for it.")


# ── other libraries ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("songs", "seconds"), [(3, LONG), (20, 8.0)])
def test_where_nothing_can_be_held_out_or_all_segments_overlap_that_is_said(
    tmp_path: Path, song: Callable[..., Path], songs: int, seconds: float
):
    for number in range(songs):
        song(tmp_path / "music" / f"{number}.flac", number, style=number % 2, seconds=seconds)
    encoder, sentences = learn(Home(tmp_path / "home"), tmp_path / "music", steps=2)
    assert encoder == "contrastive"
    [said] = [sentence for sentence in sentences if "contrastive space" in sentence]
    assert said == (
        "The songs are too few or too short to say whether the contrastive space is better than the hand-made one."
    )


def test_songs_of_which_all_segments_overlap_are_still_found_by_their_artist(tmp_path: Path, song: Callable[..., Path]):
    for number in range(48):
        song(
            tmp_path / "music" / f"{number}.flac", number, style=number % 3, seconds=8.0, artist=f"Artist {number // 2}"
        )
    _, sentences = learn(Home(tmp_path / "home"), tmp_path / "music", encoder="linear")
    assert sentences[1] == "On 24 songs by 12 artists held out of training, the linear space finds"
    assert sentences[2].startswith("  its artist's other songs: mean average precision ")
    assert sentences[3].startswith("What learning adds in finding its artist's other songs: ")


def test_all_songs_by_one_artist(tmp_path: Path, song: Callable[..., Path]):
    for number in range(20):
        tags = {"artist": "Nobody", "genre": "Low High".split()[number % 2]}
        song(tmp_path / "music" / f"{number}.flac", number, style=2 * (number % 2), seconds=LONG, **tags)
    home = Home(tmp_path / "home")
    _, sentences = learn(home, tmp_path / "music")
    assert (
        "On 4 songs by artists whom it was learnt from, too, held out of training, the contrastive space finds"
        in sentences
    )
    assert not any("artist's" in sentence for sentence in sentences)
    found = nearest(home)
    same = [int(name.split(".")[0]) % 2 == int(near.split(".")[0]) % 2 for name, near in found.items()]
    assert sum(same) >= 18  # of 20; chance is 9


def test_a_duplicate_in_another_format_is_the_nearest_of_its_copy(
    tmp_path: Path, song: Callable[..., Path], audio_files: ModuleType
):
    kinds = ("mp3 constant", "mp3 variable", "ogg vorbis", "aac", "alac")
    for number in range(10):
        path = song(tmp_path / "music" / f"{number:02d}.flac", number, style=number % 3, seconds=LONG)
        kind, sound = kinds[number % 5], soxr.resample(soundfile.read(path, dtype="float32")[0], 22050, 44100)
        copy = path.with_suffix(audio_files.KINDS[kind].suffix)
        audio_files.write(copy, kind, np.stack([sound, sound], axis=1), rate=44100)
    home = Home(tmp_path / "home")
    learn(home, tmp_path / "music")
    found = nearest(home)
    assert len(found) == 20
    twins = [name.split(".")[0] == near.split(".")[0] for name, near in found.items()]
    assert sum(twins) >= 16  # of 20; chance is 1


def test_speech_and_near_silence_among_the_music(tmp_path: Path, song: Callable[..., Path]):
    music, home = tmp_path / "music", Home(tmp_path / "home")
    for number in range(14):
        song(music / f"tune {number}.flac", number, style=number % 2, seconds=LONG)
    for number in range(5):
        babble(music / f"speech {number}.flac", number)
    rng = np.random.default_rng(0)
    for number, loud in enumerate((1e-3, 1e-4)):
        soundfile.write(music / f"quiet {number}.flac", loud * rng.normal(size=round(LONG * 22050)), 22050)
    _, sentences = learn(home, music)
    assert any(re.search(r"On 4 songs .* held out|too few or too short", said) for said in sentences)
    found = nearest(home)
    of_a_kind = [name.split()[0] == near.split()[0] for name, near in found.items() if not name.startswith("quiet")]
    assert sum(of_a_kind) >= 17  # of 19


# ── the linear encoder, which is learnt if nobody says what ───────────────────────────────────────


@pytest.fixture(scope="module")
def taught(fifty: Learnt, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, list[str]]:
    """The library of fifty songs under the linear map, and what was said."""
    home = Home(tmp_path_factory.mktemp("linear") / "home")
    encoder, sentences = learn(home, fifty.folder, encoder="linear")
    assert encoder == "linear"
    return home, sentences


def test_it_is_judged_by_the_same_learnt_without_half_of_the_artists(taught: tuple[Home, list[str]]):
    home, sentences = taught
    assert sentences[0] == "Learning the linear encoder from 50 songs and who made them."
    said = re.match(r"On (\d+) songs by (\d+) artists held out of training, the linear space finds", sentences[1])
    assert said and 20 <= int(said[1]) <= 25
    assert "without artists" in sentences[2] and "hand-made" in sentences[2]
    what = learnt(Library(home.folder).catalog, "linear")
    assert what.held_out == [] and what.teacher == "artists"


def test_another_artist_teaches_otherwise_and_songs_alone_need_none(
    fifty: Learnt, taught: tuple[Home, list[str]], tmp_path: Path
):
    home = Home(Path(shutil.copytree(taught[0].folder, tmp_path / "home")))
    by_artists = learnt(Library(home.folder).catalog, "linear").fingerprint
    assert learn(home, fifty.folder, encoder="linear")[1][0].endswith("has been learnt from these songs already.")
    encoder, sentences = learn(home, fifty.folder, encoder="linear", teacher="songs")
    assert encoder in ("linear", "timbre") and "Learning the linear encoder from 50 songs." in sentences
    what = learnt(Library(home.folder).catalog, "linear")
    assert what.fingerprint != by_artists and what.teacher == "songs"
    assert not any("without artists" in sentence for sentence in sentences)


@pytest.mark.parametrize("who", [lambda number: None, lambda number: "Mau", lambda number: f"Mau {number}"])
def test_where_no_artist_is_told_from_others_songs_taught_and_that_is_said(
    who: Callable[[int], str | None], tmp_path: Path, song: Callable[..., Path]
):
    for number in range(6):
        song(
            tmp_path / "music" / f"{number}.flac",
            number,
            style=number % 2,
            **({"artist": by} if (by := who(number)) else {}),
        )
    home = Home(tmp_path / "home")
    _, sentences = learn(home, tmp_path / "music", encoder="linear")
    assert sentences[:2] == [
        "Learning the linear encoder from 6 songs.",
        "Nothing tells which of them one artist made and which others did: sound alone teaches.",
    ]
    assert learnt(Library(home.folder).catalog, "linear").teacher == "songs"
    assert state(View(Library(home.folder))).summary["learnt from"] == "6 songs"
    _, sentences = learn(home, tmp_path / "music", encoder="linear", teacher="songs", seed=1)
    assert not any("sound alone" in sentence for sentence in sentences)  # that was asked for


def test_its_controls_stand_beside_it(taught: tuple[Home, list[str]]):
    _, spaces = embeddings.of_library(Library(taught[0].folder))
    assert list(spaces) == ["linear", "linear-from-songs", "timbre"]
    assert not np.allclose(spaces["linear"].vectors, spaces["linear-from-songs"].vectors)


def test_status_says_when_the_library_has_outgrown_what_was_learnt(
    taught: tuple[Home, list[str]], tmp_path: Path, song: Callable[..., Path]
):
    home = Home(Path(shutil.copytree(taught[0].folder, tmp_path / "home")))
    assert state(View(Library(home.folder))).summary["learnt from"] == "50 songs and who made them"
    for number in range(25):
        song(tmp_path / "more" / f"new {number}.flac", 100 + number, seconds=LONG)
    pipeline.update(home, tmp_path / "more", workers=2)
    assert state(View(Library(home.folder))).summary["learnt from"] == (
        "50 songs and who made them; 75 are here now: learn again, by `songspace learn FOLDER`"
    )


def test_status_says_when_a_library_has_come_to_be_large_enough_for_a_network(
    taught: tuple[Home, list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, song: Callable[..., Path]
):
    home = Home(Path(shutil.copytree(taught[0].folder, tmp_path / "home")))
    for number in range(2):
        song(tmp_path / "more" / f"new {number}.flac", 100 + number, seconds=LONG)
    pipeline.update(home, tmp_path / "more", workers=2)
    for enough, told in ((50, ""), (53, ""), (51, "; 52 are here now: learn again, by `songspace learn FOLDER`")):
        monkeypatch.setattr(registry, "ENOUGH", enough)
        assert learnt_from(home) == f"50 songs and who made them{told}"


def learnt_from(home: Home) -> str:
    return state(View(Library(home.folder))).summary["learnt from"]


def test_a_library_has_outgrown_what_was_learnt_once_it_has_grown_by_half_whatever_answers(
    tmp_path: Path, song: Callable[..., Path]
):
    """Songs that were held out, or found no room in the cache, are not new; and the hand-made space grows old, too."""
    music, home = tmp_path / "music", Home(tmp_path / "home")

    def grown(begin: int, end: int) -> str:
        for number in range(begin, end):
            song(music / f"{number}.flac", number, style=number % 2, artist=f"Artist {number // 2}")
        pipeline.update(home, workers=1)
        return learnt_from(home)

    for number in range(20):
        song(music / f"{number}.flac", number, style=number % 2, artist=f"Artist {number // 2}")
    learn(home, music, steps=1)
    assert learnt_from(home) == grown(20, 29) == "16 songs and who made them"
    again = "learn again, by `songspace learn FOLDER --encoder contrastive`"
    assert grown(29, 30) == f"16 songs and who made them; 30 are here now: {again}"
    learn(home, music, encoder="timbre")
    assert learnt_from(home) == grown(30, 31) == "30 songs"
    learn(home, music, encoder="pca", cache_bytes=10 * 3 * 64 * 251)
    assert learnt_from(home) == "10 songs"
    learn(home, music, encoder="timbre")
    assert grown(31, 47) == "31 songs; 47 are here now: learn again, by `songspace learn FOLDER`"
