"""The main job from end to end: learn, stop anywhere, go on, update."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from songspace import Library, SongspaceError, Space, pipeline
from songspace.encoders import base, registry
from songspace.library import Home
from songspace.library.learnt import Segments
from songspace.library.listening import encode_file
from songspace.reporter import Reporter

pytestmark = pytest.mark.usefixtures("heard_here")

QUICK = {"windows": 3, "workers": 1}


def _space(home: Home) -> dict[str, np.ndarray]:
    """The vector of each song by its path: what must not depend on how a run went."""
    space, library = Space.open(home.space), Library(home.folder)
    paths = {song.id: song.path for song in library.songs()}
    return {paths[int(id)]: np.array(vector) for id, vector in zip(space.ids, space.vectors, strict=True)}


def _assert_same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> None:
    assert list(one) == list(two)
    for path in one:
        np.testing.assert_array_equal(one[path], two[path])


class Told(Reporter):
    """Remembers what a run said, and lets a test act at a stage."""

    def __init__(self, at: Callable[[str, int], None] | None = None) -> None:
        self.sentences: list[str] = []
        self.stages: list[str] = []
        self._at = at

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        self.stages.append(stage)
        if self._at:
            self._at(stage, done)


@pytest.fixture(scope="module")
def undisturbed(tunes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The space that a run of four steps gives when nothing happens to it."""
    home = Home(tmp_path_factory.mktemp("undisturbed"))
    pipeline.learn(home, tunes, encoder="contrastive", steps=4, windows=3, workers=1)
    return _space(home)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_learn_leaves_a_space_an_encoder_and_a_hand_made_one(tunes: Path, learnt_home: Path) -> None:
    library = Library(learnt_home)
    space = Space.open(library.home.space)
    assert library.encoder == "pca"
    assert space.encoder == base.load(library.home.encoder("pca", space.encoder)).fingerprint_
    assert sorted(folder.name.split("-")[0] for folder in library.home.encoders.iterdir()) == ["pca", "timbre"]
    assert [song.id for song in library.songs()] == space.ids.tolist()
    assert len(library.songs()) == 18
    for encoder in ("pca", "timbre"):
        vectors, songs, starts = library.segments(encoder)
        assert len(vectors) == len(songs) == len(starts) == 18 * 3


def test_songs_of_one_style_are_neighbours(learnt_home: Path) -> None:
    space, songs = Space.open(Home(learnt_home).space), Library(learnt_home).songs()
    right = 0
    for row, song in enumerate(songs):
        [nearest], _ = space.neighbors(row, 1)
        right += songs[nearest].genre == song.genre
    assert right >= 16  # of 18; chance is 5


def test_again_there_is_nothing_to_do(tunes: Path, home: Home) -> None:
    pipeline.learn(home, tunes, encoder="pca", **QUICK)
    before, file, told = _space(home), home.space.stat(), Told()
    report = pipeline.learn(home, tunes, encoder="pca", reporter=told, **QUICK)
    assert report.tally.new == 0 and told.stages == []
    assert told.sentences == ["The pca encoder has been learnt from these songs already."]
    _assert_same(before, _space(home))
    pipeline.update(home, workers=1)
    assert (home.space.stat().st_ino, home.space.stat().st_mtime_ns) == (file.st_ino, file.st_mtime_ns)


def _move(music: Path, home: Home) -> None:
    (music / "b.flac").rename(music / "z.flac")


def _copy(music: Path, home: Home) -> None:
    shutil.copy(music / "b.flac", music / "a.flac")


def _flip(music: Path, home: Home) -> None:
    whole = bytearray(home.space.read_bytes())
    whole[-1] ^= 1
    home.space.write_bytes(whole)


def _lose(music: Path, home: Home) -> None:
    home.space.unlink()


def _stand_in(music: Path, home: Home) -> None:
    """Another space, whole, of the same encoder and the same songs."""
    space = Space.open(home.space)
    Space.from_vectors(space.vectors[::-1], space.ids, encoder=space.encoder).save(home.space)


