"""Settings of a relay: numbers that cannot work are refused."""

import pytest
from tenacity import wait_fixed, wait_incrementing

from bc_events import ConfigurationError
from bc_events.outbox import Relay, RelaySettings
from tests.outbox.relays import relay_of
from tests.outbox.service import api_of


def test_a_lease_shorter_than_three_deadlines_is_refused(store, api):
    with pytest.raises(ConfigurationError, match="too short .* give 33 s or more"):
        Relay(store, api_of(api.url, timeout=(1, 10)), settings=RelaySettings(lease=32))


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1, "60", None])
@pytest.mark.parametrize("name", ["lease", "alarm", "poll"])
def test_a_setting_that_is_no_number_of_seconds_is_refused(store, api, name, seconds):
    given = (0.05, seconds) if name == "poll" else seconds
    with pytest.raises(ConfigurationError, match=rf"{name} is .*; give a finite number of seconds"):
        relay_of(store, api, settings=RelaySettings(**{name: given}))


def test_a_lease_of_more_than_a_day_is_refused(store, api):
    """Rows are ready again at once where their time is too far away: another relay would send them too."""
    with pytest.raises(ConfigurationError, match="give at most 86400 seconds"):
        relay_of(store, api, settings=RelaySettings(lease=1e12))


@pytest.mark.parametrize("poll", [1.0, (1.0,), (1.0, 2.0, 3.0), None])
def test_a_wait_between_looks_is_two_numbers(store, api, poll):
    with pytest.raises(ConfigurationError, match="poll is .*; give two numbers"):
        relay_of(store, api, settings=RelaySettings(poll=poll))


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300])
def test_a_wait_that_never_ends_is_cut(seconds):
    """The wait that a strategy gives for a later attempt cannot be checked beforehand."""
    settings = RelaySettings(retry=wait_fixed(seconds), pause=wait_fixed(seconds))
    assert (settings.retry_after(1), settings.pause_after(1)) == (86_400, 86_400)


def test_a_wait_that_is_negative_is_none():
    settings = RelaySettings(retry=wait_fixed(-5), pause=wait_fixed(-5))
    assert (settings.retry_after(1), settings.pause_after(1)) == (0, 0)


def test_waits_grow_with_the_attempts():
    settings = RelaySettings(
        retry=wait_incrementing(start=1, increment=2), pause=wait_incrementing(start=5, increment=5)
    )
    assert [settings.retry_after(times) for times in (1, 2, 3)] == [1, 3, 5]
    assert [settings.pause_after(times) for times in (1, 2, 3)] == [5, 10, 15]


@pytest.mark.parametrize(("deadline", "lease"), [(1, 60), (20, 60), (21, 63)])
def test_a_lease_is_as_long_as_requests_need(deadline, lease):
    settings = RelaySettings.for_requests_of(deadline)
    assert settings.lease == lease
    settings.check(deadline)


def test_without_settings_a_relay_waits_as_the_reference_says():
    settings = RelaySettings()
    assert (settings.lease, settings.poll, settings.alarm) == (60, (0.05, 1), 300)
    assert [(wait.multiplier, wait.max) for wait in (settings.retry, settings.pause)] == [(1, 300), (0.5, 30)]


def test_a_lease_of_a_day_and_one_of_three_deadlines_pass():
    RelaySettings(lease=86_400).check(28_800)


def test_settings_of_the_wrong_kind_are_refused():
    for wrong in ({"retry": 5}, {"pause": None}):
        with pytest.raises(ConfigurationError, match=next(iter(wrong))):
            RelaySettings(**wrong)


@pytest.mark.parametrize("workers", [0, 1.5, 10**20, None])
def test_a_number_of_workers_that_cannot_be_meant_is_refused(store, api, workers):
    with pytest.raises(ConfigurationError, match="give a whole number from 1 to 1000"):
        relay_of(store, api, workers=workers)
