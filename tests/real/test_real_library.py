"""The main job on real recordings, where they are there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from songspace import Library, Space, pipeline
from songspace.evaluation import embeddings, report
from songspace.evaluation.labels import labels
from songspace.library import Home
from songspace.space.versions import versions

pytestmark = pytest.mark.real


def test_whole_songs_are_all_read_and_a_version_is_found(music: Path, tmp_path: Path) -> None:
    home = Home(tmp_path)
    tally = pipeline.learn(home, music / "full_songs", encoder="timbre", workers=2).tally
    assert (tally.new, tally.failures) == (11, [])
    library, space = Library(tmp_path), Space.open(home.space)
    song = library.find("pornophonique - space invaders")
    [nearest], _ = space.neighbors(space.row(song.id), 1)
    assert "Space Invaders_instrumental" in library.songs()[nearest].path
    assert all(20 < song.duration < 600 for song in library.songs())
    by_id = {song.id: song for song in library.songs()}
    songs = [by_id[id] for id in space.ids.tolist()]
    numbers = versions(songs, space)
    (again,) = np.flatnonzero(numbers != np.arange(len(songs)))
    assert {songs[again].title, songs[numbers[again]].title} == {"space invaders", "space invaders (karaoke)"}


def test_clips_score_above_chance_by_labels_that_nothing_saw(music: Path, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    for genre in ("classical", "electronic", "pop", "rock"):
        (clips / genre).mkdir(parents=True)
        for clip in sorted((music / "emotify" / genre).glob("*.mp3"))[::5]:
            (clips / genre / clip.name).symlink_to(clip)
    pipeline.learn(Home(tmp_path / "home"), clips, encoder="timbre", workers=2)
    songs, vectors = embeddings.of_library(Library(tmp_path / "home"), ["timbre"])
    result = report.evaluate(vectors, labels(songs, "folder"), seeds=2)
    scores = result["encoders"]["timbre"]
    assert result["songs"] == 80
    assert scores["kmeans_ami"]["value"] > 0.05
    assert scores["precision"]["value"] > scores["precision"]["chance"] + 0.1
