"""A client with `on_invalid="log"` lets a service try a new schema: an invalid event is logged and not published."""

import pytest

from bc_events import ConfigurationError, EventClient, InvalidEventError, events
from bc_events.testing import capture_events

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [{"Action": "Created", "Entity": "Test", "Schema": {"properties": {"id": {"type": "integer"}}}}],
}


@pytest.mark.parametrize("data", [{"id": "secret"}, {"id": object()}, {}])
def test_an_invalid_event_is_logged_without_its_values_and_the_work_goes_on(caplog, data):
    client = EventClient("log:", "TestService", TOPICS, on_invalid="log")
    with capture_events() as captured, events.session("job-1", client=client):
        events.created_test({"id": 1})
        returned = events.created_test(data)
        events.created_test({"id": 2})
    assert [event.data["id"] for event in captured.recorded] == [1, 2]
    assert returned not in captured.recorded
    (warning,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert warning.getMessage().startswith("not published: invalid data for testing.TestCreated")
    assert (warning.bc_topic, warning.bc_job_id) == ("testing.TestCreated", "job-1")
    assert "secret" not in warning.getMessage()


def test_by_default_it_raises():
    with events.session(client=EventClient("log:", "TestService", TOPICS)), pytest.raises(InvalidEventError):
        events.created_test({"id": "x"})


def test_another_choice_is_refused():
    with pytest.raises(ConfigurationError, match='on_invalid.*"raise" or "log"'):
        EventClient("log:", "TestService", TOPICS, on_invalid="ignore")
