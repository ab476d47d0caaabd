"""A + B ?= C, held against the same written plainly."""

from __future__ import annotations

import numpy as np
import pytest

from songspace import intervals
from songspace.categories import artist_codes
from songspace.errors import SongspaceError
from songspace.geometry.regions import DRAWS
from songspace.poster.experiment import choose_triple, lies_between, named_triple

TRIPLE = ("jazz", "rock", "funk")


def collection(funk: list[float], noise: float = 0.15, artists: int = 12) -> tuple[np.ndarray, list[str], list[str]]:
    """Four genres in six dimensions; jazz and rock lie at the first two axes."""
    rng = np.random.default_rng(0)
    centers = {
        "jazz": [1, 0, 0, 0, 0, 0],
        "rock": [0, 1, 0, 0, 0, 0],
        "folk": [0, 0, 1, 0, 0, 0],
        "dub": [0, 0, 0, 1, 0, 0],
    }
    centers = {"funk": [*funk, 0.0, 0.0, 0.0, 0.0], **centers}
    labels = [genre for genre in centers for _ in range(24)]
    vectors = np.array([centers[label] for label in labels]) + rng.normal(0, noise, (len(labels), 6))
    return vectors, labels, [f"{label} {number % artists}" for number, label in enumerate(labels)]


def plainly(vectors: np.ndarray, labels: list[str]) -> dict[str, tuple[float, float]]:
    """Position and offset of each genre, by elementary geometry."""
    mean = {genre: np.mean([v for v, g in zip(vectors, labels, strict=True) if g == genre], axis=0) for genre in labels}
    a, b = mean["jazz"], mean["rock"]
    whole = np.sqrt(((b - a) ** 2).sum())
    found = {}
    for genre in sorted(set(labels) - {"jazz", "rock"}):
        to_a, to_b = np.sqrt(((mean[genre] - a) ** 2).sum()), np.sqrt(((mean[genre] - b) ** 2).sum())
        foot = (to_a**2 - to_b**2 + whole**2) / (2 * whole)  # by the law of cosines
        found[genre] = (foot / whole, np.sqrt(to_a**2 - foot**2) / whole)
    return found


def test_equals_the_plain_version() -> None:
    vectors, labels, artists = collection([0.4, 0.5])
    found = lies_between(vectors, labels, artists, TRIPLE, random_state=3)
    plain = plainly(vectors, labels)
    assert (found["position"]["value"], found["offset"]["value"]) == pytest.approx(plain["funk"])
    assert {other["genre"]: (other["position"], other["offset"]) for other in found["others"]} == {
        genre: pytest.approx(plain[genre]) for genre in ("dub", "folk")
    }
    median = np.median([plain["dub"][1], plain["folk"][1]])
    assert found["margin"]["value"] == pytest.approx(median - plain["funk"][1])
    # Half of the artists are left out with all their songs.
    order = np.argsort([(*TRIPLE, "dub", "folk").index(label) for label in labels], kind="stable")
    people = artist_codes(artists, len(artists))[order]
    smaller = intervals.halves(people, draws=DRAWS, random_state=3)
    drawn = [plainly(vectors[order[kept]], np.array(labels)[order[kept]].tolist())["funk"][0] for kept in smaller.kept]
    assert found["position"]["interval"] == pytest.approx(smaller.scatter(drawn).around(plain["funk"][0]))


def test_what_lies_between_is_found_and_what_does_not_is_not() -> None:
    yes = lies_between(*collection([0.5, 0.5]), TRIPLE)
    assert (yes["between"], yes["rank"]) == ("yes", 1)
    assert yes["position"]["value"] == pytest.approx(0.5, abs=0.1)
    beyond = lies_between(*collection([2.0, -1.0]), TRIPLE)
    assert beyond["position"]["value"] < 0 and beyond["between"] == "no"
    at_the_end = lies_between(*collection([1.0, 0.0]), TRIPLE)
    low, high = at_the_end["position"]["interval"]
    assert low < 0 < high and at_the_end["margin"]["interval"][0] > 0 and at_the_end["between"] == "unsure"
    far = lies_between(*collection([-3.0, -3.0]), TRIPLE)
    assert far["margin"]["interval"][1] < 0 and far["between"] == "no" and far["rank"] == 3


def test_too_few_artists_leave_it_open() -> None:
    vectors, labels, _ = collection([0.5, 0.5])
    found = lies_between(vectors, labels, labels, TRIPLE)
    assert found["between"] == "unknown" and found["position"]["interval"] is None


def test_three_genres_have_nothing_to_compare_with() -> None:
    vectors, labels, artists = collection([0.5, 0.5])
    kept = [row for row, label in enumerate(labels) if label in TRIPLE]
    found = lies_between(vectors[kept], [labels[r] for r in kept], [artists[r] for r in kept], TRIPLE)
    assert found["margin"] is None and found["others"] == [] and found["between"] == "yes"


def test_the_posters_question_is_asked_where_it_can_be() -> None:
    vectors, labels, _ = collection([0.0, 0.0])
    assert choose_triple(vectors, [label.title() for label in labels]) == ("Jazz", "Rock", "Funk")


def test_otherwise_the_farthest_two_and_what_is_nearest_between_them() -> None:
    places = {"d": [0.0, 0.0], "a": [4.0, 0.0], "c": [1.0, 0.5], "b": [2.0, 1.0], "e": [1.9, 2.0]}
    labels = [name for name in places for _ in range(3)]
    vectors = np.array([places[label] for label in labels])
    assert choose_triple(vectors, labels) == ("a", "d", "c")
    assert choose_triple(vectors[::-1], labels[::-1]) == ("a", "d", "c")
    assert choose_triple(vectors[:6], labels[:6]) is None


def test_named_genres() -> None:
    genres = ["Hip Hop", "jazz", "rock"]
    assert named_triple("Rock, hip  hop,JAZZ", genres) == ("rock", "Hip Hop", "jazz")
    for wrong in ("rock,jazz", "rock,jazz,tango", "rock,jazz,rock"):
        with pytest.raises(SongspaceError, match="takes three of the genres, as A,B,C: Hip Hop, jazz, rock"):
            named_triple(wrong, genres)
