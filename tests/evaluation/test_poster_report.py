"""The report says what the figures say, names nobody's markup, and asks nobody for anything."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from songspace.errors import SongspaceError
from songspace.evaluation.poster import pictures, report
from songspace.evaluation.poster.findings import findings, spoken_of
from songspace.evaluation.poster.scores import METRICS, differences
from songspace.evaluation.poster.work import Work
from songspace.intervals import NOTHING, Scatter, Score

HOSTILE = "<script>alert(\"1\")</script> & 'rock' $x$"


def score(value: float, width: float | None) -> Score:
    scatter = NOTHING if width is None else Scatter(value + width / 2 * np.tile([-1.0, 1.0], 500), 1.0, 50)
    return Score(value, 0.0, scatter, 0.01, -1.0)


def result(width: float | None = 0.05, **values: float) -> dict[str, Any]:
    """What a run would answer, with these values of every score."""
    values = values or {"pca_then": 0.1, "ali_right": 0.4, "timbre": 0.42}
    rng = np.random.default_rng(0)
    found = {key: {metric: score(value, width) for metric in METRICS} for key, value in values.items()}
    for by_metric in found.values():  # independent of each other, so that differences scatter
        for metric, one in by_metric.items():
            scatter = replace(one.scatter, values=rng.permutation(one.scatter.values))
            by_metric[metric] = replace(one, scatter=scatter)

    def test(split: str, level: str, artists: int) -> dict[str, Any]:
        return {
            "split": split,
            "level": level,
            "subset": False,
            "items": 40,
            "genres": ["folk", HOSTILE],
            "artists": artists,
            "scores": {key: {m: s.as_dict() for m, s in by.items()} for key, by in found.items()},
            "differences": differences(found),
        }

    answer = {
        "position": {"value": 0.5, "interval": [0.3, 0.7]},
        "offset": {"value": 0.2, "interval": [0.1, 0.3]},
        "margin": None,
        "others": [],
        "rank": 1,
        "between": "unsure",
    }
    facts = {"what": "It is.", "fitted_on": "training", "trained": False}
    return {
        "settings": {
            "folder": HOSTILE,
            "labels": "folder",
            "per_genre": None,
            "segments": 10,
            "steps": None,
            "minutes": 4.0,
            "size": "small",
            "between": None,
            "seed": 0,
            "seeds": 5,
        },
        "versions": {"songspace": "1"},
        "protocol": {"clustering_seeds": [1, 2], "starts": 10, "halves": 50, "perplexity": 28.0},
        "genres": {
            genre: {"songs": 20, "artists": 5, "training": 10, "by_song": 5, "by_artist": 5}
            for genre in ("folk", HOSTILE)
        },
        "artists": 10,
        "songs": 40,
        "segments": 400,
        "silent": 0,
        "failures": [[f"{HOSTILE}.mp3", "it is empty"]],
        "subset": ["folk", HOSTILE],
        "embeddings": {key: {"name": key.replace("_", " "), **facts} for key in values},
        "tests": {
            "artist-segments": test("artist", "segments", 9),
            "song-segments": test("song", "segments", 12),
            "artist-songs": test("artist", "songs", 12),
            "song-songs": test("song", "songs", 12),
        },
        "between": {"triple": ["folk", HOSTILE, "jazz"], "songs": 20, "answers": {"pca_then": answer}},
        "albums": None,
    }


class Page(HTMLParser):
    """All tags and attributes of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_name_is_escaped_and_nothing_is_fetched() -> None:
    look = pictures.Look(("folk", HOSTILE))
    drawn = pictures.maps([(HOSTILE, np.eye(4)[:, :2])], ["folk", "folk", HOSTILE, HOSTILE], look)
    page = Page(report.page(result(), {"genres": drawn}))
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link_", "iframe", "object", "form"})
    assert page.text.count(HOSTILE) > 8
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on") and name != "style"
            if name in ("href", "src"):
                assert value is not None and re.match(r"#|data:", value)
    assert "http:" not in page.text and "https:" not in page.text
    [policy] = [a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a]
    assert policy is not None and policy.startswith("default-src 'none'")


