"""The wheel, as `pip install` puts it on another machine: with its dependencies, in an environment of its own.

`make package` builds the wheel and runs this test on it (SONGSPACE_WHEEL); pip fetches the dependencies, so `make test`
skips it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

WHEEL = os.environ.get("SONGSPACE_WHEEL", "")
CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WHEEL, reason="SONGSPACE_WHEEL names no wheel: `make package` builds one and tests it"),
]
Command = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:
    """Variables under which nothing of the checkout can be imported."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SONGSPACE"))}
    return clean | {"SONGSPACE_HOME": str(folder / "home"), "XDG_DATA_HOME": str(folder / "data"), "NO_COLOR": "1"}


@pytest.fixture(scope="module")
def program(folder: Path, environment: dict[str, str]) -> Path:
    """The installed command."""
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    pip = [scripts / "python", "-m", "pip", "install", "-q", "-c", CONSTRAINTS, Path(WHEEL).resolve()]
    subprocess.run(pip, cwd=folder, env=environment, check=True, timeout=1200)
    return scripts / "songspace"


@pytest.fixture(scope="module")
def songspace(program: Path, folder: Path, environment: dict[str, str]) -> Command:
    def call(*arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments], cwd=folder, env=environment, text=True, capture_output=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


@pytest.fixture(scope="module")
def learnt(songspace: Command) -> str:
    songspace("demo", "music")
    return songspace("learn", "music", "--encoder", "timbre")


@pytest.fixture
def address(learnt: str, program: Path, folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Where the installed program serves."""
    with (
        (folder / "served.txt").open("w+") as said,
        subprocess.Popen(
            [program, "serve", "--port", "0"], cwd=folder, env=environment, stdout=said, stderr=said
        ) as server,
    ):
        try:
            yield _announced(folder / "served.txt", server)
        finally:
            server.terminate()


def _announced(said: Path, server: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        if address := re.search(r"http://[\d.]+:[1-9]\d*", said.read_text()):
            return address[0]
        assert server.poll() is None, said.read_text()
        time.sleep(0.1)
    raise AssertionError(f"It serves nowhere after a minute: {said.read_text()}")


def test_it_learns_and_finds_similar_songs(learnt: str, songspace: Command) -> None:
    status = json.loads(songspace("status", "--json"))
    assert status["summary"]["songs"] == 80
    answer = json.loads(songspace("similar", "lazy version", "--count", "4", "--json"))
    assert len(answer["similar"]) == 4


def test_it_serves_the_page_and_its_script(address: str) -> None:
    with urllib.request.urlopen(address, timeout=60) as page:
        assert page.status == 200
        text = page.read().decode()
    script = re.search(r'src="([^"]+\.js)"', text)
    assert script, "the wheel carries no page"
    with urllib.request.urlopen(f"{address}/{script[1].lstrip('./')}", timeout=60) as answer:
        assert answer.status == 200
        assert "javascript" in answer.headers["Content-Type"]
