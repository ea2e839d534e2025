import pytest

from bc_events import EventClient

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [
        {"Action": "Created", "Entity": "Test", "Schema": {"type": "object", "required": ["id"]}},
        {"Action": "Updated", "Entity": "MyEntity", "Category": "other", "Schema": {"type": "object"}},
    ],
}


@pytest.fixture
def client_of():
    """Makes clients of an API; closes them."""
    clients = []

    def client_of(api, **settings):
        clients.append(EventClient(getattr(api, "url", api), "TestService", TOPICS, **settings))
        return clients[-1]

    yield client_of
    for client in clients:
        client.close()


@pytest.fixture
def session_of(client_of):
    """A session of a client of an API, with some events pending."""

    def session_of(api, events=0, *, job_id="job-1", **settings):
        session = client_of(api, **settings).service_session(job_id)
        for number in range(events):
            session.created_test({"id": number})
        return session

    return session_of
