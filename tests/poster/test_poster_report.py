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
from songspace.intervals import NOTHING, Scatter, Score
from songspace.poster import plots, write_up
from songspace.poster.plots import Look
from songspace.poster.scores import METRICS, differences
from songspace.poster.store import Store
from songspace.poster.write_up import REFERENCE, findings, reference, spoken_of

TRAINED = ("ali_run", "ali_right")
HOSTILE = "<script>alert(\"1\")</script> & 'rock' $x$"


def score(value: float, width: float | None) -> Score:
    scatter = NOTHING if width is None else Scatter(value + width / 2 * np.tile([-1.0, 1.0], 500), 1.0, 50)
    return Score(value, 0.0, scatter, 0.01, -1.0)


def result(width: float | None = 0.05, *, steps: int | None = None, **values: float) -> dict[str, Any]:
    """What a run would answer, with these values of every score, and so many steps of ALI's rungs."""
    values = values or {"pca_then": 0.1, "ali_right": 0.4, "timbre": 0.42}
    rng = np.random.default_rng(0)
    found = {key: {metric: score(value, width) for metric in METRICS} for key, value in values.items()}
    for by_metric in found.values():  # independent of each other, so that differences scatter
        for metric, one in by_metric.items():
            scatter = replace(one.scatter, values=rng.permutation(one.scatter.values))
            by_metric[metric] = replace(one, scatter=scatter)

    unjudged = [key for key in values if key in TRAINED and steps is not None and steps < 5350]

    def test(split: str, level: str, artists: int) -> dict[str, Any]:
        return {
            "split": split,
            "level": level,
            "subset": False,
            "items": 40,
            "genres": ["folk", HOSTILE],
            "artists": artists,
            "scores": {key: {m: s.as_dict() for m, s in by.items()} for key, by in found.items()},
            "differences": [] if split == "leaky" else differences(found, unjudged),
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
    trained = {"trained": True, "enough": 5350, "steps": steps, "seconds": 3.0, "verdict": "Nothing has gone wrong."}
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
        "protocol": {
            "clustering_seeds": [1, 2],
            "starts": 10,
            "halves": 50,
            "tsne": {"perplexity": 28.0, "perplexity_of_few": 20.0, "learning_rate": 50.0, "max_iter": 1000},
        },
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
        "embeddings": {
            key: {"name": key.replace("_", " "), **facts, **(trained if key in TRAINED and steps else {})}
            for key in values
        },
        "tests": {
            "artist-segments": test("artist", "segments", 9),
            "song-segments": test("song", "segments", 12),
            "artist-songs": test("artist", "songs", 12),
            "song-songs": test("song", "songs", 12),
            "leaky-segments": test("leaky", "segments", 12),
        },
        "between": {
            "triple": ["folk", HOSTILE, "jazz"],
            "songs": 20,
            "answers": {"pca_then": answer} | {key: answer | {"between": "too few steps"} for key in unjudged},
        },
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
    look = Look(("folk", HOSTILE))
    drawn = plots.maps([(HOSTILE, np.eye(4)[:, :2])], ["folk", "folk", HOSTILE, HOSTILE], look)
    page = Page(write_up.page(result(), {"genres": drawn}))
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
        "Ali right, on whole songs, is surely better than pca then (+0.300); "
        "cannot be distinguished from timbre (-0.020)." in said
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
    assert "came apart" in write_up.page(failed, {})


def sections(page: str) -> dict[str, str]:
    """The tables of scores by what stands above each."""
    parts = re.split(r'<p class="above"><b>', page)[1:]
    return {part.split("</b>")[0] + " " * part.count("whole songs of"): part.split("</table>")[0] for part in parts}


def cells(table: str, name: str) -> list[str]:
    """What stands in the row of a table that begins so."""
    [row] = [row for row in table.split("<tr")[1:] if f'<td class="name">{name}' in row]
    return re.findall(r"<td[^>]*>(.*?)</td>", row)[1:]


def test_the_posters_figures_stand_beside_those_of_the_leaky_test_alone() -> None:
    answer = result()
    page = write_up.page(answer, {})
    tables = sections(page)
    assert tables.keys() == {"By artist", "By artist ", "By song", "By song ", "As on the poster, leaky"}
    for title, table in tables.items():
        assert ("the poster’s ALI (4 genres, n = 200)" in table) == ("leaky" in title)
        assert ("0.302" in table) == ("0.349" in table) == ("leaky" in title)
    assert "its audio differs" in page and "networks saw 257 × 430 pixels; here they are small ones" in page
    assert "for about 5,350 batches of 101; here for 60 of 32;" in write_up.page(
        {**result(pca_then=0.1, ali_run=0.1, steps=60), "settings": {**answer["settings"], "batch": 32}}, {}
    )
    shown = dict(zip(METRICS, cells(tables["As on the poster, leaky"], "the poster’s ALI"), strict=True))
    assert shown == dict.fromkeys(METRICS, "–") | {
        "kmeans_ami_max": "0.302",
        "kmeans_v_measure": "0.349",
        "default_mixture_ami_max": "0.302",
        "default_mixture_v_measure": "0.349",
    }
    assert [reference({"genres": range(n)}) is REFERENCE["all"] for n in (4, 9, 10, 15, 30)] == [
        False,
        False,
        True,
        True,
        True,
    ]
    said = [sentence for sentence in findings(answer) if sentence.startswith("As on the poster, leaky")]
    assert len(said) == 1 and "pca then has 0.100 and 0.100, where the poster’s PCA had 0.000 and 0.000" in said[0]
    assert "surely" not in said[0]


def test_a_score_that_is_missing_is_a_dash() -> None:
    answer = result()
    for metric in ("default_mixture_ami", "default_mixture_ami_max", "default_mixture_v_measure"):
        del answer["tests"]["leaky-segments"]["scores"]["pca_then"][metric]
    table = sections(write_up.page(answer, {}))["As on the poster, leaky"]
    assert cells(table, "pca then").count("–") == 3
    assert "pca then has 0.100, where the poster’s PCA had 0.000." in " ".join(findings(answer))


RUNGS = {"pca_then": 0.1, "ali_run": 0.9, "ali_drawn": 0.2, "ali_right": 0.8, "timbre": 0.42}
VERDICTS = ("may be chance", "Nothing has gone wrong", 'class="better"', 'class="worse"')


def test_of_too_few_steps_nothing_is_said_anywhere() -> None:
    """Figures, but no best, no better and no worse, no verdict of the game, no answer to A + B ?= C."""
    few = result(**RUNGS, steps=5349)
    said = findings(few)
    assert "the best is timbre with 0.420 [0.37, 0.47]; pca then has" in said[0]
    judged = " ".join(sentence for sentence in said if not sentence.startswith("Too few steps"))
    assert "surely" not in judged and "cannot be distinguished" not in judged
    [why] = [sentence for sentence in said if sentence.startswith("Too few steps")]
    assert "ali run (5,349 of at least 5,350 steps)" in why and "ali right" in why and "timbre" not in why
    assert "too few steps to say of ali run" in " ".join(said) and "0.900" not in " ".join(said)
    assert said[-1].endswith("Unsure in pca then; too few steps to say in ali run and ali right.")
    page = write_up.page(few, {})
    assert not any(verdict in page for verdict in VERDICTS)
    assert page.count("too few steps to say</small>") == 5 * 2
    assert page.count("Too few steps to say: 5,349 of at least 5,350 steps.") == 2
    assert page.count("<small>too few steps</small>") == 5 * 4
    assert "0.900" in page and not re.search(r'class="best">0\.[89]00', page)

    enough = result(**RUNGS, steps=5350)
    said = findings(enough)
    assert "the best is ali run with 0.900" in said[0] and "surely better than" in " ".join(said)
    assert not any("Too few steps" in sentence for sentence in said)
    page = write_up.page(enough, {})
    assert "too few steps to say" not in page and page.count("Nothing has gone wrong.") == 2
    assert re.search(r'class="best">0\.900', page)


def test_the_command_that_makes_it_again() -> None:
    def command(**settings: Any) -> str:
        answer = result()
        answer["settings"] |= settings
        [said] = re.findall(r"<code>(songspace poster .*?)</code>", write_up.page(answer, {}))
        return said

    assert "--segments 10 --minutes 4.0 --size small" in command() and "--exact" not in command()
    exact = command(exact=True, steps=5350, minutes=None, size="poster", batch=101)
    assert exact.startswith("songspace poster FOLDER -o DIR --exact --yes --labels folder")
    assert not re.search("--(steps|size|segments|minutes|batch)", exact)


def test_written_whole_or_not_at_all(tmp_path: Path) -> None:
    work = Store(tmp_path / "out" / "work")
    write_up.write(tmp_path / "out", result(), {}, work)
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == json.loads(json.dumps(result()))
    before = (tmp_path / "out" / "report.html").read_bytes()
    broken = copy.deepcopy(result())
    broken["tests"]["artist-songs"]["scores"]["timbre"]["kmeans_ami"]["value"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_up.write(tmp_path / "out", broken, {}, work)
    assert (tmp_path / "out" / "report.html").read_bytes() == before
    (tmp_path / "file").touch()
    with pytest.raises(SongspaceError, match=r"The experiment's folder .*file cannot be written: (File|Not a) "):
        write_up.write(tmp_path / "file", result(), {}, Store(tmp_path / "file" / "work"))


def test_results_are_kept_under_their_key(tmp_path: Path) -> None:
    work = Store(tmp_path)
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
    work = Store(tmp_path / "out" / "work")
    waits = pytest.raises(SongspaceError, match=r"Another run is working in .*out: wait for it\.")
    with work.lock(), waits, work.lock():
        pass
    with work.lock():
        pass


def test_genres_keep_their_looks() -> None:
    genres = tuple(f"genre {number}" for number in range(30))
    look = Look(genres)
    assert len({tuple(look.of(genre).values()) for genre in genres}) == 30
