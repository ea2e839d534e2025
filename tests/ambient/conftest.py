import logging

import pytest
from opentelemetry import baggage, context

from bc_events import events
from bc_events._ambient import frames

from .forking import Fork, ambient
from .gate import Gate
from .recording import Recording, recording_client
from .steps import Async, Sync, asynchronous


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


@pytest.fixture(params=["generator", "asyncgen"])
def kind(request):
    return request.param


@pytest.fixture
def steps_of(kind):
    """Starts a generator function, decorated with a scope, as a generator or an async generator."""
    opened = []

    def start(scope, function):
        steps = Sync(scope(function)) if kind == "generator" else Async(scope(asynchronous(function)))
        opened.append(steps)
        return steps

    yield start
    for steps in opened:
        if isinstance(steps, Async):
            steps._loop.close()


@pytest.fixture
def stops(kind):
    return StopIteration if kind == "generator" else StopAsyncIteration


@pytest.fixture
def gate(recording):
    gate = Gate(recording)
    yield gate
    gate.open()


@pytest.fixture
def told(recording, caplog):
    """Runs some work that forks; returns what it came to in the child, and what was sent, dropped and logged there."""

    def report(outcome):
        messages = [record.getMessage() for record in caplog.records if record.name == "bc.events"]
        dropped = [event.data["n"] for event in recording.discarded]
        return outcome, ambient(), recording.numbers, dropped, messages

    return lambda work: Fork(report).told(work)
