"""A program whose flush is interrupted, once at each line of the library, by code that publishes with the same client.

A signal handler may do so, or an object that publishes when it is collected. The program fails if that code waits for a
lock that its own thread holds.

python -m tests.delivery.interrupting
"""

import faulthandler
import sys
from pathlib import Path

import bc_events
from bc_events import EventClient, events
from tests.conftest import TOPICS

from .scripted import ScriptedAPI

LIBRARY = str(Path(bc_events.__file__).parent)
interrupted = set()


def publish(number):
    with events.session(f"job-{number}", client=client):
        event = events.created_test({"id": number})
        assert event.id is event.id


def trace(frame, kind, _):
    if not frame.f_code.co_filename.startswith(LIBRARY):
        return None
    line = (frame.f_code, frame.f_lineno)
    if kind == "line" and line not in interrupted:
        interrupted.add(line)
        sys.settrace(None)
        publish(len(interrupted))
        sys.settrace(trace)
    return trace


faulthandler.dump_traceback_later(50, exit=True)
with ScriptedAPI() as api, EventClient(api.url, "TestService", TOPICS, auth=lambda: "token") as client:
    sys.settrace(trace)
    publish(0)
    sys.settrace(None)
    assert len(interrupted) > 100
    assert sorted(request.ids for request in api.received) == [[number] for number in range(len(interrupted) + 1)]
