"""The training loop of all trained encoders: batches, schedules, progress, stopping and resuming.

Randomness is a pure function of the seed and the step: the batch of step *k*, and every number drawn
while step *k* is played, come from generators seeded with ``(seed, k)``. A run that was killed and
resumed therefore needs no state of any generator to end where the uninterrupted run ends, bit for
bit on the same machine with the same number of threads.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from songspace.encoders import checkpoints
from songspace.encoders.checks import check_number
from songspace.encoders.devices import seeded
from songspace.errors import SongspaceError

SAVE_EVERY = 30.0
"""Seconds between two checkpoints: what a kill can cost."""

WATCH_EVERY = 10
"""Steps between two entries of a history."""

MONITOR_EVERY = 200
"""Steps between two looks at a game's monitors."""

GRACE = 0.1
"""Share of a run's minutes that do not hurry it, where its steps are limited, too."""


class CameApartError(SongspaceError):
    """A figure is not finite any more; ``history`` is what was recorded until then."""

    def __init__(self, message: str, history: dict[str, list[float]]) -> None:
        super().__init__(message)
        self.history = history


class Game:
    """The base class of what is trained: networks, their optimisers, and one step.

    Attributes
    ----------
    modules, optimizers : dict
        By name, everything that a checkpoint must hold.
    """

    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]

    def step(self, batch: Any, progress: float) -> dict[str, Tensor]:
        """Improve the networks on a batch, ``progress`` (0 to 1) of the way; the losses."""
        raise NotImplementedError

    def watch(self, batch: Any) -> dict[str, Tensor]:
        """Return figures that cost too much for every step; this must not change the networks."""
        return {}

    def monitor(self, step: int) -> dict[str, float]:
        """Return figures that cost too much for every tenth step, after the first, every 200th and the last one.

        State that it keeps for later must be in ``modules``.
        """
        return {}

    def judge(self, history: Mapping[str, Sequence[float]]) -> str:
        """Return a sentence for the user about what the monitors have begun to show, or nothing."""
        return ""


@dataclass(frozen=True)
class Limits:
    """When a run ends: after some steps or some minutes, whichever comes first.

    With both, a run that its steps end well within its minutes depends on no clock at all, so that it can be repeated.

    Raises
    ------
    ValueError
        If there is no limit, or one that is not above zero.
    """

    steps: int | None
    minutes: float | None

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise ValueError("steps and minutes must not both be None: training would never end")
        if self.steps is not None:
            check_number("steps", self.steps, least=1, whole=True)
        if self.minutes is not None:
            check_number("minutes", self.minutes, above=0)

    def progress(self, step: int, seconds: float) -> float:
        """Return the part of the run that is done, 0 to 1, by the limit that is nearer.

        Rates follow it, and must have come down when the run ends. Of two limits, the minutes begin to count when
        :data:`GRACE` of them are over: first steps are slow, and pauses are no reason to hurry. From there they catch
        up evenly, so that only a run which they will end is ever ahead of its steps.
        """
        by_steps = step / self.steps if self.steps else 0.0
        by_minutes = seconds / (60 * self.minutes) if self.minutes else 0.0
        if self.steps and self.minutes:
            by_minutes = (by_minutes - GRACE) / (1 - GRACE)
        return min(1.0, max(by_steps, by_minutes))

    def remaining(self, step: int, seconds: float, seconds_per_step: float) -> float:
        """Estimate the seconds that are left."""
        by_steps = (self.steps - step) * seconds_per_step if self.steps else math.inf
        by_minutes = 60 * self.minutes - seconds if self.minutes else math.inf
        return max(0.0, min(by_steps, by_minutes))

    def last_step(self, step: int, seconds: float, seconds_per_step: float) -> int:
        """Estimate the number of steps that the run ends with."""
        return step + math.ceil(self.remaining(step, seconds, seconds_per_step) / seconds_per_step - 1e-6)


@dataclass(frozen=True)
class Progress:
    """The progress of a run: what ``on_progress`` gets after every step.

    Attributes
    ----------
    step : int
        Steps done, those before a resumption included.
    steps : int or None
        Steps after which the run ends; None if only time limits it.
    total : int
        An estimate of the steps with which the run ends.
    seconds, remaining : float
        Time spent so far (before a resumption, too), and an estimate of what is left.
    segments_per_second : float
        Spectrograms trained on in a second, since this run was started or resumed.
    losses, monitors : dict of str to float
        The losses of this step, and the monitors as they were when last looked at.
    note : str
        Said once: what the monitors have begun to show, or nothing.
    """

    step: int
    steps: int | None
    total: int
    seconds: float
    remaining: float
    segments_per_second: float
    losses: dict[str, float]
    monitors: dict[str, float]
    note: str = ""


