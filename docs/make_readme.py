"""Make the README's picture and terminal session again, from the rendered library.

    python docs/make_readme.py

Renders the library, learns it, runs the commands below and puts what they print between the README's marks.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = (
    'similar "lazy version" --count 4',
    'path "lazy version" "detour abroad" --length 6 -o path.m3u8',
    "mixes --count 3 --length 8",
    f"geometry genres -o {ROOT / 'docs' / 'genres.png'}",
    "status",
)


def session(folder: Path) -> str:
    """What a person sees who types the commands."""
    environment = os.environ | {"SONGSPACE_HOME": str(folder / "home"), "COLUMNS": "100"}
    # The program's name is shortened, and so is what a terminal draws over: the bars of `learn`.
    shown = []
    for command in ("demo music", "learn music", *COMMANDS, f"map -o {ROOT / 'docs' / 'map.png'}"):
        done = subprocess.run(
            f"{sys.executable} -m songspace {command}",
            shell=True,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        lines = [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
        lines = [line for line in lines if not re.match(r"(render|listening|learning|encoding) \d+/", line)]
        if not command.startswith("map"):
            shown += [f"$ songspace {command}", *lines, ""]
    return "\n".join(shown).replace(str(folder), "~").replace(f"{ROOT / 'docs'}/", "").strip()


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        text = session(Path(scratch))
    readme = ROOT / "README.md"
    marks = re.compile(r"(<!-- session -->\n).*(<!-- /session -->)", re.DOTALL)
    block = f"```console\n{text}\n```\n"
    readme.write_text(marks.sub(lambda found: found[1] + block + found[2], readme.read_text()))


if __name__ == "__main__":
    main()
