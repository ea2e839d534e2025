import sys
import textwrap

import pytest
import requests  # noqa: F401  loaded first, as in tests/docs/test_tests.py

import bc_events.testing.capture  # noqa: F401
from bc_events import EventClient, events
from bc_events.testing import capture_events
from tests.testing.topics import TOPICS

SERVICE = """
    from bc_events import EventClient, events

    TOPICS = {"DefaultCategory": "policies", "Topics": [
        {"Action": "Created", "Entity": "Policy", "Schema": {"type": "object"}}]}

    client = EventClient("http://127.0.0.1:9", "PolicyService", TOPICS, retry_budget=0)

    @events.session(client=client)
    def create(policy_id):
        events.created_policy({"id": policy_id})

    @events.session(client=client)
    async def create_later(policy_id):
        events.created_policy({"id": policy_id})
"""


@pytest.fixture
def service(pytester, monkeypatch):
    """A service, and `run` for its tests, with the plugins named alone. Nothing listens where its client sends to."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delitem(sys.modules, "service", raising=False)  # another test's, of the same name
    pytester.makepyfile(service=SERVICE)

    def run(tests, *options, runner=pytester.runpytest_inprocess):
        pytester.makepyfile(test_service="from service import create, create_later\n" + textwrap.dedent(tests))
        return runner("-p", "bc_events.testing.plugin", "-p", "no:cacheprovider", "--strict-markers", *options)

    return run


@pytest.fixture
def client():
    """A client whose API nothing answers for: what is delivered was delivered in memory."""
    client = EventClient("http://127.0.0.1:9", "PolicyService", TOPICS, retry_budget=0)
    with client, events.override(client):
        yield client


@pytest.fixture
def captured(client):
    with capture_events() as captured:
        yield captured
