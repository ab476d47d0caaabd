"""What another hand puts in place of a home's files: each command ends, in a sentence or with an answer."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from songspace import SongspaceError, Space
from songspace.cli.commands import app
from songspace.encoders.base import load
from songspace.errors import FORESEEN
from songspace.library import Home
from songspace.library.progress import read_progress
from songspace.server.user import User, cookie_key, read_user

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")

FILES: dict[str, Callable[[Home], Path]] = {
    "the space": lambda home: home.space,
    "the encoder's description": lambda home: next(home.encoders.iterdir()) / "encoder.json",
    "the encoder's weights": lambda home: next(home.encoders.iterdir()) / "weights.safetensors",
    "the user": lambda home: home.user,
    "the progress": lambda home: home.progress,
    "the log": lambda home: home.log,
}


@pytest.fixture
def home(learnt_home: Path, tmp_path: Path) -> Home:
    home = Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))
    User("ann", "sesame").save(home.user)
    return home


@pytest.mark.parametrize("what", FILES)
def test_nobody_waits_for_a_pipe(home: Home, what: str, tmp_path: Path) -> None:
    path = FILES[what](home)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    answer = _run(home, "similar", "Tune 7", "--json")
    assert (answer.exit_code == 1) == (what == "the space")
    (tmp_path / "p").write_text("password")
    players = [("user", "bea", "--password-file", tmp_path / "p")] if what == "the user" else []
    for command in (("doctor",), ("update",), *players):  # what can be made again, is
        done = _run(home, *command)
        foreseen = done.exception is None or isinstance(done.exception, (SystemExit, *FORESEEN))
        assert done.exit_code in (0, 1) and foreseen, (command, done.exception)


def _run(home: Home, *arguments: object) -> Result:
    """Run a command in this process; one that takes a minute is taken to wait for ever."""

    def give_up(*_: object) -> None:
        raise AssertionError(f"{arguments} waits")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    try:
        return CliRunner().invoke(app, [*map(str, arguments), "--home", str(home.folder)])
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


ODD = ("NaN", "Infinity", "1e999", "1" + "0" * 400, "[" * 100_000 + "]" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:9])
def test_numbers_that_are_none_and_lists_without_end(home: Home, odd: str) -> None:
    home.user.write_text(f'{{"name": "ann", "password": {odd}}}')
    with pytest.raises(SongspaceError, match="damaged"):
        read_user(home.user)
    description = FILES["the encoder's description"](home)
    known = json.loads(description.read_text())
    description.write_text(description.read_text().replace(json.dumps(known["pipeline"]), odd, 1))
    with pytest.raises(SongspaceError, match=r"cannot be read|another version"):
        load(description.parent)
    data = home.space.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length].replace(b"0", odd.encode()[:50_000], 1)
    home.space.write_bytes(len(header).to_bytes(8, "little") + header + data[8 + length :])
    with pytest.raises(SongspaceError):
        Space.open(home.space)
    with home.lock():
        told = {"command": "learn", "stage": "x", "done": 1, "total": 2, "left": "?", "left_in_all": None, "began": 1.0}
        home.progress.write_text(json.dumps(told).replace('"?"', "3.5"))
        found = read_progress(home)
        assert found is not None and found.left == 3.5
        home.progress.write_text(json.dumps(told).replace('"?"', odd))
        assert read_progress(home) is None


def test_a_user_may_be_a_link_for_secrets_are_mounted_so(home: Home, tmp_path: Path) -> None:
    home.user.rename(tmp_path / "secret.json")
    home.user.symlink_to(tmp_path / "secret.json")
    found = read_user(home.user)
    assert found is not None and found.has("ann", "sesame")
    (tmp_path / "secret.json").chmod(0o644)  # of what it leads to, everybody can read it
    with pytest.raises(SongspaceError, match="chmod 600"):
        read_user(home.user)


def test_a_key_of_cookies_that_is_none_is_made_anew(home: Home) -> None:
    os.mkfifo(home.cookies)
    first = cookie_key(home.cookies)
    assert len(first) == 32 and cookie_key(home.cookies) == first
    home.cookies.write_bytes(b"short")
    assert cookie_key(home.cookies) not in (first, b"short")
    home.cookies.unlink()
    home.cookies.mkdir()  # it cannot be kept: each server has its own
    assert cookie_key(home.cookies) != cookie_key(home.cookies)
