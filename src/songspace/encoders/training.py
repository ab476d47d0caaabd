"""The training loop of all trained encoders: batches, schedules, progress, stopping and resuming.

Randomness is a pure function of the seed and the step: the batch of step *k*, and all numbers drawn in step *k*, come
from generators seeded with ``(seed, k)``. A run that was killed and resumed therefore ends where the uninterrupted run
ends, without saved generators: bit for bit on the same machine with the same number of threads.
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
"""Seconds between two checkpoints: the most that a kill can lose."""

WATCH_EVERY = 10
"""Steps between two entries of a history."""

MONITOR_EVERY = 200
"""Steps between two measurements of a game's monitors."""

GRACE = 0.1
"""Share of a run's minutes that do not count, where its steps are limited, too."""


class CameApartError(SongspaceError):
    """A figure of the training is not finite any more; ``history`` holds the figures until then."""

    def __init__(self, message: str, history: dict[str, list[float]]) -> None:
        super().__init__(message)
        self.history = history


class Game:
    """Base class of training games: networks, their optimisers, and one step.

    Attributes
    ----------
    modules, optimizers : dict
        All that a checkpoint must hold, by name.
    """

    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]

    def step(self, batch: Any, progress: float) -> dict[str, Tensor]:
        """Improve the networks on a batch at ``progress`` (0 to 1) of the run; return the losses."""
        raise NotImplementedError

    def watch(self, batch: Any) -> dict[str, Tensor]:
        """Return figures that are too slow for every step; this must not change the networks."""
        return {}

    def monitor(self, step: int) -> dict[str, float]:
        """Return figures that are too slow for every tenth step, after the first, every 200th and the last one.

        State that is kept for later must be in ``modules``.
        """
        return {}

    def judge(self, history: Mapping[str, Sequence[float]]) -> str:
        """Return a sentence for the user about a new fault that the monitors show, or an empty text."""
        return ""


@dataclass(frozen=True)
class Limits:
    """Limits of a run: a number of steps, of minutes, or both; the run ends at the first of them.

    With both, a run whose steps end well within its minutes depends on no clock, so that it can be repeated.

    Raises
    ------
    ValueError
        If there is no limit, or one is not above zero.
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
        """Compute the share of the run that is done, 0 to 1, by the nearer limit.

        Learning rates follow it, and must have fallen when the run ends. With two limits, the minutes count only after
        :data:`GRACE` of them: the first steps are slow, and a pause is no reason to hurry. Then they catch up evenly,
        so that a run is ahead of its steps only if the minutes will end it.
        """
        by_steps = step / self.steps if self.steps else 0.0
        by_minutes = seconds / (60 * self.minutes) if self.minutes else 0.0
        if self.steps and self.minutes:
            by_minutes = (by_minutes - GRACE) / (1 - GRACE)
        return min(1.0, max(by_steps, by_minutes))

    def remaining(self, step: int, seconds: float, seconds_per_step: float) -> float:
        """Estimate the remaining seconds."""
        by_steps = (self.steps - step) * seconds_per_step if self.steps else math.inf
        by_minutes = 60 * self.minutes - seconds if self.minutes else math.inf
        return max(0.0, min(by_steps, by_minutes))

    def last_step(self, step: int, seconds: float, seconds_per_step: float) -> int:
        """Estimate the number of steps that the run ends with."""
        return step + math.ceil(self.remaining(step, seconds, seconds_per_step) / seconds_per_step - 1e-6)


@dataclass(frozen=True)
class TrainingProgress:
    """Progress of a run, passed to ``on_progress`` after every step.

    Attributes
    ----------
    step : int
        Number of steps done, including those before a resumption.
    steps : int or None
        Step after which the run ends; None if only time limits it.
    total : int
        Estimate of the last step.
    seconds, remaining : float
        Time spent (including that before a resumption), and an estimate of the rest.
    segments_per_second : float
        Spectrograms per second since this run was started or resumed.
    losses, monitors : dict of str to float
        Losses of this step, and the latest figures of the monitors.
    note : str
        Sentence about a new fault that the monitors show, given once; otherwise empty.
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
    on_progress: Callable[[TrainingProgress], None] | None = None,
) -> dict[str, list[float]]:
    """Play ``game`` until a limit is reached.

    Parameters
    ----------
    game : Game
        Trained in place.
    draw : callable
        Function from the number of a step (from 0) to its batch; a pure function.
    limits : Limits
        End of the run. Time before a resumption counts.
    seed : int
        Together with the step, the source of all randomness.
    device : torch.device
        The device of the networks.
    checkpoint : Path, optional
        File from which an interrupted run is resumed, written about every 30 s and at the end. If it is damaged or has
        another ``identity``, the run starts afresh.
    identity : str
        Digest of the parameters and the data.
    on_progress : callable, optional
        Called with a :class:`TrainingProgress` after every step.

    Returns
    -------
    dict of str to list of float
        ``step`` and the losses, at the first, every tenth and the last of ``steps``. If the game has monitors, also
        ``watched`` and the monitors, after the first, every 200th and the last step.

    Raises
    ------
    CameApartError
        If a loss or a monitor is not a finite number any more.
    SongspaceError
        If the checkpoint cannot be written.
    KeyboardInterrupt
        From the user or from ``on_progress``; the last whole step is saved first.
    """
    state = checkpoints.resume(checkpoint, game, identity) or checkpoints.TrainingState()
    first, started = state.step, time.monotonic()
    spent_before, saved_at = state.seconds, started
    warm = 0.0  # seconds of the first step, which takes many times as long as any other
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
                    TrainingProgress(
                        state.step, limits.steps, total, state.seconds, remaining, speed, losses, monitors, note
                    )
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


def _checked(figures: Mapping[str, Tensor | float], state: checkpoints.TrainingState) -> dict[str, float]:
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
    """Delay Ctrl-C until the end of the block, so that half a step is never saved."""
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or previous is None:
        yield  # Ctrl-C does not arrive in this thread, or Python does not handle it
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
    """Return a function from steps to batches of ``size`` of ``count`` items, each at most once between two shuffles.

    Parameters
    ----------
    count, size : int
        Items, and items in a batch; a batch is never larger than ``count``.
    seed : int
        Seed of the shuffles.

    Returns
    -------
    callable
        Pure function from the number of a step to the items of its batch.

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


def one_cycle(progress: float) -> float:
    """Return the share of the largest learning rate: it rises by a cosine for 30 % of the run, then falls to 0.

    From L. N. Smith and N. Topin, "Super-convergence", arXiv 1708.07120.

    Examples
    --------
    >>> [round(one_cycle(p), 2) for p in (0, 0.3, 0.65, 1)]
    [0.04, 1.0, 0.5, 0.0]
    """
    rise = 0.3
    if progress < rise:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / rise)) / 2
    return (1 + math.cos(math.pi * (progress - rise) / (1 - rise))) / 2


def steady_then_down(progress: float) -> float:
    """Return the share of the largest learning rate: 1 for half of the run, then linearly down to 0.

    Examples
    --------
    >>> [steady_then_down(p) for p in (0, 0.5, 0.75, 1)]
    [1.0, 1.0, 0.5, 0.0]
    """
    return min(1.0, 2.0 - 2.0 * progress)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of an optimiser for the current step."""
    for group in optimizer.param_groups:
        group["lr"] = rate
