"""The rules against searches that try everything, and the sentences that say what is in the way."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from songspace.playlists.rules import Rules, sitting_out


def keeps(rows: tuple[int, ...], groups: list[int], gap: int, most: int | None = None) -> bool:
    found = [groups[row] for row in rows]
    near = any(a == b and j - i <= gap for (i, a), (j, b) in combinations(enumerate(found), 2))
    return not near and (most is None or all(found.count(group) <= most for group in found))


def fits(rows: tuple[int, ...], template: list[int | None]) -> bool:
    return all(fixed in (None, row) for fixed, row in zip(template, rows, strict=True))


def nothing(pool: list[int]) -> np.ndarray:
    return np.zeros(len(pool))


class TestBroken:
    @given(st.lists(st.integers(0, 3), max_size=9), st.integers(0, 4), st.integers(1, 3))
    def test_a_list_is_broken_if_it_is_by_hand(self, artists: list[int], gap: int, most: int) -> None:
        rules = Rules.of(len(artists), artists=[f"a{a}" for a in artists], artist_gap=gap, most_of_artist=most)
        rows = tuple(range(len(artists)))
        assert (rules.broken(rows) == []) == keeps(rows, artists, gap, most)
        assert rules.gaps_kept(rows) == keeps(rows, artists, gap)

    def test_who_is_the_same_artist(self) -> None:
        names = ["Björk", "  BJO\u0308RK ", "bjork", None, None, "", " ", "The  Band", "the band"]
        artist = Rules.of(len(names), artists=names, artist_gap=1).spacings[0].group.tolist()
        assert artist[0] == artist[1] != artist[2]
        assert artist[7] == artist[8]
        assert len({artist[0], artist[2], *artist[3:7], artist[7]}) == 7

    def test_nobody_is_known(self) -> None:
        assert Rules.of(3, artist_gap=5, most_of_artist=1, albums=None, album_gap=9).broken([0, 1, 2]) == []

    def test_every_rule_has_its_sentence(self) -> None:
        rules = Rules.of(
            4,
            artists=["a", "a", "a", "b"],
            artist_gap=1,
            most_of_artist=2,
            albums=["x", "y", "z", "x"],
            album_gap=3,
            versions=np.array([7, 8, 9, 9]),
        )
        assert rules.broken([0, 1, 2, 3]) == [
            "Songs 1 and 2 are by one artist, with 0 other between them instead of 1.",
            "Songs 2 and 3 are by one artist, with 0 other between them instead of 1.",
            "Songs 1, 2, 3 are by one artist, and at most 2 may be.",
            "Songs 1 and 4 are of one album, with 2 other between them instead of 3.",
            "Songs 3, 4 are versions of one song, and at most 1 may be.",
        ]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"artists": ["a"]}, "artist .* each of 2 songs"),
            ({"albums": ["a"]}, "album .* each of 2 songs"),
            ({"artist_gap": -1}, "negative"),
            ({"album_gap": -1}, "negative"),
            ({"most_of_artist": 0}, "at least 1"),
            ({"versions": np.array([1])}, "each of 2 songs"),
            ({"barred": np.array([True])}, "each of 2 songs"),
        ],
    )
    def test_what_is_no_rule(self, arguments: dict[str, object], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            Rules.of(2, **arguments)


@st.composite
def templates(draw: st.DrawFn, n: int) -> tuple[list[int | None], list[int]]:
    """Some places of a list are taken by songs; the others of the library fill the rest."""
    rows = draw(st.permutations(range(n)))
    places = draw(st.lists(st.booleans(), max_size=n))
    taken = iter(rows)
    template = [next(taken) if fixed else None for fixed in places]
    return template, [row for row in rows if row not in template]


def keeps_for_each(rows: tuple[int, ...], credited: list[set[int]], gap: int, most: int | None = None) -> bool:
    """As :func:`keeps`, of songs by several artists."""
    found = [credited[row] for row in rows]
    near = any(a & b and j - i <= gap for (i, a), (j, b) in combinations(enumerate(found), 2))
    counts = [sum(artist in some for some in found) for artist in {artist for some in found for artist in some}]
    return not near and (most is None or all(count <= most for count in counts))


CREDITS = st.lists(st.lists(st.integers(0, 4), max_size=3, unique=True), min_size=1, max_size=6)


class TestSeveralArtists:
    @given(CREDITS, st.integers(0, 3), st.integers(1, 3))
    def test_a_list_is_broken_if_it_is_by_hand(self, credited: list[list[int]], gap: int, most: int) -> None:
        artists = [tuple(f"a{a}" for a in some) or None for some in credited]
        rules = Rules.of(len(artists), artists=artists, artist_gap=gap, most_of_artist=most)
        rows = tuple(range(len(artists)))
        by = [set(some) for some in credited]
        assert (rules.broken(rows) == []) == keeps_for_each(rows, by, gap, most)
        assert rules.gaps_kept(rows) == keeps_for_each(rows, by, gap)

    @given(CREDITS, st.integers(0, 3), st.none() | st.integers(1, 2), st.data())
    @settings(max_examples=400, deadline=None)
    def test_it_finds_a_list_exactly_if_there_is_one(
        self, credited: list[list[int]], gap: int, most: int | None, data: st.DataObject
    ) -> None:
        template, pool = data.draw(templates(len(credited)))
        cost = np.array(data.draw(st.lists(st.floats(0, 1), min_size=len(pool), max_size=len(pool))))
        artists = [tuple(f"a{a}" for a in some) or None for some in credited]
        rules = Rules.of(len(artists), artists=artists, artist_gap=gap, most_of_artist=most)
        found = rules.fill(template, pool, lambda _: cost)
        by = [set(some) for some in credited]
        if found is None:
            lists = permutations(range(len(artists)), len(template))
            assert not any(fits(rows, template) and keeps_for_each(rows, by, gap, most) for rows in lists)
        else:
            assert len(set(found)) == len(template) and fits(tuple(found), template)
            assert keeps_for_each(tuple(found), by, gap, most)

    @given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.integers(0, 3), st.data())
    @settings(deadline=None)
    def test_one_artist_each_is_what_it_was(self, artists: list[int], gap: int, data: st.DataObject) -> None:
        template, pool = data.draw(templates(len(artists)))
        cost = np.array(data.draw(st.lists(st.floats(0, 1), min_size=len(pool), max_size=len(pool))))
        one, several = (
            Rules.of(len(artists), artists=names, artist_gap=gap, most_of_artist=3)
            for names in ([f"a{a}" for a in artists], [(f"a{a}",) for a in artists])
        )
        assert one.fill(template, pool, lambda _: cost) == several.fill(template, pool, lambda _: cost)

    def test_its_sentences(self) -> None:
        rules = Rules.of(3, artists=[("Ann", "Bea"), "Cy", ("bea",)], artist_gap=2, most_of_artist=1)
        assert rules.broken([0, 1, 2]) == [
            "Songs 1 and 3 are by one artist, with 1 other between them instead of 2.",
            "Songs 1, 3 are by one artist, and at most 1 may be.",
        ]

        def works(other: Rules, length: int) -> bool:
            return other.fill([None] * length, [0, 1, 2], lambda _: np.zeros(3)) is not None

        error = rules.unmet("It", 3, works)
        assert "It cannot have 3 songs and keep a gap of 2 other songs between two of one artist" in str(error)
        assert str(error).endswith("2 songs would do.")


class TestFill:
    @given(st.lists(st.integers(0, 3), min_size=1, max_size=7), st.integers(0, 3), st.data())
    @settings(max_examples=300, deadline=None)
    def test_with_one_gap_it_finds_a_list_exactly_if_there_is_one(
        self, artists: list[int], gap: int, data: st.DataObject
    ) -> None:
        """Also between songs that are fixed anywhere, and whatever the songs cost."""
        template, pool = data.draw(templates(len(artists)))
        cost = np.array(data.draw(st.lists(st.floats(0, 1), min_size=len(pool), max_size=len(pool))))
        rules = Rules.of(len(artists), artists=[f"a{a}" for a in artists], artist_gap=gap)
        found = rules.fill(template, pool, lambda _: cost)
        if found is None:
            lists = permutations(range(len(artists)), len(template))
            assert not any(fits(rows, template) and keeps(rows, artists, gap) for rows in lists)
        else:
            assert len(set(found)) == len(template)
            assert fits(tuple(found), template)
            assert keeps(tuple(found), artists, gap)

    @given(
        songs=st.lists(st.tuples(*[st.integers(0, 3)] * 3, st.booleans()), min_size=1, max_size=7),
        gaps=st.tuples(st.integers(0, 3), st.integers(0, 3)),
        most=st.integers(1, 3),
        data=st.data(),
    )
    @settings(max_examples=300, deadline=None)
    def test_with_all_rules_at_once_too(
        self,
        songs: list[tuple[int, int, int, bool]],
        gaps: tuple[int, int],
        most: int,
        data: st.DataObject,
    ) -> None:
        """Here dead ends are met, and choices taken back."""
        artists, albums, versions, barred = (list(column) for column in zip(*songs, strict=True))
        template, pool = data.draw(templates(len(songs)))
        rules = Rules.of(
            len(songs),
            artists=[f"a{a}" for a in artists],
            artist_gap=gaps[0],
            most_of_artist=most,
            albums=[f"a{a}" for a in albums],
            album_gap=gaps[1],
            versions=np.array(versions),
            barred=np.array(barred),
        )

        def legal(rows: tuple[int, ...]) -> bool:
            return (
                fits(rows, template)
                and keeps(rows, artists, gaps[0], most)
                and keeps(rows, albums, gaps[1])
                and keeps(rows, versions, 0, 1)
                and not any(barred[row] for row in rows if row not in template)
            )

        found = rules.fill(template, pool, lambda _: nothing(pool))
        if found is None:
            assert not any(map(legal, permutations(range(len(songs)), len(template))))
        else:
            assert legal(tuple(found))
            assert rules.broken(found) == []

    @example([0, 0, 0, 1], 2)
    @given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.integers(0, 4))
    @settings(max_examples=100, deadline=None)
    def test_loosened_is_the_widest_gap_that_all_songs_can_keep(self, artists: list[int], gap: int) -> None:
        rules = Rules.of(len(artists), artists=[f"a{a}" for a in artists], artist_gap=gap)
        rows = range(len(artists))
        widest = max(g for g in range(gap + 1) if any(keeps(other, artists, g) for other in permutations(rows)))
        assert max((rule.gap for rule in rules.loosened(rows).spacings), default=0) == widest

    def test_the_cheapest_song_comes_first(self) -> None:
        rules = Rules.of(4, artists=["a", "a", "b", "c"], artist_gap=1)
        assert rules.fill([None] * 3, [0, 1, 2, 3], lambda _: np.array([0.0, 0.1, 0.3, 0.2])) == [0, 3, 1]


class TestUnmet:
    def said(self, rules: Rules, length: int) -> str:
        pool = list(range(len(rules)))

        def works(rules: Rules, length: int) -> bool:
            return rules.fill([None] * length, pool, lambda _: nothing(pool)) is not None

        assert not works(rules, length)
        return str(rules.unmet("A list", length, works))

    def test_a_gap(self) -> None:
        rules = Rules.of(4, artists=["a", "a", "b", "c"], artist_gap=5)
        assert self.said(rules, 4) == (
            "A list cannot have 4 songs and keep a gap of 5 other songs between two of one artist: "
            "an artist gap of 2 or 3 songs would do."
        )

    def test_a_number(self) -> None:
        rules = Rules.of(4, artists=["a", "a", "a", "b"], artist_gap=0, most_of_artist=1)
        assert self.said(rules, 4) == (
            "A list cannot have 4 songs and keep at most 1 of one artist: 3 songs of one artist or 2 songs would do."
        )

    def test_versions_and_filters(self) -> None:
        rules = Rules.of(3, artist_gap=0, versions=np.array([5, 5, 6]))
        assert "one version of a song: several versions of a song or 2 songs would do" in self.said(rules, 3)
        rules = Rules.of(3, artist_gap=0, barred=np.array([True, False, False]))
        assert "keep the filters (2 songs are left): no filter or 2 songs would do" in self.said(rules, 3)

    def test_several_at_once(self) -> None:
        rules = Rules.of(2, artists=["a", "a"], artist_gap=1, most_of_artist=1, versions=np.array([1, 1]))
        assert self.said(rules, 2).endswith("one version of a song: no single change would do, so loosen several.")


class TestSittingOut:
    def test_nobody_without_variety_and_six_of_ten_with_all_of_it(self) -> None:
        assert not sitting_out(1000, 0.0, 7).any()
        assert 0.55 < sitting_out(1000, 1.0, 7).mean() < 0.65

    def test_the_seed_decides(self) -> None:
        np.testing.assert_array_equal(sitting_out(100, 0.5, 3), sitting_out(100, 0.5, 3))
        assert (sitting_out(100, 0.5, 3) != sitting_out(100, 0.5, 4)).any()

    @pytest.mark.parametrize("variety", [-0.1, 1.1, float("nan")])
    def test_what_is_no_variety(self, variety: float) -> None:
        with pytest.raises(ValueError, match="between 0 and 1"):
            sitting_out(10, variety, 0)
