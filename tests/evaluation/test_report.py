"""Encoders side by side: one result, the same songs for all, one table."""

from __future__ import annotations

import json

import numpy as np
import pytest

from songspace.errors import SongspaceError
from songspace.evaluation import clustering, hubness, report, retrieval
from songspace.evaluation.labels import Labels
from songspace.intervals import holm
from songspace.space import Space

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
        assert scores["average_precision"] == retrieved["average_precision"]
        hubs = hubness.evaluate(vectors)
        assert all(scores[figure] == hubs[figure] for figure in ("skewness", "antihubs", "largest_hub"))
        assert scores["ranked_by"] == "distance"


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
    assert (same["value"], same["interval"], same["sure"]) == (0.0, None, False)
    worse = result["differences"]["blind"]
    scores = result["encoders"]
    assert worse["kmeans_ami"]["value"] == pytest.approx(
        scores["blind"]["kmeans_ami"]["value"] - scores["good"]["kmeans_ami"]["value"]
    )
    assert worse["kmeans_ami"]["interval"][1] < 0
    assert worse["precision"]["interval"][1] < 0
    each = [difference for by_metric in result["differences"].values() for difference in by_metric.values()]
    assert holm([one["p"] for one in each]) == [one["p_holm"] for one in each]
    assert [one["sure"] for one in each] == [one["p_holm"] is not None and one["p_holm"] < 0.05 for one in each]
    assert worse["precision"]["sure"]


def test_table(result: dict) -> None:
    head, good, _, blind, chance = report.table(result)
    assert {len(row) for row in (head, good, blind, chance)} == {9}
    assert (head[0], head[4], head[5], head[8]) == ("encoder", "P@10", "mAP", "top hub")
    assert (good[0], good[1]) == ("good", "1.00 ±.06")
    scores = result["encoders"]["blind"]
    low, high = scores["average_precision"]["interval"]
    assert blind[5] == f"{scores['average_precision']['value']:.2f} ±{f'{(high - low) / 2:.2f}'[1:]}"
    assert blind[7:] == [f"{scores['antihubs']:.1%}", str(scores["largest_hub"])]
    # 20 songs a label, 4 an artist, all of one label
    assert (chance[0], chance[1], chance[4]) == ("chance", "0.00", f"{16 / 56:.2f}")


def test_sentences(result: dict) -> None:
    first, wide, blind, reach = report.sentences(result)
    scores = result["encoders"]
    value, chance = (10 * scores["good"]["precision"][part] for part in ("value", "chance"))
    assert first.endswith(f"good finds {value:.1f} with the song's own label; chance is {chance:.1f}.")
    assert first.startswith("Of 10 neighbours by other artists, ")
    assert wide == f"wide finds {value:.1f}: no difference."
    low, high = (-10 * bound for bound in reversed(result["differences"]["blind"]["precision"]["interval"]))
    expected = f"good is better (95 % interval of the difference {low:.2f} to {high:.2f})."
    assert blind == f"blind finds {10 * scores['blind']['precision']['value']:.1f}: {expected}"
    assert reach.startswith("With good ") and f"for {scores['good']['largest_hub']} songs." in reach


def test_sentences_name_what_is_worse_and_what_is_not_learnt() -> None:
    learnt, by_hand = spaces()["blind"], Space.from_vectors(spaces()["good"], mutual=True)
    found = report.evaluate({"learnt": learnt, "timbre": by_hand}, LABELS, artists=ARTISTS, seeds=1)
    assert found["encoders"]["timbre"]["ranked_by"] == "mutual proximity"
    _, timbre, reach, order = report.sentences(found)
    assert timbre.startswith("timbre (hand-made) finds ") and "learnt is worse" in timbre
    if not found["encoders"]["learnt"]["antihubs"]:
        assert "every song is among the 10 nearest of another" in reach
    assert order == "Spaces that have hubs are ranked by mutual proximity: timbre."


def test_sentences_say_the_most_that_could_be_found() -> None:
    """Of two songs a label, each by another artist, one neighbour of ten can be right."""
    pairs = [f"label {row // 2}" for row in range(N)]
    artists = [*(f"artist {row % 2}" for row in range(N - 2)), "b", "c"]
    first = report.sentences(report.evaluate({"blind": spaces()["blind"]}, pairs, artists=artists, seeds=1))[0]
    assert first.startswith("Of 10 neighbours by other artists, ")
    assert first.endswith(", and the most there could be is 1.0.")


def test_sentences_name_no_artists_where_every_song_is_one() -> None:
    first = report.sentences(report.evaluate({"good": spaces()["good"]}, LABELS, seeds=1))[0]
    assert first.startswith("Of 10 neighbours, good finds ")


