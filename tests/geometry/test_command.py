"""``songspace geometry``: its answers, its JSON, its pictures, its sentences."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from songspace.answers.view import View
from songspace.cli import geometry as command
from songspace.cli.commands import app
from songspace.library import Song
from songspace.space import Space

Run = Callable[..., Result]


@pytest.fixture
def run(learnt_home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the command in this process, on the learnt tunes: three genres of two artists each."""
    monkeypatch.setenv("SONGSPACE_HOME", str(learnt_home))
    return lambda *arguments: CliRunner().invoke(app, ["geometry", *map(str, arguments)])


def stand_in(monkeypatch: pytest.MonkeyPatch, k: int = 3, **tags: Any) -> Run:
    """The command on a made-up library: k genres of 24 songs by 12 artists, an album of each artist a year."""
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(k), 24)
    points = np.eye(max(k, 4))[codes] + 0.2 * rng.standard_normal((len(codes), max(k, 4)))
    songs = [
        Song(
            **{
                "id": row,
                "path": f"/music/{row}.mp3",
                "duration": 100.0,
                "title": f"Song {row}",
                "artist": f"Artist {code} {row % 12}",
                "album": f"Album {row // 2}",
                "genre": f"Genre {code}",
                "year": 1990 + row % 24,
            }
            | {name: value(row) for name, value in tags.items()}
        )
        for row, code in enumerate(codes.tolist())
    ]
    space = Space.from_vectors(points)
    monkeypatch.setattr(command, "View", lambda library: View(library, (space, songs)))
    monkeypatch.setattr(command, "Library", lambda home: None)
    return lambda *arguments: CliRunner().invoke(app, ["geometry", *map(str, arguments)])


def test_genres_in_json(run: Run) -> None:
    told = json.loads(run("genres", "--json").stdout)
    assert (told["of"], told["songs"], told["unlabelled"], told["several"], told["fewest"]) == ("genres", 18, 0, 0, 4)
    assert [region["name"] for region in told["regions"]] == ["High", "Low", "Middle"]
    for region in told["regions"]:
        assert (region["songs"], region["units"]) == (6, 2)
        assert region["at_home"]["interval"] is None and region["at_home"]["chance"] == pytest.approx(1 / 3, abs=1e-3)
        assert len(region["nearest"]) == 2 and region["heart"][0]["genre"] == region["name"]
        assert {song["towards"] for song in region["border"]} <= {"High", "Low", "Middle"} - {region["name"]}
    assert sorted(told["tree"]["order"]) == ["High", "Low", "Middle"]
    assert [joint["regions"] for joint in told["tree"]["joints"]] == [2, 3]
    matrix = np.array(told["distances"])
    assert matrix.shape == (3, 3) and (matrix == matrix.T).all()
    nearest = 1 + int(matrix[0, 1:].argmin())
    assert told["regions"][0]["nearest"][0] == {
        "name": told["regions"][nearest]["name"],
        "distance": matrix[0, nearest],
    }


def test_genres_in_words(run: Run) -> None:
    result = run("genres")
    assert result.exit_code == 0
    assert all(word in result.stdout for word in ("Low", "Middle", "High", "artists", "at the heart", "┘"))
    assert "the artist left out" in result.stderr and "Overlap" in result.stderr


def test_too_few_songs_are_one_sentence(run: Run) -> None:
    result = run("artists", "--json")
    assert result.exit_code == 1 and result.stdout == ""
    assert str(result.exception) == "No artist has the 4 songs that a centre needs: the largest, Artist 00, has 3."