@pytest.mark.parametrize("befall", [_move, _copy, _flip, _lose, _stand_in])
def test_the_space_is_built_anew_after_any_change_to_it_or_to_what_it_is_made_of(
    tmp_path: Path, home: Home, song: Callable[..., Path], befall: Callable[[Path, Home], None]
) -> None:
    for number, name in enumerate("bcd"):
        song(tmp_path / f"{name}.flac", number)
    pipeline.learn(home, tmp_path, encoder="timbre", **QUICK)  # type: ignore[arg-type]  # options of many types
    before = home.space.stat().st_ino, home.space.stat().st_mtime_ns
    befall(tmp_path, home)
    pipeline.update(home, workers=1)
    assert (home.space.stat().st_ino, home.space.stat().st_mtime_ns) != before
    in_order = [each.id for each in Library(home.folder).songs()]
    space = Space.open(home.space)
    assert space.verify() and space.ids.tolist() == in_order
    pipeline.learn(home, tmp_path, encoder="timbre", **QUICK)  # type: ignore[arg-type]
    anew = Home(home.folder.with_name("anew"))
    pipeline.learn(anew, tmp_path, encoder="timbre", **QUICK)  # type: ignore[arg-type]
    for path, vector in _space(anew).items():
        np.testing.assert_array_equal(_space(home)[path], vector)


def test_the_hand_made_space_answers_while_the_learnt_one_is_made(tunes: Path, home: Home) -> None:
    seen: list[str] = []

    def look(stage: str, done: int) -> None:
        if stage == "learning" and not seen:
            library = Library(home.folder)
            seen.append(library.encoder)
            assert len(Space.open(home.space).ids) == 18

    pipeline.learn(home, tunes, encoder="contrastive", steps=2, reporter=Told(look), **QUICK)
    assert seen == ["timbre"]
    assert Library(home.folder).encoder == "contrastive"


@pytest.mark.parametrize(("stage", "done"), [("listening", 1), ("listening", 9), ("learning", 3), ("encoding", 4)])
def test_stopped_at_any_stage_it_ends_as_if_it_had_not_been(
    tunes: Path, home: Home, undisturbed: dict[str, np.ndarray], stage: str, done: int
) -> None:
    def stop(at: str, number: int) -> None:
        if (at, number) >= (stage, done) and at == stage:
            raise KeyboardInterrupt

    plan = {"encoder": "contrastive", "steps": 4} | QUICK | {"workers": 2}
    with pytest.raises(KeyboardInterrupt):
        pipeline.learn(home, tunes, reporter=Told(stop), **plan)  # type: ignore[arg-type]  # options of many types
    pipeline.learn(home, tunes, **plan)  # type: ignore[arg-type]
    _assert_same(_space(home), undisturbed)


def test_time_alone_may_end_training(tunes: Path, home: Home) -> None:
    told = Told()
    pipeline.learn(home, tunes, minutes=0.03, reporter=told, encoder="contrastive", **QUICK)  # type: ignore[arg-type]
    assert "learning" in told.stages and Library(home.folder).encoder == "contrastive"


def _interrupt(stage: str, done: int) -> None:
    if stage == "learning":
        raise KeyboardInterrupt


