"""A space that is built anew is taken in while questions are being asked, and no request leaves the machine."""

from __future__ import annotations

import http.client
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from songspace import Library, Space
from songspace.library import Catalog, Home
from songspace.library.learnt import Learnt, set_learnt
from songspace.server.app import create_app
from songspace.server.snapshot import Snapshots
from songspace.server.user import User


def test_a_new_space_is_taken_in_while_requests_go_on(
    learnt_home: Path, clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    home = Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))
    app = create_app(home, every=0.0)
    client = clients(app)
    ids = Space.open(home.space).ids
    url = f"/api/v1/songs/{ids[0]}/neighbours?count=17"
    before = client.get(url)
    statuses: list[int] = []
    stop = threading.Event()

    def go_on() -> None:
        mine = clients(app)
        while not stop.is_set():
            statuses.append(mine.get(url).status_code)

    threads = [threading.Thread(target=go_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for seed in range(5):
            # As `learn` does it: first the space of another encoder, and a moment later word that it is in use.
            vectors = np.random.default_rng(seed).normal(size=(len(ids), 5)).astype(np.float32)
            Space.from_vectors(vectors, ids, encoder=f"fingerprint-{seed}").save(home.space)
            for _ in range(5):
                assert client.get(url).status_code == 200
            with Catalog(home.catalog, write=True) as catalog:
                set_learnt(catalog, "other", Learnt(f"fingerprint-{seed}", f"fingerprint-{seed}"))
                catalog.set_fact("encoder", "other")
        for _ in range(200):
            after = client.get(url)
            if after.headers["etag"] != before.headers["etag"]:
                break
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(statuses) >= 3 and {*statuses} == {200}
    space = Space.open(home.space)
    rows, _ = space.neighbors(0, 17)
    for _ in range(200):  # the last of the five, sooner or later
        found = [song["id"] for song in client.get(url).json()["similar"]]
        if found == space.ids[rows].tolist():
            break
    assert found == space.ids[rows].tolist()
    assert client.get(url, headers={"If-None-Match": before.headers["etag"]}).status_code == 200


def test_no_request_fails_while_spaces_change_under_load(
    learnt_home: Path, serving: Callable[[Any], AbstractContextManager[int]], tmp_path: Path
) -> None:
    home = Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))
    User("ann", "sesame").save(home.user)
    ids = Space.open(home.space).ids.tolist()
    paths = [f"/api/v1/songs/{id}/neighbours?count=17" for id in ids[:6]]
    paths += ["/api/v1/songs?limit=5", f"/api/v1/radio?song={ids[0]}&length=8", "/api/v1/map?method=pca"]
    paths += [f"/api/v1/path?start={ids[0]}&end={ids[5]}&length=6", "/api/v1/geometry/genres", "/api/v1/status"]
    paths += [f"/rest/{call}?u=ann&p=sesame&f=json&id={ids[1]}" for call in ("getSonicSimilarTracks", "getSong")]
    answers: list[tuple[int, str]] = []
    lists: set[bytes] = set()
    stop = threading.Event()

    def go_on(port: int, first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        turn = first
        while not stop.is_set():
            turn += 1
            path = paths[turn % len(paths)]
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            failed = response.status != 200 or b'"status":"failed"' in body
            answers.append((response.status, f"{path}: {body[:200]!r}" if failed else ""))
            if path == paths[0]:
                lists.add(body)
        connection.close()

    with serving(create_app(home, every=0.0)) as port:
        threads = [threading.Thread(target=go_on, args=(port, 3 * number)) for number in range(6)]
        for thread in threads:
            thread.start()
        try:
            for seed in range(5):
                before, known = len(answers), len(lists)
                vectors = np.random.default_rng(seed).normal(size=(len(ids), 5)).astype(np.float32)
                with Catalog(home.catalog, write=True) as catalog:
                    set_learnt(catalog, "other", Learnt(f"fingerprint-{seed}", f"fingerprint-{seed}"))
                    catalog.set_fact("encoder", "other")
                Space.from_vectors(vectors, ids, encoder=f"fingerprint-{seed}").save(home.space)
                # Until the new space has answered; a server that never takes it in is given up.
                while all(thread.is_alive() for thread in threads):
                    asked = (len(answers) - before) / len(paths)
                    if (asked > 3 and len(lists) > known) or asked > 100:
                        break
                    time.sleep(0.01)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert len(answers) >= 15 * len(paths)
    assert {status for status, _ in answers} == {200} and not any(said for _, said in answers), answers
    assert len(lists) > 3  # of the old space, and of the new ones


def test_nothing_is_read_again_while_nothing_changes_or_only_songs_are_listened_to(
    learnt_home: Path, tmp_path: Path
) -> None:
    home = Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))
    snapshots = Snapshots(home, every=0.0)
    first = snapshots.current()
    assert snapshots.current() is first
    with Catalog(home.catalog, write=True) as catalog:
        catalog.set_fact("something", "else")
    assert snapshots.current() is first
    home.space.write_bytes(b"damaged")
    assert snapshots.current() is first  # it goes on with what it has
    assert Snapshots(home).current().space is None
    home.space.unlink()
    assert snapshots.current() is first
    assert Snapshots(Home(learnt_home)).current().key == first.key  # for as long as nothing changes


def test_the_same_space_with_other_tags_is_another_snapshot(learnt_home: Path, tmp_path: Path) -> None:
    import sqlite3

    home = Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))
    first = Snapshots(home).current()
    with sqlite3.connect(home.catalog) as db:
        db.execute("UPDATE tracks SET title = 'Another' WHERE song = 1")
    db.close()
    assert Snapshots(home).current().key != first.key


def test_no_request_leaves_the_machine(client: TestClient, learnt_home: Path) -> None:
    reached: list[Any] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
            reached.append(arguments)

    sys.addaudithook(watch)
    try:
        socket.getaddrinfo("127.0.0.1", 1)
        assert reached  # the watch is awake
        reached.clear()
        id = Library(learnt_home).songs()[0].id
        for path in ("songs", f"songs/{id}/neighbours?explain=true", f"songs/{id}/audio", "mixes", "status", "docs"):
            assert client.get(f"/api/v1/{path}").status_code == 200
        assert client.get("/").status_code == 200
    finally:
        watching = False
    assert reached == []