def test_findings_follow_the_figures() -> None:
    said = " ".join(findings(result(ali_right=0.4, pca_then=0.1, timbre=0.42)))
    assert "the best is timbre with 0.420 [0.37, 0.47]; ali right has 0.400 [0.35, 0.45]" in said
    assert (
        "Ali right, on whole songs, is surely better than pca then (+0.300); cannot be told from timbre (-0.020)."
        in said
    )
    said = " ".join(findings(result(ali_right=0.1, pca_then=0.3, timbre=0.42)))
    assert "Ali right, on single segments, is surely worse than pca then (-0.200) and timbre (-0.320)." in said
    assert said.endswith("nearer to the line than other genres do? Unsure in pca then.")
    said = " ".join(findings(result(None, ali_right=0.4, pca_then=0.1)))
    assert "surely" not in said.split("Does")[0] and "artists too few" in said


def test_findings_speak_of_tests_with_enough_artists() -> None:
    tests = result()["tests"]
    assert spoken_of(tests) == ["song-segments", "artist-songs"]
    tests["artist-segments"]["artists"] = 10
    assert spoken_of(tests) == ["artist-segments", "artist-songs"]
    only = {"artist-segments": {**tests["artist-segments"], "artists": 3}}
    assert spoken_of(only) == ["artist-segments"]


def test_what_came_apart_is_said() -> None:
    failed = result()
    failed["embeddings"]["ali_run"] = {
        "name": "ALI as their code ran",
        "what": "It is.",
        "fitted_on": "training",
        "trained": True,
        "failed": "Training came apart at step 3.",
    }
    assert "ALI as their code ran could not be trained to an end" in " ".join(findings(failed))
    assert "came apart" in report.page(failed, {})


def test_the_posters_figures_stand_beside_ours() -> None:
    page = report.page(result(), {})
    assert "the poster’s ALI (15 genres, n = 750)" in page and "0.135" in page and "its audio differs" in page


def test_written_whole_or_not_at_all(tmp_path: Path) -> None:
    work = Work(tmp_path / "out" / "work")
    report.write(tmp_path / "out", result(), {}, work)
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == json.loads(json.dumps(result()))
    before = (tmp_path / "out" / "report.html").read_bytes()
    broken = copy.deepcopy(result())
    broken["tests"]["artist-songs"]["scores"]["timbre"]["kmeans_ami"]["value"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        report.write(tmp_path / "out", broken, {}, work)
    assert (tmp_path / "out" / "report.html").read_bytes() == before
    (tmp_path / "file").touch()
    with pytest.raises(SongspaceError, match=r"The experiment's folder .*file cannot be written: (File|Not a) "):
        report.write(tmp_path / "file", result(), {}, Work(tmp_path / "file" / "work"))


def test_results_are_kept_under_their_key(tmp_path: Path) -> None:
    work = Work(tmp_path)
    calls = []

    def make(value: float) -> Any:
        return lambda: calls.append(value) or {"a": value}

    assert work.facts("f", "1", make(0.1)) == {"a": 0.1} == work.facts("f", "1", make(0.2))
    assert work.facts("f", "2", make(0.3)) == {"a": 0.3} and calls == [0.1, 0.3]
    (tmp_path / "f.json").write_text("{")
    assert work.facts("f", "2", make(0.4)) == {"a": 0.4}
    arrays = work.arrays("deep/a", "1", lambda: {"x": np.arange(3)})
    np.testing.assert_array_equal(work.arrays("deep/a", "1", lambda: {})["x"], arrays["x"])
    assert set(work.arrays("deep/a", "2", lambda: {"y": np.zeros(1)})) == {"y"}
    (tmp_path / "deep" / "a.npz").write_bytes((tmp_path / "deep" / "a.npz").read_bytes()[:50])
    assert set(work.arrays("deep/a", "2", lambda: {"z": np.zeros(1)})) == {"z"}


def test_one_run_at_a_time(tmp_path: Path) -> None:
    work = Work(tmp_path / "out" / "work")
    waits = pytest.raises(SongspaceError, match=r"Another run is working in .*out: wait for it\.")
    with work.lock(), waits, work.lock():
        pass
    with work.lock():
        pass


def test_genres_keep_their_looks() -> None:
    genres = tuple(f"genre {number}" for number in range(30))
    look = pictures.Look(genres)
    assert len({tuple(look.of(genre).values()) for genre in genres}) == 30
    assert look.of("genre 3")["color"] == look.of("genre 15")["color"] != look.of("genre 4")["color"]
