"""How fast the encoders learn and encode: the product's loop beside a plain one of the same networks.

    python bench/training.py [--steps 20] [--device cpu|cuda] [--threads N] [--variants] [--folder FOLDER [--files 20]]

A step of the public `fit` and one of a loop as one would write it for oneself alternate: same networks, losses,
optimisers and precision, but on a batch that lies ready, without seeds, checks, history or progress. What is between
them is songspace's own book-keeping. The spectrograms are made up, 400 songs of ten 8-bit segments: no step takes
longer for music. (The poster's size of ALI is in bench/ali.py.)

With --variants the plain steps are also taken compiled, in 32-bit floats and with the channels first, and encoding is
compiled, in bfloat16, and by ONNX Runtime where that is installed. With --folder, ten segments of each of some songs
are decoded, turned into spectrograms and encoded. On a busy machine only the ratios mean anything.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from machine import Figures, about
from plain_steps import Way, plain_ali, plain_contrastive
from songspace.audio import read_windows
from songspace.encoders.ali import ALI
from songspace.encoders.contrastive import Contrastive
from songspace.encoders.contrastive_game import Pairs
from songspace.encoders.convnet import ConvNet
from songspace.encoders.devices import choose_device
from songspace.encoders.networks import NetworkEncoder
from songspace.encoders.training import TrainingProgress, epochs
from songspace.errors import SongspaceError
from songspace.frontends import Codes, LogMel
from songspace.library.scan import scan

SONGS, SEGMENTS = 400, 10
WARM = 3
"""Steps at the start that do not count."""

GROUPS = np.repeat(np.arange(SONGS), SEGMENTS)
Work = Callable[[], object]


def made_up() -> np.ndarray:
    """Codes of sloping noise (SONGS * SEGMENTS, bands, frames)."""
    frontend, random = LogMel(), np.random.default_rng(0)
    X = np.empty((SONGS * SEGMENTS, *frontend.shape), np.uint8)
    for row in X:
        slope = -50 + random.normal(0, 1, (len(row), 1)).cumsum(axis=0)
        row[:] = frontend.quantize(slope + random.normal(0, 6, row.shape))
    return X.view(Codes)


def seconds(work: Work, device: torch.device) -> float:
    """How long some work takes."""
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def in_turns(works: dict[str, Work], times: int, device: torch.device) -> dict[str, list[float]]:
    """The seconds that each of some works takes, one after the other, after WARM rounds that do not count."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(WARM + times):
        for name, work in works.items():
            spent = seconds(work, device)
            if turn >= WARM:
                found[name].append(spent)
    return found


def beside_fit(encoder: Contrastive | ALI, X: np.ndarray, works: dict[str, Work]) -> dict[str, list[float]]:
    """The seconds of each step of ``fit`` but the first ones, and of other works that are done between its steps.

    `fit` tells of a step when it is over: what happens until it goes on is not its own.
    """
    device = choose_device(encoder.device)
    found: dict[str, list[float]] = {"fit": [], **{name: [] for name in works}}
    mark = time.perf_counter()

    def look(progress: TrainingProgress) -> None:
        nonlocal mark
        step = time.perf_counter() - mark
        spent = {name: seconds(work, device) for name, work in works.items()}
        if progress.step > WARM:
            for name, each in {"fit": step, **spent}.items():
                found[name].append(each)
        mark = time.perf_counter()

    encoder.fit(X, groups=GROUPS, on_progress=look)
    return found


def contrastive(X: np.ndarray, wanted: argparse.Namespace) -> tuple[Contrastive, Work, Callable[[Way], Work]]:
    """The encoder, the drawing of a batch, and the plain steps."""
    settings = {"width": wanted.width, "steps": WARM + wanted.steps, "device": wanted.device}
    encoder = Contrastive(batch_size=wanted.batch or 128, **settings)
    shape = {"frames": X.shape[2], "crop": encoder.crop, "batch_size": encoder.batch_size}
    pairs = Pairs(lambda rows: encoder._rows(X, rows), GROUPS, seed=0, **shape)
    steps = iter(range(10**9))
    network = ConvNet(X.shape[1], wanted.width)
    batch = pairs(0)

    def plain(way: Way) -> Work:
        return plain_contrastive(copy.deepcopy(network), batch, SONGS, encoder, way)

    return encoder, lambda: pairs(next(steps)), plain


def ali(X: np.ndarray, wanted: argparse.Namespace) -> tuple[ALI, Work, Callable[[Way], Work]]:
    """The same of ALI, in the size that `learn` takes."""
    encoder = ALI(batch_size=wanted.batch or 64, steps=WARM + wanted.steps, device=wanted.device)
    game, pictures = encoder.set_up(X, GROUPS)
    pick = epochs(len(pictures), encoder.batch_size, seed=0)
    steps = iter(range(10**9))
    batch = pictures[pick(0)]

    def plain(way: Way) -> Work:
        return plain_ali(copy.deepcopy(game.codec), copy.deepcopy(game.discriminator), batch, encoder, way)

    return encoder, lambda: pictures[pick(next(steps))], plain


def tell_steps(figures: Figures, question: str, times: dict[str, list[float]], views: int) -> None:
    """The table of one encoder's steps."""
    for what, name in (("songspace", "fit"), ("a plain PyTorch loop", "plain")):
        milliseconds = 1000 * statistics.median(times[name])
        speeds = [views / each for each in times[name]]
        figures.tell(question, what, speeds, "segments/s", f"{milliseconds:.0f} ms a step")
    ratios = [a / b for a, b in zip(times["fit"], times["plain"], strict=True)]
    figures.tell(question, "time of songspace's step, in plain ones", ratios, "times")
    step = statistics.median(times["fit"])
    shares = [100 * each / step for each in times["batch"]]
    figures.tell(question, "of songspace's step, drawing the batch", shares, "%")


