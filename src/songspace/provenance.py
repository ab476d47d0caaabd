"""The environment of a result: versions, threads, the processor. It stands beside every result, and changes none.

The same seed gives the same numbers only with the same of all three: sums of floats are split among the threads, and
added up in another order each way, so that a last digit differs; training makes a large difference of it.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FEATURES = ("fma", "avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")
"""Of processors, by the names that Linux has for them: those that the ways to compute differ by."""


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of some packages that are installed.

    Examples
    --------
    >>> sorted(versions(["numpy", "no such package"]))
    ['numpy', 'python']
    """
    installed = {"python": platform.python_version()}
    for name in packages:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:  # songspace itself, where it is run without being installed
            continue
    return installed


def machine() -> dict[str, Any]:
    """Return the processor, its features, and the number of threads.

    Returns
    -------
    dict
        ``processor`` (what it is called), ``features`` (those of :data:`FEATURES` that it has; empty where the system
        does not tell), ``threads`` (as many as the libraries in use take).

    Examples
    --------
    >>> sorted(machine())
    ['features', 'processor', 'threads']
    """
    told: dict[str, str] = {}
    try:
        about = Path("/proc/cpuinfo").read_text("utf-8", "replace")
        told = dict(re.findall(r"^(model name|flags|Features)\s*: (.*)$", about, re.MULTILINE))
    except OSError:  # no Linux
        pass
    flags = set(f"{told.get('flags', '')} {told.get('Features', '')}".split())
    return {
        "processor": told.get("model name") or platform.processor() or platform.machine(),
        "features": [feature for feature in FEATURES if feature in flags],
        "threads": threads(),
    }


def threads() -> int:
    """Return the number of threads of a computation: torch's, if it is loaded, or else that of the linear algebra."""
    if torch := sys.modules.get("torch"):
        return int(torch.get_num_threads())
    from threadpoolctl import threadpool_info

    return max((int(pool["num_threads"]) for pool in threadpool_info()), default=os.cpu_count() or 1)


def made_with() -> dict[str, Any]:
    """Return the versions and the machine that an encoder is learnt with; torch's version only if it is loaded."""
    return {"versions": versions(("songspace", "numpy", *("torch",) * ("torch" in sys.modules)))} | machine()
