"""Errors carry data, and keep it when they are copied or cross a process border."""

import copy
import pickle

import pytest

from bc_events import (
    DeliveryError,
    EventsError,
    InvalidActorError,
    NestedSessionError,
    NoActiveSessionError,
    SessionClosedError,
    TopicDefinitionError,
    UnknownTopicError,
    errors,
)
from bc_events._delivery.request import Request
from bc_events.errors import Problem, UnknownEventNameError
from bc_events.event import Actor

from .delivery.scripted import ScriptedAPI, closes, failed

COPIES = pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))],
    ids=["copy", "deepcopy", "pickle"],
)


@COPIES
@pytest.mark.parametrize(
    "error",
    [
        NoActiveSessionError(),
        NoActiveSessionError("said otherwise"),
        SessionClosedError("it has ended"),
        NestedSessionError("nested"),
        TopicDefinitionError("topics.yaml", [Problem(3, "wrong"), Problem(None, "wrong too")]),
        UnknownTopicError("unknown", name="a", closest=["b", "c"]),
        UnknownEventNameError("unknown", name="created_a", closest=["created_b"]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_keeps_its_message_and_data(error, copied):
    again = copied(error)
    assert (type(again), str(again)) == (type(error), str(error))
    assert vars(again) == vars(error)


@COPIES
def test_a_delivery_error_keeps_each_event_and_can_still_be_resent(session_of, copied):
    with ScriptedAPI(failed("Success", "Poison", "Success"), closes) as api:
        session = session_of(api, 5, max_request_events=3, retry_budget=0)
        with pytest.raises(DeliveryError) as caught:
            session.flush()
        again = copied(caught.value)
        assert str(again) == str(caught.value)
        assert [(one.event.data, one.event.id, one.event.job_id, one.outcome) for one in again.undelivered] == [
            (one.event.data, one.event.id, one.event.job_id, one.outcome) for one in caught.value.undelivered
        ]
        assert again.undelivered[0].event.actor == Actor("TestService", "service")
        assert (again.sent, [request.key for request in again.requests]) == (
            2,
            [one.key for one in caught.value.requests],
        )
        session.client.resend(again)
    assert api.ids == [[0, 1, 2], [3, 4], [1], [3, 4]]
    assert api.received[1].key == api.received[3].key


def test_a_delivery_error_shows_ten_events_and_counts_the_rest(session_of):
    events = session_of(None, 12).events
    items = [errors.Undelivered(event, "HTTP 503", "unknown") for event in events]
    lines = str(DeliveryError(items, [Request.of(events)], 3)).splitlines()
    assert lines[0].startswith("12 of 15 events were not delivered; keep this error and call events.resend(error)")
    assert lines[1] == "  the first 10, and 2 more"
    assert lines[2] == f"  testing.TestCreated {events[0].id}: unknown: HTTP 503"
    assert len(lines) == 12


def test_a_delivery_error_of_one_event_speaks_of_one(session_of):
    [event] = session_of(None, 1).events
    error = DeliveryError([errors.Undelivered(event, "HTTP 503", "unknown")], [Request.of([event])])
    assert str(error).startswith("1 of 1 event was not delivered;")


def test_every_error_is_an_events_error():
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(issubclass(error, EventsError) for error in found)


def test_the_tree_of_errors_is_drawn_whole():
    drawn = errors.__doc__
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, Exception):
            assert error.__name__ in drawn


@pytest.mark.parametrize("user_id", ["17", 17, None])
def test_a_user_id_that_cannot_be_one_says_what_to_pass_instead(user_id):
    """As in `user_context(str(user.id))`."""
    with pytest.raises(InvalidActorError, match=r"pass the Cognito user id.* f\"user-\{user.pk\}\""):
        Actor(user_id, "user")