def train(
    game: Game,
    draw: Callable[[int], Any],
    *,
    limits: Limits,
    seed: int,
    device: torch.device,
    checkpoint: Path | None = None,
    identity: str = "",
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, list[float]]:
    """Play ``game`` until its limits are reached.

    Parameters
    ----------
    game : Game
        Trained in place.
    draw : callable
        The batch of a step, as a pure function of its number (from 0).
    limits : Limits
        When to end. Time spent before a resumption counts.
    seed : int
        With the step, the source of all randomness.
    device : torch.device
        The device of the networks.
    checkpoint : Path, optional
        The file from which an interrupted run goes on, written about every 30 s and at the end. If it
        is damaged or of another ``identity``, the run starts afresh.
    identity : str
        Names the parameters and the data.
    on_progress : callable, optional
        Told a :class:`Progress` after every step.

    Returns
    -------
    dict of str to list of float
        ``step`` and the losses, at the first, every tenth and the last of ``steps``; where the game has
        monitors, ``watched`` and the monitors, after the first, every 200th and the last step.

    Raises
    ------
    CameApartError
        If a loss or a monitor is not a finite number any more.
    SongspaceError
        If the checkpoint cannot be written.
    KeyboardInterrupt
        As it came (from the user or from ``on_progress``), after the last whole step was saved.
    """
    state = checkpoints.resume(checkpoint, game, identity) or checkpoints.State()
    first, started = state.step, time.monotonic()
    spent_before, saved_at = state.seconds, started
    warm = 0.0  # when the first step was over, which takes many times as long as any other
    monitors: dict[str, float] = {}

    def save() -> None:
        if checkpoint is not None and state.step > first:
            checkpoints.save(checkpoint, game, state, identity)

    def look() -> str:
        nonlocal monitors
        monitors = _checked(game.monitor(state.step), state)
        if not monitors:
            return ""
        _record(state.history, {"watched": state.step, **monitors})
        return game.judge(state.history)

    try:
        while (progress := limits.progress(state.step, state.seconds)) < 1:
            with uninterrupted(), seeded(device, seed, state.step):
                batch = draw(state.step)
                losses = _checked(game.step(batch, progress), state)
                state.step += 1
                if state.step in (1, limits.steps) or state.step % WATCH_EVERY == 0:
                    watched = _checked(game.watch(batch), state)
                    _record(state.history, {"step": state.step, **losses, **watched})
                note = look() if state.step == 1 or state.step % MONITOR_EVERY == 0 else ""
                spent = time.monotonic() - started
                state.seconds = spent_before + spent
            steps = state.step - first
            if steps == 1:
                warm = spent
            if on_progress is not None:
                per_step = max((spent - warm) / (steps - 1) if steps > 1 else spent, 1e-9)  # clocks may be coarse
                remaining = limits.remaining(state.step, state.seconds, per_step)
                total = limits.last_step(state.step, state.seconds, per_step)
                speed = len(batch) / per_step
                on_progress(
                    Progress(state.step, limits.steps, total, state.seconds, remaining, speed, losses, monitors, note)
                )
            if time.monotonic() - saved_at >= SAVE_EVERY:
                save()
                saved_at = time.monotonic()
        if state.history.get("watched", [state.step])[-1] != state.step:
            with uninterrupted(), seeded(device, seed, state.step - 1):
                look()
    except KeyboardInterrupt:
        save()
        raise
    save()
    return state.history


def _checked(figures: Mapping[str, Tensor | float], state: checkpoints.State) -> dict[str, float]:
    numbers = {name: float(value) for name, value in figures.items()}
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise CameApartError(
                f"Training came apart at step {state.step} (its {name} became {value}): "
                "try a lower learning rate or another seed.",
                state.history,
            )
    return numbers


def _record(history: dict[str, list[float]], figures: Mapping[str, float]) -> None:
    for name, value in figures.items():
        history.setdefault(name, []).append(float(f"{value:.6g}"))


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block is over: what is saved must never be half a step."""
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or previous is None:
        yield  # no Ctrl-C arrives in this thread, or it is not Python's to hold back
        return
    held: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if held:
        signal.raise_signal(held[0])


def epochs(count: int, size: int, *, seed: int) -> Callable[[int], np.ndarray]:
    """Return a function that draws batches of ``size`` of ``count`` items, each item at most once between two shuffles.

    Parameters
    ----------
    count, size : int
        Items, and items in a batch; a batch is never larger than ``count``.
    seed : int
        Source of the shuffles.

    Returns
    -------
    callable
        The items of a step, as a pure function of its number.

    Examples
    --------
    >>> pick = epochs(5, 2, seed=0)
    >>> bool(set(pick(0)) & set(pick(1))), (pick(7) == pick(7)).all().item()
    (False, True)
    """
    size = min(size, count)

    @lru_cache(maxsize=1)
    def order(epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, 0, epoch]).permutation(count)

    def pick(step: int) -> np.ndarray:
        epoch, batch = divmod(step, count // size)
        return order(epoch)[batch * size : (batch + 1) * size]

    return pick


def one_cycle(progress: float, *, rise: float = 0.3) -> float:
    """Return the share of the largest learning rate: up a cosine for ``rise`` of the way, then down to nothing.

    From L. N. Smith and N. Topin, "Super-convergence", arXiv 1708.07120.

    Examples
    --------
    >>> [round(one_cycle(p), 2) for p in (0, 0.3, 0.65, 1)]
    [0.04, 1.0, 0.5, 0.0]
    """
    if progress < rise:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / rise)) / 2
    return (1 + math.cos(math.pi * (progress - rise) / (1 - rise))) / 2


def steady_then_down(progress: float) -> float:
    """Return the share of the largest learning rate: 1 for half of the way, then linearly down to 0.

    Examples
    --------
    >>> [steady_then_down(p) for p in (0, 0.5, 0.75, 1)]
    [1.0, 1.0, 0.5, 0.0]
    """
    return min(1.0, 2.0 - 2.0 * progress)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of an optimiser for the step at hand."""
    for group in optimizer.param_groups:
        group["lr"] = rate
