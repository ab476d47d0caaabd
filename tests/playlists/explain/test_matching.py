"""Planted matches are found and nothing else is; strengths are those of a plain, slow computation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace import Space
from songspace.library.learnt import Segments, in_brief
from songspace.playlists.explain.matching import Match, SegmentMatcher

SIZE = 40  # dimensions: random segments are at about right angles
Songs = dict[int, np.ndarray]


def _library(songs: Songs, *, apart: float = 5.0) -> tuple[Space, Callable[[list[int]], Mapping[int, Segments]]]:
    """The space of some songs, given by the vectors of their segments, which begin every ``apart`` seconds."""
    brief = np.stack([in_brief(vectors) for vectors in songs.values()], axis=1)
    space = Space.from_vectors(brief[0], list(songs), openings=brief[1], endings=brief[2])
    segments = {}
    for id, vectors in songs.items():
        starts = apart * np.arange(len(vectors))
        segments[id] = Segments(vectors.astype(np.float32), starts, starts + 5)
    return space, lambda ids: {id: segments[id] for id in ids if id in segments}


def _random(seed: int, *, songs: int = 14, segments: int = 8) -> Songs:
    """Songs whose segments have nothing in common, not even within a song."""
    rng = np.random.default_rng(seed)
    return {10 + number: rng.normal(size=(segments, SIZE)) for number in range(songs)}


def _near(vectors: np.ndarray, seed: int = 99) -> np.ndarray:
    return vectors + 0.1 * np.random.default_rng(seed).normal(size=vectors.shape)


def _fifth(vectors: np.ndarray) -> int:
    return 2 if len(vectors) >= 8 else 1


class TestWhatIsFound:
    def test_one_segment_like_another(self) -> None:
        songs = _random(0)
        songs[11][5] = _near(songs[10][2])
        matcher = SegmentMatcher(*_library(songs), [0, 1])
        found = matcher.match(0, 1)
        assert found is not None and found.kind == "parts" and found.stronger_than == pytest.approx(1, abs=0.02)
        [match] = found.matches
        assert (match.here, match.there) == ((10, 15), (25, 30)) and match.similarity > 0.98

    def test_three_in_a_row_are_one_stretch(self) -> None:
        songs = _random(1)
        songs[11][4:7] = _near(songs[10][1:4])
        found = SegmentMatcher(*_library(songs), [0, 1]).match(0, 1)
        assert found is not None
        assert [(match.here, match.there) for match in found.matches] == [((5, 20), (20, 35))]

    def test_what_was_not_heard_is_no_part_of_a_stretch(self) -> None:
        songs = _random(1)
        songs[11][4:7] = _near(songs[10][1:4])
        found = SegmentMatcher(*_library(songs, apart=26.0), [0, 1]).match(0, 1)
        assert found is not None and found.kind == "parts"
        pairs = sorted((match.here, match.there) for match in found.matches)
        assert pairs == [((26.0 * k, 26.0 * k + 5), (26.0 * (k + 3), 26.0 * (k + 3) + 5)) for k in (1, 2, 3)]
        likeness = [match.similarity for match in found.matches]
        assert likeness == sorted(likeness, reverse=True)

    def test_parts_are_named_once(self) -> None:
        # Two segments of the one song are like the same segment of the other: only the closer one is named.
        songs = _random(2)
        songs[11][6] = _near(songs[10][3]) / 2
        songs[11][1] = songs[10][3]
        found = SegmentMatcher(*_library(songs), [0, 1]).match(0, 1)
        assert found is not None
        assert [(match.here, match.there) for match in found.matches] == [((15, 20), (5, 10))]

    @pytest.mark.parametrize(("likeness", "named"), [(0.4, 1), (0.6, 2)])
    def test_a_further_match_is_at_least_half_as_close(self, likeness: float, named: int) -> None:
        # In many dimensions, half of a close match is still more than random songs have.
        songs = {id: np.random.default_rng(id).normal(size=(4, 10 * SIZE)) for id in range(10, 24)}
        songs[11][3] = songs[10][0]
        one, other = (vector / np.linalg.norm(vector) for vector in (songs[10][2], songs[11][1]))
        across = other - (other @ one) * one
        songs[11][1] = 20 * (likeness * one + math.sqrt(1 - likeness**2) * across / np.linalg.norm(across))
        found = SegmentMatcher(*_library(songs), [0, 1]).match(0, 1)
        assert found is not None and found.kind == "parts"
        expected = [((0, 5), (15, 20)), ((10, 15), (5, 10))]
        assert [(match.here, match.there) for match in found.matches] == expected[:named]

    def test_songs_alike_throughout(self) -> None:
        rng = np.random.default_rng(3)
        songs = _random(3)
        common = rng.normal(size=SIZE)
        for id in (10, 11):
            songs[id] = common + 0.1 * rng.normal(size=(8, SIZE))
        found = SegmentMatcher(*_library(songs), [0, 1]).match(0, 1)
        assert found is not None and found.kind == "whole" and len(found.matches) == 1

    def test_songs_with_nothing_in_common(self) -> None:
        songs = _random(4)
        rng = np.random.default_rng(4)
        songs[10], songs[11] = (sign * 3 + rng.normal(size=(8, SIZE)) for sign in (1, -1))
        found = SegmentMatcher(*_library(songs), [0, 1]).match(0, 1)
        assert found is not None and found.kind == "little" and len(found.matches) == 1
        assert found.stronger_than is not None and found.stronger_than < 0.1

    def test_a_segment_that_resembles_everything_says_little(self) -> None:
        # One segment of song 10 lies near everything: its likeness to song 11 is the highest but nothing particular.
        songs = _random(5)
        middle = np.ones(SIZE)
        for vectors in songs.values():
            vectors += middle
        songs[10] -= 3 * middle
        space, segments_of = _library(songs)
        found = SegmentMatcher(space, segments_of, [1, 2]).match(1, 2)
        assert found is not None and found.kind == "little"

    def test_a_small_library_cannot_tell(self) -> None:
        songs = _random(6, songs=7)
        songs[11][5] = songs[10][2]
        matcher = SegmentMatcher(*_library(songs), [0, 1])
        found, transition = matcher.match(0, 1), matcher.transition(0, 1)
        assert found is not None and found.kind == "unknown" and found.stronger_than is None
        assert found.matches == (Match((10, 15), (25, 30), 1.0),)
        assert transition is not None and transition.stronger_than is None

    def test_songs_of_one_segment_each(self) -> None:
        songs = _random(7, segments=1)
        songs[11] = songs[10].copy()
        found = SegmentMatcher(*_library(songs), [0, 1]).match(0, 1)
        assert found is not None and found.kind == "whole" and found.matches[0].similarity == 1

    def test_two_copies_of_one_sound_in_every_song(self) -> None:
        # Nothing differs, so nothing is particular, and nothing is divided by zero.
        space, segments_of = _library({id: np.ones((3, SIZE)) for id in range(12)})
        found = SegmentMatcher(space, segments_of, [0, 1]).match(0, 1)
        assert found is not None and found.kind == "little" and found.matches[0].similarity == 0

    def test_a_song_without_segments(self) -> None:
        songs = _random(8)
        space, segments_of = _library(songs)

        def some(ids: list[int]) -> dict[int, Segments]:
            empty = Segments(np.empty((0, SIZE), np.float32), np.empty(0), np.empty(0))
            return {id: empty if id == 12 else song for id, song in segments_of(ids).items() if id != 11}

        matcher = SegmentMatcher(space, some, [0, 1, 2, 3])
        assert matcher.match(0, 1) is None and matcher.match(2, 0) is None and matcher.transition(1, 0) is None
        assert matcher.match(0, 3) is not None

    def test_rows_that_are_not_there(self) -> None:
        space, segments_of = _library(_random(9))
        with pytest.raises(ValueError, match="no row 14"):
            SegmentMatcher(space, segments_of, [14])


@pytest.fixture(scope="module")
def songs() -> Songs:
    rng = np.random.default_rng(10)
    lengths = [3, 7, 5, 1, 4, 6, 2, 5, 8, 3, 4]  # songs need not have the same number of segments
    return {id: rng.normal(size=(n, SIZE)) + rng.normal(size=SIZE) for id, n in enumerate(lengths)}


class TestAgainstAPlainComputation:
    """On a library smaller than the cohort, which therefore is the whole of it."""

    def test_strengths(self, songs: Songs) -> None:
        space, segments_of = _library(songs)
        placed = {id: [space.place(vector) for vector in vectors.astype(np.float32)] for id, vectors in songs.items()}

        def strength(a: int, i: int, b: int, j: int) -> float:
            found = []
            for id, place in ((a, i), (b, j)):
                others = [float(placed[id][place] @ v) for random in placed.keys() - {a, b} for v in placed[random]]
                found.append((float(placed[a][i] @ placed[b][j]) - np.mean(others)) / np.std(others))
            return float(np.sum(found))

        def closest(a: int, b: int) -> tuple[int, int]:
            cells = [(i, j) for i in range(len(placed[a])) for j in range(len(placed[b]))]
            return max(cells, key=lambda cell: float(placed[a][cell[0]] @ placed[b][cell[1]]))

        best = {}
        for a, b in combinations(placed, 2):
            i, j = closest(a, b)
            best[a, b] = strength(a, i, b, j)
        matcher = SegmentMatcher(space, segments_of, range(len(space)))
        for (a, b), own in best.items():
            found = matcher.match(a, b)
            assert found is not None
            i, j = closest(a, b)
            assert found.matches[0].similarity == pytest.approx(float(placed[a][i] @ placed[b][j]), abs=1e-5)
            weaker = np.mean([other < own - 1e-9 for other in best.values()])
            assert found.stronger_than == pytest.approx(weaker, abs=1.01 / len(best))  # itself, by rounding
            if found.kind != "parts":  # of a stretch or of several, the first need not be named alone
                assert found.matches[0].here == (5 * i, 5 * i + 5) and found.matches[0].there == (5 * j, 5 * j + 5)

    def test_transitions(self, songs: Songs) -> None:
        space, segments_of = _library(songs)
        first = {id: space.place(vectors[: _fifth(vectors)].mean(axis=0)) for id, vectors in songs.items()}
        last = {id: space.place(vectors[-_fifth(vectors) :].mean(axis=0)) for id, vectors in songs.items()}
        usual = [float(last[a] @ first[b]) for a, b in permutations(songs, 2)]
        matcher = SegmentMatcher(space, segments_of, range(len(space)))
        for a, b in ((1, 7), (7, 1), (3, 0)):
            found = matcher.transition(a, b)
            assert found is not None
            own = float(last[a] @ first[b])
            # The space keeps ends in 8 bits.
            assert found.similarity == pytest.approx(own, abs=0.02)
            sure = (np.mean(np.array(usual) < own - 0.04), np.mean(np.array(usual) < own + 0.04))
            assert sure[0] - 1.01 / len(usual) <= found.stronger_than <= sure[1] + 1.01 / len(usual)
            end = 5.0 * len(songs[a])
            assert found.ending == (end - 5 * _fifth(songs[a]), end)
            assert found.beginning == (0, 5 * _fifth(songs[b]))


class TestProperties:
    @given(seed=st.integers(0, 10_000), planted=st.integers(0, 7))
    def test_a_match_is_the_same_from_either_side(self, seed: int, planted: int) -> None:
        songs = _random(seed, songs=10)
        songs[11][:planted] = _near(songs[10][:planted], seed)
        matcher = SegmentMatcher(*_library(songs), [0, 1])
        one, other = matcher.match(0, 1), matcher.match(1, 0)
        assert one is not None and other is not None
        assert (one.kind, one.stronger_than) == (other.kind, other.stronger_than)
        swapped = [Match(match.there, match.here, match.similarity) for match in other.matches]
        assert list(one.matches) == swapped

    @given(seed=st.integers(0, 10_000))
    def test_no_second_is_named_twice_and_none_that_is_not_there(self, seed: int) -> None:
        songs = {id: 0.4 * vectors for id, vectors in _random(seed, songs=10, segments=10).items()}
        songs[11] += songs[10][np.random.default_rng(seed).permutation(10)]
        found = SegmentMatcher(*_library(songs, apart=2.5), [0, 1]).match(0, 1)  # windows overlap
        assert found is not None and 1 <= len(found.matches) <= 3
        for side in ("here", "there"):
            parts = sorted(getattr(match, side) for match in found.matches)
            assert all(0 <= start < end <= 27.5 for start, end in parts)
            assert all(one[1] <= next_one[0] for one, next_one in pairwise(parts))

    def test_other_songs_that_are_asked_about_change_nothing(self) -> None:
        space, segments_of = _library(_random(12, songs=60))
        alone = SegmentMatcher(space, segments_of, [3, 50]).match(3, 50)
        assert alone == SegmentMatcher(space, segments_of, [50, 7, 3, 59]).match(3, 50)

    def test_segments_are_asked_for_once_and_not_those_of_all(self) -> None:
        space, segments_of = _library(_random(13, songs=200))
        calls: list[list[int]] = []

        def counted(ids: list[int]) -> Mapping[int, Segments]:
            calls.append(ids)
            return segments_of(ids)

        matcher = SegmentMatcher(space, counted, [1, 2, 1])
        matcher.match(1, 2)
        matcher.transition(2, 1)
        assert len(calls) == 1 and len(set(calls[0])) == len(calls[0]) <= 34

    def test_songs_from_outside_are_not_what_is_usual(self) -> None:
        space, segments_of = _library(_random(14, songs=20))
        outside = np.random.default_rng(14).normal(size=(8, SIZE)).astype(np.float32) + 3
        extended = space.extended(space.place(outside.mean(axis=0))[np.newaxis], [-1])
        starts = 5.0 * np.arange(8)

        def of_all(ids: list[int]) -> Mapping[int, Segments]:
            return {**segments_of(ids), -1: Segments(outside, starts, starts + 5)}

        matcher = SegmentMatcher(extended, of_all, [1, 2, 20])
        assert matcher.match(1, 2) == SegmentMatcher(space, segments_of, [1, 2]).match(1, 2)
        assert matcher.match(20, 1) is not None
