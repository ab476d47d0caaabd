"""Maps: layouts are judged by what they keep, pictures by their pixels, pages by what a browser would parse."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.image import imread
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from songspace import maps
from songspace.categories import OTHER, UNKNOWN, categorize, printable
from songspace.drawing import PALETTE
from songspace.errors import SongspaceError
from songspace.maps import projection
from songspace.maps.rendering import span


@dataclass(frozen=True)
class Song:
    title: str | None = "Title"
    artist: str | None = "Artist"
    album: str | None = "Album"
    genre: str | None = "Genre"
    year: int | None = 2000
    path: str = "/secret/place/song.mp3"

    @property
    def name(self) -> str:
        return Path(self.path).stem


def unit(vectors: np.ndarray) -> np.ndarray:
    vectors = vectors - vectors.mean(axis=0)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clusters(n: int, kinds: int, dimensions: int = 32, spread: float = 0.5, seed: int = 0):
    """Songs of so many kinds around as many centres, and their kinds."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % kinds
    centers = rng.normal(size=(kinds, dimensions))
    return unit(centers[labels] + spread * rng.normal(size=(n, dimensions))), labels


def library(n: int = 60) -> tuple[np.ndarray, list[Song]]:
    genres = ["Rock", "Jazz", "Folk", None, "Dub"]
    songs = [
        Song(f"Title {i}", f"Artist {i % 20}", f"Album {i % 7}", genres[i % 5], 1960 + i if i % 6 else None)
        for i in range(n)
    ]
    return np.random.default_rng(0).normal(size=(n, 2)) + 8 * np.eye(5, 2)[np.arange(n) % 5], songs


class TestLayout:
    def test_pca_is_scikit_learns_up_to_signs(self):
        vectors = np.random.default_rng(0).normal(size=(50, 12)) * np.arange(1, 13)
        expected = PCA(2).fit_transform(vectors)
        found = maps.layout(vectors, method="pca")
        for axis in range(2):
            sign = np.sign(found[:, axis] @ expected[:, axis])
            np.testing.assert_allclose(found[:, axis], sign * expected[:, axis], atol=1e-4)

    def test_pca_signs_do_not_depend_on_the_order_of_songs(self):
        vectors = np.random.default_rng(0).normal(size=(50, 12))
        shuffled = np.random.default_rng(1).permutation(50)
        np.testing.assert_allclose(
            maps.layout(vectors, method="pca")[shuffled], maps.layout(vectors[shuffled], method="pca"), atol=1e-5
        )

    def test_tsne_keeps_neighbourhoods_that_pca_loses(self):
        vectors, labels = clusters(300, kinds=15)

        def accuracy(xy):
            return KNeighborsClassifier(5).fit(xy[::2], labels[::2]).score(xy[1::2], labels[1::2])

        assert accuracy(maps.layout(vectors, method="pca")) < 0.8
        assert accuracy(maps.layout(vectors)) > 0.97

    def test_the_same_seed_gives_the_same_map_on_any_number_of_cores(self, monkeypatch):
        vectors, _ = clusters(120, kinds=4)
        first = maps.layout(vectors, seed=3)
        np.testing.assert_array_equal(maps.layout(vectors, seed=3), first)
        monkeypatch.setattr(projection, "MANY", 0)
        for cores in (2, 3):
            monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
            np.testing.assert_array_equal(maps.layout(vectors, seed=3), first)

    @pytest.mark.parametrize("method", ["tsne", "pca"])
    @pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 9, 10, 11])
    def test_small_libraries_have_a_map(self, method, n):
        vectors = unit(np.random.default_rng(n).normal(size=(n, 8))) if n > 1 else np.zeros((n, 8), np.float32)
        xy = maps.layout(vectors, method=method)
        assert xy.shape == (n, 2)
        assert xy.dtype == np.float32
        assert np.isfinite(xy).all()
        if n > 2:
            assert len(np.unique(xy, axis=0)) == n

    @pytest.mark.parametrize("method", ["tsne", "pca"])
    @pytest.mark.parametrize("d", [0, 1, 2, 3])
    def test_few_dimensions_have_a_map(self, method, d):
        xy = maps.layout(np.random.default_rng(0).normal(size=(30, d)), method=method)
        assert xy.shape == (30, 2)
        assert np.isfinite(xy).all()

    @pytest.mark.parametrize("method", ["tsne", "pca"])
    def test_equal_songs_lie_at_one_place(self, method):
        vectors = np.tile(unit(np.random.default_rng(0).normal(size=(2, 8)))[:1], (40, 1))
        np.testing.assert_allclose(maps.layout(vectors, method=method), 0, atol=1e-6)
        np.testing.assert_allclose(maps.layout(np.zeros((5, 4)), method=method), 0)

    def test_copies_stay_together(self):
        vectors, _ = clusters(60, kinds=60, spread=0)
        vectors = np.concatenate([vectors, vectors, vectors])
        xy = maps.layout(vectors)
        assert np.isfinite(xy).all()
        nearest = np.linalg.norm(xy[:, None] - xy, axis=2).argsort(axis=1)[:, :3] % 60
        assert (nearest == np.arange(180)[:, None] % 60).mean() > 0.9

    def test_few_different_songs_in_many_copies(self):
        for kinds in (2, 9, 10, 12):
            vectors, labels = clusters(200, kinds=kinds, spread=0)
            xy = maps.layout(vectors)
            assert np.isfinite(xy).all()
            middles = np.array([xy[labels == kind].mean(axis=0) for kind in range(kinds)])
            closest = np.linalg.norm(xy[:, None] - middles, axis=2).argmin(axis=1)
            assert (closest == labels).mean() > 0.95

    def test_a_space_that_may_only_be_read_is_only_read(self):
        vectors, _ = clusters(40, kinds=4)
        vectors.setflags(write=False)
        before = vectors.copy()
        maps.layout(vectors)
        np.testing.assert_array_equal(vectors, before)

    @pytest.mark.parametrize(
        ("vectors", "method", "message"),
        [
            (np.zeros(5), "pca", "shape"),
            (np.full((5, 2), np.nan), "pca", "finite"),
            (np.full((5, 2), np.inf), "tsne", "finite"),
            (np.zeros((5, 2)), "umap", "umap"),
        ],
    )
    def test_wrong_arguments_are_named(self, vectors, method, message):
        with pytest.raises(ValueError, match=message):
            maps.layout(vectors, method=method)


