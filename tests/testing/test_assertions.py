"""Assertions about captured events: what they accept, what a failure says, and how a view compares."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from unittest.mock import ANY
from uuid import UUID

import pytest

from bc_events import (
    Actor,
    ConfigurationError,
    UnknownTopicError,
    events,
)

A_UUID = UUID("0199f5a4-0000-7000-8000-000000000001")


def test_properties_narrow_and_others_may_be_there_too(captured):
    with events.session():
        events.created_policy({"id": "p1", "premium": 300})
        events.created_policy({"id": "p2", "premium": 300})
    captured.assert_published("created_policy", id="p2")
    captured.assert_published("created_policy", {"id": "p1"}, premium=ANY)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (str(A_UUID), A_UUID),
        (A_UUID, A_UUID),
        (datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)),
        (Decimal("10.10"), Decimal("10.1")),
        ({"nested": [1, 2]}, {"nested": ANY}),
        ((1, 2), [1, 2]),
    ],
)
def test_a_property_is_compared_as_json_has_it(captured, value, wanted):
    with events.session():
        events.cancelled_policy({"value": value})
    captured.assert_published("cancelled_policy", value=wanted)


def test_a_property_that_is_missing_is_not_anything(captured):
    with events.session():
        events.created_policy({"id": "p1"})
    with pytest.raises(AssertionError):
        captured.assert_published("created_policy", premium=ANY)


def test_published_means_once(captured):
    """A doubled event is a fault, so it must not look like one."""
    with events.session():
        events.created_policy({"id": "p1"})
        events.created_policy({"id": "p1"})
    with pytest.raises(AssertionError, match="published 2 times, not once"):
        captured.assert_published("created_policy")
    assert len(captured.of("created_policy", id="p1")) == 2


@pytest.mark.parametrize("claim", ["assert_published", "assert_nothing_published", "of"])
def test_a_misspelt_name_proves_nothing(captured, claim):
    with pytest.raises(UnknownTopicError, match="did you mean created_policy"):
        getattr(captured, claim)("creatd_policy")


def test_nothing_of_one_name_leaves_others_alone(captured):
    with events.session():
        events.created_policy({"id": "p1"})
    captured.assert_nothing_published("cancelled_policy")
    captured.assert_nothing_published("created_policy", id="p2")
    with pytest.raises(AssertionError, match="created_policy was published 1 time, where nothing should be"):
        captured.assert_nothing_published("created_policy", id="p1")


def test_a_failure_shows_the_closest_event_and_all_that_was_captured(captured):
    with events.session():
        events.created_policy({"id": "p1", "premium": 100, "tags": []})
        events.created_policy({"id": "p2", "premium": 250, "tags": ["new"]})
    with pytest.raises(AssertionError) as failure:
        captured.assert_published("created_policy", id=ANY, premium=300, tags=["new"])
    assert (
        str(failure.value)
        == """\
created_policy was not published with these properties; the closest was:
    {
      "id": "p2",
  -   "premium": 300,
  +   "premium": 250,
      "tags": [
        "new"
      ]
    }
