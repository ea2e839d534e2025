"""Code that runs in the middle of a flush, on the same thread, may publish too. A flush always ends."""

import signal
import subprocess
import sys

import pytest

from bc_events import DeliveryError
from bc_events._runtime import clock

from .scripted import ScriptedAPI

UNLOADED = """
import sys
from bc_events import DeliveryError, EventClient, events

topics = {"DefaultCategory": "a", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": True}]}

class NoFiles:
    def find_spec(self, name, *_):
        raise OSError(24, "Too many open files", name)

try:
    with events.session("job-1", client=EventClient("http://127.0.0.1:9", "TestService", topics)):
        events.created_test({"id": 1})
        sys.meta_path.insert(0, NoFiles())
except DeliveryError as error:
    sys.exit(f"{error.undelivered[0].event} {error.undelivered[0].outcome}")
"""


def test_code_that_interrupts_a_flush_anywhere_may_publish():
    command = [sys.executable, "-m", "tests.delivery.interrupting"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr


def test_naming_an_event_that_is_being_named_gives_one_id(session_of, monkeypatch):
    [event] = session_of(None, 1).events
    made = clock.event_id
    inner = []

    def interrupted(time_ns):
        monkeypatch.setattr(clock, "event_id", made)
        inner.append(event.id)
        return made(time_ns)

    monkeypatch.setattr(clock, "event_id", interrupted)
    assert [event.id] == inner


def test_a_source_of_tokens_that_publishes_has_its_event_refused_and_is_not_asked_again(client_of, http):
    asked = []

    def token():
        asked.append(1)
        session = client.service_session("job-2")
        session.created_test({"id": 2})
        session.flush()

    with ScriptedAPI() as api:
        client = client_of(api, auth=token, **http)
        session = client.service_session("job-1")
        session.created_test({"id": 1})
        with pytest.raises(DeliveryError) as caught:
            session.flush()
    assert (len(asked), [item.outcome for item in caught.value.undelivered], api.received) == (1, ["unsent"], [])


def test_a_signal_handler_that_publishes_while_a_token_is_asked_for_is_told(client_of):
    told = []

    def handler(*_):
        session = client.service_session("job-2")
        session.created_test({"id": 2})
        with pytest.raises(DeliveryError) as caught:
            session.flush()
        told.extend(item.outcome for item in caught.value.undelivered)

    def token():
        signal.raise_signal(signal.SIGUSR1)
        return "token"

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with ScriptedAPI() as api:
            client = client_of(api, auth=token)
            session = client.service_session("job-1")
            session.created_test({"id": 1})
            session.flush()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert (told, api.ids) == (["unsent"], [[1]])


def test_a_flush_names_its_events_where_nothing_more_can_be_loaded():
    run = subprocess.run([sys.executable, "-c", UNLOADED], capture_output=True, text=True, check=False, timeout=60)
    assert run.stderr == "a.TestCreated unsent\n"