class TestCategories:
    @given(st.lists(st.one_of(st.none(), st.sampled_from(["Rock", "rock", " ROCK", "Jazz", "", " "]), st.text())))
    def test_every_song_is_counted_once(self, values):
        found = categorize(values, most=3)
        assert len(found.names) == len(set(found.names)) <= 3
        assert sum(found.counts) + found.count(OTHER) + found.count(UNKNOWN) == len(values) == len(found.codes)
        assert found.counts == sorted(found.counts, reverse=True)
        assert [found.count(code) for code in range(len(found.names))] == found.counts
        assert found.count(UNKNOWN) == sum(not printable(value) for value in values)
        named = {name.casefold() for name in found.names}
        for value, code in zip(values, found.codes, strict=True):
            assert (printable(value).casefold() in named) == (code >= 0)

    @given(st.text(st.characters()))
    def test_printable_text_is_one_line_that_can_be_encoded(self, text):
        shown = printable(text)
        shown.encode("utf-8")
        assert len(shown.splitlines()) <= 1
        assert shown == shown.strip()
        assert printable(shown) == shown

    def test_one_wrong_year_does_not_stretch_the_scale(self):
        assert span(np.array([1990.0] * 50 + [2010] * 50 + [0])) == (1990, 2010)
        assert span(np.array([1990.0])) == (1990, 1991)

    def test_the_palette_stays_apart_for_colour_blind_eyes(self):
        """At least as far apart, in OKLab, as Okabe and Ito's seven colours are to eyes blind to green."""
        hexes = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in PALETTE]) / 255
        light = np.where(hexes <= 0.04045, hexes / 12.92, ((hexes + 0.055) / 1.055) ** 2.4)
        # Machado, Oliveira and Fernandes 2009, severity 1.
        eyes = {
            "normal": np.eye(3),
            "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
            "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
        }
        # Ottosson 2020.
        to_lms = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
        to_lab = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
        for eye in eyes.values():
            seen = np.clip(light @ np.transpose(eye), 0, 1)
            lab = np.cbrt(seen @ np.transpose(to_lms)) @ np.transpose(to_lab)
            assert min(np.linalg.norm(a - b) for a, b in combinations(lab, 2)) > 0.08


