"""Picking: the first songs of a ranking that can be spread over a list, compared with trying everything."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace.playlists.mixes.cut import pick
from songspace.playlists.rules import Rules


def spread(rows: tuple[int, ...], artists: list[str | None], gap: int) -> bool:
    """Whether some order of the rows keeps the gap."""

    def keeps(order: tuple[int, ...]) -> bool:
        pairs = combinations(enumerate(order), 2)
        return not any(j - i <= gap and artists[a] is not None and artists[a] == artists[b] for (i, a), (j, b) in pairs)

    return any(keeps(order) for order in permutations(rows))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_as_many_songs_as_any_list_can_have_and_the_best_of_them(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 6))
    artists = data.draw(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=n, max_size=n))
    gap, most = data.draw(st.integers(0, 3)), data.draw(st.sampled_from([None, 1, 2]))
    length = data.draw(st.integers(1, n))
    versions = np.array(data.draw(st.lists(st.integers(0, n), min_size=n, max_size=n)))
    barred = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    rules = Rules.of(n, artists=artists, artist_gap=gap, most_of_artist=most, versions=versions, barred=barred)
    found = pick(np.arange(n), length, rules)

    def allowed(rows: tuple[int, ...]) -> bool:
        known = [artists[row] for row in rows if artists[row] is not None]
        return (
            not barred[list(rows)].any()
            and len({versions[row] for row in rows}) == len(rows)
            and all(most is None or known.count(artist) <= most for artist in known)
            and spread(rows, artists, gap)
        )

    assert not found or allowed(tuple(found))
    assert found == sorted(found) and len(found) <= length
    # Artists and versions together make a matching problem, which taking the best first does not solve; by themselves
    # the rules are matroids, for which it does.
    if len(set(versions)) == n:
        every = [rows for rows in combinations(range(n), length) if allowed(rows)]
        if every:
            assert len(found) == length
            assert min(every) == tuple(found)


def test_one_artist_alone_is_better_than_no_list() -> None:
    rules = Rules.of(8, artists=["Nina"] * 8, artist_gap=2)
    assert pick(np.arange(8), 6, rules) == [0]
    assert pick(np.arange(8), 6, rules, fewest=5) == [0, 1, 2, 3, 4, 5]
