"""Scores of every encoder on a folder whose labels are known: the folder of a song is its genre.

    python bench/scores.py FOLDER [--labels folder|genre|FILE.csv] [--steps N] [--ali-minutes 8] [--home DIR]

Learns ALI and the contrastive encoder (as many steps as `learn` takes by default) on the folder; labels play no part in
it. Then prints `songspace status`, with the check that needs no labels, and `songspace evaluate` over all encoders. A
home that is given is kept, and a second run learns nothing anew.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile

from machine import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--labels", default="folder")
    parser.add_argument("--steps")
    parser.add_argument("--ali-minutes", default="8")
    parser.add_argument("--seeds", default="10")
    parser.add_argument("--home")
    wanted = parser.parse_args()
    print(about(), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        program = [sys.executable, "-m", "songspace", "--home", wanted.home or scratch]
        learn = [*program, "learn", wanted.folder]
        subprocess.run([*learn, "--encoder", "ali", "--minutes", wanted.ali_minutes], check=True)
        subprocess.run([*learn, *(["--steps", wanted.steps] if wanted.steps else [])], check=True)
        subprocess.run([*program, "status"], check=True)
        evaluate = ["evaluate", "--labels", wanted.labels, "--encoders", "all", "--seeds", wanted.seeds]
        subprocess.run([*program, *evaluate], check=True)


if __name__ == "__main__":
    main()
