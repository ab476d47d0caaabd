"""The listening page: how soon it is there, what it moves, and how many frames a second it pans and zooms at.

    python bench/page.py [--songs 1000 10000 100000] [--runs 5] [--frames 240] [--json]

The libraries are those of `bench/query.py`, made up, with a map of 20 clouds that is drawn beforehand, as it is for
everybody who opens the page a second time. Each run starts a new Chromium with an empty profile on a running `songspace
serve`; the first one after the server has started is told apart, for then nothing has been asked before.

A frame has two parts. What the page's own thread works (script, layout, recording what is drawn) is the page's. What
the browser's process for graphics works is the card's: where Chromium has no graphics card it emulates one on the
processor's cores (SwiftShader). Where the card is too slow for all dots, the page draws some of them while the map
moves; how many on average is told.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import sync_playwright

from machine import Figures, about
from query import make_library
from songspace import Space
from songspace.library import Home
from songspace.server import maps

FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader"]

# In turn: the map is dragged in circles, zoomed in, zoomed out. Every frame moves the map once.
FRAMES = """frames => new Promise(done => {
  const ink = document.querySelector('#ink'), box = ink.getBoundingClientRect();
  const x = box.left + 0.6 * box.width, y = box.top + box.height / 2, times = [];
  ink.setPointerCapture = () => undefined;
  const tell = (type, dx, dy) => ink.dispatchEvent(new PointerEvent(type, {pointerId: 7, pointerType: 'mouse',
    clientX: x + dx, clientY: y + dy, bubbles: true}));
  const zoom = by => ink.dispatchEvent(new WheelEvent('wheel', {deltaY: by, clientX: x, clientY: y, cancelable: true}));
  const step = now => {
    times.push(now);
    const at = times.length, part = Math.floor(3 * at / frames), angle = at / 9;
    if (at === 1) tell('pointerdown', 0, 0);
    if (part === 0) tell('pointermove', 160 * Math.sin(angle), 120 * Math.sin(1.7 * angle));
    else if (part === 1) zoom(-24);
    else zoom(24);
    if (at === Math.floor(frames / 3)) tell('pointercancel', 0, 0);
    if (at < frames) requestAnimationFrame(step); else done(times.slice(1).map((time, i) => time - times[i]));
  };
  requestAnimationFrame(step);
})"""

COUNTED = """
const draw = WebGL2RenderingContext.prototype.drawArrays;
window.dots = [];
WebGL2RenderingContext.prototype.drawArrays = function (mode, first, count) {
  window.dots.push(count);
  draw.call(this, mode, first, count);
};
"""

PAINTED = """() => ({
  paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
  map: performance.getEntriesByName('map')[0]?.startTime,
  titles: performance.getEntriesByName('titles')[0]?.startTime,
})"""


def add_map(home: Home, songs: int) -> None:
    """A map as t-SNE would have drawn it: 20 clouds of songs."""
    rng = np.random.default_rng(1)
    middles = np.stack(np.meshgrid(np.linspace(-0.8, 0.8, 5), np.linspace(-0.7, 0.7, 4)), axis=-1).reshape(-1, 2)
    points = middles[rng.integers(0, 20, songs)] + rng.normal(scale=0.06, size=(songs, 2))
    space = Space.open(home.space)
    drawn = maps.Drawn(np.array(space.ids), np.clip(points, -1, 1).astype(np.float32), 1.0, space.encoder)
    maps.write(maps.place_of(home, "tsne", str(space.checksum)), drawn)


def start(home: Path) -> tuple[subprocess.Popen[str], str]:
    """A server of a home, and its address."""
    command = [sys.executable, "-m", "songspace", "serve", "--port", "0", "--home", str(home)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "500"})
    said = ""
    while (found := re.search(r"http://[\w.]+:\d+/", said)) is None:
        line = server.stderr.readline()
        if not line:
            sys.exit(f"The server ended: {said}")
        said += line
    return server, found[0]


def load(chromium: Any, address: str) -> tuple[Any, Any, dict[str, float]]:
    """A new browser with the page in it; and how soon what was seen, and what it took."""
    browser = chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(COUNTED)
    watcher, moved = page.context.new_cdp_session(page), []
    watcher.on("Network.loadingFinished", lambda told: moved.append(told["encodedDataLength"]))
    watcher.send("Network.enable")
    page.goto(address)
    page.wait_for_function("() => performance.getEntriesByName('titles').length")
    page.wait_for_timeout(300)
    return browser, page, page.evaluate(PAINTED) | {"bytes": sum(moved)}


def worked(pid: int) -> tuple[float, float]:
    """Seconds of the processor that the page's main thread, and the process for graphics, have taken so far."""
    family = psutil.Process(pid).children(recursive=True)
    kinds = {kind: [one for one in family if f"--type={kind}" in one.cmdline()] for kind in ("renderer", "gpu-process")}
    page = max(kinds["renderer"], key=lambda one: sum(one.cpu_times()[:2]))
    own = next(thread for thread in page.threads() if thread.id == page.pid)
    return own.user_time + own.system_time, sum(sum(one.cpu_times()[:2]) for one in kinds["gpu-process"])


def measure(figures: Figures, chromium: Any, songs: int, runs: int, frames: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        make_library(home, songs)
        add_map(home, songs)
        server, address = start(home.folder)
        try:
            told = []
            for run in range(runs + 1):
                browser, page, seen = load(chromium, address)
                told.append(seen)
                if run < runs:
                    browser.close()
            first, later = told[0], told[1:]
            of = {name: [one[name] / 1000 for one in later] for name in first}
            question = f"The listening page on {songs:,} songs, emulated graphics card"
            moved = f"{statistics.median(of['bytes']):,.0f} kB moved; "
            for key, what in {"paint": "first paint", "map": "map drawn", "titles": "titles there"}.items():
                note = f"{moved if key == 'titles' else ''}on the first visit to the server {first[key] / 1000:.2f} s"
                figures.tell(question, what, of[key], "s", note)
            watcher = page.context.new_cdp_session(page)
            watcher.send("Performance.enable")

            def script() -> float:
                metrics = watcher.send("Performance.getMetrics")["metrics"]
                return next(one["value"] for one in metrics if one["name"] == "ScriptDuration")

            page.evaluate(FRAMES, 30)
            page.evaluate("() => { window.dots = [] }")
            before, began = worked(os.getpid()), script()
            apart = page.evaluate(FRAMES, frames)
            after, ended = worked(os.getpid()), script()
            own, card = (1000 * (b - a) / frames for a, b in zip(before, after, strict=True))
            dots = page.evaluate("() => window.dots.reduce((sum, count) => sum + count, 0) / window.dots.length")
            middle, high = (float(np.quantile(apart, share)) for share in (0.5, 0.95))
            scripted = 1000 * (ended - began) / frames
            note = (
                f"95 % within {high:.1f} ms; of each, the page's thread works {own:.1f} ms (script {scripted:.1f}), "
                f"the emulated card {card:.1f} ms; {dots:,.0f} dots in each"
            )
            figures.tell(question, "a frame while the map moves", [middle], "ms", note)
            browser.close()
        finally:
            server.terminate()
            server.wait()


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--json", action="store_true", help="a JSON line a figure, for bench/table.py")
    wanted = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("Chromium is not installed.")
    figures = Figures("page", wanted.json)
    figures.say(about())
    with sync_playwright() as driver:
        figures.say(f"load {os.getloadavg()[0]:.1f} at the start")
        for songs in wanted.songs:
            measure(figures, driver.chromium, songs, wanted.runs, wanted.frames)


if __name__ == "__main__":
    main()
