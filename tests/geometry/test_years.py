"""An artist's way through the years, against loops written plainly, and where nothing may be said."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from songspace.errors import SongspaceError
from songspace.geometry import Years, through_years
from songspace.geometry.years import drift
from songspace.space import Space

Library = tuple[Space, list[str | None], list[str | None], list[int | None]]


def library(noise: float = 0.1, years: tuple[int | None, ...] = (1990, 1994, 1991, 1999, 2003, 2007)) -> Library:
    """Ann moves along an arc with the years of her six albums of three songs; Bea has two albums, Cy one of six."""
    rng = np.random.default_rng(0)
    points, artists, albums, dates = [], [], [], []
    for number, year in enumerate(years):
        turn = ((year or 1990) - 1990) / 12
        for _ in range(3):
            points.append([np.cos(turn), np.sin(turn), 0, 0] + noise * rng.standard_normal(4))
            artists.append("Ann")
            albums.append(f"Ann {number}")
            dates.append(year)
    for artist, album, songs, place in (("Bea", "B1", 4, 2), ("Bea", "B2", 4, 3), ("Cy", "C", 6, 1)):
        for _ in range(songs):
            points.append(np.eye(4)[place] + noise * rng.standard_normal(4))
            artists.append(artist)
            albums.append(album)
            dates.append(1980)
    return Space.from_vectors(points), artists, albums, dates


def apart(space: Space, a: list[int], b: list[int]) -> float:
    return float(np.mean([space.distance(p, q) for p in a for q in b if p != q]))


def follow(found: Library, artist: str = "ann", **more: object) -> Years:
    return through_years(*found, artist, **more)  # type: ignore[arg-type]


def test_stations_come_by_year_and_equal_slow_loops() -> None:
    space, artists, albums, dates = library()
    found = follow((space, artists, albums, dates))
    assert [(s.year, s.name) for s in found.stations] == [
        (1990, "Ann 0"), (1991, "Ann 2"), (1994, "Ann 1"), (1999, "Ann 3"), (2003, "Ann 4"), (2007, "Ann 5"),
    ]  # fmt: skip
    rows = {name: [row for row, album in enumerate(albums) if album == name] for name in {*albums}}
    own = [sorted(rows[str(name)]) for name in dict.fromkeys(albums) if str(name).startswith("Ann")]
    yardstick = [apart(space, a, b) for a, b in itertools.combinations(own, 2)]
    yardstick.append(apart(space, rows["B1"], rows["B2"]))
    np.testing.assert_allclose(found.of_one_artist, sorted(yardstick), atol=1e-5)
    others = [
        space.distance(p, q) for p, q in itertools.combinations(range(len(artists)), 2) if artists[p] != artists[q]
    ]
    assert found.of_others == pytest.approx(np.mean(others), abs=1e-5)
    assert found.stations[0].moved is None
    for before, after in itertools.pairwise(found.stations):
        moved = apart(space, list(before.rows), list(after.rows))
        assert after.moved == pytest.approx(moved, abs=1e-5)
        assert after.farther_than == pytest.approx(np.mean(np.array(yardstick) < moved - 1e-6))
    for station in found.stations:
        near = {name: apart(space, list(station.rows), rows[name]) for name in ("B1", "B2", "C")}
        assert [name for name, _ in station.nearest] == sorted(near, key=lambda name: near[name])
        assert dict(station.nearest) == pytest.approx(near, abs=1e-5)
    assert found.drift.correlation is not None and found.drift.correlation > 0.9
    assert found.drift.p is not None and found.drift.p < 0.01


def test_what_is_near_can_be_told_in_other_regions() -> None:
    space, artists, albums, dates = library()
    genres = ["new" if artist == "Cy" else "old" for artist in artists]
    found = follow((space, artists, albums, dates), labels=genres)
    assert {name for name, _ in found.stations[-1].nearest} == {"new", "old"}
    assert found.stations[-1].nearest[0][0] == "new"
    assert found.stations[0].nearest[0][1] > 1  # her own songs are old, too, and have no say


def test_a_song_of_an_album_is_enough_and_dates_may_disagree() -> None:
    space, artists, albums, dates = library()
    albums[1] = "Single"
    dates[1] = 1970
    dates[3], dates[4] = None, 1999  # the album of 1994 has 1994 on one song only: its earliest counts
    found = follow((space, artists, albums, dates))
    assert (found.stations[0].name, len(found.stations[0].rows), found.stations[0].year) == ("Single", 1, 1970)
    assert found.stations[3].year == 1994


def test_without_years_there_is_no_order_and_no_drift() -> None:
    found = follow(library(years=(None,) * 6))
    assert [station.name for station in found.stations] == [f"Ann {number}" for number in range(6)]
    assert found.dated == 0 and all(station.moved is station.year is None for station in found.stations)
    assert found.drift.albums == 0 and found.drift.p is None


def test_albums_without_a_year_come_last_and_move_nowhere() -> None:
    found = follow(library(years=(None, 1994, 1991, 1999, 2003, 2007)))
    assert found.stations[-1].name == "Ann 0" and found.stations[-1].moved is None
    assert found.dated == 5 and found.drift.albums == 5 and found.drift.p is not None


def test_without_albums_the_years_are_stations() -> None:
    space, artists, _, dates = library()
    dates[0] = None
    found = follow((space, artists, [None] * len(artists), dates))
    assert found.kind == "year" and [station.name for station in found.stations][:2] == ["1990", "1991"]
    assert found.left_out == 1 and len(found.of_one_artist) == 0
    assert all(station.farther_than is None and station.nearest == () for station in found.stations)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"artist": "an"}, r"There is no artist called “an”\. Did you mean: Ann\?"),
        ({"artist": "Dee"}, "No song of Dee says its album or its year"),
        ({"artist": "Eve"}, "No song of Eve has a direction in the space"),
    ],
)
def test_what_cannot_be_followed_is_one_sentence(change: dict[str, str], said: str) -> None:
    points = np.array([[1.0, 0], [-1, 0], [0, 0], [0, 0]])
    artists: list[str | None] = ["Ann", "Dee", "Eve", None]
    with pytest.raises(SongspaceError, match=said):
        through_years(
            Space.from_vectors(points), artists, ["A", None, "E", "X"], [1990, None, 1990, 1990], change["artist"]
        )


def test_one_of_everything_for_each_song() -> None:
    space, artists, albums, dates = library()
    for number, what in enumerate(("artist", "album", "year")):
        values: list[object] = [artists, albums, dates]
        values[number] = [None]
        with pytest.raises(ValueError, match=f"Expected one {what}"):
            through_years(space, *values, "Ann")  # type: ignore[arg-type]


def test_nobody_has_that_many_albums() -> None:
    n = 520
    space = Space.from_vectors(np.random.default_rng(0).standard_normal((n, 3)))
    with pytest.raises(SongspaceError, match="Various has 520 albums: a way through the years has 500 at most"):
        through_years(space, ["Various"] * n, [str(row) for row in range(n)], [2000] * n, "various")


def test_one_song_is_a_way_of_one_station() -> None:
    found = through_years(Space.from_vectors([[1.0, 0], [-1.0, 0]]), ["Ann", None], ["A", None], [1990, None], "Ann")
    assert [station.rows for station in found.stations] == [(0,)] and found.drift.p is None


class TestDrift:
    def test_equals_a_slow_mantel_test(self) -> None:
        rng = np.random.default_rng(0)
        places = rng.standard_normal((6, 2))
        distances = np.linalg.norm(places[:, None] - places, axis=2)
        dates = [1990, 1990, 1993, 1997, 2001, 2011]
        pairs = list(itertools.combinations(range(6), 2))

        def correlation(order: tuple[int, ...]) -> float:
            gaps = [abs(dates[order[i]] - dates[order[j]]) for i, j in pairs]
            return float(np.corrcoef(gaps, [distances[i, j] for i, j in pairs])[0, 1])

        true = correlation(tuple(range(6)))
        found = drift(dates, distances)
        assert found.correlation == pytest.approx(true)
        share = np.mean([correlation(order) >= true - 1e-9 for order in itertools.permutations(range(6))])
        assert found.p == pytest.approx(share)

    def test_many_albums_are_shuffled_by_the_seed(self) -> None:
        line = np.linspace(0, 1, 12)
        distances = np.abs(line[:, None] - line)
        found = drift(list(range(1990, 2002)), distances, seed=1)
        assert found == drift(list(range(1990, 2002)), distances, seed=1)
        assert found.correlation == 1 and found.p == 1e-4

    def test_parts_change_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        places = np.random.default_rng(0).standard_normal((9, 3))
        distances = np.linalg.norm(places[:, None] - places, axis=2)
        whole = drift(list(range(9)), distances)
        monkeypatch.setattr("songspace.geometry.years.CHUNK", 1000)
        assert drift(list(range(9)), distances) == whole

    def test_is_rarely_seen_where_there_is_none(self) -> None:
        """Of 200 artists without a drift about 10 have p <= 0.05; more than 21 would be one chance in 1,000."""
        rng = np.random.default_rng(0)
        seen = 0
        for _ in range(200):
            places = rng.standard_normal((6, 3))
            found = drift(list(range(6)), np.linalg.norm(places[:, None] - places, axis=2))
            seen += found.p is not None and found.p <= 0.05
        assert 1 <= seen <= 21

    @pytest.mark.parametrize("dates", [[1990, 1991, 1992, 1993], [1990, 1990, 1990, 1999, 1999], [], [1990] * 6])
    def test_too_few_albums_or_years(self, dates: list[int]) -> None:
        places = np.random.default_rng(0).standard_normal((len(dates), 2))
        found = drift(dates, np.linalg.norm(places[:, None] - places, axis=2))
        assert found.correlation is found.p is None and found.albums == len(dates)

    def test_albums_that_are_all_equally_far_apart(self) -> None:
        assert drift(list(range(6)), 1 - np.eye(6)).p is None
