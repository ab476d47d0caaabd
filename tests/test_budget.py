"""How long is trained and which songs are held out, for libraries of any size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.encoders.base import REGISTRY, encoder_class
from songspace.encoders.registry import MOST_MINUTES

PLANS = {name: plan for name in REGISTRY if (plan := encoder_class(name).plan) is not None}
SONGS = st.integers(2, 2_000_000)
NAMES = st.sampled_from(sorted(PLANS))


def test_those_that_learn_step_by_step_have_a_plan():
    assert set(PLANS) == {"contrastive", "ali", "student"}


@given(NAMES, SONGS)
def test_steps_lie_within_bounds_and_take_about_half_an_hour_at_most(name, songs):
    plan = PLANS[name]
    steps = plan.steps(songs)
    assert isinstance(steps, int) and plan.least <= steps <= plan.most
    assert 0 < plan.minutes(steps, songs) <= 33


@given(NAMES, SONGS, SONGS)
def test_more_songs_get_no_fewer_steps_and_no_less_time(name, some, more):
    plan, (some, more) = PLANS[name], sorted([some, more])
    assert plan.steps(some) <= plan.steps(more)
    assert plan.minutes(plan.steps(some), some) <= plan.minutes(plan.steps(more), more)


@pytest.mark.parametrize(
    ("name", "songs", "steps", "minutes"),
    [
        ("contrastive", 50, 500, 500 * 2 * 50 / 1800 / 60),  # all songs in each step
        ("contrastive", 1000, 1000, 1000 * 2 * 128 / 1800 / 60),
        ("contrastive", 100_000, 5600, 5600 * 2 * 128 / 1800 / 60),
        ("ali", 400, 6000, 6000 * 64 / 200 / 60),
    ],
)
def test_a_plan_by_hand(name, songs, steps, minutes):
    assert PLANS[name].steps(songs) == steps
    assert PLANS[name].minutes(steps, songs) == pytest.approx(minutes)


@given(NAMES, SONGS)
def test_where_nobody_says_how_long_steps_end_it_on_two_idle_cores_and_time_on_any_others(name, songs):
    plan = PLANS[name]
    steps, minutes = plan.limits(songs, None, None)
    assert (steps, minutes) == (plan.steps(songs), MOST_MINUTES)
    assert plan.minutes(steps, songs) < MOST_MINUTES <= 35


@pytest.mark.parametrize(("steps", "minutes"), [(7, None), (None, 2.5), (7, 2.5)])
def test_what_was_asked_for_is_the_only_limit(steps, minutes):
    assert PLANS["contrastive"].limits(400, steps, minutes) == (steps, minutes)


@pytest.mark.parametrize("name", sorted(PLANS))
def test_a_plan_reckons_with_the_batch_of_its_encoder(name):
    plan, size = PLANS[name], encoder_class(name)().batch_size
    # A batch is of songs, or of segments, of which the plan may count those of one song as its views.
    assert plan.batch in (size, round(size / plan.views))
