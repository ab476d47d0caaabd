"""Small files read as if a stranger had written them."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.plainfiles import DEEPEST, open_plain, parse_json, put_plain, read_json, read_plain

NUMBERS = st.integers(-(10**39), 10**39) | st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(DOCUMENTS)
def test_what_json_can_say_is_read(document: Any) -> None:
    for text in (json.dumps(document), json.dumps(document, indent=2)):
        assert parse_json(text.encode()) == document


@given(st.text('[]{}",:\\0 a', max_size=40) | st.binary(max_size=40).map(lambda data: data.decode("latin-1")))
def test_anything_else_is_refused_as_json_refuses_it(text: str) -> None:
    try:
        expected = json.loads(text.encode().decode(), parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError):
        with pytest.raises(ValueError):
            parse_json(text.encode())
    else:
        assert parse_json(text.encode()) == expected


@pytest.mark.parametrize(
    "text",
    ["NaN", "-Infinity", "[1e999]", "-1e400", "1" + "0" * 400, '{"a": 1%s}' % ("0" * 5000), '"\ud800', "", "\xff"],
)
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text.encode("latin-1" if text == "\xff" else "utf-8", "surrogatepass"))


def test_a_history_may_hold_what_is_no_number() -> None:
    low, none = parse_json(b"[-Infinity, NaN]", finite=False)
    assert low == -math.inf and math.isnan(none)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"]":'])
def test_how_deep_lists_may_lie_in_each_other(opening: str) -> None:
    closing = opening[::-1].translate(str.maketrans("[{", "]}", 'a":]'))
    levels = DEEPEST // len(closing)
    assert parse_json(f"{opening * levels}1{closing * levels}".replace(":1", ":1").encode())
    for count in (levels + 1, 1000, 200_000):
        for text in (f"{opening * count}1{closing * count}", opening * count, f"{opening * count}x{closing * count}"):
            with pytest.raises(ValueError, match="deep"):
                parse_json(text.encode())


def test_brackets_in_text_are_text() -> None:
    document = {"[" * 1000: "]}{[" * 1000 + '"\\', '\\"[': ["\\", '"', "["]}
    assert parse_json(json.dumps(document).encode()) == document


def test_only_so_much_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[1, 2]")
    assert read_json(path, 6) == [1, 2] and read_plain(path, 6) == b"[1, 2]"
    with pytest.raises(ValueError, match="longer than 5 bytes"):
        read_plain(path, 5)
    with path.open("wb") as file:
        file.truncate(2**40)  # a file with a hole
    with pytest.raises(ValueError, match="longer"):
        read_json(path, 2**20)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_only_ordinary_files_are_opened_and_nobody_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "plain").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    (tmp_path / "to a pipe").symlink_to(tmp_path / "pipe")
    for name in ("pipe", "link", "to a pipe", ".", "none"):
        with pytest.raises(OSError):
            open_plain(tmp_path / name)
    for path in (tmp_path / "to a pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="no ordinary file"):
            open_plain(path, links=True)
    with open_plain(tmp_path / "link", links=True) as file:
        assert file.read() == b"x"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_nothing_is_written_through_what_lies_there(tmp_path: Path) -> None:
    path, other = tmp_path / "a.json", tmp_path / "other"
    other.write_text("mine")
    for lay in (os.mkfifo, lambda beside: os.symlink(other, beside)):
        lay(tmp_path / "a.json.new")
        put_plain(path, [b"1", b"2"], mode=0o600, sync=True)
        assert path.read_bytes() == b"12" and path.stat().st_mode & 0o777 == 0o600
    path.unlink()
    path.symlink_to(other)
    put_plain(path, [b"3"])
    assert not path.is_symlink() and other.read_text() == "mine"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.json", "other"]

    def fails() -> Any:
        yield b"4"
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        put_plain(path, fails())
    assert path.read_bytes() == b"3" and not (tmp_path / "a.json.new").exists()
