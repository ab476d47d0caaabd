"""Steps from song to song, and how smooth a playlist is, against slow loops."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from songspace.playlists.steps import Steps, smoothness, typical_distance
from songspace.space import Space


class TestSteps:
    rng = np.random.default_rng(0)
    space = Space.from_vectors(rng.standard_normal((9, 4)), openings=rng.random((9, 4)), endings=rng.random((9, 4)))

    @pytest.mark.parametrize("transition", [0.0, 0.3, 1.0])
    def test_a_step_joins_the_songs_and_how_one_goes_over_into_the_other(self, transition: float) -> None:
        steps = Steps(self.space, transition)
        for a, b in ((0, 1), (1, 0), (3, 3)):
            whole = np.linalg.norm(self.space.vectors[a] - self.space.vectors[b])
            over = np.linalg.norm(self.space.endings([a]) - self.space.openings([b]))
            expected = (1 - transition) * whole + transition * over
            assert steps.between([a], [b])[0, 0] == pytest.approx(expected, abs=1e-6)
        assert steps.of([4, 2, 7]).tolist() == [steps.between([4], [2])[0, 0], steps.between([2], [7])[0, 0]]

    def test_nothing_is_known_of_ends(self) -> None:
        space = Space.from_vectors(self.space.vectors)
        np.testing.assert_allclose(Steps(space, 0.5).between([0], range(9)), space.pairwise([0], range(9)), atol=1e-12)

    def test_typical_distance(self) -> None:
        apart = [self.space.distance(a, b) for a in range(9) for b in range(a)]
        assert typical_distance(self.space) == pytest.approx(np.median(apart))
        assert typical_distance(Space.from_vectors([[1.0, 2.0]])) == 0


class TestSmoothness:
    def test_it_equals_a_slow_loop(self) -> None:
        rng = np.random.default_rng(5)
        space = Space.from_vectors(rng.standard_normal((40, 6)))
        rows = [3, 17, 0, 39, 8]
        steps = [float(np.linalg.norm(space.vectors[a] - space.vectors[b])) for a, b in pairwise(rows)]
        apart = [float(np.linalg.norm(space.vectors[a] - space.vectors[b])) for a, b in combinations(range(40), 2)]
        found = smoothness(space, rows)
        assert found.largest == pytest.approx(max(steps))
        assert rows[int(found.largest_at)] == rows[int(np.argmax(steps)) + 1]
        assert found.mean == pytest.approx(np.mean(steps))
        assert found.typical == pytest.approx(np.median(apart))
        assert found.largest_share == pytest.approx(max(steps) / np.median(apart))
        assert found.mean_share == pytest.approx(np.mean(steps) / np.median(apart))

    def test_one_song_makes_no_step(self) -> None:
        found = smoothness(Space.from_vectors([[1.0, 2.0]]), [0])
        assert (found.largest, found.mean, found.mean_share) == (0, 0, 0)
