"""What players ask, and which fields of the answers they read, as their published sources show; replayed.

Each file in ``sequences`` is a player: ``sends`` are the parameters of all its calls, ``calls`` what it asks one after
another. ``reads`` are the fields that it reads, with their types; ``?`` is one that may be missing. ``a.b[]`` is each
member of a list, ``@name`` one of the ``shapes``. ``says`` are values, ``keeps`` what later calls need. ``children``
are the elements of XML that a player knows, where it stops at others.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from songspace import Library
from songspace.library import Home
from songspace.server.app import create_app
from songspace.server.user import User

SEQUENCES = sorted((Path(__file__).parent / "sequences").glob("*.json"))
NS = "{http://subsonic.org/restapi}"
USER = {"u": "ann", "p": "enc:" + b"open sesame".hex()}
MISSING = object()
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module")
def known(learnt_home: Path) -> dict[str, str]:
    """What calls name of the library."""
    first, second, *_ = Library(learnt_home).songs()
    assert first.artist is not None and first.genre is not None
    return {
        "song": str(first.id),
        "song2": str(second.id),
        "artistName": first.artist,
        "genre": first.genre,
        "word": first.artist,
        "now": str(int(time.time() * 1000)),
    }


@pytest.fixture
def player(learnt_home: Path, tmp_path: Path) -> TestClient:
    home = Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))
    User("ann", "open sesame").save(home.user)
    return TestClient(create_app(home), base_url="http://127.0.0.1", raise_server_exceptions=False)


def as_json(element: ElementTree.Element) -> dict[str, Any]:
    found: dict[str, Any] = dict(element.attrib) | ({"value": element.text} if element.text else {})
    for child in element:
        found.setdefault(child.tag.removeprefix(NS), []).append(as_json(child))
    return found


def at(thing: Any, path: str, *, xml: bool) -> Iterator[Any]:
    """All values at a path; :data:`MISSING` where there is none. In XML, each child is a member of a list."""
    step, _, rest = path.partition(".")
    if not isinstance(thing, dict):
        yield MISSING
        return
    value = thing.get(step.removesuffix("[]"), MISSING)
    if step.endswith("[]"):
        values = value if isinstance(value, list) else [] if value is MISSING else [value]
    else:
        values = [value[0] if xml and isinstance(value, list) else value]
    for one in values:
        if rest:
            yield from at(one, rest, xml=xml)
        else:
            yield one


def is_of(value: Any, kind: str, *, xml: bool) -> bool:
    if kind == "list":
        return isinstance(value, list)
    if kind == "thing":
        return isinstance(value, dict)
    if kind == "number":
        is_text = xml and isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
        return is_text or (isinstance(value, int | float) and not isinstance(value, bool))
    if kind == "yes":
        return value in ("true", "false") if xml else isinstance(value, bool)
    return isinstance(value, str) and (kind == "text" or TIME.fullmatch(value) is not None)


def check(thing: Any, path: str, kind: str, shapes: dict[str, dict[str, str]], where: str, *, xml: bool) -> int:
    """Hold what is at a path to its type, and return how many values there were."""
    count = 0
    wanted, optional = kind.removesuffix("?"), kind.endswith("?")
    for value in at(thing, path, xml=xml):
        count += 1
        if value is MISSING:
            assert optional, f"{where}: {path} is missing in {thing}"
        elif kind.startswith("@"):
            for part, of in shapes[kind[1:]].items():
                check(value, part, of, shapes, f"{where} {path}", xml=xml)
        else:
            assert is_of(value, wanted, xml=xml), f"{where}: {path} is {value!r}, no {wanted}"
    return count


def filled(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [filled(one, known) for one in value]
    return known[value[1:]] if isinstance(value, str) and value.startswith("$") else value


def strangers(root: ElementTree.Element, children: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Elements that a player does not know, with the ones that they are in."""
    return [
        (outer.tag.removeprefix(NS), inner.tag.removeprefix(NS))
        for outer in root.iter()
        for inner in outer
        if (knows := children.get(outer.tag.removeprefix(NS))) is not None and inner.tag.removeprefix(NS) not in knows
    ]


@pytest.mark.parametrize("file", SEQUENCES, ids=[file.stem for file in SEQUENCES])
def test_what_a_player_reads_is_there(file: Path, player: TestClient, known: dict[str, str]) -> None:
    sequence = json.loads(file.read_text(encoding="utf-8"))
    shapes, xml = sequence.get("shapes", {}), sequence["sends"].get("f") != "json"
    song = player.get("/rest/getSong", params=USER | {"f": "json", "id": known["song"]}).json()["subsonic-response"]
    known = known | {"album": song["song"]["albumId"], "artist": song["song"]["artistId"]}
    for number, call in enumerate(sequence["calls"]):
        where = f"{sequence['client']} {number} {call['call']}"
        given = USER | sequence["sends"] | filled_all(call.get("params", {}), known)
        path = f"/rest/{call['call']}"
        got = player.post(path, data=given) if sequence["method"] == "POST" else player.get(path, params=given)
        assert got.status_code == call.get("status", 200), where
        if xml:
            root = ElementTree.fromstring(got.content)
            answer = as_json(root)
            assert strangers(root, sequence.get("children", {})) == [], where
        else:
            answer = got.json()["subsonic-response"]
        if "status" in call:
            assert answer["status"] == "failed", where
            continue
        assert answer["status"] == "ok", (where, answer)
        for path, kind in call.get("reads", {}).items():
            count = check(answer, path, kind, shapes, where, xml=xml)
            assert count or call.get("empty") or kind.endswith("?"), f"{where}: {path} is empty"
        for path, value in call.get("says", {}).items():
            assert [*at(answer, path, xml=xml)] == [str(value) if xml else value], (where, path)
        for name, path in call.get("keeps", {}).items():
            [known[name]] = at(answer, path, xml=xml)


def filled_all(parameters: dict[str, Any], known: dict[str, str]) -> dict[str, Any]:
    return {name: filled(value, known) for name, value in parameters.items()}


def test_every_call_of_a_player_is_one_that_there_is() -> None:
    from songspace.server.opensubsonic import HANDLERS

    assert {file.stem for file in SEQUENCES} == {
        *"airsonic-refix clementine dsub feishin strawberry supersonic tempo".split()
    }
    for file in SEQUENCES:
        for call in json.loads(file.read_text(encoding="utf-8"))["calls"]:
            name = call["call"].removesuffix(".view")
            assert name in HANDLERS or name == "getOpenSubsonicExtensions", (file.stem, name)
