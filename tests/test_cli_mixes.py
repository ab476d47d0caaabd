"""``songspace mixes`` and ``songspace suggest``: what they print and write, and their sentences for bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from songspace import Library, interchange
from songspace.cli.commands import app

Run = Callable[..., Result]


@pytest.fixture
def run(learnt_home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call a command in this process, on the 18 learnt tunes."""
    monkeypatch.setenv("SONGSPACE_HOME", str(learnt_home))

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call


def sentence(result: Result) -> str:
    assert result.exit_code == 1
    return str(result.exception)


def playlist(path: Path, songs: list[str]) -> Path:
    path.write_text("".join(f"{song}\n" for song in songs))
    return path


def test_mixes_as_json_and_as_files(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mixes"
    result = run("mixes", "--count", 3, "--json", "-o", folder)
    assert result.exit_code == 0
    made = json.loads(result.stdout)["mixes"]
    assert len({mix["name"] for mix in made}) == len(made) == 3
    listed = [song["path"] for mix in made for song in mix["songs"]]
    assert len(listed) == len(set(listed))
    for mix in made:
        assert interchange.read(mix["file"]) == [song["path"] for song in mix["songs"]]
        assert mix["seconds"] == pytest.approx(8 * len(mix["songs"]), abs=0.1)
        assert 0 < mix["coherence"] < 1 and {"mean_share", "largest_share"} <= mix["smoothness"].keys()
    assert "Wrote 3 mixes" in result.stderr
    assert json.loads(run("mixes", "--count", 3, "--json").stdout)["mixes"] == [
        {key: value for key, value in mix.items() if key != "file"} for mix in made
    ]


def test_mixes_as_a_table_and_replaced_by_another_run(run: Run, tmp_path: Path) -> None:
    first = run("mixes", "-o", tmp_path, "--format", "xspf", "--artist-gap", 0)
    assert first.exit_code == 0 and "mean step" in first.stdout
    again = run("mixes", "-o", tmp_path, "--format", "jspf", "--minutes", 1)
    assert "removed" in again.stderr
    assert {path.suffix for path in tmp_path.iterdir() if not path.name.startswith(".")} == {".jspf"}


def test_more_mixes_than_the_library_has_songs_for(run: Run) -> None:
    result = run("mixes", "--count", 12, "--json")
    assert result.exit_code == 0 and "too small" in result.stderr
    assert 1 <= len(json.loads(result.stdout)["mixes"]) <= 3


def test_mixes_of_a_folder_that_is_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in sentence(run("mixes", "-o", tmp_path / "file"))
    assert run("mixes", "--count", 0).exit_code == 2
    assert run("mixes", "--format", "pls").exit_code == 2


def test_suggestions_with_their_reasons(run: Run, learnt_home: Path, tmp_path: Path) -> None:
    songs = Library(learnt_home).songs()
    low, high = ([song for song in songs if song.genre == genre] for genre in ("Low", "High"))
    liked = [song.path for song in [*low[:3], *high[:2]]]
    like = playlist(tmp_path / "like.m3u8", [*liked, "/nowhere/gone.mp3"])
    result = run("suggest", "--like", like, "-n", 5, "--json", "-o", tmp_path / "found.xspf")
    assert result.exit_code == 0
    assert "1 of 6 are not in the library: /nowhere/gone.mp3." in result.stderr
    found = json.loads(result.stdout)["suggestions"]
    assert not {song["path"] for song in found} & {*liked}
    assert {song["genre"] for song in found[:2]} == {"Low", "High"}
    for song in found:
        assert song["because"]["path"] in liked
        assert song["why"].startswith(f"because of {song['because']['artist']} - {song['because']['title']}")
    assert interchange.read(tmp_path / "found.xspf") == [song["path"] for song in found]
    table = run("suggest", "--like", like, "-n", 5)
    assert table.exit_code == 0 and "because of" in table.stdout


def test_disliked_songs_are_not_suggested(run: Run, learnt_home: Path, tmp_path: Path) -> None:
    songs = Library(learnt_home).songs()
    low, high = ([song.path for song in songs if song.genre == genre] for genre in ("Low", "High"))
    like, dislike = playlist(tmp_path / "like.m3u", low[:2]), playlist(tmp_path / "dislike.m3u", high[:3])
    result = run("suggest", "--like", like, "--dislike", dislike, "-n", 30, "--json")
    assert not {song["path"] for song in json.loads(result.stdout)["suggestions"]} & {*high, *low[:2]}
    assert "has only" in result.stderr


def test_lists_that_say_nothing(run: Run, learnt_home: Path, tmp_path: Path) -> None:
    paths = [song.path for song in Library(learnt_home).songs()]
    good = playlist(tmp_path / "good.m3u8", paths[:3])
    assert "is empty" in sentence(run("suggest", "--like", playlist(tmp_path / "empty.m3u8", [])))
    assert "has none of the 1 songs" in sentence(
        run("suggest", "--like", playlist(tmp_path / "foreign.m3u8", ["/x.mp3"]))
    )
    assert "cannot be read" in sentence(run("suggest", "--like", tmp_path / "missing.m3u8"))
    assert "no playlist file" in sentence(run("suggest", "--like", tmp_path / "like.txt"))
    both = sentence(run("suggest", "--like", good, "--dislike", good))
    assert "both liked and disliked" in both and "and 2 more" in both
    assert "left" in sentence(run("suggest", "--like", playlist(tmp_path / "all.m3u8", paths)))
    assert "No song is liked or played often yet" in sentence(run("suggest"))


def test_a_region_of_few_artists_is_said_to_be_crowded(run: Run) -> None:
    crowded = run("mixes", "--count", 3, "--artist-gap", 4)
    assert "too few artists or albums to keep them as far apart as asked" in crowded.stderr
    assert "too few artists" not in run("mixes", "--count", 3, "--artist-gap", 0).stderr


def test_mixes_and_suggestions_keep_the_filters(run: Run, learnt_home: Path, tmp_path: Path) -> None:
    songs = Library(learnt_home).songs()
    like = playlist(tmp_path / "like.m3u8", [song.path for song in songs[:2]])
    asked = ("--where", "year >= 1995", "--most-of-artist", 1, "--json")
    found = json.loads(run("suggest", "--like", like, *asked).stdout)["suggestions"]
    assert found and all(song["year"] >= 1995 for song in found)
    assert len({song["artist"] for song in found}) == len(found)
    made = json.loads(run("mixes", "--count", 2, *asked).stdout)["mixes"]
    assert made and all(song["year"] >= 1995 for mix in made for song in mix["songs"])
    assert all(len({song["artist"] for song in mix["songs"]}) == len(mix["songs"]) for mix in made)
