"""Scores of every encoder on a folder whose labels are known: the folder of a song is its genre.

    python bench/scores.py FOLDER [--labels folder|genre|FILE.csv] [--minutes 15] [--ali-minutes 15] [--home DIR]

Learns the contrastive encoder and ALI on the folder (labels play no part in it), then prints `songspace evaluate` over
all encoders. A home that is given is kept, and a second run learns nothing anew.
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
    parser.add_argument("--minutes", default="15")
    parser.add_argument("--ali-minutes", default="15")
    parser.add_argument("--seeds", default="10")
    parser.add_argument("--home")
    wanted = parser.parse_args()
    print(about(), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        program = [sys.executable, "-m", "songspace", "--home", wanted.home or scratch]
        for encoder, minutes in (("ali", wanted.ali_minutes), ("contrastive", wanted.minutes)):
            command = [*program, "learn", wanted.folder, "--encoder", encoder, "--minutes", minutes]
            subprocess.run(command, check=True)
        evaluate = ["evaluate", "--labels", wanted.labels, "--encoders", "all", "--seeds", wanted.seeds]
        subprocess.run([*program, *evaluate], check=True)


if __name__ == "__main__":
    main()
