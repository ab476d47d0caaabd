"""What every room's tests share."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

# Tests run beside each other: threads that wait for a busy core took up to 80 times as long. This has to be said before
# NumPy is loaded, and holds for the programs that tests start, too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import mutagen
import numpy as np
import pytest
import soundfile
from hypothesis import settings
from typer.testing import CliRunner, Result

# No test asserts a time, and a busy machine is no failure. SONGSPACE_EXAMPLES=1000 looks longer for what breaks.
settings.register_profile("patient", deadline=None, max_examples=int(os.environ.get("SONGSPACE_EXAMPLES", "40")))
settings.load_profile("patient")

FEATURES = ("fma", "avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")
"""Of processors, by the names that Linux has for them: those that torch's ways to compute differ by."""


def pytest_report_header(config: pytest.Config) -> str | None:
    """The processor, which decides how torch computes; the workers of a run have none to say it to."""
    if hasattr(config, "workerinput"):
        return None
    import torch

    model, flags = platform.processor() or platform.machine(), set()
    if (about := Path("/proc/cpuinfo")).exists():
        facts = dict(re.findall(r"^(model name|flags|Features)\s*: (.*)$", about.read_text("utf-8"), re.MULTILINE))
        model = facts.get("model name", model)
        flags = set(f"{facts.get('flags', '')} {facts.get('Features', '')}".split())
    has = [flag for flag in FEATURES if flag in flags] or ["unknown features"]
    told = [
        f"{name}={os.environ[name]}" for name in ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY") if name in os.environ
    ]
    capability = torch.backends.cpu.get_cpu_capability()
    return (
        f"processor: {model} ({' '.join(has)}), torch computes with {capability}{''.join(f', {each}' for each in told)}"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: some tests wait for a browser that plays in real time, or for a process."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def music() -> Path:
    """The folder of real music that stands beside a developer's checkout, if it is there."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "music"
    if not (folder / "emotify").is_dir():
        pytest.skip("real music is only there beside a developer's checkout (../shared/music)")
    return folder


def write_song(path: Path, seed: int, *, seconds: float = 8.0, style: int = 0, **tags: str) -> Path:
    """A little tune: the style decides the register and how noisy it is, the seed the notes. Tagged if asked."""
    rate = 22050
    rng = np.random.default_rng([seed, style])
    time = np.arange(round(seconds * rate)) / rate
    notes = 110.0 * 2.0 ** (style + rng.integers(0, 12, size=round(seconds * 4)) / 12)
    pitch = np.repeat(notes, -(-len(time) // len(notes)))[: len(time)]
    tune = np.sin(2 * np.pi * np.cumsum(pitch) / rate) * np.exp(-3 * (time * 4 % 1))
    sound = 0.4 * tune + 0.02 * 4.0**style * rng.normal(size=len(time)) / 4
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(sound, -0.9, 0.9).astype(np.float32), rate)
    if tags:
        file = mutagen.File(path)
        file.update({key: [value] for key, value in tags.items()})
        file.save()
    return path


@pytest.fixture(scope="session")
def song() -> Callable[..., Path]:
    """:func:`write_song`."""
    return write_song


@pytest.fixture
def heard_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listen in this process: workers are the business of their own tests, and take most of a second to start."""

    def outcomes(
        work: Callable[..., Any],
        files: Iterable[Any],
        *args: Any,
        prepare: Callable[..., None],
        prepared: tuple[Any, ...],
        **how: Any,
    ) -> Iterator[tuple[Any, Any]]:
        prepare(*prepared)
        for file in files:
            yield file, work(file, *args)

    monkeypatch.setattr("songspace.library.listening.outcomes", outcomes)


GENRES = ("Low", "Middle", "High")


@pytest.fixture(scope="session")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 18 tagged tunes in three styles by six artists; for reading only."""
    folder = tmp_path_factory.mktemp("tunes")
    for number in range(18):
        style = number % 3
        artist = f"Artist {style}{number % 2}"
        tags = {"title": f"Tune {number}", "artist": artist, "album": f"Album {style}", "genre": GENRES[style]}
        write_song(folder / artist / f"{number:02d}.flac", number, style=style, date=str(1990 + number), **tags)
    return folder


@pytest.fixture(scope="session")
def learnt_home(tunes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has learnt the tunes with PCA; for reading only."""
    from songspace import pipeline
    from songspace.library import Home

    home = tmp_path_factory.mktemp("home")
    pipeline.learn(Home(home), tunes, encoder="pca", windows=3, workers=2)
    return home


@pytest.fixture(scope="session")
def audio_files() -> ModuleType:
    """The helper module that writes songs in every format: ``audio_files.write(path, kind)``."""
    return _beside("audio_files")


@pytest.fixture(scope="session")
def onnx_files() -> ModuleType:
    """The helper module that writes small ONNX models with their JSON."""
    return _beside("onnx_files")


@pytest.fixture(scope="session")
def ear_files() -> ModuleType:
    """The helper module that writes a trained ear's wheel with random weights."""
    return _beside("ear_files")


@pytest.fixture
def ear(ear_files: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An ear with random weights that may be got from `ear.whl`, in a user's data folder of its own."""
    from songspace.encoders import ears, musicnn

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    found = ear_files.wheel(tmp_path / "ear.whl")
    monkeypatch.setitem(ears.EARS, "musicnn", found)
    monkeypatch.setattr(musicnn, "MUSICNN", found)
    return found


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(learnt_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call a command in this process, on the learnt tunes."""
    from songspace.cli.commands import app

    monkeypatch.setenv("SONGSPACE_HOME", str(learnt_home))

    def call(*arguments: object, input: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=input)

    return call
