import os
import signal
import threading

import pytest

from bc_events import EventClient, EventSession
from bc_events._runtime import clock

TOPICS = {"DefaultCategory": "testing", "Topics": [{"Action": "Made", "Entity": "Note", "Schema": {"type": "object"}}]}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_while_a_thread_names_an_event_can_name_its_own(monkeypatch):
    """The lock around the making of an id is held in the parent, by a thread that the child does not have."""
    with EventClient(None, "PolicyService", TOPICS) as client:
        session = EventSession("cognito-user-id", "user", None, client)
        event, other = session.made_note({"n": 1}), session.made_note({"n": 1})
        is_naming, go = threading.Event(), threading.Event()
        make = clock.event_id

        def slowly(time_ns):
            is_naming.set()
            go.wait()
            return make(time_ns)

        monkeypatch.setattr(clock, "event_id", slowly)
        naming = threading.Thread(target=lambda: event.id)
        naming.start()
        is_naming.wait()
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            clock.event_id = make
            _ = other.id
            os._exit(0)
        go.set()
        naming.join()
        assert os.waitpid(child, 0)[1] == 0
