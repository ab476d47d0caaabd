"""What the tests with hostile files share."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def mutations() -> ModuleType:
    """The helper module that does harm to songs: ``mutations.mutation(number, songs)``."""
    return _load("mutations")


@pytest.fixture(scope="session")
def bombs() -> ModuleType:
    """The helper module that makes files too much: ``bombs.write(folder, songs)``."""
    return _load("bombs")


@pytest.fixture(scope="session")
def songs(mutations: ModuleType, audio_files: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of a tagged song of every kind."""
    return mutations.songs(audio_files, tmp_path_factory.mktemp("songs"))
