"""The command line's contract: its answers, its JSON, its exit statuses, its sentences."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from songspace import Library

Run = Callable[..., Result]


def _shell(*arguments: object, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The whole program, as a person runs it."""
    environment = os.environ | ({"SONGSPACE_HOME": str(home)} if home else {})
    command = [sys.executable, "-m", "songspace", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_similar_by_name_path_and_id(run: Run, learnt_home: Path) -> None:
    song = Library(learnt_home).find("Tune 7")
    answers = []
    for name in ("Tune 7", song.path, song.id, "artist 11 - tune 7"):
        result = run("similar", name, "--json", "-n", 3)
        assert result.exit_code == 0
        answers.append(json.loads(result.stdout))
    assert all(answer == answers[0] for answer in answers)
    [asked], found = answers[0]["of"], answers[0]["similar"]
    assert asked["title"] == "Tune 7" and len(found) == 3
    assert song.id not in [answer["id"] for answer in found]
    distances = [answer["distance"] for answer in found]
    assert distances == sorted(distances)
    assert found[0]["similarity"] == pytest.approx(1 - found[0]["distance"] ** 2 / 2, abs=1e-5)


def test_similar_shows_a_table(run: Run) -> None:
    result = run("similar", "Tune 7")
    assert result.exit_code == 0
    assert "similarity" in result.stdout and result.stdout.count("Artist") >= 10


def test_similar_to_several(run: Run) -> None:
    answer = json.loads(run("similar", "Tune 7", "Tune 10", "--json").stdout)
    titles = {song["title"] for song in answer["similar"]}
    assert len(answer["of"]) == 2 and not titles & {"Tune 7", "Tune 10"}


def test_similar_to_a_file_outside_the_library(run: Run, song: Callable[..., Path], tmp_path: Path) -> None:
    outside = song(tmp_path / "outside.wav", 123, style=2)
    result = run("similar", outside, "--json", "-n", 4)
    genres = [answer["genre"] for answer in json.loads(result.stdout)["similar"]]
    assert genres.count("High") >= 3


@pytest.mark.parametrize("arguments", [["similar", "Tune 7", "--json"], ["status"], ["playlist", "Tune 7"]])
def test_a_question_waits_for_no_torch_and_no_scikit_learn(learnt_home: Path, arguments: list[str]) -> None:
    code = (
        "import sys; from songspace.cli.commands import app; "
        f"app({arguments}, standalone_mode=False); "
        "rare = ('torch', 'sklearn', 'scipy', 'matplotlib', 'fastapi', 'uvicorn'); "
        "print([name for name in rare if name in sys.modules], file=sys.stderr)"
    )
    environment = os.environ | {"SONGSPACE_HOME": str(learnt_home)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("similar", "Tune 77"), "Did you mean: Artist"),
        (("playlist", "nothing like it"), "No song of the library is called"),
        (("geometry", "albums", "--of", "nobody"), "There is no artist called “nobody”"),
        (("evaluate", "--labels", "nowhere.csv"), "nowhere.csv"),
        (("evaluate", "--encoders", "ali"), "has not learnt ali"),
        (("learn", "/no/such/folder"), "There is no folder /no/such/folder"),
        (("export", "-o", "x.csv"), "an export is a .parquet file or a .npz file"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_status_1(
    learnt_home: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = _shell(*arguments, home=learnt_home)
    assert done.returncode == 1 and done.stdout == ""
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_several_songs_of_a_name_are_a_short_table_to_choose_from(learnt_home: Path) -> None:
    done = _shell("similar", "Tune", "--json", home=learnt_home)
    assert (done.returncode, done.stdout) == (1, "")
    first, *table, last = done.stderr.strip().splitlines()
    assert first == "18 songs fit “Tune”: say more, or give the id of one."
    assert last == "And 6 more."
    numbers = [int(line.split()[0]) for line in table if line.split() and line.split()[0].isdigit()]
    assert len(numbers) == 12
    assert _shell("similar", str(numbers[3]), home=learnt_home).returncode == 0


@pytest.mark.parametrize(
    "command", ["similar x", "playlist x", "map -o m.png", "status", "evaluate", "geometry genres"]
)
def test_without_a_library_it_says_how_to_make_one(tmp_path: Path, command: str) -> None:
    done = _shell(*command.split(), home=tmp_path / "nowhere")
    assert done.returncode == 1
    assert "run `songspace learn FOLDER` first" in done.stderr
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("similar",),
        ("playlist",),
        ("learn", "x", "--encoder", "magic"),
        ("learn", "x", "--device", "tpu"),
        ("map", "-o", "map.gif"),
        ("geometry", "moods"),
    ],
)
def test_wrong_use_is_status_2(learnt_home: Path, arguments: tuple[str, ...]) -> None:
    done = _shell(*arguments, home=learnt_home)
    assert done.returncode == 2 and done.stdout == ""


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_maps(run: Run, tmp_path: Path, method: str) -> None:
    assert run("map", "-o", tmp_path / "map.png", "--method", method).exit_code == 0
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert run("map", "-o", tmp_path / "map.html", "--method", method, "--color", "year").exit_code == 0
    assert "Tune 7" in (tmp_path / "map.html").read_text()


def test_evaluate_puts_encoders_side_by_side(run: Run, tmp_path: Path, learnt_home: Path) -> None:
    result = run("evaluate", "--labels", "genre", "--encoders", "all", "--seeds", 2, "--json")
    assert result.exit_code == 0, result.output
    assert {"pca", "timbre", "raw", "random"} <= set(json.loads(result.stdout)["encoders"])
    assert result.stdout.lstrip().startswith("{") and result.stdout.rstrip().endswith("}")


def test_evaluate_is_a_table_of_100_columns_and_sentences(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    shown = run("evaluate", "--seeds", 2).stdout.splitlines()
    table = shown[: next(number for number, line in enumerate(shown) if "chance" in line) + 1]
    assert [line.split()[0] for line in table if "0." in line] == ["pca", "timbre", "chance"]
    assert any("P@10" in line and "mAP" in line for line in shown)
    assert all(len(line) <= 100 for line in table)
    told = "\n".join(shown)
    assert "neighbours by other artists, pca finds" in told
    assert "timbre (hand-made) finds" in told


def test_evaluate_scores_one_split_of_a_table(run: Run, tmp_path: Path) -> None:
    rows = [f"{n:02d},{'abc'[n % 3]},{'train' if n < 6 else 'test'}" for n in range(17)]
    (tmp_path / "labels.csv").write_text("\n".join(["track_id,genre_top,split", *rows, "99,a,test"]), encoding="utf-8")
    asked = ("evaluate", "--labels", tmp_path / "labels.csv", "--split", "test", "--encoders", "pca", "--seeds", 1)
    result = json.loads(run(*asked, "--json").stdout)
    assert result["songs"] == 11
    assert result["labels"] == {"a": 4, "b": 4, "c": 3}
    counts = {"without_label": 0, "label_of_one_song": 0, "unknown_paths": 1, "ambiguous_paths": 0}
    assert result["left_out"] == {"other_splits": 7} | counts
    shown = " ".join(run(*asked).stdout.split())
    assert (
        "11 songs of the split test have labels; left out: 7 songs of other splits, 1 row that names no song" in shown
    )


def test_evaluate_fits_no_network_that_nobody_asked_for_in_a_large_library(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("songspace.evaluation.embeddings.CHEAP", 17)
    result = json.loads(run("evaluate", "--seeds", 1, "--json").stdout)
    assert list(result["encoders"]) == ["pca", "timbre"]


def test_status(run: Run) -> None:
    facts = json.loads(run("status", "--json").stdout)
    assert facts["summary"]["songs"] == 18 and facts["summary"]["encoder"] == "pca"
    assert facts["failures"] == []
    assert "pca" in run("status").stdout


def test_learn_and_update_report_on_standard_error(tunes: Path, tmp_path: Path, song: Callable[..., Path]) -> None:
    music = tmp_path / "music"
    song(music / "a.flac", 1)
    song(music / "b.flac", 2)
    (music / "bad.mp3").write_text("words")
    home = tmp_path / "home"
    done = _shell("learn", music, "--encoder", "timbre", "--windows", 2, "--home", home)
    assert done.returncode == 0 and done.stdout == ""
    assert "2 songs: 2 new; the timbre space is ready, after " in done.stderr
    assert (
        "1 file could not be read:\n  1 file: damaged, or not sound\n    " in done.stderr and "bad.mp3" in done.stderr
    )
    song(music / "c.flac", 3)
    done = _shell("--home", home, "update")
    assert "3 songs: 1 new; the timbre space is ready, after " in done.stderr
    failures = json.loads(_shell("status", "--json", home=home).stdout)["failures"]
    assert [os.path.basename(failure["path"]) for failure in failures] == ["bad.mp3"]


def ignore_ctrl_c() -> None:
    """As a shell does for what it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.skipif(os.name == "nt", reason="there are no signals to send")
def test_sigterm_ends_in_a_sentence_and_keeps_what_was_finished(tunes: Path, tmp_path: Path) -> None:
    """As Ctrl-C does: see test_manners.py."""
    command = [sys.executable, "-m", "songspace", "learn", str(tunes), "--windows", "2", "--minutes", "5"]
    command += ["--encoder", "contrastive", "--home", str(tmp_path)]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=ignore_ctrl_c)
    assert run.stderr is not None
    said = []
    for line in run.stderr:
        said.append(line)
        if line.startswith("learning"):
            run.send_signal(signal.SIGTERM)
    assert run.wait() == 128 + signal.SIGTERM
    assert said[-1].startswith("Stopped. What was finished is kept")
    assert len(Library(tmp_path).songs()) == 18
    assert Library(tmp_path).encoder == "timbre"
    assert list((tmp_path / "training").iterdir())  # a checkpoint: steps are kept, too


def test_a_reader_that_has_seen_enough_is_no_error(learnt_home: Path) -> None:
    command = f"{sys.executable} -m songspace similar 'Tune 7' --json | head -c 5"
    environment = os.environ | {"SONGSPACE_HOME": str(learnt_home)}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment, check=False)
    assert "Traceback" not in done.stderr


def test_help_names_every_command() -> None:
    done = _shell("--help")
    for (
        command
    ) in "learn update similar playlist geometry map evaluate status doctor export serve user link demo".split():
        assert f" {command} " in done.stdout
