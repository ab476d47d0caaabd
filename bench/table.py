"""All measurements of speed and memory in one document: docs/benchmarks.md.

    python bench/table.py [--music FOLDER] [--only indexing query ...]

Runs the benches one after the other, and keeps what they told in docs/benchmarks.jsonl: a line a bench, with the
machine, the versions and the date. The document is made from these lines and from bench/benchmarks.md.in, where the
words are: {{tables NAME}} stands for all that a bench told, {{QUESTION | WHO}} for one figure. With --only, the other
benches' lines stay; with --only and no name nothing is run, and the document is made anew.

Without --music, listening is measured on the rendered library, which is made and learnt first, in a few minutes:
questions are asked of what was learnt there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parent
DOCS = BENCH.parent / "docs"
LONGEST = 20 * 60
"""Seconds after which a bench is stopped."""

RUNS: dict[str, list[list[str]]] = {
    "indexing": [["{music}", "--songs", "6", "--stages"]],
    "forecasts": [["{music}", "--steps", "300"]],
    "training": [["--variants"]],
    "query": [["--home", "{home}"]],
    "memory": [[]],
    "maps": [["--songs", "10000"], ["--songs", "100000", "--without-anew"]],
    "serve": [[]],
    "page": [["--songs", "10000", "100000", "--runs", "3"]],
}
"""The benches in their order, and with what each is called."""

Figure = dict[str, Any]


def run(script: Path, arguments: Sequence[str], *, longest: float = LONGEST) -> tuple[list[Figure], str]:
    """What a bench tells with `--json`, and in which way it failed (nothing, if it did not)."""
    command = [sys.executable, str(script), *arguments, "--json"]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True)
        failed = ""
        try:
            out, _ = process.communicate(timeout=longest)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
            failed = f"stopped after {longest / 60:.0f} minutes"
        said.seek(0)
        words = said.read().strip()
    if process.returncode and not failed:
        failed = f"failed: {words.splitlines()[-1] if words else f'status {process.returncode}'}"
        print(words, file=sys.stderr)
    return list(figures(out)), failed


def figures(out: str) -> Iterator[Figure]:
    """The figures among some lines; the last one may be cut short."""
    for line in out.splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            print(f"No figure: {line}", file=sys.stderr)


def measure(name: str, places: Mapping[str, str], machine: str) -> dict[str, Any]:
    """One bench's line of docs/benchmarks.jsonl."""
    began, told = time.monotonic(), []
    for arguments in RUNS[name]:
        filled = [argument.format(**places) for argument in arguments]
        found, failed = run(BENCH / f"{name}.py", filled)
        told += found
        if failed:
            what = " ".join([f"bench/{name}.py", *arguments])
            told.append({"bench": name, "question": f"bench/{name}.py", "what": what, "value": None, "note": failed})
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return {"bench": name, "machine": machine, "date": date, "seconds": time.monotonic() - began, "figures": told}


def number(value: float) -> str:
    """Three digits of it, as people write them.

    >>> number(0.058771), number(45.23), number(1234.5), number(-0.1)
    ('0.0588', '45.2', '1,234', '-0.1')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def tables(told: Sequence[Figure]) -> str:
    """A table a question."""
    lines: list[str] = []
    question = None
    for figure in told:
        if figure["question"] != question:
            question = figure["question"]
            lines += ["", f"| {question} | median | range of runs | |", "|---|---|---|---|"]
        cells = [figure["what"], "not measured", "", figure["note"]]
        if figure["value"] is not None:
            cells[1] = f"{number(figure['value'])} {figure['unit']}"
            if figure["runs"] > 1:
                cells[2] = f"{number(figure['low'])} to {number(figure['high'])} ({figure['runs']})"
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|").strip() for cell in cells) + " |")
    return "\n".join(lines[1:])


def document(template: str, measured: Sequence[Mapping[str, Any]]) -> str:
    """The template with its places filled."""
    by_name = {one["bench"]: one for one in measured}
    all_told = {(f["question"], f["what"]): f for one in measured for f in one["figures"] if f["value"] is not None}

    def fill(place: re.Match[str]) -> str:
        words = " ".join(place[1].split())
        if words.startswith("tables "):
            one = by_name.get(words.removeprefix("tables "))
            if one is None:
                return "Not measured yet."
            made = f"{one['date']}, {number(one['seconds'])} s: {one['machine']}."
            return f"{tables(one['figures'])}\n\n{made}"
        question, _, what = (part.strip() for part in words.rpartition("|"))
        figure = all_told.get((question, what))
        if figure is None:
            print(f"No figure for {{{{{words}}}}}", file=sys.stderr)
            return "(not measured)"
        return f"{number(figure['value'])} {figure['unit']}".strip()

    return re.sub(r"\{\{(.+?)\}\}", fill, template, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--music", help="a folder to listen to")
    parser.add_argument("--only", nargs="*", choices=list(RUNS), default=list(RUNS))
    wanted = parser.parse_args()
    kept = DOCS / "benchmarks.jsonl"
    lines = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    measured = {line["bench"]: line for line in lines}
    if wanted.only:
        from machine import about  # it needs psutil, and making the document anew does not
        from playlists import rendered

        with tempfile.TemporaryDirectory() as scratch:
            places = {"home": f"{scratch}/home", "music": wanted.music or f"{scratch}/music"}
            asked = {argument for name in wanted.only for arguments in RUNS[name] for argument in arguments}
            if "{home}" in asked or ("{music}" in asked and not wanted.music):
                rendered(scratch)
            for name in wanted.only:
                print(f"bench/{name}.py ...", file=sys.stderr, flush=True)
                measured[name] = measure(name, places, about())
                ordered = [measured[one] for one in RUNS if one in measured]
                kept.write_text("".join(json.dumps(one) + "\n" for one in ordered))
    ordered = [measured[one] for one in RUNS if one in measured]
    (DOCS / "benchmarks.md").write_text(document((BENCH / "benchmarks.md.in").read_text(), ordered))


if __name__ == "__main__":
    main()
