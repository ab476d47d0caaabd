"""The training loop: stopping, resuming, checkpoints and the purity of its randomness."""

from __future__ import annotations

import math
import os
import platform
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from songspace.encoders import checkpoints, training
from songspace.encoders.checks import check_number, check_seed, group_codes
from songspace.encoders.contrastive import Contrastive
from songspace.encoders.devices import choose_device, fast_autocast, seeded
from songspace.encoders.training import Game, Limits, TrainingProgress, epochs, train
from songspace.errors import SongspaceError

CPU = torch.device("cpu")


class Regression(Game):
    """A tiny game that uses everything a real one uses: batch norm, dropout, noise, Adam."""

    def __init__(self) -> None:
        with seeded(CPU, 0):
            self.network = nn.Sequential(
                nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.2), nn.Flatten(), nn.Linear(48, 1)
            ).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), 1e-2)
        self.modules = {"network": self.network}
        self.optimizers = {"adamw": self.optimizer}
        self.seen: list[float] = []

    def step(self, batch: np.ndarray, progress: float) -> dict[str, Tensor]:
        self.seen.append(progress)
        noisy = torch.from_numpy(batch)[:, None] + torch.randn(len(batch), 1, 5, 6)
        loss = (self.network(noisy)[:, 0] - torch.from_numpy(batch).mean((1, 2))).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.detach()}

    def watch(self, batch: np.ndarray) -> dict[str, Tensor]:
        return {"spread": torch.randn(()) + float(batch.std())}


def draw(step: int) -> np.ndarray:
    return np.random.default_rng([7, step]).normal(size=(8, 5, 6)).astype(np.float32)


def play(game: Game | None = None, *, steps: int | None = 25, minutes: float | None = None, **more):
    game = game or Regression()
    history = train(game, draw, limits=Limits(steps, minutes), seed=3, device=CPU, **more)
    return game, history


def weights(game: Game) -> dict[str, np.ndarray]:
    return {
        f"{name}.{key}": value.numpy().copy()
        for name, module in game.modules.items()
        for key, value in module.state_dict().items()
    }


def assert_same(a: Game, b: Game) -> None:
    expected = weights(b)
    for key, value in weights(a).items():
        np.testing.assert_array_equal(value, expected[key], err_msg=key)


def stop_at(step: int):
    def on_progress(progress: TrainingProgress) -> None:
        if progress.step == step:
            raise KeyboardInterrupt

    return on_progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that only a test moves."""

    class Clock:
        now = 0.0
        tick = 0.0

        def monotonic(self) -> float:
            self.now += self.tick
            return self.now

    clock = Clock()
    monkeypatch.setattr(training, "time", clock)
    return clock


def test_a_slow_first_step_says_nothing_of_the_others(clock):
    told: list[TrainingProgress] = []

    class Slow(Regression):
        def step(self, batch, progress):
            clock.now += 1.0 if told else 50.0
            return super().step(batch, progress)

    play(Slow(), steps=11, on_progress=told.append)
    assert [p.remaining for p in told[1:]] == pytest.approx(list(range(9, -1, -1)))
    assert told[1].segments_per_second == pytest.approx(8)


@pytest.mark.parametrize("stop", [1, 10, 13])
def test_resumed_after_interruption_is_the_uninterrupted_run(tmp_path, stop):
    whole, history = play()
    with pytest.raises(KeyboardInterrupt):
        play(checkpoint=tmp_path / "run", on_progress=stop_at(stop))
    resumed, history_of_resumed = play(checkpoint=tmp_path / "run")
    assert len(resumed.seen) == 25 - stop
    assert_same(resumed, whole)
    assert history_of_resumed == history
    assert history["step"] == [1, 10, 20, 25]
    assert set(history) == {"step", "loss", "spread"}


def test_moments_keep_the_memory_layout_of_their_weights(tmp_path):
    game, _ = play(steps=3, checkpoint=tmp_path / "run")
    other = Regression()
    assert checkpoints.resume(tmp_path / "run", other, "") is not None
    for mine, theirs in zip(game.optimizer.state.items(), other.optimizer.state.items(), strict=True):
        assert mine[1].keys() == theirs[1].keys()
        for key, value in mine[1].items():
            assert torch.equal(value, theirs[1][key])
            assert value.stride() == theirs[1][key].stride()


def test_ctrl_c_in_the_middle_of_a_step_waits_for_its_end(tmp_path):
    class Interrupted(Regression):
        def step(self, batch: np.ndarray, progress: float) -> dict[str, Tensor]:
            if len(self.seen) == 6:
                signal.raise_signal(signal.SIGINT)
            return super().step(batch, progress)

    before = signal.getsignal(signal.SIGINT)
    game = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        play(game, checkpoint=tmp_path / "run")
    assert signal.getsignal(signal.SIGINT) is before
    assert len(game.seen) == 7
    resumed, _ = play(checkpoint=tmp_path / "run")
    assert len(resumed.seen) == 25 - 7
    assert_same(resumed, play()[0])


def test_trains_outside_the_main_thread():
    result: list[Game] = []
    thread = threading.Thread(target=lambda: result.append(play(steps=4)[0]))
    thread.start()
    thread.join()
    assert_same(result[0], play(steps=4)[0])


LEARN = """
    import sys
    from pathlib import Path
    import numpy as np
    import torch
    from songspace.encoders import training
    from songspace.encoders.contrastive import Contrastive

    torch.set_num_threads(1)
    training.SAVE_EVERY = 0.0
    encoder = Contrastive(width=4, batch_size=6, crop=24, steps=40, device="cpu")
    encoder.fit(np.load(sys.argv[1]), groups=np.arange(16) // 2, checkpoint=Path(sys.argv[2]),
                on_progress=lambda progress: print(progress.step, flush=True))
    encoder.save(sys.argv[3])
