"""What a process that decodes may take."""

from __future__ import annotations

import os
import sys

ROOM = 2**30
"""Bytes that a worker may take beyond what it holds when it is ready; the hungriest song needs a tenth of it."""


def limit_memory(room: int = ROOM) -> None:
    """Let this process take no more than so much memory from now on: then asking for more is a ``MemoryError``.

    A damaged header can ask for gigabytes, and decoders trust it; without a limit the system ends a process then,
    and not always that one. Only Linux counts what is asked for; elsewhere nothing is done.
    """
    if sys.platform != "linux":
        return
    import resource

    try:
        with open("/proc/self/statm") as file:
            held = int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # /proc is not there
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = held + room
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
