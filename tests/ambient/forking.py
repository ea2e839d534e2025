"""Fork: forks in the middle of some work, and reports how the work ended in the child."""

import os
import pickle
import signal

from opentelemetry import baggage

from bc_events import events

PATIENCE = 20
"""Seconds after which a child that hangs is ended."""


class Fork:
    """One fork in the middle of some work, which parent and child both continue to its end."""

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
        """In the child, reports the outcome of its work and ends the process. In the parent, does nothing."""
        if self._child == 0:
            os.write(self._writable, pickle.dumps(self._report(outcome)))
            os._exit(0)

    def told(self, work):
        """Runs the work with this object as its argument. Returns, in the parent, the child's report."""
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
