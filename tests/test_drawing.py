"""What all pictures share: text, labels that keep out of each other's way, files that are whole or not there."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from songspace.drawing import extent, place, save, sheet, short, writer
from songspace.errors import SongspaceError


def sheet_of(xy: np.ndarray) -> tuple[Figure, object]:
    figure = Figure(figsize=(8, 6), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    sheet(axes, xy)
    return figure, axes


@given(st.integers(0, 1000), st.integers(1, 60))
@settings(max_examples=15)
def test_no_label_covers_another_or_leaves_the_sheet(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    xy = rng.standard_normal((n, 2)) * rng.choice([1, 0.1], n)[:, None]
    figure, axes = sheet_of(xy)
    write = writer(figure)
    texts = [write(0, 0, "x" * int(rng.integers(1, 25)), axes=axes, size=9) for _ in range(n)]
    lost = place(axes, texts, xy, rng.uniform(1, 12, n))
    left = [text for text in texts if text.figure is not None]
    assert len(left) == n - lost and lost <= n // 10
    boxes = [text.get_window_extent() for text in left]
    for box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= 800 and box.y1 <= 600
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_a_label_leaves_marks_free_where_it_can() -> None:
    xy = np.array([[0.0, 0], [1, 0.0], [2, 0], [0.12, 0], [0.24, 0], [0.36, 0]])
    figure, axes = sheet_of(xy)
    text = writer(figure)(0, 0, "a name", axes=axes, size=9)
    assert place(axes, [text], xy, [4.0] * 6) == 0
    box = text.get_window_extent()
    assert not any(box.contains(*point) for point in axes.transData.transform(xy))


def test_broad_scripts_are_given_their_room() -> None:
    figure = Figure(figsize=(4, 2), dpi=72)
    FigureCanvasAgg(figure)
    text = writer(figure)(0, 0, "音楽", size=20)
    assert extent(text)[0] >= 40


def test_text_is_plain_and_short() -> None:
    figure = Figure()
    text = writer(figure)(0, 0, "cash $x^2$ \n\x00")
    assert text.get_text() == "cash $x^2$ \ufffd" and not text.get_parse_math()
    assert short("a\nb", 10) == "a b" and short("abcdef", 4) == "abc…"


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml")])
def test_equal_figures_are_equal_files(tmp_path: Path, name: str, begins: bytes) -> None:
    found = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        figure = Figure(figsize=(2, 2))
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.scatter([1, 2], [3, 4], clip_on=True)
        writer(figure)(0.5, 0.5, "Größe <&> 日本")
        save(figure, tmp_path / folder / name)
        found.append((tmp_path / folder / name).read_bytes())
        assert [path.name for path in (tmp_path / folder).iterdir()] == [name]
    assert found[0] == found[1] and found[0].startswith(begins)
    if name.endswith("SVG"):
        text = found[0].decode("utf-8")
        assert "Größe &lt;&amp;&gt; 日本" in text and "dc:date" not in text and "Matplotlib v" not in text


def test_a_place_that_cannot_be_written_and_a_kind_that_is_none(tmp_path: Path) -> None:
    figure = Figure()
    FigureCanvasAgg(figure)
    with pytest.raises(SongspaceError, match="cannot be written"):
        save(figure, tmp_path / "no" / "a.png")
    with pytest.raises(SongspaceError, match=r"a\.gif: a picture is a \.png or \.svg file"):
        save(figure, tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())