captured events (2):
  sent      policies.PolicyCreated  {"id": "p1", "premium": 100, "tags": []}
  sent      policies.PolicyCreated  {"id": "p2", "premium": 250, "tags": ["new"]}"""
    )


def test_a_failure_with_nothing_captured_says_so(captured):
    with pytest.raises(AssertionError, match=re.escape("created_policy was not published\nno event was captured")):
        captured.assert_published("created_policy")


def test_a_failure_lists_twenty_events_at_most(captured):
    with events.session():
        for number in range(23):
            events.created_policy({"id": str(number)})
    with pytest.raises(AssertionError, match="… and 3 more"):
        captured.assert_published("cancelled_policy")


def test_jobs_and_actors_narrow(captured):
    with events.session("job-1"):
        events.created_policy({"id": "p1"})
        with events.user_context("ada-lovelace"):
            events.created_policy({"id": "p2"})
    with events.session("job-2"):
        events.created_policy({"id": "p3"})
    assert [event.data["id"] for event in captured.for_job("job-1")] == ["p1", "p2"]
    captured.for_job("job-1").by("ada-lovelace").assert_published("created_policy", id="p2")
    captured.for_job("job-2").by("ada-lovelace").assert_nothing_published()


def test_a_failure_among_those_of_a_job_or_an_actor_shows_jobs_and_actors(captured):
    """The event is there, but somebody else's."""
    with events.session("job-1"), events.user_context("ada-lovelace"):
        events.created_policy({"id": "p1"})
    line = 'of job job-1 by user ada-lovelace  {"id": "p1"}'
    with pytest.raises(AssertionError, match=re.escape(line)) as failure:
        captured.by("grace-hopper").assert_published("created_policy")
    assert str(failure.value).startswith("created_policy by grace-hopper was not published\n")
    with pytest.raises(AssertionError, match=re.escape(line)):
        captured.by("ada-lovelace").for_job("job-2").assert_published("created_policy")
    with pytest.raises(AssertionError, match=re.escape(line)):
        captured.for_job("job-1").assert_nothing_published()
    assert repr(captured.by("grace-hopper").sent) == (
        "<CapturedEvents by grace-hopper []; captured: 1 event of job job-1 by user ada-lovelace>"
    )
    with pytest.raises(IndexError, match="there is no event 0 in <CapturedEvents by grace-hopper"):
        captured.by("grace-hopper")[0]


@pytest.mark.parametrize(
    ("narrow", "argument"),
    [
        (lambda captured: captured.by(Actor("ada-lovelace", "user")), "actor_id"),
        (lambda captured: captured.for_job(A_UUID), "job_id"),
        (lambda captured: captured.of(None), "name"),
        (lambda captured: captured.of(["created_policy"]), "name"),
        (lambda captured: captured.assert_published("created_policy", ["p1"]), "data"),
    ],
)
def test_what_no_event_can_match_is_refused(captured, narrow, argument):
    """It would prove an absence."""
    with pytest.raises(ConfigurationError, match=f"{argument} is a|{argument} is None"):
        narrow(captured)


def test_a_name_is_not_looked_for_among_events(captured):
    """It would never be there: `"created_policy" not in captured_events` would always hold."""
    with events.session():
        published = events.created_policy({"id": "p1"})
    assert published in captured
    assert published not in captured.dropped
    with pytest.raises(TypeError, match=re.escape('ask captured_events.of("created_policy")')):
        assert "created_policy" not in captured


def test_it_is_a_sequence_of_events(captured):
    with events.session():
        published = [events.created_policy({"id": str(number)}) for number in range(3)]
    assert list(captured) == published
    assert captured[-1] is published[-1]
    assert captured[:2] == published[:2]
    assert published[0] in captured
    assert repr(captured).startswith("<CapturedEvents [<Event policies.PolicyCreated ")


def test_it_equals_a_list_a_tuple_and_another_view_of_the_same_events(captured):
    """Both ways round: `[] == captured_events` is asked of the list first."""
    assert captured == []
    assert captured == []
    assert captured == captured.recorded == ()
    with events.session("job-1"):
        published = [events.created_policy({"id": str(number)}) for number in range(2)]
    assert captured == published == captured
    assert tuple(published) == captured == captured.sent == captured.for_job("job-1")
    assert captured[:1] == captured.of("created_policy", id="0")


def test_it_differs_from_other_events_another_order_and_other_things(captured):
    with events.session():
        first, second = (events.created_policy({"id": str(number)}) for number in range(2))
    for other in (
        [],
        [first],
        [second, first],
        captured.dropped,
        captured.for_job("job-1"),
        None,
        2,
        "ab",
        {first, second},
    ):
        assert captured != other
        assert other != captured
    assert captured.recorded != captured.dropped
    with pytest.raises(TypeError, match="unhashable"):
        hash(captured)
