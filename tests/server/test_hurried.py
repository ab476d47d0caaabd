"""A heavy question ends, and the next one is answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from songspace import Space
from songspace.library import Song
from songspace.server import service
from songspace.server.app import create_app
from songspace.server.problems import BusyError
from songspace.server.service import Hurried


def test_a_question_that_takes_too_long_is_given_up(
    served_home: Path, clients: Callable[..., TestClient], songs: list[Song], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients(create_app(served_home), **{"X-Songspace": "1"})
    ids = [song.id for song in songs]
    questions = [
        ("GET", f"/api/v1/path?start={ids[0]}&end={ids[9]}&length=6", None),
        ("GET", f"/api/v1/radio?song={ids[0]}&length=6", None),
        ("POST", "/api/v1/order", {"songs": ids[:9]}),
        ("GET", "/api/v1/mixes?count=3", None),
        ("POST", "/api/v1/suggest", {"like": ids[:4]}),
    ]
    answered = [client.request(method, path, json=body).status_code for method, path, body in questions]
    assert answered == [200] * len(questions)
    with monkeypatch.context() as patch:
        patch.setattr(service, "thread_time", lambda: next(clock))
        clock = iter(range(0, 10**6, 31))  # each look at the clock finds it half a minute later
        for method, path, body in questions:
            got = client.request(method, path, json=body)
            assert got.status_code == 503 and "30 seconds" in got.json()["detail"], path
            assert got.headers["content-type"] == "application/problem+json"
        assert client.get("/api/v1/status/quality").status_code == 200
        assert client.get(f"/api/v1/songs/{ids[0]}/neighbours").status_code == 200
    for _ in range(3):  # turns are given back
        assert [client.request(method, path, json=body).status_code for method, path, body in questions] == answered


def test_until_then_it_answers_as_the_space_does() -> None:
    space = Space.from_vectors(np.random.default_rng(0).normal(size=(50, 5)))
    limited, spent = Hurried(space, 60.0), Hurried(space, -1.0)
    asked = {"neighbors": (3, 5), "distances": (3,), "pairwise": ([1, 2], [3]), "transitions": ([1], [2, 3])}
    for name, given in (asked | {"remoteness": ([1, 2],)}).items():
        found, expected = (np.asarray(getattr(each, name)(*given)) for each in (limited, space))
        np.testing.assert_array_equal(found, expected)
        with pytest.raises(BusyError, match="was given up"):
            getattr(spent, name)(*given)
    assert np.shares_memory(limited.vectors, space.vectors) and len(limited) == 50


def test_waiting_is_no_work() -> None:
    space = Hurried(Space.from_vectors(np.eye(3)), 0.05)
    time.sleep(0.2)
    assert len(space.distances(0)) == 3
