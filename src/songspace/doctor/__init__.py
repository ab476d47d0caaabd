"""Whether songspace can do its work here, and whether a library is whole: looked at, and nothing changed."""

from __future__ import annotations

from songspace.doctor.findings import Finding, Verdict
from songspace.doctor.library import library
from songspace.doctor.machine import decoders, device, page, versions
from songspace.library import Home

__all__ = ["Finding", "Verdict", "examine"]


def examine(home: Home) -> list[Finding]:
    """Look at this machine and at the library in a home."""
    return [versions(), decoders(), device(), page(), *library(home)]
