"""The simulation of relays behind the page on scaling, where its result is known."""

import pytest

from tests.benchmarks.scaling.simulation import World, events_per_second


def test_one_relay_takes_as_long_as_the_sum_of_its_parts():
    world = World(per_job=25, relay=0.001, database=0.0, api=0.003, disk=0.0)
    assert events_per_second(world, 1) == pytest.approx(25 / 0.004, rel=0.02)


def test_relays_share_the_processors():
    """Four of them want four processors, and there are two."""
    world = World(per_job=25, relay=0.001, database=0.0, api=0.003, disk=0.0)
    assert events_per_second(world, 4) == pytest.approx(2 * 25 / 0.004, rel=0.02)


def test_a_commit_waits_once_for_all_rows_of_a_claim():
    quick = World(per_job=25, relay=0.0005, database=0.0, api=0.0005, disk=0.01)
    assert events_per_second(quick, 1) == pytest.approx(2_000 / (80 * 0.001 + 0.01), rel=0.05)


def test_relays_of_an_api_that_is_far_away_do_not_hinder_each_other():
    world = World(per_job=1, relay=0.0005, database=0.0, api=0.0, disk=0.0, latency=0.1)
    assert events_per_second(world, 10) == pytest.approx(10 / 0.1005, rel=0.05)