def test_between(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = stand_in(monkeypatch, 5)
    told = json.loads(run("genres", "--between", "genre 0", "GENRE 1", "--json", "-o", tmp_path / "a.svg").stdout)
    assert told["from"] == {"name": "Genre 0", "songs": 24} and told["to"]["name"] == "Genre 1"
    assert {one["name"] for one in told["between"]} == {"Genre 2", "Genre 3", "Genre 4"}
    for one in told["between"]:
        low, high = one["position"]["interval"]
        assert low < one["position"]["value"] < high and one["between"] in ("yes", "no", "unsure")
    positions = [song["position"] for song in told["songs"]]
    assert positions == sorted(positions) and all(0 < position < 1 for position in positions)
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    shown = run("genres", "--between", "Genre 0", "Genre 1")
    assert "between?" in shown.stdout and "songs along the line" in shown.stdout and "95 %" in shown.stderr
    wrong = run("genres", "--between", "Genre 0", "Genre")
    assert wrong.exit_code == 1 and "Did you mean: Genre 0" in str(wrong.exception)


def test_of_an_artist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = stand_in(monkeypatch, 2, artist=lambda row: "Ann" if row < 14 else "Bea")
    told = json.loads(run("genres", "--of", "ann", "--json", "-o", tmp_path / "a.png").stdout)
    assert told["artist"] == "Ann" and told["station"] == "album"
    assert [station["year"] for station in told["stations"]] == list(range(1990, 2004, 2))
    assert told["stations"][0]["moved"] is None and told["stations"][1]["moved"] > 0
    assert {near["name"] for near in told["stations"][0]["nearest"]} == {"Genre 0", "Genre 1"}
    assert told["drift"]["albums"] == 7 and told["drift"]["p"] > 0.001
    assert told["two_albums_of_one_artist"]["pairs"] == 21 + 17 * 16 // 2
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    shown = run("albums", "--of", "Ann")
    assert "farther than" in shown.stdout and "correlation" in shown.stderr


@pytest.mark.parametrize(
    ("year", "said"),
    [
        (lambda row: None, "No song says its year: the albums come in the order of their names"),
        (lambda row: 1990 + row if row < 4 else None, "2 dated albums are too few. Without a year, and so last: 5."),
        (
            lambda row: 1990 + row // 8,
            "7 dated albums in 2 different years are too few. Albums of one year come by name.",
        ),
    ],
)
def test_where_years_are_missing_it_says_so(
    monkeypatch: pytest.MonkeyPatch, year: Callable[[int], int | None], said: str
) -> None:
    run = stand_in(monkeypatch, artist=lambda row: "Ann" if row < 14 else None, year=year)
    result = run("albums", "--of", "ann")
    assert result.exit_code == 0 and said in result.stderr
    assert "Album 6" in result.stdout


def test_without_albums_the_years_are_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    run = stand_in(monkeypatch, artist=lambda row: "Ann" if row < 14 else None, album=lambda row: None)
    told = json.loads(run("albums", "--of", "ann", "--json").stdout)
    assert told["station"] == "year" and [station["name"] for station in told["stations"]][:2] == ["1990", "1991"]
    shown = run("genres", "--of", "ann").stdout
    assert "nearest genres of others" in shown and "album" not in shown


def test_what_is_left_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    genres = ["Rock; Pop"] * 8 + ["Jazz"] * 7 + ["Folk"] * 6 + ["Odd"] * 2 + [None]
    run = stand_in(monkeypatch, 1, genre=lambda row: genres[row])
    said = run("genres", "--most", 2).stderr
    assert "Smaller genres that are not shown: 1." in said and "there is no centre: Odd (2)." in said
    assert "Songs without a genre: 1." in said and "several genres, of which the first counts: 8." in said


def test_one_region_is_told_without_comparisons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = stand_in(monkeypatch, 1)
    result = run("genres", "-o", tmp_path / "a.png")
    assert result.exit_code == 0 and "Genre 0" in result.stdout and "At home" not in result.stderr
    assert json.loads(run("genres", "--json").stdout)["tree"] == {"order": ["Genre 0"], "joints": []}


@pytest.mark.parametrize("tree", [False, True])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_pictures(run: Run, tmp_path: Path, ending: str, tree: bool) -> None:
    path = tmp_path / f"regions.{ending}"
    result = run("genres", "-o", path, *(["--tree"] if tree else []))
    assert result.exit_code == 0 and f"Wrote {path}." in result.stderr
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "arguments",
    [
        ("genres", "-o", "a.gif"),
        ("genres", "--tree"),
        ("genres", "--tree", "-o", "a.png", "--of", "Ann"),
        ("genres", "--of", "Ann", "--between", "a", "b"),
        ("genres", "--most", "1"),
        ("genres", "--between", "a"),
    ],
)
def test_wrong_use_is_status_2(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2 and result.stdout == ""


def test_no_tags_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    run = stand_in(monkeypatch, artist=lambda row: None, album=lambda row: None, genre=lambda row: None)
    for kind in ("genres", "artists", "albums"):
        result = run(kind)
        assert result.exit_code == 1 and str(result.exception) == f"No song has a tag that says its {kind[:-1]}."
