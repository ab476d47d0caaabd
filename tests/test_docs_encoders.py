"""What docs/encoders.md shows, works."""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from songspace.encoders import encoder_class
from songspace.encoders.onnx_settings import settings_of
from songspace.frontends import build, describe
from songspace.frontends.base import REGISTERED

PAGE = (Path(__file__).parents[1] / "docs" / "encoders.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_settings_are_settings() -> None:
    own, musicnn, mert, clap = (settings_of(json.loads(block)) for block in blocks("json"))
    assert (own.frontend.shape, own.output.axes) == ((1, 80_000), ("batch", "time", "features"))
    assert (musicnn.frontend.rate, musicnn.frontend.shape, musicnn.patches) == (16000, (96, 187), 2)
    assert (mert.frontend.shape, mert.output.axes) == ((1, 120_000), ("batch", "time", "features"))
    assert clap.frontend.shape == (1, 480_000) and clap.text is not None and clap.text.max_length == 77


def test_the_classes_work(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("docs_of_encoders")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names: dict[str, Any] = vars(module)
    try:
        for block in blocks("python"):
            if "torch" not in block:
                exec(block, names)
        frontend = names["Envelope"](parts=10)
        assert build(describe(frontend)) == frontend
    finally:
        REGISTERED.pop("Envelope", None)
    X = frontend(np.random.default_rng(0).normal(size=(6, 40_000)))
    encoder = names["Level"](frontend)
    np.testing.assert_allclose(encoder.fit_transform(X), X.mean(axis=2) - X.mean(axis=(0, 2)), atol=1e-6)
    assert encoder.get_feature_names_out().tolist() == ["level0"]


def test_a_model_is_exported_as_torch_would_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exporting takes packages that no test needs: that torch knows these arguments, and what the input looks like."""
    asked, signature = [], inspect.signature(torch.onnx.export)
    monkeypatch.setattr(torch.onnx, "export", lambda *args, **options: asked.append(signature.bind(*args, **options)))
    [block] = [block for block in blocks("python") if "torch" in block]
    exec(block, {"model": torch.nn.Linear(80_000, 2)})
    given = asked[0].arguments
    assert given["args"][0].shape[1:] == (settings_of(json.loads(blocks("json")[0])).frontend.shape[1],)
    assert given["external_data"] is False and list(given["dynamic_shapes"][0]) == [0]


@pytest.mark.parametrize("name", ["linear", "contrastive", "ali", "pca", "raw", "timbre", "random", "onnx"])
def test_what_a_class_says_of_itself_is_there(name: str) -> None:
    table = PAGE.partition("| attribute | what it is |")[2].partition("\n\n")[0]
    attributes = re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if "`" in line))
    assert attributes == ["plan", "seconds_to_fit", "seconds_to_encode", "takes_artists", "encoded_twice", "batch_rows"]
    for attribute in attributes:
        assert hasattr(encoder_class(name), attribute)