def drawn(path: Path, xy, songs, monkeypatch, **options) -> Figure:
    """The figure that was written, to look at what is in it."""
    kept = []
    save = Figure.savefig

    def keep(figure, *args, **more):
        kept.append(figure)
        return save(figure, *args, **more)

    monkeypatch.setattr(Figure, "savefig", keep)
    maps.draw_png(path, xy, songs, **options)
    return kept[0]


def words(figure: Figure) -> Counter[str]:
    return Counter(text.get_text() for holder in (figure, *figure.axes) for text in holder.texts)


class TestPicture:
    def test_shows_every_category_in_its_colour(self, tmp_path):
        xy, songs = library()
        maps.draw_png(tmp_path / "map.png", xy, songs, title="A title")
        picture = (imread(tmp_path / "map.png")[..., :3] * 255).round().astype(int)
        assert picture.shape == (1200, 1800, 3)
        for color in PALETTE[:4]:
            wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
            assert (np.abs(picture - wanted).max(axis=2) <= 1).sum() > 12 * 50, "twelve songs and the legend"

    def test_names_and_counts_stand_in_the_legend(self, tmp_path, monkeypatch):
        xy, songs = library(100)
        rare = [Song(genre=f"Rare {i}") for i in range(20)]
        found = words(drawn(tmp_path / "map.png", np.concatenate([xy, xy[:20]]), songs + rare, monkeypatch, title="T"))
        for name in ("T", "Genre", "Rock", "Jazz", "Folk", "Dub", "other", "unknown"):
            assert found[name] >= 1
        assert found["20"] == 5, "Rock, Jazz, Folk, Dub, unknown"
        assert sum(name.startswith("Rare") for name in found) == 8, "twelve names in all"
        assert found["12"] == 1, "the others"

    def test_says_what_the_axes_mean(self, tmp_path, monkeypatch):
        xy, songs = library(10)
        assert any("mean nothing" in text for text in words(drawn(tmp_path / "a.png", xy, songs, monkeypatch)))
        figure = drawn(tmp_path / "b.png", xy, songs, monkeypatch, method="pca")
        assert any("PCA" in text for text in words(figure))

    @pytest.mark.parametrize("seed", range(3))
    def test_names_of_regions_do_not_overlap(self, tmp_path, monkeypatch, seed):
        rng = np.random.default_rng(seed)
        songs = [Song(genre=f"A genre of long name {i % 12}") for i in range(240)]
        figure = drawn(tmp_path / "map.png", rng.normal(size=(240, 2)), songs, monkeypatch)
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
        assert len(boxes) >= 6
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
        frame = figure.axes[0].get_window_extent()
        assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)

    def test_regions_are_named_where_they_lie(self, tmp_path, monkeypatch):
        xy = np.random.default_rng(0).normal(size=(60, 2)) + np.repeat([[0, 0], [30, 0], [0, 30]], 20, axis=0)
        songs = [Song(genre=name) for name in ("Here", "There", "Above") for _ in range(20)]
        figure = drawn(tmp_path / "map.png", xy, songs, monkeypatch)
        places = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
        assert np.linalg.norm(np.subtract(places["There"], (30, 0))) < 5
        assert np.linalg.norm(np.subtract(places["Above"], (0, 30))) < 5

    @pytest.mark.parametrize("color", ["genre", "artist", "year"])
    @pytest.mark.parametrize(
        "song",
        [
            Song(None, None, None, None, None),
            Song("$x^$", "$\\alpha", "a_b", "$\\frac{$", 0),
            Song("\udcff\x00\x1b[31m", "\udc80", "\n", "_hidden\tname", 9999),
            Song("演歌", "Björk & Þór", "عربي", "演歌", -5),
            Song("x" * 5000, "y" * 5000, "z" * 5000, "w" * 5000, 2000),
        ],
        ids=["nothing", "formula", "control", "scripts", "long"],
    )
    def test_any_tags_can_be_drawn_without_a_word(self, tmp_path, color, song):
        xy, songs = library(20)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            maps.draw_png(tmp_path / "map.png", xy, [song] * 5 + songs[5:], color=color, title=song.title or "")
        assert imread(tmp_path / "map.png").shape[:2] == (1200, 1800)

    @pytest.mark.parametrize("color", ["genre", "year"])
    @pytest.mark.parametrize("n", [0, 1, 2])
    def test_few_songs_can_be_drawn(self, tmp_path, color, n):
        maps.draw_png(tmp_path / "map.png", np.zeros((n, 2)), [Song()] * n, color=color)
        assert imread(tmp_path / "map.png").shape[:2] == (1200, 1800)

    def test_years_are_a_scale(self, tmp_path, monkeypatch):
        xy, songs = library(100)
        figure = drawn(tmp_path / "map.png", xy, songs, monkeypatch, color="year")
        assert words(figure)["unknown"] == 1
        (scale,) = (axes for axes in figure.axes if axes.get_ylim()[0] > 1900)
        assert scale.get_ylim() == pytest.approx((1961, 2059), abs=2)

    def test_is_written_whole_or_not_at_all(self, tmp_path):
        xy, songs = library(10)
        target = tmp_path / "map.png"
        target.write_bytes(b"old")
        maps.draw_png(target, xy, songs)
        assert target.read_bytes().startswith(b"\x89PNG")
        assert [path.name for path in tmp_path.iterdir()] == ["map.png"]

    def test_loads_only_what_it_needs(self, tmp_path):
        code = f"""
import sys
import numpy as np
from songspace import maps
assert not {{"matplotlib", "openTSNE", "sklearn", "scipy", "torch"}} & set(sys.modules)
maps.draw_png({str(tmp_path / "map.png")!r}, np.zeros((0, 2)), [])
assert "matplotlib.pyplot" not in sys.modules
"""
        subprocess.run([sys.executable, "-c", code], check=True)


