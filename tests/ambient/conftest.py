import logging

import pytest
from opentelemetry import baggage, context

from bc_events import events
from bc_events._ambient import frames

from .recording import Recording, recording_client


@pytest.fixture(autouse=True)
def nothing_ambient():
    """Each test starts in a clean context, and must leave no scope and no baggage behind."""
    context.attach(context.Context())
    frames._current.set(None)
    yield
    stale = frames.innermost()
    frames._current.set(None)
    assert stale is None
    assert not baggage.get_all()


@pytest.fixture
def recording():
    return Recording()


@pytest.fixture
def client(recording):
    with recording_client(recording) as client, events.override(client):
        yield client


@pytest.fixture
def warnings_logged(caplog):
    """The messages logged by the library so far, at WARNING or above."""
    caplog.set_level(logging.WARNING, logger="bc.events")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "bc.events"]
