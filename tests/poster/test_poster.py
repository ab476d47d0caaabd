"""The whole experiment, tiny, through the command line: killed, resumed, run again, run elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from songspace.cli.commands import app
from songspace.poster import gallery, run
from songspace.poster.learning import KINDS
from songspace.poster.store import Store

GENRES = ("Low", 'Mid "&" <b>dle</b>', "High $x$")
SIZE = ["--steps", "2", "--segments", "3", "--seeds", "1", "--workers", "1", "--subset", "low,high $x$"]
SECTIONS = ("data", "embeddings", "scores", "training", "maps", "between", "albums", "decoded", "again")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, song: Callable[..., Path]) -> Path:
    """18 tunes of three genres by nine artists, of whom each has two albums."""
    folder = tmp_path_factory.mktemp("library")
    for number in range(18):
        style, artist = number % 3, number // 3 % 3
        tags = {
            "title": f"Tune {number}",
            "artist": f"Artist {style}{artist}",
            "album": f"Album {number // 9}",
            "genre": GENRES[style],
            "date": str(1990 + number // 9),
        }
        song(folder / f"{number:02d}.flac", number, seconds=6.0, style=style, **tags)
    # The first artist has a third song.
    song(folder / "more.flac", 99, seconds=6.0, artist="Artist 00", album="Album 2", genre="Low", date="1995")
    return folder


def poster(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["poster", *map(str, arguments)])


def killed_and_resumed(library: Path, out: Path) -> Result:
    """Kill a run in the middle of its trainings, and end it with another."""
    command = [sys.executable, "-m", "songspace", "poster", str(library), "-o", str(out), *SIZE]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        while not (out / "work" / "encoder-ali_run.json").exists():
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert not (out / "report.html").exists()
    return poster(library, "-o", out, *SIZE)


def figures(out: Path) -> dict[str, Any]:
    """The report's figures, without how long things took."""
    found: dict[str, Any] = json.loads((out / "report.json").read_text())
    for told in found["embeddings"].values():
        told.pop("seconds", None)
    return found


def check_it_went_on_where_it_was_killed(out: Path, result: Result) -> None:
    assert result.exit_code == 0, result.output
    assert "Training: contrastive." in result.stderr
    assert "Training: ALI as their code ran." not in result.stderr and "listening" not in result.stderr
    assert "- Single segments" in result.stdout and "report.html" in result.stderr
    found = figures(out)
    assert found["embeddings"].keys() == {kind.key for kind in KINDS}
    assert {key: told["steps"] for key, told in found["embeddings"].items() if told["trained"]} == dict.fromkeys(
        ("ali_run", "ali_described", "ali_right", "contrastive"), 2
    )
    names = {f"{split}-{level}" for split in ("artist", "song") for level in ("segments", "songs")} | {"leaky-segments"}
    assert found["tests"].keys() == names | {f"{name}-subset" for name in names}
    for test in found["tests"].values():
        assert test["scores"].keys() == found["embeddings"].keys()
        assert (test["differences"] == []) == (test["split"] == "leaky")
        assert all(scores["kmeans_ami"].keys() >= {"value", "interval"} for scores in test["scores"].values())
    assert "default_mixture_v_measure" in found["tests"]["leaky-segments"]["scores"]["pca_then"]
    assert {
        answer["between"] for key, answer in found["between"]["answers"].items() if found["embeddings"][key]["trained"]
    } == {"too few steps"}
    assert "Too few steps to say anything, good or bad, of ALI as their code ran (2 of at least 5,350" in result.stdout
    assert found["settings"]["exact"] is False
    assert found["settings"]["size"] == "small" and found["settings"]["labels"] == "genre"
    assert found["albums"]["artist"] == "Artist 00"
    assert found["albums"]["years"] == {"Album 0": 1990, "Album 1": 1991, "Album 2": 1995}


def check_the_report_is_one_file_with_everything_in_it(out: Path) -> None:
    page = (out / "report.html").read_text(encoding="utf-8")
    assert re.findall(r'<section id="(\w+)">', page) == list(SECTIONS)
    references = re.findall(r'(?:src|href)="([^"]{,30})', page)
    assert len(re.findall("data:image/png", page)) == 9
    assert all(reference.startswith(("#", "data:")) for reference in references)
    assert "<b>dle" not in page and "Mid &#34;&amp;&#34; &lt;b&gt;dle&lt;/b&gt;" in page
    words = re.sub('base64,[^"]*', "", page)  # a picture may hold any letters
    assert "None" not in words and not re.search(r"\bnan\b", words)


