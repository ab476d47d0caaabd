"""Files from untrusted hands: whatever their headers claim, they are refused in a sentence, or they hold what they say.

No header may cost more memory than the file is long, and nothing is ever unpickled.
"""

from __future__ import annotations

import json
import shutil
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as to_bytes
from torch import nn

from songspace import SongspaceError, tensorfile
from songspace.encoders import checkpoints
from songspace.encoders.base import load
from songspace.encoders.baselines import PCA, Timbre
from songspace.encoders.contrastive import Contrastive
from songspace.frontends import LogMel

LARGE = 1 << 22
"""Bytes of memory that no small file may cost."""

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["F32", "F64", "I64", "I8", "U8", "BF16", "F8_E4M3", "BOOL", "O", "__metadata__", "9" * 5000]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
sizes = st.integers(-3, 8) | st.sampled_from([2**31, 2**32, 2**62, 2**63, 2**64, 10**30]) | anything
arrays = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["F32", "F64", "I64", "I8", "F16", "BF16", "F8_E4M3", "BOOL", "U64"]) | anything,
        "shape": st.lists(sizes, max_size=5) | anything,
        "data_offsets": st.lists(sizes, min_size=2, max_size=2) | anything,
    },
)
names = st.sampled_from(["ids", "vectors", "components", "mean", "scale", "network/weight", "", "../x"]) | st.text(
    max_size=8
)
headers = st.dictionaries(names, arrays | anything, max_size=4).flatmap(
    lambda header: st.just(header) | anything.map(lambda metadata: header | {"__metadata__": metadata})
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A header of any content, with the length that it has or another, and some numbers or none."""
    kind = draw(st.sampled_from(["header", "deep", "text", "bytes"]))
    if kind == "header":
        text = json.dumps(draw(headers)).encode()
    elif kind == "deep":
        text = b'{"__metadata__":' + draw(st.sampled_from([b"[", b'{"a":'])) * draw(st.sampled_from([10, 1000, 30_000]))
    elif kind == "text":
        text = draw(st.text(max_size=64)).encode("utf-8", "surrogatepass")
    else:
        text = draw(st.binary(max_size=64))
    length = draw(st.just(len(text)) | st.sampled_from([0, 1, 2**16, 2**31, 2**40, 2**63, 2**64 - 1]))
    return length.to_bytes(8, "little") + text + draw(st.binary(max_size=64))


class Peak:
    """The most memory that Python and NumPy took inside of a block."""

    def __enter__(self) -> Peak:
        tracemalloc.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("strangers")


@settings(max_examples=150)
@given(content=files())
def test_a_tensor_file_is_refused_or_holds_what_it_says(place: Path, content: bytes) -> None:
    path = place / "space"
    path.write_bytes(content)
    with Peak() as peak:
        try:
            found, _ = tensorfile.open_mapped(path)
        except SongspaceError:
            found = {}
    assert sum(array.nbytes for array in found.values()) <= len(content)
    assert peak.bytes < LARGE


@settings(max_examples=100)
@given(described=headers, numbers=st.binary(max_size=32))
def test_nor_does_a_seal_that_fits_make_a_header_believed(place: Path, described: Any, numbers: bytes) -> None:
    """The seal is no secret: whoever makes a file can make the seal of its header."""
    metadata = described.get("__metadata__")
    header = described | {"__metadata__": metadata if isinstance(metadata, dict) else {}}
    header["__metadata__"]["seal"] = tensorfile._seal(header)
    text = json.dumps(header).encode()
    path = place / "sealed"
    path.write_bytes(len(text).to_bytes(8, "little") + text + numbers)
    try:
        found, _ = tensorfile.open_mapped(path)
    except SongspaceError:
        return
    assert sum(array.nbytes for array in found.values()) == len(numbers)


class Small:
    """A network and its optimiser, as training has them."""

    def __init__(self) -> None:
        network = nn.Linear(3, 2)
        optimizer = torch.optim.AdamW(network.parameters())
        network(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        self.modules: dict[str, nn.Module] = {"network": network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"network": optimizer}

    def told(self) -> list[float]:
        return [float(value.sum()) for value in checkpoints._tensors(self).values()]


@settings(max_examples=150)
@given(content=files())
def test_a_checkpoint_of_any_header_is_started_over(place: Path, content: bytes) -> None:
    path, trained = place / "checkpoint", Small()
    before = trained.told()
    path.write_bytes(content)
    with Peak() as peak:
        assert checkpoints.resume(path, trained, "identity") is None
    assert trained.told() == before and peak.bytes < LARGE


texts = st.fixed_dictionaries(
    {"identity": st.just("identity") | anything},
    optional={
        "step": st.integers(-2, 5) | anything,
        "seconds": st.floats() | anything,
        "history": st.dictionaries(st.text(max_size=4), st.lists(st.floats() | anything, max_size=3), max_size=2)
        | anything,
        "more": anything,
    },
)
tensors = st.dictionaries(
    st.sampled_from(["network/weight", "network/bias", "network.optimizer/0/exp_avg", "network.optimizer/9/step", "x"]),
    st.sampled_from([(2, 3), (2,), (), (3, 2), (0,), (1, 2, 3)]),
    max_size=5,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(said=texts | anything, shapes=tensors, whole=st.booleans())
def test_a_checkpoint_whose_digest_fits_is_believed_only_if_it_can_be_one(
    place: Path, said: Any, shapes: dict[str, tuple[int, ...]], whole: bool
) -> None:
    trained = Small()
    found = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    if whole:
        found = {name: value.detach().numpy() for name, value in checkpoints._tensors(trained).items()} | found
    text = json.dumps(said)
    path = place / "sealed checkpoint"
    path.write_bytes(to_bytes(found, {"state": text, "digest": checkpoints._digest(found, text)}))
    state = checkpoints.resume(path, trained, "identity")
    if state is not None:
        assert state.step >= 0 and np.isfinite(state.seconds)
        assert all(np.isfinite(series).all() for series in state.history.values())
        network, optimizer = trained.modules["network"], trained.optimizers["network"]
        network(torch.ones(1, 3)).sum().backward()
        optimizer.step()


def _small_contrastive() -> Contrastive:
    X = np.random.default_rng(0).normal(-30, 10, (8, 24, 40)).astype(np.float32)
    frontend = LogMel(n_mels=24)
    encoder = Contrastive(width=2, batch_size=4, crop=24, steps=1, statistics=False, frontend=frontend, device="cpu")
    return encoder.fit(X, groups=np.arange(8) // 2)


@pytest.fixture(scope="module")
def encoders(place: Path) -> list[Path]:
    """Folders of encoders of three kinds."""
    X = np.random.default_rng(0).normal(-30, 10, (20, 24, 30)).astype(np.float32)
    made = [PCA(n_components=3, frontend=LogMel(n_mels=24)).fit(X), Timbre().fit_descriptors(np.ones((3, 124)))]
    return [encoder.save(place / encoder.name) for encoder in [*made, _small_contrastive()]]


@settings(max_examples=60)
@given(number=st.integers(0, 2), content=files())
def test_weights_of_any_header_are_refused(place: Path, encoders: list[Path], number: int, content: bytes) -> None:
    with _copied(encoders[number], place / "weights") as folder:
        (folder / "weights.safetensors").write_bytes(content)
        with Peak() as peak, pytest.raises(SongspaceError, match=r"cannot be read|is damaged"):
            load(folder)
    assert peak.bytes < LARGE


@settings(max_examples=150)
@given(number=st.integers(0, 2), data=st.data())
def test_a_description_of_any_content_is_refused_or_changes_nothing(
    place: Path, encoders: list[Path], number: int, data: st.DataObject
) -> None:
    with _copied(encoders[number], place / "description") as folder:
        described = json.loads((folder / "encoder.json").read_text())
        part = data.draw(st.sampled_from([described, described["params"], described["params"]["frontend"]]))
        part[data.draw(st.sampled_from(sorted(part)))] = data.draw(sizes | anything)
        (folder / "encoder.json").write_text(json.dumps(described))
        fingerprint = load(encoders[number]).fingerprint_
        with Peak() as peak, suppress(SongspaceError):
            assert load(folder).fingerprint_ == fingerprint
    assert peak.bytes < LARGE


def test_an_absurd_width_takes_no_memory(encoders: list[Path], place: Path) -> None:
    """Torch takes its memory unseen by Python: networks are compared with their weights before they are made."""
    resource = pytest.importorskip("resource")
    with _copied(encoders[2], place / "wide") as folder:
        described = json.loads((folder / "encoder.json").read_text())
        described["params"]["width"] = 1000  # a network of 5 GB
        (folder / "encoder.json").write_text(json.dumps(described))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(SongspaceError, match="its weights are not those of its network"):
            load(folder)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


@contextmanager
def _copied(folder: Path, to: Path) -> Iterator[Path]:
    shutil.copytree(folder, to)
    try:
        yield to
    finally:
        shutil.rmtree(to)


@pytest.mark.parametrize("shape", [[2**33, "9" * 1000], [[0], 2**40], [2**40, 0, 2**40], [0, 2**63], [1] * 100])
def test_sides_are_looked_at_before_they_are_multiplied(place: Path, shape: list) -> None:
    header = {"x": {"dtype": "I8", "shape": shape, "data_offsets": [0, 0]}, "__metadata__": {}}
    header["__metadata__"]["seal"] = tensorfile._seal(header)
    text = json.dumps(header).encode()
    (place / "sides").write_bytes(len(text).to_bytes(8, "little") + text)
    with Peak() as peak, pytest.raises(SongspaceError, match="header is damaged"):
        tensorfile.open_mapped(place / "sides")
    assert peak.bytes < LARGE
