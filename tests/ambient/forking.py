"""Fork: forks in the midst of some work, and reports how it ended in the child."""

import os
import pickle
import signal

from opentelemetry import baggage

from bc_events import events

PATIENCE = 20
"""Seconds after which a child that hangs is ended."""


class Fork:
    """One fork, in the midst of some work that parent and child both go on with, each to its end."""

    def __init__(self, report):
        self._report = report
        self._readable, self._writable = os.pipe()
        self._child = None

    def __call__(self):
        """Forks; True in the child."""
        self._child = os.fork()
        if self._child == 0:
            signal.alarm(PATIENCE)
        return self._child == 0

    def end_child(self, outcome):
        """Ends the child here, and nothing else, with what its work came to."""
        if self._child == 0:
            os.write(self._writable, pickle.dumps(self._report(outcome)))
            os._exit(0)

    def told(self, work):
        """Runs the work, which is given this; returns, in the parent, the child's report."""
        try:
            self.end_child(_outcome(work, self))
        finally:
            if self._child == 0:
                os._exit(1)
            os.close(self._writable)
            with os.fdopen(self._readable, "rb") as pipe:
                answer = pipe.read()
            os.waitpid(self._child, 0)
        assert answer, "the child came to no end of its own"
        return pickle.loads(answer)


def _outcome(work, fork):
    try:
        return work(fork)
    except Exception as error:
        return type(error)


def ambient():
    return events.current_job_id(), dict(baggage.get_all())
