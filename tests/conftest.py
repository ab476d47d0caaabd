"""What every room's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def music() -> Path:
    """The folder of real music that stands beside a developer's checkout, if it is there."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "music"
    if not (folder / "emotify").is_dir():
        pytest.skip("real music is only there beside a developer's checkout (../shared/music)")
    return folder
