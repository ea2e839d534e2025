import pytest

from bc_events import EventClient, events
from tests.testing.topics import TOPICS


@pytest.fixture
def client():
    """A client whose API nothing answers for: what is delivered was delivered in memory."""
    client = EventClient("http://127.0.0.1:9", "PolicyService", TOPICS, retry_budget=0)
    with client, events.override(client):
        yield client
