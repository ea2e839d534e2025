import asyncio
import threading
from uuid import UUID

import pytest

from bc_events import (
    DeliveryError,
    EventClient,
    EventSession,
    SessionClosedError,
    events,
)
from bc_events.testing import capture_events
from tests.testing.topics import TOPICS

A_UUID = UUID("0199f5a4-0000-7000-8000-000000000001")


@pytest.fixture(autouse=True)
def _configured(client):
    """Each test here publishes through the default client."""


@events.session()
def publish_and_fail(policy_id):
    events.created_policy({"id": policy_id})
    raise ZeroDivisionError


def test_an_event_of_a_scope_that_ended_well_was_published(captured):
    with events.session("job-1"):
        published = events.created_policy({"id": "p1"})
    assert captured.assert_published("created_policy") is published


@pytest.mark.parametrize("name", ["created_policy", "policy_created", "policies.PolicyCreated"])
def test_every_name_of_a_topic_will_do(captured, name):
    with events.session():
        events.created_policy({"id": "p1"})
    captured.assert_published(name)


def test_nothing_travels_although_the_client_has_an_api_url(captured):
    """Nothing listens there, so anything sent would be a DeliveryError."""
    with events.session():
        for number in range(600):
            events.created_policy({"id": str(number)})
    assert len(captured.sent) == 600


def test_a_client_that_only_logs_is_captured_as_one_that_sends(captured):
    with events.session(client=EventClient(None, "QuoteService", TOPICS)):
        events.created_policy({"id": "p1"})
    captured.sent.assert_published("created_policy")


def test_an_event_in_an_open_scope_is_recorded_and_not_yet_published(captured):
    with events.session():
        events.created_policy({"id": "p1"})
        captured.recorded.assert_published("created_policy")
        with pytest.raises(AssertionError, match="its scope is still open"):
            captured.assert_published("created_policy")


def test_an_event_in_an_open_scope_is_not_nothing(captured):
    """It may still be sent, so a test that claims silence must not pass."""
    with events.session():
        events.created_policy({"id": "p1"})
        with pytest.raises(AssertionError, match="something was published 1 time"):
            captured.assert_nothing_published()


def test_an_event_of_a_scope_that_failed_is_dropped(captured):
    with pytest.raises(ZeroDivisionError):
        publish_and_fail("p1")
    captured.assert_nothing_published()
    captured.dropped.assert_published("created_policy")
    with pytest.raises(AssertionError, match="but rolled back"):
        captured.assert_published("created_policy")


def test_a_joined_scope_that_fails_drops_its_own_events_alone(captured):
    with events.session():
        events.created_policy({"id": "outer"})
        with pytest.raises(ZeroDivisionError):
            publish_and_fail("inner")
    captured.assert_published("created_policy", id="outer")
    captured.dropped.assert_published("created_policy", id="inner")


def test_a_refused_event_is_not_recorded(captured):
    with events.session(), pytest.raises(ValueError):
        events.created_policy({})
    assert not captured.recorded


def test_an_event_that_comes_after_its_session_is_not_recorded(captured):
    with events.session() as session:
        pass
    with pytest.raises(SessionClosedError):
        session.created_policy({"id": "late"})
    captured.assert_nothing_published()


def test_sessions_by_hand_are_captured_too(captured, client):
    session = client.user_session("ada-lovelace")
    session.created_policy({"id": "p1"})
    session.flush()
    captured.by("ada-lovelace").assert_published("created_policy")


def test_what_is_sent_at_once_is_captured(captured, client):
    EventSession("ada-lovelace", "user", None, client, publish_immediately=True).created_policy({"id": "p1"})
    captured.sent.assert_published("created_policy")


def test_events_of_several_services_are_captured(captured):
    quotes = EventClient("http://127.0.0.1:9", "QuoteService", TOPICS)
    with quotes, events.session():
        events.created_policy({"id": "p1"})
        with events.session(client=quotes):
            events.cancelled_policy({"id": "p1"})
    assert [(str(event), event.actor.id) for event in captured] == [
        ("policies.PolicyCreated", "PolicyService"),
        ("policies.PolicyCancelled", "QuoteService"),
    ]


def test_events_of_all_threads_are_captured(captured):
    def work(job_id):
        with events.session(job_id):
            for number in range(50):
                events.created_policy({"id": str(number)})

    threads = [threading.Thread(target=work, args=(f"job-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        assert [event.data["id"] for event in captured.for_job(f"job-{number}")] == [str(one) for one in range(50)]


def test_events_of_all_tasks_are_captured(captured):
    async def work(job_id):
        async with events.session(job_id):
            events.created_policy({"id": job_id})

    async def main():
        await asyncio.gather(*(work(f"job-{number}") for number in range(20)))

    asyncio.run(main())
    assert {event.data["id"] for event in captured} == {f"job-{number}" for number in range(20)}


def test_a_session_that_was_open_before_is_seen_when_it_flushes(client):
    with events.session():
        events.created_policy({"id": "before"})
        capturing = capture_events()
        captured = capturing.__enter__()
    capturing.__exit__(None, None, None)
    captured.assert_published("created_policy", id="before")


def test_what_a_session_that_was_open_before_publishes_is_not_nothing(client):
    """As where a fixture that opens a session comes before the one that captures."""
    with pytest.raises(DeliveryError), events.session(), capture_events() as captured:
        events.created_policy({"id": "p1"})
        captured.recorded.assert_published("created_policy", id="p1")
        with pytest.raises(AssertionError):
            captured.assert_nothing_published()


def test_captures_may_overlap_and_end_in_any_order(client):
    """As where two tests run on two threads: the first to end must not open the network to the other."""
    first, second = capture_events(), capture_events()
    one = first.__enter__()
    other = second.__enter__()
    first.__exit__(None, None, None)
    with events.session():
        events.created_policy({"id": "p1"})
    second.__exit__(None, None, None)
    assert (len(one), len(other)) == (0, 1)


def test_a_capture_with_the_real_network_watches_what_becomes_of_events(client):
    """Nothing listens at the client's URL."""
    with capture_events(network=None) as captured, pytest.raises(DeliveryError), events.session():
        events.created_policy({"id": "p1"})
    captured.confirmed.assert_published("created_policy")
    captured.sent.assert_nothing_published()


def test_after_a_capture_events_travel_again(client):
    with capture_events():
        pass
    with pytest.raises(DeliveryError), events.session():
        events.created_policy({"id": "p1"})


def test_a_capture_can_be_cleared(captured):
    with events.session():
        events.created_policy({"id": "p1"})
    captured.clear()
    captured.recorded.assert_nothing_published()
