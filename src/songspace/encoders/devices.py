"""torch's device, precision and random numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import numpy as np
import torch

from songspace.errors import SongspaceError

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def choose_device(name: str) -> torch.device:
    """Return the device of a name: ``"auto"`` is the first GPU that torch can use, otherwise the processor.

    Raises
    ------
    ValueError
        If there is no such name.
    SongspaceError
        If a GPU is asked for and there is none.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda', got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise SongspaceError("There is no GPU that torch can use here: take --device cpu.")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def fast_autocast(device: torch.device) -> torch.autocast:
    """Return mixed precision in bfloat16 where the hardware multiplies it; elsewhere it would be slower.

    torch (2.4 to 2.13) keeps the question to a processor under a private name: a version that has
    lost it, and any processor without the instructions, trains in 32-bit floats. So does oneDNN that
    was told not to use them (``ONEDNN_MAX_CPU_ISA``): without it, such a step takes many times as long.
    """
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported()
    else:
        of_processor = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        of_onednn = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
        fast = torch.backends.mkldnn.is_available() and all(
            asked is not None and asked() for asked in (of_processor, of_onednn)
        )
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)


def keep_freed_memory() -> None:
    """Let this process keep what it frees, up to 60 MB.

    glibc gives memory back that is more than twice the largest block ever freed (of blocks up to 32 MB). The features
    of a network are more than that: song after song they would be given back, and asked for again page by page.
    """
    torch.empty(30 << 20, dtype=torch.uint8)


@contextmanager
def seeded(device: torch.device, seed: int, *key: int) -> Iterator[None]:
    """Seed torch's own generators for a block, and put them back as they were after it.

    Every ``key`` to the same seed gives other numbers.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        sequence = np.random.SeedSequence(seed, spawn_key=key)
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]))
        yield


def side_by_side(work: Callable[[Thing], Result], things: Iterable[Thing], device: torch.device) -> Iterator[Result]:
    """Yield the result for each thing, in order; on the processor several are worked on at the same time.

    Each has one thread. Threads that share a small piece of work wait for each other at every layer of a network, which
    takes ten times as long as soon as another process wants a core.
    """
    if device.type != "cpu":
        yield from map(work, things)
        return
    threads = torch.get_num_threads()
    running: deque[Future[Result]] = deque()
    try:
        with ThreadPoolExecutor(threads, "encoder", initializer=partial(torch.set_num_threads, 1)) as pool:
            for thing in things:
                running.append(pool.submit(work, thing))
                if len(running) > 2 * threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
    finally:
        torch.set_num_threads(threads)