def test_sentences_say_why_an_interval_beside_nothing_is_not_called_better(result: dict) -> None:
    told = report.sentences(result)
    assert not any("Holm" in sentence for sentence in told)
    doubtful = json.loads(json.dumps(result))
    doubtful["differences"]["blind"]["precision"] |= {"sure": False, "p_holm": 0.06}
    blind, why = report.sentences(doubtful)[2:4]
    assert "the difference may be chance" in blind
    assert why.startswith("Each interval is of one difference alone. 6 were compared, ") and "Holm" in why


def test_spaces_are_scored_by_their_own_order() -> None:
    """And of the songs that have a label only these, with what is known of them among all."""
    vectors = np.random.default_rng(0).normal(size=(N, 30))
    labels = [*LABELS[: N - 10], *[None] * 10]
    spaces = {name: Space.from_vectors(vectors, mutual=name == "mutual") for name in ("plain", "mutual")}
    found = report.evaluate(spaces, labels, artists=ARTISTS, seeds=1)["encoders"]
    rows = range(N - 10)
    plain = report.evaluate({"plain": spaces["plain"].vectors}, labels, artists=ARTISTS, seeds=1)["encoders"]
    assert found["plain"] == plain["plain"]
    people = ARTISTS[: N - 10]
    own = [[row for row in range(N) if row >= N - 10 or people[row] == artist] for artist in people]
    lists = np.array([spaces["mutual"].neighbors(row, 10, exclude=own[row])[0] for row in rows])
    expected = retrieval.precision(lists, np.array(LABELS[: N - 10])).mean()
    assert found["mutual"]["precision"]["value"] == pytest.approx(expected)
    assert found["mutual"]["kmeans_ami"] == found["plain"]["kmeans_ami"]
    assert found["mutual"]["skewness"] != found["plain"]["skewness"]


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
    labels = Labels(tuple(LABELS), tuple(ARTISTS), "genre", missing=0, alone=0, unmatched=4, split="test")
    found = report.evaluate(spaces(), labels, seeds=2, random_state=3)
    assert [found["settings"][name] for name in ("labels", "split")] == ["genre", "test"]
    assert [result["settings"][name] for name in ("labels", "split")] == [None, None]
    assert found["left_out"] == labels.left_out() and found["left_out"]["unknown_paths"] == 4
    assert found["encoders"] == result["encoders"]


def test_one_artist_only_has_no_precision() -> None:
    found = report.evaluate(spaces(), LABELS, artists=["A"] * N, seeds=1)
    assert "precision" not in found["encoders"]["good"]
    assert set(found["differences"]["blind"]) == {"kmeans_ami"}
    assert found["encoders"]["good"]["kmeans_ami"]["interval"] is None
    head, good, *_, chance = report.table(found)
    assert good[head.index("P@10")] == chance[head.index("P@10")] == "–"
    first, _, blind, _ = report.sentences(found)
    assert first == "The clusters that good finds agree with the labels by 1.00 of 1 (AMI); chance is 0.00."
    assert blind.endswith("there are too few artists to say whether that is chance.")
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("artists", [20, 4])
def test_what_is_the_same_whoever_is_left_out_is_not_for_lack_of_artists(artists: int) -> None:
    """An encoder that knows all beside one that knows nothing: no interval, but the reason is another."""
    labels, people = ["folk", "jazz"] * 40, [f"artist {row // 2 % artists}" for row in range(80)]
    both = {"good": np.eye(2)[np.arange(80) % 2], "flat": np.zeros((80, 2))}
    found = report.evaluate(both, labels, artists=people, seeds=1)
    difference = found["differences"]["flat"]["precision"]
    assert (difference["value"], difference["interval"], difference["sure"]) == (-0.5, None, False)
    few = artists < 10
    ending = "too few artists to say whether that is chance." if few else "so there is nothing to tell chance by."
    assert report.sentences(found)[1].endswith(ending)
    assert [found["settings"][way] for way in ("deletions", "halves")] == ([0, 0] if few else [20, 50])


def test_an_artist_whom_all_are_like_breaks_no_comparison() -> None:
    """Without the artist of nearly all songs one encoder has nobody near, the other has."""
    n, small = 2000, 50 + 100 * np.arange(19)
    artists = ["big"] * n
    for number, row in enumerate(small):
        artists[row] = f"artist {number}"
    labels = [("folk", "jazz", "rock")[row] for row in np.random.default_rng(0).integers(3, size=n)]
    line, apart = np.arange(n, dtype=float)[:, None], np.random.default_rng(1).normal(size=(n, 1))
    apart[small] += 50
    found = report.evaluate({"line": line, "apart": apart}, labels, artists=artists, seeds=1)
    low, high = found["differences"]["apart"]["precision"]["interval"]
    assert -1 <= low < high <= 1
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
