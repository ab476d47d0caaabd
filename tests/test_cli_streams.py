"""The command line on standard streams that are closed, full, not read on, or of another encoding."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from songspace import Library, interchange, pipeline
from songspace.library import Home

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no such shell")

ANSWERS = (
    ("similar", "Tune 7"),
    ("similar", "Tune 7", "--json"),
    ("status",),
    ("status", "--json"),
    ("playlist", "Tune 7"),
    ("geometry", "genres", "--json"),
    ("--help",),
    ("--version",),
)


def shell(line: str, home: Path, *arguments: object, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run a line of bash in which $S is songspace with its arguments; (status of songspace, output, messages)."""
    command = " ".join(f"'{part}'" for part in (sys.executable, "-m", "songspace", *arguments))
    line = f"S() {{ {command}; }}; {line}"
    told = os.environ | {"SONGSPACE_HOME": str(home)} | (env or {})
    done = subprocess.run(["bash", "-c", line], capture_output=True, env=told, check=False, timeout=120)
    output, messages = (said.decode("utf-8", "replace") for said in (done.stdout, done.stderr))
    return done.returncode, output, messages


@pytest.mark.parametrize("arguments", ANSWERS, ids=" ".join)
def test_who_reads_no_further_hears_nothing(learnt_home: Path, arguments: tuple[str, ...]) -> None:
    # The pipe has no reader when the first letter comes.
    line = "exec 3> >(exit); sleep 0.3; S >&3; echo $?"
    _, status, messages = shell(line, learnt_home, *arguments)
    assert "Traceback" not in messages and "Broken" not in messages and "Exception" not in messages
    assert status == "141\n"


@pytest.mark.parametrize("arguments", ANSWERS, ids=" ".join)
@pytest.mark.parametrize(
    ("where", "why"),
    [
        (">&-", "Bad file descriptor"),
        pytest.param(
            "> /dev/full",
            "No space left on device",
            marks=pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no such device"),
        ),
    ],
)
def test_what_cannot_be_written_is_one_sentence(
    learnt_home: Path, arguments: tuple[str, ...], where: str, why: str
) -> None:
    status, _, messages = shell(f"S {where}", learnt_home, *arguments)
    assert status == 1
    assert messages.splitlines()[-1] == f"The answer cannot be written to standard output ({why})."
    assert "Traceback" not in messages and "Exception" not in messages


@pytest.mark.parametrize("closed", ["2>&-", "2> /dev/full", "<&-", "<&- 2>&-", "2> >(exit)"])
def test_an_answer_needs_no_other_stream(learnt_home: Path, closed: str) -> None:
    if "/dev/full" in closed and not os.path.exists("/dev/full"):
        pytest.skip("there is no such device")
    status, answer, _ = shell(f"S {closed}", learnt_home, "similar", "Tune 7", "--json")
    assert status == 0 and len(json.loads(answer)["similar"]) == 10  # and no message in it


def test_work_needs_no_stream_at_all_and_writes_nowhere_else(learnt_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(learnt_home, tmp_path / "home"))
    status, _, _ = shell("S <&- >&- 2>&-", home, "update")
    assert status == 0
    status, answer, _ = shell("S", home, "similar", "Tune 7", "--json")
    assert status == 0 and json.loads(answer)["similar"]
    assert shell("S <&- >&- 2>&-", home, "similar", "No such song")[0] == 1


@pytest.fixture(scope="module")
def foreign(song: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose songs have names of several alphabets, and one whose name is no UTF-8."""
    folder = tmp_path_factory.mktemp("foreign")
    for number, name in enumerate(("кино †", "plain", "宇多田")):
        song(folder / "music" / f"{name}.flac", number, title=f"{name} ♪", artist=f"Группа {number}")
    os.rename(song(folder / "music" / "x.flac", 9), os.fsencode(folder / "music") + b"/caf\xe9.flac")
    pipeline.learn(Home(folder / "home"), folder / "music", encoder="timbre", windows=2, workers=1)
    return folder / "home"


ENCODINGS = (
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"PYTHONIOENCODING": "cp1252"},
)


ASKED = (("similar", "plain"), ("similar", "nothing ♪"), ("status",), ("playlist", "plain"))


@pytest.mark.parametrize("env", ENCODINGS, ids=lambda env: env.get("PYTHONIOENCODING", "LC_ALL=C"))
def test_a_terminal_of_another_encoding(foreign: Path, env: dict[str, str]) -> None:
    for arguments in (*ASKED, ("update",)) if env == ENCODINGS[0] else ASKED:
        status, answer, messages = shell("S", foreign, *arguments, env=env)
        assert status == (1 if "nothing ♪" in arguments else 0), messages
        assert "Traceback" not in messages
        if arguments == ("similar", "plain"):
            rows = [line for line in answer.splitlines() if "flac" in line]
            assert len(rows) == 3 and all("?" in row for row in rows)
            assert len({len(row.rstrip()) for row in rows if "+" in answer}) <= 1  # columns stand below each other
    status, answer, _ = shell("S", foreign, "similar", "plain", "--json", env=env)
    assert {one["title"] for one in json.loads(answer)["similar"]} == {"кино † ♪", "宇多田 ♪", None}


@pytest.mark.parametrize("suffix", [".m3u8", ".xspf", ".jspf"])
@pytest.mark.parametrize("env", ENCODINGS[:2], ids=lambda env: env.get("PYTHONIOENCODING", "LC_ALL=C"))
def test_playlists_are_utf8_whatever_the_locale(
    foreign: Path, tmp_path: Path, env: dict[str, str], suffix: str
) -> None:
    here, there = (tmp_path / f"{name}{suffix}" for name in ("here", "there"))
    for file, locale in ((here, None), (there, env)):
        status, _, messages = shell("S", foreign, "playlist", "plain", "--length", 4, "-o", file, env=locale)
        assert status == 0, messages
    assert there.read_bytes().replace(b"there", b"here") == here.read_bytes()
    assert len(set(interchange.read(there))) == 4
    assert set(interchange.read(there)) == {song.path for song in Library(foreign).songs()}
    # And read by a program in that locale.
    status, answer, messages = shell("S", foreign, "playlist", "--order", there, "--json", env=env)
    assert status == 0 and len(json.loads(answer)["songs"]) == 4, messages
