"""A client without an API: events are checked and logged, and nothing is sent."""

import logging

import pytest

from bc_events import EventClient, InvalidEventError, events

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [{"Action": "Created", "Entity": "Test", "Schema": {"properties": {"id": {"type": "integer"}}}}],
}

LOGGED = "not sent, as there is no API: testing.TestCreated of job job-1 by service TestService"


@pytest.fixture
def client():
    return EventClient(None, "TestService", TOPICS)


def test_the_flush_logs_each_event(client, caplog):
    caplog.set_level(logging.INFO, "bc.events")
    with events.session("job-1", client=client):
        events.created_test({"id": 1})
        events.created_test({"id": 2})
        assert caplog.messages == []
    assert caplog.messages == [LOGGED, LOGGED]


def test_an_invalid_event_is_refused_all_the_same(client):
    with events.session(client=client), pytest.raises(InvalidEventError):
        events.created_test({"id": "one"})


def test_a_scope_that_fails_drops_its_events(client, caplog):
    caplog.set_level(logging.INFO, "bc.events")
    with pytest.raises(ZeroDivisionError), events.session("job-1", client=client):
        events.created_test({"id": 1})
        raise ZeroDivisionError
    assert len(caplog.messages) == 1
    assert LOGGED not in caplog.messages
