"""The reasons for songs in lists: their numbers, and sentences that claim no more than is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from songspace import Space
from songspace.library.learnt import Segments
from songspace.playlists.explain import Explainer

SegmentsOf = Callable[[list[int]], Mapping[int, Segments]]
N = 16


def _angle(degrees: float) -> tuple[float, float]:
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


@pytest.fixture(scope="module")
def library() -> tuple[Space, SegmentsOf]:
    """Sixteen songs of random segments, except that 3 begins as 2 ends, and holds two other seconds of 2."""
    rng = np.random.default_rng(0)
    songs = rng.normal(size=(N, 6, 30)).astype(np.float32)
    songs[3, 0] = songs[2, 5]
    songs[3, 4] = songs[2, 1] + 0.1 * rng.normal(size=30)
    ends = {"openings": songs[:, 0], "endings": songs[:, 5]}
    space = Space.from_vectors(songs.mean(axis=1), ids=range(100, 100 + N), **ends)
    starts = 20.0 * np.arange(6)
    return space, lambda ids: {id: Segments(songs[id - 100], starts, starts + 5) for id in ids}


@pytest.fixture
def explain(library: tuple[Space, SegmentsOf]) -> Explainer:
    return Explainer(*library, lambda row: f"Song {row}")


@pytest.fixture
def circle() -> Explainer:
    """Songs on a circle, of whose segments nothing is known; a few more make the mean its middle."""
    angles = [0, 20, 45, 90, 120, 240, 270, 300, 180]
    vectors = np.array([_angle(angle) for angle in angles])
    space = Space.from_vectors(np.concatenate([vectors, -vectors]))
    np.testing.assert_allclose(space.center, 0, atol=1e-7)
    return Explainer(space, lambda ids: {}, lambda row: f"Song {row}")


class TestSimilar:
    def test_one_song(self, explain: Explainer, library: tuple[Space, SegmentsOf]) -> None:
        space, _ = library
        [reason] = explain.similar([2], [3])
        assert reason.sentence.startswith(
            "Its 0:00–0:05 sounds like 1:40–1:45 of the song asked for, and 1:20–1:25 like 0:20–0:25: closer than any "
        )
        assert (reason.beside, reason.transition) == (2, None)
        assert reason.similarity == pytest.approx(1 - space.distance(2, 3) ** 2 / 2)
        alike = reason.resemblance
        assert alike is not None and alike.kind == "parts"
        assert [(match.here, match.there) for match in alike.matches] == [((0, 5), (100, 105)), ((80, 85), (20, 25))]

    def test_several_songs_are_told_apart(self, explain: Explainer, library: tuple[Space, SegmentsOf]) -> None:
        space, _ = library
        reasons = explain.similar([2, 9], [3, 4, 5])
        for reason in reasons:
            nearest = min([2, 9], key=lambda row: space.distance(reason.row, row))
            assert reason.beside == nearest
            assert reason.sentence.startswith(f"Of the songs asked for, it is nearest to “Song {nearest}” (")

    def test_without_segments(self, circle: Explainer) -> None:
        [reason] = circle.similar([0], [1])
        assert reason.sentence == "Which of its parts are alike is not known."
        assert reason.resemblance is None and reason.similarity == pytest.approx(math.cos(math.radians(20)))

    def test_a_small_library_claims_nothing(self, library: tuple[Space, SegmentsOf]) -> None:
        space, segments_of = library
        [reason] = Explainer(space.only(range(5)), segments_of, str).similar([2], [3])
        assert reason.sentence == "Nearest are its 0:00–0:05 and 1:40–1:45 of the song asked for."

    def test_nothing_found(self, explain: Explainer) -> None:
        assert explain.similar([0], []) == []


class TestPath:
    def test_where_songs_lie_on_the_way(self, circle: Explainer) -> None:
        reasons = circle.path([0, 1, 2, 3])
        # The foot of a point of the circle on the chord from 0 to 90 degrees.
        feet = [(math.sin(a) - math.cos(a) + 1) / 2 for a in map(math.radians, (20, 45))]
        assert [reason.position for reason in reasons] == pytest.approx([0, *feet, 1], abs=1e-6)
        chords = [2 * math.sin(math.radians(angle) / 2) for angle in (20, 25, 45)]
        assert [reason.before for reason in reasons[1:]] == pytest.approx(chords, abs=1e-6)
        assert [reason.after for reason in reasons[:-1]] == pytest.approx(chords, abs=1e-6)
        assert reasons[0].before is None and reasons[-1].after is None
        first, second, third, last = (reason.sentence for reason in reasons)
        assert first == "The path begins here."
        assert second.startswith("20% of the way, 0.35 from the song before and 0.43 from the next (usual: ")
        assert third.startswith("50% of the way, 0.43 from the song before and 0.77 from the next")
        assert last.startswith("The path ends here, 0.77 from the song before (")

    def test_waypoints(self, circle: Explainer) -> None:
        reasons = circle.path([0, 2, 3, 4, 8], via=[3])
        assert [reason.position for reason in reasons[::2]] == [0, 0.5, 1]
        assert reasons[1].position == pytest.approx(0.25, abs=1e-6)
        assert reasons[1].sentence.startswith("50% of the way from “Song 0” to “Song 3”, ")
        assert reasons[2].sentence.startswith("Asked for on the way, ")
        assert "from “Song 3” to “Song 8”" in reasons[3].sentence

    def test_songs_beyond_the_ends_and_a_round_trip(self, circle: Explainer) -> None:
        positions = [reason.position for reason in circle.path([0, 7, 4, 3])]
        assert all(position is not None and 0 <= position <= 1 for position in positions)
        assert [reason.position for reason in circle.path([2, 3, 2])] == [0, 0, 1]

    def test_one_song_and_two(self, circle: Explainer) -> None:
        assert [reason.sentence for reason in circle.path([5])] == ["The path begins here."]
        assert len(circle.path([5, 6])) == 2 and circle.path([]) == []

    def test_transitions(self, explain: Explainer) -> None:
        reason = explain.path([0, 2, 3, 5])[2]
        assert reason.beside == 2
        assert "Its 0:00–0:05 sounds like 1:40–1:45 of the song before" in reason.sentence
        assert reason.sentence.endswith("It begins much as the song before ends.")
        joint = reason.transition
        assert joint is not None and (joint.ending, joint.beginning) == ((100, 105), (0, 5))
        assert joint.similarity == pytest.approx(1)
        assert None not in (reason.resemblance, reason.position, reason.before, reason.after)


class TestRadio:
    def test_one_seed(self, circle: Explainer) -> None:
        reasons = circle.radio([0, 1, 2], [0])
        assert [reason.sentence for reason in reasons] == [
            "The song asked for.",
            "Similarity 0.94 to the song asked for.",
            "Similarity 0.71 to the song asked for.",
        ]
        assert [reason.beside for reason in reasons] == [None, 0, 0]

    def test_several_seeds_and_songs_to_steer_away_from(self, circle: Explainer) -> None:
        reasons = circle.radio([0, 1, 3, 2], [0, 3], minus=[6, 8])
        assert reasons[2].sentence == "One of the songs asked for."
        assert reasons[1].sentence == (
            "Similarity 0.94 to “Song 0”. To “Song 6”, from which the list steers away, it is -0.34."
        )
        assert reasons[1].away == pytest.approx(math.cos(math.radians(110)), abs=1e-6)
        assert reasons[3].beside in (0, 3) and reasons[0].away is None

    def test_matches_are_those_with_the_seed(self, explain: Explainer) -> None:
        reasons = explain.radio([2, 5, 3], [2])
        assert reasons[2].beside == 2
        assert "Its 0:00–0:05 sounds like 1:40–1:45 of that song" in reasons[2].sentence


class TestOrder:
    def test_each_song_beside_the_one_before(self, circle: Explainer) -> None:
        reasons = circle.order([3, 1, 0])
        assert reasons[0].sentence == "The list begins here."
        assert reasons[1].sentence.startswith("It is 1.15 from the song before and 0.35 from the next (")
        assert reasons[2].sentence.startswith("It is 0.35 from the song before (")
        assert [reason.beside for reason in reasons] == [None, 3, 1]
        assert all(reason.position is None for reason in reasons)


def test_rows_that_are_not_there(explain: Explainer) -> None:
    for call in (explain.path, explain.order):
        with pytest.raises(ValueError, match=f"no row {N}"):
            call([0, N])
    with pytest.raises(ValueError, match=f"no row {N}"):
        explain.similar([0], [N])
