"""``--nice``: work only while nobody else wants the processor."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

LOWEST = 19
"""The niceness above which there is none on Linux and macOS."""


def be_nice() -> None:
    """Give this process, and those that it starts from now on, the lowest priority."""
    if sys.platform == "win32":
        import ctypes
        import subprocess

        # Whoever is started by an idle process is idle, too. The handle is that of the process itself.
        ctypes.windll.kernel32.SetPriorityClass(ctypes.c_void_p(-1), subprocess.IDLE_PRIORITY_CLASS)
    else:
        os.nice(LOWEST)  # it stops at the lowest there is
        # On Linux that was this thread alone, and NumPy has started others by now.
        for thread in os.listdir("/proc/self/task") if sys.platform == "linux" else ():
            with suppress(OSError):  # it has ended
                os.setpriority(os.PRIO_PROCESS, int(thread), LOWEST)
