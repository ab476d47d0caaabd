"""The tutorial runs, says what it should, and carries nothing of the machine that it was written on."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

import songspace

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tutorial", DOCS / "make_tutorial.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_notebook_is_that_of_its_script_and_empty(maker: ModuleType) -> None:
    pytest.importorskip("nbformat")
    kept = (DOCS / "tutorial.ipynb").read_text(encoding="utf-8")
    assert kept == maker.notebook(), "run `python docs/make_tutorial.py`"
    for cell in json.loads(kept)["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.slow
def test_every_cell_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("pandas")
    paths = (str(Path(songspace.__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = nbformat.read(DOCS / "tutorial.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    told = "\n".join(str(output.get("text") or output.get("data", {}).get("text/plain")) for output in outputs)
    assert "39 songs have labels; left out: 1 song without a label" in told
    assert "of the split test have labels" in told
    assert all(name in told for name in ("pca", "timbre", "raw", "random", "chance", "mean spectrum"))
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