"""


def test_killed_run_resumes_to_the_same_encoder(tmp_path):
    X = np.random.default_rng(0).normal(-30, 10, (16, 24, 40)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    (tmp_path / "learn.py").write_text(textwrap.dedent(LEARN))

    def learn() -> subprocess.Popen[str]:
        arguments = ["learn.py", "X.npy", "run", "encoder"]
        return subprocess.Popen([sys.executable, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, text=True)

    with learn() as process:
        for line in process.stdout:
            if int(line) >= 8:
                process.kill()
                break
    assert process.returncode != 0
    assert not (tmp_path / "encoder").exists()
    with learn() as process:
        steps = [int(line) for line in process.stdout]
    assert process.returncode == 0
    assert 8 <= steps[0] < 40

    whole = Contrastive(width=4, batch_size=6, crop=24, steps=40, device="cpu")
    whole.fit(X, groups=np.arange(16) // 2).save(tmp_path / "whole")
    for file in ("weights.safetensors", "encoder.json"):
        resumed = (tmp_path / "encoder" / file).read_bytes()
        assert resumed == (tmp_path / "whole" / file).read_bytes()


def test_finished_run_is_not_run_again(tmp_path):
    game, history = play(checkpoint=tmp_path / "run")
    written = (tmp_path / "run").stat().st_mtime_ns
    again, history_again = play(checkpoint=tmp_path / "run")
    assert again.seen == []
    assert_same(again, game)
    assert history_again == history
    assert (tmp_path / "run").stat().st_mtime_ns == written
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def damage_by(name: str, data: bytes) -> bytes:
    middle = len(data) // 2
    flipped = bytes([data[middle] ^ 1])
    return {
        "empty": b"",
        "cut": data[:-5],
        "cut to the header": data[:20],
        "a flipped bit": data[:middle] + flipped + data[middle + 1 :],
        "another step": data.replace(b'\\"step\\": 5', b'\\"step\\": 4'),
        "no state": checkpoints.to_bytes({"network/0.weight": np.zeros(3)}),
        "text": b"not a checkpoint" * 10,
    }[name]


@pytest.mark.parametrize(
    "damage",
    ["empty", "cut", "cut to the header", "a flipped bit", "another step", "no state", "text"],
)
def test_damaged_checkpoint_is_started_over(tmp_path, damage):
    path = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        play(checkpoint=path, on_progress=stop_at(5))
    data = path.read_bytes()
    damaged = damage_by(damage, data)
    assert damaged != data
    path.write_bytes(damaged)
    game, history = play(checkpoint=path)
    assert len(game.seen) == 25
    assert_same(game, play()[0])
    assert history["step"] == [1, 10, 20, 25]


def test_checkpoint_of_something_else_is_started_over(tmp_path):
    play(steps=5, checkpoint=tmp_path / "run", identity="this")
    assert len(play(steps=5, checkpoint=tmp_path / "run", identity="that")[0].seen) == 5
    other = Regression()
    other.network.append(nn.Linear(1, 1))
    other.optimizer.add_param_group({"params": other.network[-1].parameters()})
    assert len(play(other, steps=5, checkpoint=tmp_path / "run", identity="that")[0].seen) == 5


def test_a_directory_in_the_place_of_the_checkpoint(tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(SongspaceError, match=r"checkpoint .* cannot be written"):
        play(steps=2, checkpoint=tmp_path / "run")


def test_checkpoints_are_written_on_the_way(tmp_path, clock):
    clock.tick = 4.0
    found: list[bool] = []
    play(checkpoint=tmp_path / "a" / "run", on_progress=lambda _: found.append((tmp_path / "a").exists()))
    assert not found[0]
    assert found[-1]


def test_minutes_stop_the_run_with_the_schedule_at_its_end(clock):
    clock.tick = 1.0
    game, _ = play(steps=None, minutes=0.5)
    assert 10 <= len(game.seen) <= 30
    assert game.seen[0] == 0.0
    assert np.all(np.diff(game.seen) > 0)
    assert game.seen[-1] > 0.9


def test_the_nearer_limit_wins(clock):
    clock.tick = 1.0
    by_steps, _ = play(steps=5, minutes=60)
    assert by_steps.seen == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    by_minutes, _ = play(steps=10**6, minutes=0.25)
    assert by_minutes.seen[-1] > 0.8


def test_a_run_that_its_steps_end_in_time_is_the_one_that_only_steps_limit(clock):
    clock.tick = 1.0
    game, history = play(steps=30)
    limited, history_of_limited = play(steps=30, minutes=0.5 * 4)  # a step takes some ticks
    assert limited.seen == game.seen == [step / 30 for step in range(30)]
    assert_same(game, limited)
    assert history == history_of_limited


def test_a_slow_first_step_and_a_pause_hurry_no_run():
    limits = Limits(1000, 10)
    assert limits.progress(1, 30.0) == 0.001
    assert limits.progress(500, 300.0) == limits.progress(500, 320.0) == 0.5


@pytest.mark.parametrize("pace", [0.5, 1.2, 3.0, 20.0])
def test_a_run_that_time_ends_has_come_evenly_to_its_end(pace):
    limits, seconds, step, seen = Limits(1000, 10), 0.0, 0, []
    while (progress := limits.progress(step, seconds)) < 1:
        seen.append(progress)
        step, seconds = step + 1, seconds + 0.6 * pace
    ends_in_time = pace < 1
    assert (step == 1000) == ends_in_time and (seconds >= 600) != ends_in_time
    assert np.all(np.diff(seen) > 0) and seen[-1] > 0.95
    if ends_in_time:
        assert seen == [number / 1000 for number in range(1000)]
    else:
        assert seconds - 600 < 0.6 * pace + 1e-6
        assert np.max(np.diff(seen)) < 1.2 * 0.6 * pace / 600  # no leap: a rate follows it


def test_how_many_steps_there_will_be_is_told_by_the_limit_that_is_nearer():
    assert Limits(1000, None).last_step(3, 5.0, 0.1) == 1000
    assert Limits(1000, 60).last_step(3, 5.0, 0.1) == 1000
    assert Limits(1000, 1).last_step(100, 30.0, 0.3) == 200
    assert Limits(None, 1).last_step(100, 30.0, 0.3) == 200


def test_time_before_an_interruption_counts(tmp_path, clock):
    clock.tick = 1.0
    with pytest.raises(KeyboardInterrupt):
        play(steps=None, minutes=0.5, checkpoint=tmp_path / "run", on_progress=stop_at(6))
    first = len(play(steps=None, minutes=0.5)[0].seen)
    clock.now += 10_000  # the time between the two runs does not count
    seconds: list[float] = []
    resumed, _ = play(
        steps=None,
        minutes=0.5,
        checkpoint=tmp_path / "run",
        on_progress=lambda p: seconds.append(p.seconds),
    )
    assert len(resumed.seen) < first
    assert resumed.seen[0] > 0
    assert seconds[-1] < 40


def test_the_clock_has_no_say_where_only_steps_limit(tmp_path, clock):
    game, history = play(checkpoint=tmp_path / "quick")
    clock.tick = 1000.0
    slow, history_of_slow = play(checkpoint=tmp_path / "slow")
    assert_same(game, slow)
    assert history == history_of_slow


def test_progress_is_told_after_every_step(clock):
    clock.tick = 0.5
    told: list[TrainingProgress] = []
    play(steps=4, on_progress=told.append)
    assert [p.step for p in told] == [1, 2, 3, 4]
    assert {p.steps for p in told} == {4}
    assert np.all(np.diff([p.seconds for p in told]) > 0)
    assert told[-1].remaining == 0
    assert told[0].remaining == pytest.approx(3 * told[0].seconds)
    assert told[0].segments_per_second == pytest.approx(8 / told[0].seconds)
    assert math.isfinite(told[0].losses["loss"])


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    class Diverging(Regression):
        def step(self, batch: np.ndarray, progress: float) -> dict[str, Tensor]:
            losses = super().step(batch, progress)
            return {"loss": losses["loss"] * (torch.nan if len(self.seen) == 8 else 1)}

    with pytest.raises(KeyboardInterrupt):
        play(checkpoint=tmp_path / "run", on_progress=stop_at(5))
    data = (tmp_path / "run").read_bytes()
    game = Diverging()
    game.seen = [0.0] * 5
    with pytest.raises(SongspaceError, match=r"step 7 \(its loss became nan\)"):
        play(game, checkpoint=tmp_path / "run")
    assert (tmp_path / "run").read_bytes() == data


def test_torch_keeps_its_own_random_numbers():
    torch.manual_seed(5)
    expected = torch.randn(4)
    torch.manual_seed(5)
    play(steps=3)
    assert torch.equal(torch.randn(4), expected)


def test_seeds_do_not_collide():
    drawn = set()
    for seed, *key in [(0,), (1,), (0, 0), (0, 1), (1, 0), (0, 0, 0)]:
        with seeded(CPU, seed, *key):
            drawn.add(float(torch.rand(())))
    assert len(drawn) == 6


@given(count=st.integers(1, 40), size=st.integers(1, 50), seed=st.integers(0, 5))
def test_epochs_visit_everything_at_most_once(count, size, seed):
    pick = epochs(count, size, seed=seed)
    size = min(size, count)
    batches = [pick(step) for step in range(count // size)]
    visited = np.concatenate(batches)
    assert all(len(batch) == size for batch in batches)
    assert len(np.unique(visited)) == len(visited) > count - size
    assert visited.min() >= 0
    assert visited.max() < count
    np.testing.assert_array_equal(epochs(count, size, seed=seed)(7), pick(7))


def test_epochs_differ():
    pick = epochs(50, 50, seed=0)
    assert (pick(0) != pick(1)).any()
    assert (pick(0) != epochs(50, 50, seed=1)(0)).any()


def test_schedules():
    cycle = [training.one_cycle(p) for p in np.linspace(0, 1, 101)]
    assert max(cycle) == pytest.approx(1)
    assert np.argmax(cycle) == 30
    assert 0 < cycle[0] < 0.1
    assert cycle[-1] == pytest.approx(0, abs=1e-9)
    down = [training.steady_then_down(p) for p in np.linspace(0, 1, 101)]
    assert down[:51] == [1.0] * 51
    assert np.all(np.diff(down[50:]) < 0)


@pytest.mark.parametrize(
    ("steps", "minutes", "message"),
    [
        (None, None, "must not both be None"),
        (0, None, "steps must be a whole number of at least 1, got 0"),
        (2.5, None, "steps"),
        (True, None, "steps"),
        (5, 0, "minutes must be a number above 0, got 0"),
        (5, math.inf, "minutes"),
        (5, math.nan, "minutes"),
        (None, "1", "minutes"),
    ],
)
def test_limits_are_checked(steps, minutes, message):
    with pytest.raises(ValueError, match=message):
        Limits(steps, minutes)


def test_other_checks():
    check_number("rate", 0.0)
    check_number("rate", np.float32(0.5), above=0)
    with pytest.raises(ValueError, match="rate must be a number of at least 0, got -1"):
        check_number("rate", -1)
    assert check_seed(np.int64(3)) == 3
    for seed in (None, 1.0, True, -1, np.random.RandomState(0)):
        with pytest.raises(ValueError, match="random_state"):
            check_seed(seed)
    assert group_codes(np.array(["b", "a", "b"]), 3).tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="groups must name one song for each of the 3 rows"):
        group_codes([1, 2], 3)


def test_devices(monkeypatch):
    assert choose_device("cpu") == CPU
    with pytest.raises(ValueError, match="device must be"):
        choose_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == CPU
    with pytest.raises(SongspaceError, match="no GPU"):
        choose_device("cuda")


def test_processors_without_bfloat16_train_in_32_bits(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    with fast_autocast(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    with fast_autocast(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_a_library_that_may_not_use_bfloat16_is_not_made_to():
    script = """
        import torch
        from songspace.encoders.devices import fast_autocast

        with fast_autocast(torch.device("cpu")):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    """
    limited = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env=limited, check=True)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other rules")
def test_freed_memory_need_not_be_asked_for_again():
    script = """
        import resource
        import numpy as np
        from songspace.encoders.devices import keep_freed_memory

        def pages_asked_for():
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            features = [np.ones(2**20, np.float32) for _ in range(8)]
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

        keep_freed_memory()
        first, second = pages_asked_for(), pages_asked_for()
        assert first >= 16 and second < 8, (first, second)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


def test_saving_needs_no_pickle(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "save", None)
    monkeypatch.setattr(torch, "load", None)
    play(steps=2, checkpoint=Path(tmp_path / "run"))
    assert len(play(steps=2, checkpoint=tmp_path / "run")[0].seen) == 0