class Parsed(HTMLParser):
    """What a browser would see: elements, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": [], "title": [], "h1": []}
        self.stack: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in self.inside:
            self.stack.append(tag)
            self.inside[tag].append("")

    def handle_endtag(self, tag):
        if self.stack and self.stack[-1] == tag:
            self.stack.pop()

    def handle_data(self, data):
        if self.stack:
            self.inside[self.stack[-1]][-1] += data


def page(folder: Path, songs, xy=None, **options) -> tuple[str, Parsed, dict]:
    xy = np.random.default_rng(0).normal(size=(len(songs), 2)) if xy is None else xy
    maps.draw_html(folder / "map.html", xy, songs, **options)
    text = (folder / "map.html").read_text(encoding="utf-8")
    parsed = Parsed(text)
    return text, parsed, json.loads(parsed.inside["script"][0])


EVIL = "</script><img src=x onerror=alert(1)>"


class TestPage:
    def test_holds_all_songs(self, tmp_path):
        xy, songs = library(30)
        _, parsed, data = page(tmp_path, songs, xy, color="artist", title="My map")
        assert parsed.inside["title"] == parsed.inside["h1"] == ["My map"]
        assert data["songs"] == [[song.title, song.artist, song.album, song.genre] for song in songs]
        assert data["year"] == [song.year for song in songs]
        assert data["color"] == "artist"
        for kind in ("genre", "artist"):
            found = categorize([getattr(song, kind) for song in songs], most=len(PALETTE))
            assert data[kind] == {"names": found.names, "counts": found.counts, "codes": found.codes.tolist()}

    def test_places_are_the_maps_with_y_downwards(self, tmp_path):
        xy = np.array([[-3.0, 10], [5, 10], [1, 14]])
        _, _, data = page(tmp_path, [Song()] * 3, xy)
        assert (data["x"], data["y"]) == ([0, 1, 0.5], [0.5, 0.5, 0])
        assert (data["width"], data["height"]) == (1, 0.5)

    def test_asks_nobody_for_anything(self, tmp_path):
        text, parsed, _ = page(tmp_path, library(10)[1])
        for tag, attributes in parsed.elements:
            for name in ("src", "href", "action", "data", "poster", "srcset"):
                assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
        assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttpRequest|WebSocket|import\(|sendBeacon", text)
        policies = [a["content"] for t, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy"]
        assert "default-src 'none'" in policies[0]
        for directive, kind in (("script-src", "script"), ("style-src", "style")):
            own = base64.b64encode(hashlib.sha256(parsed.inside[kind][-1].encode()).digest()).decode()
            assert f"{directive} 'sha256-{own}'" in policies[0], "only its own"

    def test_keeps_paths_to_itself(self, tmp_path):
        text, _, data = page(tmp_path, [Song(title=None)])
        assert "secret" not in text
        assert data["songs"][0][0] == "song"

    @pytest.mark.parametrize("field", ["title", "artist", "album", "genre"])
    @pytest.mark.parametrize("text", [EVIL, "<!--", "<script>", "]]>", "&lt;", "${x}", "$data", "\u2028'\"\\"])
    def test_tags_cannot_leave_their_place(self, tmp_path, field, text):
        harmless = page(tmp_path, [Song()])[1]
        _, parsed, data = page(tmp_path, [Song(**{field: text})])
        assert [tag for tag, _ in parsed.elements] == [tag for tag, _ in harmless.elements]
        assert parsed.inside["script"][1] == harmless.inside["script"][1]
        place = ("title", "artist", "album", "genre").index(field)
        assert data["songs"][0][place] == " ".join(text.split())

    @pytest.mark.parametrize("text", [EVIL, "</title><script>alert(1)</script>", "$data ${script} $$", "a & b"])
    def test_the_title_is_only_text(self, tmp_path, text):
        harmless = page(tmp_path, [Song()])[1]
        written, parsed, _ = page(tmp_path, [Song()], title=text)
        assert [tag for tag, _ in parsed.elements] == [tag for tag, _ in harmless.elements]
        assert "<img" not in written
        assert parsed.inside["h1"] == [text]

    @settings(max_examples=40, deadline=None)
    @given(title=st.text(st.characters(), min_size=1), genre=st.one_of(st.none(), st.text(st.characters())))
    def test_any_text_arrives(self, tmp_path_factory, title, genre):
        _, parsed, data = page(tmp_path_factory.mktemp("page"), [Song(title=title, genre=genre)], title=title)
        assert data["songs"][0][0] == (printable(title) or "song")
        assert data["songs"][0][3] == (printable(genre) or None)
        assert len(parsed.inside["script"]) == 2

    def test_the_script_writes_names_as_text_only(self, tmp_path):
        script = page(tmp_path, [Song()])[1].inside["script"][1]
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", script)

    def test_controls_have_labels(self, tmp_path):
        _, parsed, _ = page(tmp_path, library(10)[1])
        labelled = {attributes.get("for") for tag, attributes in parsed.elements if tag == "label"}
        for tag, attributes in parsed.elements:
            if tag == "input" and attributes["type"] != "radio":
                assert attributes["id"] in labelled
            if tag == "button" and "data-zoom" in attributes:
                assert attributes["aria-label"]
        (canvas,) = (a for t, a in parsed.elements if t == "canvas" and "tabindex" in a)
        assert "Arrow keys" in canvas["aria-label"]

    @pytest.mark.parametrize("songs", [[], [Song()], [Song(year=None, genre=None, artist=None)] * 3])
    def test_few_songs_have_a_page(self, tmp_path, songs):
        _, _, data = page(tmp_path, songs, np.zeros((len(songs), 2)))
        assert len(data["songs"]) == len(data["x"]) == len(songs)
        assert data["span"][0] < data["span"][1]

    def test_the_same_map_is_the_same_file(self, tmp_path):
        xy, songs = library(10)
        assert page(tmp_path, songs, xy)[0] == page(tmp_path, songs, xy)[0]
        assert [path.name for path in tmp_path.iterdir()] == ["map.html"]


@pytest.mark.parametrize("draw", [maps.draw_png, maps.draw_html])
class TestBoth:
    def test_a_place_that_cannot_be_written_is_one_sentence(self, tmp_path, draw):
        with pytest.raises(SongspaceError, match="cannot be written"):
            draw(tmp_path / "no" / "folder" / "map", np.zeros((1, 2)), [Song()])

    def test_a_folder_is_not_replaced(self, tmp_path, draw):
        (tmp_path / "map").mkdir()
        with pytest.raises(SongspaceError, match="cannot be written"):
            draw(tmp_path / "map", np.zeros((1, 2)), [Song()])
        assert [path.name for path in tmp_path.iterdir()] == ["map"]

    @pytest.mark.parametrize(
        ("xy", "color", "message"),
        [
            (np.zeros((2, 2)), "genre", "shape"),
            (np.zeros((1, 3)), "genre", "shape"),
            (np.full((1, 2), np.nan), "genre", "finite"),
            (np.zeros((1, 2)), "mood", "mood"),
        ],
    )
    def test_wrong_arguments_are_named(self, tmp_path, draw, xy, color, message):
        with pytest.raises(ValueError, match=message):
            draw(tmp_path / "map", xy, [Song()], color=color)
        assert not list(tmp_path.iterdir())
