"""Encoders side by side: one result, the same songs and draws for all, one table."""

from __future__ import annotations

import json

import numpy as np
import pytest

from songspace.errors import SongspaceError
from songspace.evaluation import clustering, report, retrieval
from songspace.evaluation.labels import Labels

N = 60
LABELS = [("folk", "jazz", "rock")[row % 3] for row in range(N)]
ARTISTS = [f"artist {row % 15}" for row in range(N)]


def spaces() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    good = np.eye(3)[np.arange(N) % 3] + 0.3 * rng.normal(size=(N, 3))
    return {"good": good, "wide": np.pad(good, ((0, 0), (0, 300))), "blind": rng.normal(size=(N, 8))}


@pytest.fixture(scope="module")
def result() -> dict:
    return report.evaluate(spaces(), LABELS, artists=ARTISTS, seeds=2, random_state=3)


def test_holds_the_scores_of_each_task(result: dict) -> None:
    for name, vectors in spaces().items():
        scores = result["encoders"][name]
        clustered = clustering.evaluate(vectors, LABELS, artists=ARTISTS, seeds=2, random_state=3)
        assert scores["dimensions"] == vectors.shape[1]
        assert scores["kmeans_ami"] == clustered["kmeans_ami"]
        assert scores["mixture_v_measure"] == clustered["mixture_v_measure"]
        retrieved = retrieval.evaluate(vectors, LABELS, artists=ARTISTS, random_state=3)
        assert scores["precision"] == retrieved["precision"]


def test_is_json_and_the_same_again(result: dict) -> None:
    text = json.dumps(result, allow_nan=False)
    assert json.loads(text) == result
    assert json.dumps(report.evaluate(spaces(), LABELS, artists=ARTISTS, seeds=2, random_state=3)) == text


def test_says_how_it_was_made(result: dict) -> None:
    assert result["songs"] == N
    assert result["labels"] == {"folk": 20, "jazz": 20, "rock": 20}
    assert result["artists"] == 15
    assert result["settings"]["seeds"] == clustering.clustering_seeds(2, 3)
    assert result["settings"]["random_state"] == 3
    assert result["settings"]["neighbors"]["k"] == 10
    assert {"python", "songspace", "numpy", "scipy", "scikit-learn"} == set(result["versions"])


def test_differences_are_paired(result: dict) -> None:
    assert set(result["differences"]) == {"wide", "blind"}
    same = result["differences"]["wide"]["precision"]  # only zeros were added
    assert (same["value"], same["interval"]) == (0.0, [0.0, 0.0])
    worse = result["differences"]["blind"]
    scores = result["encoders"]
    assert worse["kmeans_ami"]["value"] == pytest.approx(
        scores["blind"]["kmeans_ami"]["value"] - scores["good"]["kmeans_ami"]["value"]
    )
    assert worse["kmeans_ami"]["interval"][1] < 0
    assert worse["precision"]["interval"][1] < 0


def test_table(result: dict) -> None:
    head, good, _, blind, chance = report.table(result)
    assert {len(row) for row in (head, good, blind, chance)} == {8}
    assert head[0] == "encoder" and head[5] == "P@10"
    assert good[0] == "good" and good[1].startswith("1.000 [")
    assert float(good[5].split()[0]) == pytest.approx(result["encoders"]["good"]["precision"]["value"], abs=5e-4)
    assert blind[7] == f"{result['encoders']['blind']['antihubs']:.0%}"
    # 20 songs a label, 4 an artist, all of one label
    assert (chance[0], chance[1], chance[5]) == ("chance", "0.000", f"{16 / 56:.3f}")


def test_songs_without_a_label_are_left_out_and_counted(result: dict) -> None:
    more = {name: np.insert(vectors, [0, 7, 60], 9.0, axis=0) for name, vectors in spaces().items()}
    values = [*LABELS]
    artists = [*ARTISTS]
    for place in (60, 7, 0):
        values.insert(place, None)
        artists.insert(place, "nobody")
    found = report.evaluate(more, values, artists=artists, seeds=2, random_state=3)
    assert found["left_out"] == {"without_label": 3}
    assert found["encoders"] == result["encoders"]


def test_labels_bring_artists_and_counts(result: dict) -> None:
    labels = Labels(tuple(LABELS), tuple(ARTISTS), "genre", missing=0, alone=0, unmatched=4)
    found = report.evaluate(spaces(), labels, seeds=2, random_state=3)
    assert found["left_out"] == {"without_label": 0, "label_of_one_song": 0, "unknown_paths": 4}
    assert found["encoders"] == result["encoders"]


def test_one_artist_only_has_no_precision() -> None:
    found = report.evaluate(spaces(), LABELS, artists=["A"] * N, seeds=1)
    assert "precision" not in found["encoders"]["good"]
    assert set(found["differences"]["blind"]) == {"kmeans_ami"}
    assert found["encoders"]["good"]["kmeans_ami"]["interval"] is None
    head, good, *_, chance = report.table(found)
    assert good[head.index("P@10")] == chance[head.index("P@10")] == "–"
    json.dumps(found, allow_nan=False)


def test_large_collections_are_clustered_by_a_sample(monkeypatch: pytest.MonkeyPatch, result: dict) -> None:
    monkeypatch.setattr(report, "MAX_CLUSTERED", 45)
    found = report.evaluate(spaces(), LABELS, artists=ARTISTS, seeds=2, random_state=3)
    assert found["settings"]["clustered"] == 45
    assert found["encoders"]["blind"]["precision"] == result["encoders"]["blind"]["precision"]
    assert found["encoders"]["blind"]["kmeans_ami"] != result["encoders"]["blind"]["kmeans_ami"]
    assert found["encoders"]["good"]["kmeans_ami"]["value"] > 0.8


def test_progress() -> None:
    told: list[tuple[str, int, int]] = []
    report.evaluate(spaces(), LABELS, seeds=1, on_progress=lambda *step: told.append(step))
    assert told == [("scoring good", 0, 3), ("scoring wide", 1, 3), ("scoring blind", 2, 3), ("scored", 3, 3)]


def test_failures() -> None:
    with pytest.raises(SongspaceError, match="all songs have the one label 'folk'"):
        report.evaluate(spaces(), ["folk"] * (N - 1) + [None])
    with pytest.raises(SongspaceError, match="0 of at least 2 songs"):
        report.evaluate(spaces(), [None] * N)
    with pytest.raises(ValueError, match="no embeddings"):
        report.evaluate({}, LABELS)
    with pytest.raises(ValueError, match=r"same songs everywhere, got .*'labels': 59"):
        report.evaluate(spaces(), LABELS[:-1], artists=ARTISTS)
