"""The pictures: whole, with every name in its place, the same each time, and honest about what they leave out."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from songspace.drawing import save
from songspace.geometry import describe, through_years, way
from songspace.geometry.pictures import draw_regions, draw_tree, plane
from songspace.geometry.way_pictures import draw_way, draw_years
from songspace.space import Space

STRANGE = [
    "A very long genre: neue deutsche Härte und Verwandtes, Teil 2",
    "日本の音楽",
    "Русский рок",
    "$x^2$ & <b>",
    "موسيقى",
    "line\nbreak",
    "𝔊𝔬𝔱𝔥𝔦𝔠 🥁",
]


def library(k: int, names: list[str] | None = None, size: int = 12) -> tuple[Space, list[str | None], list[str | None]]:
    rng = np.random.default_rng(0)
    names = names or [f"genre {number}" for number in range(k)]
    codes = np.repeat(np.arange(k), size)
    points = rng.standard_normal((k, 8))[codes] + 0.7 * rng.standard_normal((len(codes), 8))
    return Space.from_vectors(points), [names[code] for code in codes], [f"{n} {i % 11}" for i, n in enumerate(codes)]


def words(figure: Figure) -> list[Text]:
    """All text that is to be seen: of ticks, those within the axes."""
    found = [*figure.texts]
    for axes in (axes for axes in figure.axes if axes.get_visible()):
        found += axes.texts
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            found += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def drawn(k: int, kind: str, names: list[str] | None = None, **more: object) -> Figure:
    space, labels, units = library(k, names)
    found = describe(space, labels, units)
    if kind == "regions":
        return draw_regions(found, title="A title", what="genres", **more)  # type: ignore[arg-type]
    if kind == "tree":
        return draw_tree(found, title="A title", what="genres", **more)  # type: ignore[arg-type]
    along = way(space, labels, found.regions[0].name, found.regions[1].name, units)
    return draw_way(along, title="A title", what="genres", unit="artists", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["regions", "tree", "way"])
@pytest.mark.parametrize("k", [3, 12, 60])
def test_no_text_covers_another(kind: str, k: int, tmp_path: Path) -> None:
    figure = drawn(k, kind)
    figure.canvas.draw()
    texts = words(figure)
    named = [text for text in texts if text.get_text().startswith("genre ")]
    said = " ".join(text.get_text() for text in texts)
    assert len(named) == k - sum(map(int, re.findall(r"(\d+) other genres", said)))
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    whole = figure.bbox
    for text, box in boxes:
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1, text
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        # Touching by a hair is no covering.
        assert not (a.x0 + 1 < b.x1 and b.x0 + 1 < a.x1 and a.y0 + 1 < b.y1 and b.y0 + 1 < a.y1), (one, other)


@pytest.mark.parametrize("kind", ["regions", "tree", "way"])
def test_svg_keeps_all_names_as_text_and_both_kinds_are_the_same_each_time(kind: str, tmp_path: Path) -> None:
    files: dict[str, set[bytes]] = {}
    for number, ending in itertools.product(range(2), ("png", "svg")):
        path = tmp_path / f"{number}.{ending}"
        save(drawn(len(STRANGE), kind, STRANGE), path)
        files.setdefault(ending, set()).add(path.read_bytes())
    assert [len(found) for found in files.values()] == [1, 1]
    root = ET.fromstring(files["svg"].pop())
    said = " ".join("".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text"))
    for name in STRANGE[1:]:
        assert " ".join(name.split()) in said
    assert "A very long genre: neue deut" in said and "Teil 2" not in said
    assert next(iter(files["png"])).startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["regions", "tree"])
def test_the_largest_are_shown_and_the_others_counted(kind: str) -> None:
    rng = np.random.default_rng(0)
    labels = [f"genre {number}" for number in range(9) for _ in range(4 + 2 * (9 - number))] + ["tiny"] * 2
    found = describe(Space.from_vectors(rng.standard_normal((len(labels), 5))), labels)
    draw = draw_regions if kind == "regions" else draw_tree
    said = " ".join(text.get_text() for text in words(draw(found, what="genres", most=5)))
    assert all(f"genre {number}" in said for number in range(5)) and "genre 5" not in said
    assert "Not shown: 4 smaller genres." in said and "With too few songs: 1." in said


def test_sizes_mean_songs_and_spread() -> None:
    rng = np.random.default_rng(0)
    labels = ["wide"] * 40 + ["narrow"] * 40 + ["quarter"] * 10
    scatter = np.repeat([0.6, 0.1, 0.6], [40, 40, 10])[:, None]
    points = np.eye(5)[np.repeat([0, 1, 2], [40, 40, 10])] + scatter * rng.standard_normal((90, 5))
    found = describe(Space.from_vectors(points), labels)
    axes = draw_regions(found).axes[0]
    sizes = [float(dots.get_sizes()[0]) for dots in axes.collections if isinstance(dots, PathCollection)]
    # Rings are drawn first, then discs; both the largest first, narrow before wide because of its name.
    rings, discs = sizes[:3], sizes[3:]
    assert [region.name for region in found.regions] == ["narrow", "wide", "quarter"]
    assert discs[0] == pytest.approx(discs[1]) and discs[2] == pytest.approx(discs[0] / 4)
    width = [np.sqrt(ring) - np.sqrt(disc) for ring, disc in zip(rings, discs, strict=True)]
    spread = [region.spread for region in found.regions]
    np.testing.assert_allclose(np.array(width) / width[0], np.array(spread) / spread[0], rtol=1e-6)


def test_the_map_keeps_distances_that_a_plane_can_hold() -> None:
    places = np.random.default_rng(0).standard_normal((9, 2))
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    found, explained = plane(distances)
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found, axis=2), distances, atol=1e-9)
    assert explained == pytest.approx(1)
    assert plane(np.zeros((1, 1)))[0].tolist() == [[0, 0]]
    assert plane(np.zeros((3, 3)))[1] == 1


@pytest.mark.parametrize("k", [1, 2])
def test_one_and_two_regions_have_pictures(k: int, tmp_path: Path) -> None:
    space, labels, units = library(k)
    found = describe(space, labels, units)
    for number, figure in enumerate((draw_regions(found), draw_tree(found))):
        save(figure, tmp_path / f"{number}.png")
    if k == 2:
        save(draw_way(way(space, labels, "genre 0", "genre 1", units)), tmp_path / "way.png")
    assert all(path.stat().st_size > 5000 for path in tmp_path.iterdir())


class TestYears:
    def draw(self, dates: list[int | None], **more: object) -> tuple[Figure, list[str]]:
        rng = np.random.default_rng(0)
        points = rng.standard_normal((2 * len(dates) + 30, 6))
        artists = ["Ann"] * (2 * len(dates)) + ["Bea"] * 30
        albums = [f"Album {number // 2}" for number in range(2 * len(dates))] + ["B"] * 30
        years: list[int | None] = [date for date in dates for _ in range(2)] + [None] * 30
        space = Space.from_vectors(points)
        figure = draw_years(space, through_years(space, artists, albums, years, "Ann"), **more)  # type: ignore[arg-type]
        return figure, [text.get_text() for text in words(figure)]

    def test_stations_are_named_with_their_years_and_apart(self) -> None:
        figure, said = self.draw([1990, 1992, 1992, 2000, 2003, None, 2010])
        dated = ((0, 1990), (1, 1992), (2, 1992), (3, 2000), (4, 2003), (6, 2010))
        assert {"Album 5", *(f"{year} Album {number}" for number, year in dated)} <= {*said}
        boxes = [text.get_window_extent() for text in words(figure)]
        assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))

    def test_arrows_go_from_year_to_year_only(self) -> None:
        figure, _ = self.draw([1990, 1992, 1992, 2000, None])
        arrows = [text.arrow_patch for text in figure.axes[0].texts if isinstance(text, Annotation)]
        styles = [type(arrow.get_arrowstyle()).__name__ for arrow in arrows]
        assert styles == ["CurveFilledB", "Curve", "CurveFilledB"]

    def test_one_album_and_many(self, tmp_path: Path) -> None:
        figure, said = self.draw([1990])
        save(figure, tmp_path / "one.svg")
        assert "1990 Album 0" in said
        _, said = self.draw([1950 + number for number in range(50)], most=40)
        assert any("Not shown: 10 more albums." in text for text in said)
