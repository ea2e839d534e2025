"""A client without an API: events are checked and logged, and nothing is sent."""

import logging

import pytest

from bc_events import EventClient, InvalidEventError, events
from bc_events.outbox import SQLiteOutbox

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


@pytest.mark.parametrize("outbox", [str, SQLiteOutbox], ids=["name", "object"])
def test_with_log_as_its_url_nothing_is_stored_either(tmp_path, caplog, outbox):
    """So that one setting is enough to try a service out. Its relay would have no API to send to."""
    caplog.set_level(logging.INFO, "bc.events")
    with EventClient("log:", "TestService", TOPICS, outbox=outbox(tmp_path / "events.db")) as client:
        assert client.outbox is None
        with events.session("job-1", client=client):
            events.created_test({"id": 1})
    assert caplog.messages == [LOGGED]
    assert list(tmp_path.iterdir()) == []


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
