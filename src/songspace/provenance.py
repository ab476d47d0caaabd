"""The environment of a result: versions, threads and the processor. It is stored with every result.

The same seed gives the same numbers only in the same environment: threads add up sums of floats in different orders, so
that the last digits differ, and training amplifies such differences.
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
"""Features of processors that change computations, by their names in Linux."""


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of packages, as far as they are installed.

    Examples
    --------
    >>> sorted(versions(["numpy", "no such package"]))
    ['numpy', 'python']
    """
    installed = {"python": platform.python_version()}
    for name in packages:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:  # for instance songspace itself, run without installation
            continue
    return installed


def machine() -> dict[str, Any]:
    """Return the processor, its features, and the number of threads.

    Returns
    -------
    dict
        ``processor`` (its name), ``features`` (those of :data:`FEATURES` that it has; empty if unknown), ``threads``
        (the number of threads of the libraries in use).

    Examples
    --------
    >>> sorted(machine())
    ['features', 'processor', 'threads']
    """
    facts: dict[str, str] = {}
    try:
        about = Path("/proc/cpuinfo").read_text("utf-8", "replace")
        facts = dict(re.findall(r"^(model name|flags|Features)\s*: (.*)$", about, re.MULTILINE))
    except OSError:  # not on Linux
        pass
    flags = set(f"{facts.get('flags', '')} {facts.get('Features', '')}".split())
    return {
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "features": [feature for feature in FEATURES if feature in flags],
        "threads": threads(),
    }


def threads() -> int:
    """Return the number of threads of torch, if it is loaded, otherwise that of the linear algebra."""
    if torch := sys.modules.get("torch"):
        return int(torch.get_num_threads())
    from threadpoolctl import threadpool_info

    return max((int(pool["num_threads"]) for pool in threadpool_info()), default=os.cpu_count() or 1)


def made_with() -> dict[str, Any]:
    """Return the versions and the machine for an encoder; with torch's version only if torch is loaded."""
    return {"versions": versions(("songspace", "numpy", *("torch",) * ("torch" in sys.modules)))} | machine()
