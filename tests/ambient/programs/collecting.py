"""A generator in a session is collected, and rolls its own scope back, while this thread holds the session's lock.

python -m tests.ambient.programs.collecting
"""

import gc
import json

from bc_events import events
from tests.ambient.recording import Recording, recording_client, say


class Collecting:
    """A session's lock that, each time it has been taken, lets the garbage collector run."""

    def __init__(self, lock):
        self._lock = lock

    def __enter__(self):
        self._lock.__enter__()
        gc.collect()

    def __exit__(self, *exception):
        self._lock.__exit__(*exception)


@events.session()
def steps():
    say(2)
    yield


def abandon():
    """Leaves a suspended generator, with an event in a scope of its own, to the collector alone."""
    running = steps()
    next(running)
    cycle = [running]
    cycle.append(cycle)


def flush():
    events.flush()


def roll_back():
    say(3)
    events.rollback()
    say(4)


def join():
    with events.session():
        say(3)


def fail_in_a_joined_scope():
    try:
        with events.session():
            say(3)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass


def look():
    assert [event.data["n"] for event in events.current_session().events] in ([1], [1, 2])


def end():
    """Ends the session. Nothing else in this function takes the lock."""


if __name__ == "__main__":
    gc.disable()
    for way in (flush, roll_back, join, fail_in_a_joined_scope, look, end):
        recording = Recording()
        with recording_client(recording) as client, events.session(client=client) as session:
            say(1)
            abandon()
            session.unit.pending.lock = Collecting(session.unit.pending.lock)
            way()
        dropped = [event.data["n"] for event in recording.discarded]
        print(json.dumps([way.__name__, recording.numbers, dropped]), flush=True)
