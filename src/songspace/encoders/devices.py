"""Device, precision, memory, threads and random numbers of torch."""

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
    """Return the torch device of a name; ``"auto"`` is the GPU, or the processor where torch can use no GPU.

    Raises
    ------
    ValueError
        If the name is not "auto", "cpu" or "cuda".
    SongspaceError
        If the name is "cuda" and torch can use no GPU.

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
    """Return a context of mixed precision, in bfloat16 where the hardware multiplies it; elsewhere it would be slower.

    torch (2.4 to 2.13) asks a processor by a private function. A version without this function, and a processor
    without the instructions, trains in 32-bit floats. So does oneDNN if the variable ``ONEDNN_MAX_CPU_ISA`` forbids the
    instructions: a step would take many times as long.
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
    """Keep up to 60 MB of freed memory in this process.

    glibc returns free memory to the system above twice the largest block ever freed (of blocks up to 32 MB). The
    features of a network are larger: after each song their memory would be returned, and fetched again page by page.
    """
    torch.empty(30 << 20, dtype=torch.uint8)


@contextmanager
def seeded(device: torch.device, seed: int, *key: int) -> Iterator[None]:
    """Seed the generators of torch for a block, and restore them after it.

    Each ``key`` of the same seed gives other numbers.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        sequence = np.random.SeedSequence(seed, spawn_key=key)
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]))
        yield


def side_by_side(work: Callable[[Thing], Result], things: Iterable[Thing], device: torch.device) -> Iterator[Result]:
    """Yield the result for each thing, in order; on the processor several threads work at the same time.

    Each thing has one thread. Threads that share a small task wait for each other at every layer of a network; that
    takes ten times as long as soon as another process needs a core.
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
