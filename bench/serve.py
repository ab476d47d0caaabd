"""How many questions a second `songspace serve` answers: neighbours in a library of 100,000 songs, over loopback.

    python bench/serve.py [--songs 100000] [--seconds 20] [--callers 4] [--json]

The library is that of `bench/query.py`, made up: it has hubs, and neighbours come by mutual proximity. Callers keep
their connections and ask one question after the other, each for the neighbours of another song drawn at random, so
that nothing that was kept of an answer would help. They run in a process of their own, on the same cores as the server.
The server's own work for a question is told beside the rates: it hardly depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from machine import Figures, about
from query import make_library
from songspace.library import Home


def call(port: int, songs: int, seed: int, until: float, path: str, times: list[float], errors: list[str]) -> None:
    """Ask until it is time to stop."""
    rng = np.random.default_rng(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while time.monotonic() < until:
        began = time.perf_counter()
        connection.request("GET", path.format(song=int(rng.integers(1, songs + 1))))
        response = connection.getresponse()
        body = response.read()
        times.append(time.perf_counter() - began)
        if response.status != 200 or not body:
            errors.append(f"{response.status} {body[:200]!r}")
    connection.close()


def callers(port: int, songs: int, count: int, seconds: float, path: str, told: multiprocessing.Queue) -> None:
    """So many callers at once, in this process."""
    times: list[float] = []
    errors: list[str] = []
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=call, args=(port, songs, seed, until, path, times, errors)) for seed in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put((times, errors))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--callers", type=int, default=4)
    parser.add_argument("--json", action="store_true", help="a JSON line a figure, for bench/table.py")
    wanted = parser.parse_args()
    figures = Figures("serve", wanted.json)
    figures.say(about())
    question = f"A running server on {wanted.songs:,} songs, {wanted.callers} callers"
    with tempfile.TemporaryDirectory() as folder:
        make_library(Home(Path(folder)), wanted.songs)
        environment = os.environ | {"SONGSPACE_HOME": folder}
        began = time.perf_counter()
        command = [sys.executable, "-m", "songspace", "serve", "--port", "0"]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        try:
            port = int(re.search(r":(\d+)/", server.stderr.readline())[1])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/api/v1/songs/1/neighbours")
            assert len(json.loads(connection.getresponse().read())["similar"]) == 10
            figures.tell(question, "the first answer, from the start", [time.perf_counter() - began], "s")
            weight = psutil.Process(server.pid)
            paths = {
                "neighbours": "/api/v1/songs/{song}/neighbours",
                "one song": "/api/v1/songs/{song}",
                "neighbours again": "/api/v1/songs/{song}/neighbours",
            }
            for name, path in paths.items():
                before, worked = weight.memory_info().rss, sum(weight.cpu_times()[:2])
                told: multiprocessing.Queue = multiprocessing.Queue()
                asking = (port, wanted.songs, wanted.callers, wanted.seconds, path, told)
                process = multiprocessing.Process(target=callers, args=asking)
                process.start()
                times, errors = told.get()
                process.join()
                worked = 1000 * (sum(weight.cpu_times()[:2]) - worked) / len(times)
                middle, high = (1000 * np.quantile(times, share) for share in (0.5, 0.99))
                note = f"median {middle:.1f} ms, 99 % under {high:.1f} ms, {worked:.1f} ms of work each, "
                note += f"{len(errors)} errors {errors[0] if errors else ''}".strip()
                note += f", memory {before / 1e6:.0f} to {weight.memory_info().rss / 1e6:.0f} MB"
                figures.tell(question, name, [len(times) / wanted.seconds], "requests/s", note)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
