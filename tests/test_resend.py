"""`events.resend` finds the client of an error by itself."""

import pickle

import pytest

from bc_events import DeliveryError, EventClient, events
from bc_events.local import LocalEventsAPI

TOPICS = {"DefaultCategory": "testing", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": True}]}


@pytest.fixture
def api():
    with LocalEventsAPI() as serving:
        yield serving


@pytest.fixture
def client(api):
    with EventClient(api.url, "TestService", TOPICS, retry_budget=0) as made:
        yield made


@pytest.fixture
def error(api, client):
    api.faults(unavailable={"retry_after": 1})
    with pytest.raises(DeliveryError) as caught, events.session("job-1", client=client):
        events.created_test({"id": 1})
    api.faults()
    return caught.value


def test_it_is_the_client_of_the_events(api, error):
    events.resend(error)
    assert [event.data for event in api.events()] == [{"id": 1}]


def test_for_an_error_that_was_pickled_it_is_the_default_client(api, client, error):
    with events.override(client):
        events.resend(pickle.loads(pickle.dumps(error)))
        assert events.default_client() is client
    assert [event.data for event in api.events()] == [{"id": 1}]