def check_a_rerun_takes_what_is_there(library: Path, out: Path) -> None:
    before = (out / "report.html").read_bytes()
    written = {path: path.stat().st_mtime_ns for path in (out / "work").rglob("*") if path.is_file()}
    again = poster(library, "-o", out, *SIZE)
    assert again.exit_code == 0 and (out / "report.html").read_bytes() == before
    changed = {path.name for path, at in written.items() if path.stat().st_mtime_ns != at}
    assert changed <= {"lock"}


def check_another_question_is_all_that_is_worked_out(library: Path, out: Path) -> None:
    written = {path: path.stat().st_mtime_ns for path in (out / "work").rglob("*") if path.is_file()}
    asked = poster(library, "-o", out, *SIZE, "--between", f"LOW,{GENRES[1]},high $x$")
    assert asked.exit_code == 0, asked.output
    changed = {path.name for path, at in written.items() if path.stat().st_mtime_ns != at}
    kinds = {kind.key for kind in KINDS} - {"raw"}
    assert {f"between-{kind}.json" for kind in kinds} <= changed
    assert all(name == "lock" or name.startswith(("between-", "ali_right-all", "linear-all")) for name in changed)


def check_elsewhere_it_gives_the_same_figures(library: Path, out: Path, elsewhere: Path) -> None:
    laid_out: list[tuple[int, ...]] = []

    def watched(vectors: np.ndarray, **how: Any) -> np.ndarray:
        laid_out.append(vectors.shape)
        return tsne(vectors, **how)

    tsne = gallery.tsne
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery, "tsne", watched)
        run(library, elsewhere, steps=2, segments=3, seeds=1, workers=2, subset=["low", "high $x$"])
    assert figures(elsewhere) == figures(out)
    # Maps show an embedding's own numbers, hand-made ones and those of the random network, also of fewer items.
    assert {124, 384} <= {numbers for items, numbers in laid_out} and all(items < 124 for items, _ in laid_out)


@pytest.mark.slow
def test_the_whole_experiment(library: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    check_it_went_on_where_it_was_killed(out, killed_and_resumed(library, out))
    check_the_report_is_one_file_with_everything_in_it(out)
    check_elsewhere_it_gives_the_same_figures(library, out, tmp_path / "elsewhere")
    check_a_rerun_takes_what_is_there(library, out)
    check_another_question_is_all_that_is_worked_out(library, out)


def test_wrong_use_is_answered_in_a_sentence(library: Path, tmp_path: Path, song: Callable[..., Path]) -> None:
    quick = ["--segments", "1", "--workers", "1"]

    def said(*arguments: object) -> str:
        result = CliRunner().invoke(app, ["poster", *map(str, arguments), *quick])
        return str(result.exception)

    (tmp_path / "file").touch()
    assert re.match(
        r"The experiment's folder .*/file cannot be written: (Not a directory|File exists)",
        said(library, "-o", tmp_path / "file"),
    )
    out = tmp_path / "out"
    assert said(library, "-o", out, "--between", "low,high $x$,tango").startswith("--between takes three of the genres")
    assert "no genre is called tango" in said(library, "-o", out, "--subset", "low,tango")
    assert "it takes two genres at least" in said(library, "-o", out, "--subset", "low,LOW")
    with Store(out / "work").lock():
        assert said(library, "-o", out) == f"Another run is working in {out}: wait for it."
    for number in range(4):
        song(tmp_path / "one" / f"{number}.flac", number, seconds=6.0, genre="Low")
    assert "have one label that several share" in said(tmp_path / "one", "-o", out)
    with pytest.raises(ValueError, match="segments must be at least 1, got 0"):
        run(library, out, segments=0)
    with pytest.raises(ValueError, match="minutes must be above 0, got 0"):
        run(library, out, minutes=0)
    with pytest.raises(ValueError, match="size must be 'small' or 'poster', got 'huge'"):
        run(library, out, size="huge")
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        run(library, out, seed=-1)


def test_too_few_songs_to_hold_any_back(tmp_path: Path, song: Callable[..., Path]) -> None:
    for number in range(8):
        genre = "Low" if number % 2 else "High"
        song(tmp_path / "m" / f"{number}.flac", number, seconds=6.0, genre=genre, artist=f"{number}")
    result = poster(tmp_path / "m", "-o", tmp_path / "out", "--segments", "1", "--workers", "1")
    assert str(result.exception) == (
        "There are too few songs to hold any back for the tests: the experiment needs more."
    )


def test_interrupted_it_says_so(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("songspace.poster.experiment.learn", interrupt)
    result = poster(library, "-o", tmp_path, *SIZE)
    assert result.exit_code == 130
    assert "What was finished is kept" in result.stderr
    assert os.path.getsize(tmp_path / "work" / "power.u16") > 0
