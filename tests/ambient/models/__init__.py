"""Execution models: the ways in which Python code can run inside a scope.

Each is called with a scope, a body and the recording that the scope's client sends to; it runs the body once inside the
scope, to its end, and returns the body's result or raises its exception.
"""

from bc_events import events

from .blocks import BLOCKS
from .decorated import DECORATED, function
from .places import PLACES
from .processes import PROCESSES

IN_PROCESS = {**DECORATED, **BLOCKS, **PLACES}
ALL = {**IN_PROCESS, **PROCESSES}


class Bare:
    """A scope that does nothing, to see what an execution model does by itself."""

    def __call__(self, function):
        return function

    def __enter__(self):
        return None

    def __exit__(self, *_exception):
        return None

    async def __aenter__(self):
        return None

    async def __aexit__(self, *_exception):
        return None


WITHOUT_CONTEXT = {"thread", "thread_pool", "run_in_executor", "greenlet"}


def _propagated(run):
    def propagated(scope, body, recording):
        return run(Bare(), events.propagate(lambda: function(scope, body, recording)), recording)

    return propagated


INHERITING = {name: run for name, run in IN_PROCESS.items() if name not in WITHOUT_CONTEXT}
"""The models that run in the context of their starter, or in a copy of it."""

JOINING = INHERITING | {f"propagated_{name}": _propagated(PLACES[name]) for name in sorted(WITHOUT_CONTEXT)}
"""The models that run in the session of their starter: they inherit it, or get it by `events.propagate`."""
