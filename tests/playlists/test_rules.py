"""The artist gap against a search that tries everything, and the numbers that say how smooth a playlist is."""

from __future__ import annotations

from itertools import combinations, pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from songspace.playlists.rules import ArtistGap, sitting_out, smoothness
from songspace.space import Space


def by_hand(artists: list[int], gap: int) -> list[tuple[int, int]]:
    return [(i, j) for i, j in combinations(range(len(artists)), 2) if artists[i] == artists[j] and j - i <= gap]


def can_finish_by_trying(
    left: tuple[int, ...], slots: int, gap: int, recent: tuple[int, ...], last: int | None
) -> bool:
    """Try every artist in every slot."""
    if slots == 0:
        return last not in recent
    return any(
        can_finish_by_trying(
            tuple(count - (a == artist) for a, count in enumerate(left)),
            slots - 1,
            gap,
            (*recent, artist)[-gap:] if gap else (),
            last,
        )
        for artist in range(len(left))
        if left[artist] and artist not in recent
    )


class TestArtistGap:
    @given(st.lists(st.integers(0, 3), max_size=12), st.integers(0, 4))
    def test_broken_pairs_are_those_found_by_hand(self, artists: list[int], gap: int) -> None:
        rule = ArtistGap.of([f"artist {a}" for a in artists], n=len(artists), gap=gap)
        assert rule.broken(range(len(artists))) == by_hand(artists, gap)

    def test_who_is_the_same_artist(self) -> None:
        names = ["Björk", "  BJO\u0308RK ", "bjork", None, None, "", " ", "The  Band", "the band"]
        artist = ArtistGap.of(names, n=len(names), gap=1).artist.tolist()
        assert artist[0] == artist[1] != artist[2]
        assert artist[7] == artist[8]
        assert len({artist[0], artist[2], *artist[3:7], artist[7]}) == 7

    def test_nobody_is_known(self) -> None:
        rule = ArtistGap.of(None, n=3, gap=5)
        assert rule.broken([0, 1, 2]) == []
        assert rule.broken([0, 1, 0]) == [(0, 2)]

    @pytest.mark.parametrize(("artists", "gap", "said"), [(["a"], 2, "each of 2 songs"), (None, -1, "negative")])
    def test_what_is_no_rule(self, artists: list[str | None] | None, gap: int, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            ArtistGap.of(artists, n=2, gap=gap)

    @given(
        counts=st.lists(st.integers(0, 4), min_size=1, max_size=5),
        slots=st.integers(0, 8),
        gap=st.integers(0, 3),
        played=st.permutations(range(5)),
        fixed=st.integers(-1, 4),
    )
    @example(counts=[2, 2], slots=3, gap=1, played=[0, 1, 2, 3, 4], fixed=1)
    @settings(max_examples=400, deadline=None)
    def test_it_knows_whether_the_rest_can_be_filled(
        self, counts: list[int], slots: int, gap: int, played: list[int], fixed: int
    ) -> None:
        """Hall's condition suffices: it says yes exactly if trying everything finds a way."""
        rows = np.arange(len(counts))  # one row for each artist stands for all of theirs
        rule = ArtistGap(rows, gap)
        before = [row for row in played if row in rows][:gap]
        last = fixed if fixed in rows else None
        expected = can_finish_by_trying(tuple(counts), slots, gap, tuple(before), last)
        assert rule.can_finish(np.array(counts), slots, played=before, last=last) == expected

    @given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.integers(0, 3), st.data())
    @settings(max_examples=200, deadline=None)
    def test_a_chain_reaches_its_end_whatever_the_songs_cost(
        self, artists: list[int], gap: int, data: st.DataObject
    ) -> None:
        rule = ArtistGap(np.array(artists), gap)
        pool = np.arange(len(artists))
        slots = data.draw(st.integers(0, len(pool)))
        cost = np.array(data.draw(st.lists(st.floats(0, 1), min_size=len(pool), max_size=len(pool))))
        if rule.can_finish(rule.count(pool), slots):
            chain = rule.chain(pool, slots, lambda _: cost)
            assert len(set(chain)) == len(chain) == slots
            assert rule.broken(chain) == []
        else:
            with pytest.raises(ValueError, match="No choice of songs"):
                rule.chain(pool, slots, lambda _: cost)

    @given(
        counts=st.lists(st.integers(0, 3), min_size=1, max_size=4),
        length=st.integers(1, 9),
        gap=st.integers(0, 3),
        order=st.randoms(use_true_random=False),
    )
    @settings(max_examples=200, deadline=None)
    def test_room_lets_in_all_that_can_be_arranged_and_nothing_else(
        self, counts: list[int], length: int, gap: int, order: Random
    ) -> None:
        """Filled in any order, a list becomes full if any list can, and can then be arranged."""
        counts[0] += 1  # the song that opens the list
        artists = np.repeat(np.arange(len(counts)), counts)
        rule = ArtistGap(artists, gap)
        chosen = [0]
        others = list(range(1, len(artists)))
        order.shuffle(others)
        for row in others:
            if len(chosen) < length and rule.room(rule.count(chosen), length, first=0)[artists[row]]:
                chosen.append(row)
        possible = rule.can_finish(rule.count(others), length - 1, played=[0])
        assert (len(chosen) == length) == possible
        if possible:
            assert rule.can_finish(rule.count(chosen[1:]), length - 1, played=[0])

    def test_advice_names_the_largest_gap_that_works(self) -> None:
        rule = ArtistGap(np.array([0, 0, 1, 2]), 5)
        assert rule.advice(lambda other: other.gap <= 3) == "an artist gap of 3 would do"


class TestSittingOut:
    def test_nobody_without_variety_and_half_with_all_of_it(self) -> None:
        assert not sitting_out(1000, 0.0, 7).any()
        assert 0.45 < sitting_out(1000, 1.0, 7).mean() < 0.55

    def test_the_seed_decides(self) -> None:
        np.testing.assert_array_equal(sitting_out(100, 0.5, 3), sitting_out(100, 0.5, 3))
        assert (sitting_out(100, 0.5, 3) != sitting_out(100, 0.5, 4)).any()

    @pytest.mark.parametrize("variety", [-0.1, 1.1, float("nan")])
    def test_what_is_no_variety(self, variety: float) -> None:
        with pytest.raises(ValueError, match="between 0 and 1"):
            sitting_out(10, variety, 0)


class TestSmoothness:
    def test_it_equals_a_slow_loop(self) -> None:
        rng = np.random.default_rng(5)
        space = Space.from_vectors(rng.standard_normal((40, 6)))
        rows = [3, 17, 0, 39, 8]
        steps = [float(np.linalg.norm(space.vectors[a] - space.vectors[b])) for a, b in pairwise(rows)]
        apart = [float(np.linalg.norm(space.vectors[a] - space.vectors[b])) for a, b in combinations(range(40), 2)]
        found = smoothness(space, rows)
        assert found["largest"] == pytest.approx(max(steps))
        assert rows[int(found["largest_at"])] == rows[int(np.argmax(steps)) + 1]
        assert found["mean"] == pytest.approx(np.mean(steps))
        assert found["typical"] == pytest.approx(np.median(apart))
        assert found["largest_share"] == pytest.approx(max(steps) / np.median(apart))
        assert found["mean_share"] == pytest.approx(np.mean(steps) / np.median(apart))

    def test_one_song_makes_no_step(self) -> None:
        found = smoothness(Space.from_vectors([[1.0, 2.0]]), [0])
        assert (found["largest"], found["mean"], found["mean_share"]) == (0, 0, 0)