def test_where_nobody_says_how_long_time_ends_what_its_steps_do_not(
    tunes: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(_interrupt)
    with pytest.raises(KeyboardInterrupt):
        pipeline.learn(home, tunes, reporter=told, encoder="contrastive", **QUICK)  # type: ignore[arg-type]
    assert any(" on two cores, for about half an hour at most (" in sentence for sentence in told.sentences)
    monkeypatch.setattr(registry, "MOST_MINUTES", 0.03)
    told = Told()
    pipeline.learn(home, tunes, reporter=told, encoder="contrastive", **QUICK)  # type: ignore[arg-type]
    begun = next(sentence for sentence in told.sentences if sentence.startswith("Learning"))
    assert re.search(r"in 500 steps, .* on two cores, for 0\.03 minutes at most \(--minutes changes it\)\.", begun)
    [ended] = [sentence for sentence in told.sentences if sentence.startswith("Training ended")]
    said = re.match(r"Training ended after 0\.03 minutes, with (\d+) of 500 steps done: .* --steps alone", ended)
    assert said and 1 <= int(said[1]) < 1500
    told = Told()
    pipeline.learn(home, tunes, reporter=told, encoder="contrastive", **QUICK)  # type: ignore[arg-type]
    assert "The contrastive encoder has been learnt from these songs already." in told.sentences
    with pytest.raises(KeyboardInterrupt):  # all of its steps are another thing to learn
        pipeline.learn(home, tunes, steps=1500, reporter=Told(_interrupt), encoder="contrastive", **QUICK)  # type: ignore[arg-type]


def test_steps_that_were_done_in_time_give_the_space_of_steps_alone(
    tunes: Path, home: Home, undisturbed: dict[str, np.ndarray]
) -> None:
    told = Told()
    pipeline.learn(home, tunes, encoder="contrastive", steps=4, minutes=60, reporter=told, **QUICK)  # type: ignore[arg-type]
    assert not any(sentence.startswith("Training ended") for sentence in told.sentences)
    _assert_same(_space(home), undisturbed)
    for minutes in (60, None):
        told = Told()
        pipeline.learn(home, tunes, encoder="contrastive", steps=4, minutes=minutes, reporter=told, **QUICK)  # type: ignore[arg-type]
        assert "learning" not in told.stages


def test_two_runs_at_once_the_second_says_so(tunes: Path, home: Home) -> None:
    tried: list[str] = []

    def second(stage: str, done: int) -> None:
        if not tried:
            code = (
                "from pathlib import Path; from songspace import pipeline; from songspace.library import Home; "
                f"pipeline.learn(Home(Path({str(home.folder)!r})), {str(tunes)!r}, encoder='timbre')"
            )
            done_ = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
            tried.append(done_.stderr.strip().splitlines()[-1])

    pipeline.learn(home, tunes, encoder="timbre", reporter=Told(second), **QUICK)
    assert "Another run is working on the library" in tried[0]
    assert len(_space(home)) == 18


def test_update_takes_in_new_and_lets_go_of_old_with_the_same_encoder(
    tunes: Path, tmp_path: Path, home: Home, song: Callable[..., Path]
) -> None:
    music = tmp_path / "music"
    shutil.copytree(tunes, music)
    pipeline.learn(home, music, encoder="pca", **QUICK)
    fingerprint = Space.open(home.space).encoder
    (gone, moved), before = sorted(music.rglob("*.flac"))[:2], _space(home)
    gone.unlink()
    moved.rename(music / "moved.flac")
    song(music / "new.flac", 99, style=2, title="New")
    report = pipeline.update(home, workers=1)
    assert (report.tally.new, report.tally.linked, report.tally.gone, report.songs) == (1, 1, 1, 18)
    assert Space.open(home.space).encoder == fingerprint
    after = _space(home)
    assert str(gone) not in after and str(music / "new.flac") in after
    # Centring follows the library, so vectors turn a little; the order of things does not.
    assert after[str(music / "moved.flac")] @ before[str(moved)] > 0.95


def test_two_folders_make_one_library(tunes: Path, tmp_path: Path, home: Home, song: Callable[..., Path]) -> None:
    song(tmp_path / "more" / "a.flac", 50)
    pipeline.learn(home, tunes, encoder="timbre", **QUICK)
    report = pipeline.learn(home, tmp_path / "more", encoder="timbre", **QUICK)
    assert report.songs == 19 and report.tally.new == 1
    assert len(Library(home.folder).catalog.roots()) == 2


def test_a_cache_too_small_for_all_costs_time_and_no_song(tunes: Path, tmp_path: Path, home: Home) -> None:
    record = 3 * 64 * 251
    report = pipeline.learn(home, tunes, encoder="pca", cache_bytes=6 * record, **QUICK)
    assert report.songs == 18 and len(_space(home)) == 18
    assert home.cache.stat().st_size <= 6 * record
    other = Home(tmp_path / "other")
    pipeline.learn(other, tunes, encoder="pca", cache_bytes=6 * record, windows=3, workers=2)
    _assert_same(_space(home), _space(other))


def test_another_number_of_windows_listens_anew(tunes: Path, home: Home) -> None:
    pipeline.learn(home, tunes, encoder="timbre", **QUICK)
    told = Told()
    report = pipeline.learn(home, tunes, encoder="timbre", windows=2, workers=2, reporter=told)
    assert report.tally.new == 18 and "decoded anew" in told.sentences[0]
    assert len(Library(home.folder).segments()[0]) == 36
    assert pipeline.update(home, workers=1).tally.new == 0


def test_what_cannot_be_done_is_said_in_one_sentence(tmp_path: Path, home: Home, tunes: Path) -> None:
    with pytest.raises(SongspaceError, match="There is no library"):
        pipeline.update(home)
    with pytest.raises(SongspaceError, match="There is no folder"):
        pipeline.learn(home, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SongspaceError, match="There is no music in"):
        pipeline.learn(home, tmp_path / "empty", **QUICK)  # type: ignore[arg-type]
    (tmp_path / "empty" / "bad.mp3").write_text("words")
    with pytest.raises(SongspaceError, match="Not one of 1 files could be read"):
        pipeline.learn(home, tmp_path / "empty", **QUICK)  # type: ignore[arg-type]
    with pytest.raises(SongspaceError, match="no encoder called 'nonsense'"):
        pipeline.learn(home, tunes, encoder="nonsense")


def test_encode_file_gives_what_the_library_has_of_the_same_sound(learnt_home: Path) -> None:
    library = Library(learnt_home)
    song = library.songs()[4]
    segments, duration = encode_file(library.home, library.catalog, song.path)
    of_library = library.segments_of([song.id])[song.id]
    np.testing.assert_allclose(segments.vectors, of_library.vectors, atol=1e-5)
    assert segments.starts.tolist() == of_library.starts.tolist() and segments.ends.tolist() == of_library.ends.tolist()
    assert duration == song.duration


@pytest.mark.parametrize("encoder", ["pca", "timbre"])
def test_the_segments_of_a_few_songs_are_those_of_all(learnt_home: Path, encoder: str) -> None:
    library = Library(learnt_home)
    vectors, songs, starts = library.segments(encoder)
    some = [library.songs()[place].id for place in (7, 2, 7)]
    found = library.segments_of([*some, 10**6], encoder)
    assert list(found) == some[:2]
    for id, segments in found.items():
        np.testing.assert_array_equal(segments.vectors, vectors[songs == id])
        np.testing.assert_array_equal(segments.starts, starts[songs == id])
        np.testing.assert_allclose(segments.ends, segments.starts + 5)
    with pytest.raises(SongspaceError, match="has not learnt ali"):
        library.segments_of(some, "ali")


def test_silent_segments_are_left_out_and_those_of_a_short_song_end_with_it() -> None:
    vectors, starts = np.arange(6.0).reshape(3, 2), np.array([0.0, 1.0, 2.0])
    sounding = Segments.of(vectors, starts, np.array([False, True, False]), seconds=5.0, duration=5.5)
    assert sounding.vectors.tolist() == [[0, 1], [4, 5]]
    assert sounding.starts.tolist() == [0, 2] and sounding.ends.tolist() == [5, 5.5]


def test_a_damaged_encoder_is_told_and_learnt_anew(tunes: Path, home: Home) -> None:
    pipeline.learn(home, tunes, encoder="pca", **QUICK)  # type: ignore[arg-type]
    before = _space(home)
    weights = home.encoder("pca", Space.open(home.space).encoder) / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    told = Told()
    pipeline.update(home, workers=1, reporter=told)
    assert "is damaged" in told.sentences[0] and Library(home.folder).encoder == "timbre"
    pipeline.learn(home, tunes, encoder="pca", **QUICK)  # type: ignore[arg-type]
    _assert_same(before, _space(home))


def test_what_becomes_of_an_adversarial_game_is_said(tunes: Path, home: Home) -> None:
    details: list[str] = []

    class Watching(Told):
        def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
            details.append(detail)

    told = Watching()
    pipeline.learn(home, tunes, encoder="ali", steps=2, reporter=told, **QUICK)
    assert any("The encoder of step 2 is kept" in sentence for sentence in told.sentences)
    assert any("auc" in detail for detail in details)


def test_how_tags_are_written_is_remembered_and_taken_back(tunes: Path, tmp_path: Path) -> None:
    home = Home(tmp_path)
    pipeline.learn(home, tunes, encoder="timbre", genre_separators="/,", **QUICK)
    genres = {song.path: song.genres for song in Library(home.folder).songs()}
    for said, expected in (
        ({}, ("/,", None)),
        ({"tag_encoding": "Windows-1251"}, ("/,", "cp1251")),
        ({"tag_encoding": "", "genre_separators": ""}, (None, None)),
    ):
        report = pipeline.update(home, workers=1, **said)
        catalog = Library(home.folder).catalog
        assert (catalog.fact("genre separators"), catalog.fact("tag encoding")) == expected
        assert (report.tally.new, report.tally.linked) == (0, 0)  # these tags say the same in any encoding
    assert {song.path: song.genres for song in Library(home.folder).songs()} == genres
    with pytest.raises(SongspaceError, match="no encoding of old tags"):
        pipeline.update(home, workers=1, tag_encoding="nope")