def tell_variants(
    figures: Figures, question: str, plain: Callable[[Way], Work], times: int, device: torch.device
) -> None:
    """What else the plain steps could be like: their time, relative to as they are."""
    ways = {
        "as songspace does": Way(),
        "32-bit floats": Way(fast=False),
        "channels first": Way(last=False),
        "compiled": Way(compiled=True),
    }
    works = {name: plain(way) for name, way in ways.items()}
    first = {name: seconds(work, device) for name, work in works.items()}
    notes = {"compiled": f"the first took {first['compiled']:.0f} s"}
    tell_relative(figures, question, in_turns(works, times, device), notes)


def tell_relative(figures: Figures, question: str, times: dict[str, list[float]], notes: dict[str, str]) -> None:
    """Times relative to the first of them, in the same turn."""
    base = next(iter(times.values()))
    for name, spent in times.items():
        note = f"{1000 * statistics.median(spent):.1f} ms" + (f", {notes[name]}" if name in notes else "")
        figures.tell(question, name, [a / b for a, b in zip(spent, base, strict=True)], "times", note)


def tell_encoding(figures: Figures, encoder: NetworkEncoder, device: torch.device, times: int, name: str) -> None:
    """Other ways to run the network of a fitted encoder on a batch: their time, relative to songspace's.

    On one thread, as while the other cores decode.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    network = copy.deepcopy(encoder._mapping()).eval().to(device)
    rows = torch.randn(encoder.batch_rows, *encoder.shape_, device=device) * 10 - 40
    compiled = torch.compile(network)

    def through(network: nn.Module, fast: bool = False) -> Work:
        def work() -> object:
            with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=fast):
                return network(rows)

        return work

    works = {"as songspace does": through(network), "bfloat16": through(network, fast=True)}
    if encoder._mapping() is not encoder.network_:
        works["batch norms by themselves"] = through(copy.deepcopy(encoder.network_).eval().to(device))
    works["compiled"] = through(compiled)
    question = f"Encoding {encoder.batch_rows} segments, {name}, one thread, relative to songspace's network"
    if device.type == "cpu":
        try:
            works["ONNX Runtime"] = onnx_runtime(network, rows)
        except ImportError as error:
            figures.tell(question, "ONNX Runtime", [], "times", f"not installed: {error.name}")
    tell_relative(figures, question, in_turns(works, times, device), {})
    torch.set_num_threads(threads)


def onnx_runtime(network: nn.Module, rows: torch.Tensor) -> Work:
    """The network exported, and run on as many threads as torch takes."""
    import onnx  # noqa: F401  # what torch exports with
    import onnxruntime
    import onnxscript  # noqa: F401

    program = torch.onnx.export(network, (rows,), dynamo=True, verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), options)
    name, given = session.get_inputs()[0].name, rows.numpy()
    [found] = session.run(None, {name: given})
    with torch.inference_mode():
        np.testing.assert_allclose(found, network(rows).numpy(), atol=1e-2)
    return lambda: session.run(None, {name: given})


def beside_decoding(figures: Figures, encoder: Contrastive, folder: Path, files: int) -> None:
    """Ten segments of a song: decoded, turned into spectrograms, encoded; interleaved, medians over songs."""
    frontend = LogMel()
    costs: dict[str, list[float]] = {"decoding": [], "spectrograms": [], "encoding": []}
    for found in [found for found in scan(folder) if not found.problem][:files]:
        marks = [time.perf_counter()]
        try:
            samples = read_windows(found.path, count=SEGMENTS).samples
        except SongspaceError:
            continue
        marks.append(time.perf_counter())
        codes = frontend.quantize(frontend(samples))
        marks.append(time.perf_counter())
        encoder.transform(codes)
        marks.append(time.perf_counter())
        for cost, spent in zip(costs.values(), np.diff(marks), strict=True):
            cost.append(1000 * spent)
    for name, cost in costs.items():
        figures.tell(f"Ten segments of each of {len(cost)} songs", name, cost, "ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--width", type=int, default=16, help="of the contrastive network")
    parser.add_argument("--batch", type=int, help="songs in a contrastive step (128), segments in one of ALI (64)")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int)
    parser.add_argument("--variants", action="store_true", help="what else was tried")
    parser.add_argument("--folder", type=Path, help="music, to set encoding beside decoding")
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="a JSON line a figure, for bench/table.py")
    wanted = parser.parse_args()
    if wanted.threads:
        torch.set_num_threads(wanted.threads)
    device = choose_device(wanted.device)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    figures = Figures("training", wanted.json)
    figures.say(about())
    X = made_up()
    for name, game, views in (("contrastive", contrastive, 2), ("ALI, small", ali, 1)):
        encoder, draw, plain = game(X, wanted)
        segments = views * min(encoder.batch_size, SONGS)
        size = f"{name}, {segments} segments, {where}"
        times = beside_fit(encoder, X, {"plain": plain(Way()), "batch": draw})
        tell_steps(figures, f"A training step, {size}", times, segments)
        some = X[: 16 * SEGMENTS]
        encoded = in_turns({"encoding": lambda: encoder.transform(some)}, 5, device)["encoding"]  # noqa: B023
        speeds = [len(some) / each for each in encoded]
        figures.tell(f"A training step, {size}", "encoding", speeds, "segments/s")
        if wanted.variants:
            tell_variants(figures, f"Other plain steps, {size}", plain, wanted.steps, device)
            tell_encoding(figures, encoder, device, wanted.steps, name)
        if wanted.folder and isinstance(encoder, Contrastive):
            beside_decoding(figures, encoder, wanted.folder, wanted.files)


if __name__ == "__main__":
    main()
