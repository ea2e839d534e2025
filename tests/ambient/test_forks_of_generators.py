"""Rule 23: a child that inherits a suspended generator sends and drops nothing."""

import asyncio
import gc
import os

import pytest

from bc_events import SessionClosedError, events

from .recording import say

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def suspended():
    """A decorated generator, suspended after its first event."""

    @events.session("job-1")
    def steps():
        say(1)
        yield
        say(2)

    running = steps()
    next(running)
    return running


class Loop:
    """A decorated async generator, suspended after its first event; each process steps it on a loop of its own."""

    def __init__(self):
        @events.session("job-1")
        async def steps():
            say(1)
            yield
            say(2)

        self._running = steps()
        self.next()

    def next(self):
        async def step():
            return await anext(self._running, None)

        return self._alone(step())

    def close(self):
        async def close():
            await self._running.aclose()

        return self._alone(close())

    def _alone(self, step):
        """Not by `asyncio.run`, which would close the generator at its end."""
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(step)
        finally:
            loop.close()


class Generator:
    def __init__(self):
        self._running = suspended()

    def next(self):
        return next(self._running, None)

    def close(self):
        self._running.close()


every_kind = pytest.mark.parametrize("kind", [Generator, Loop], ids=["generator", "async_generator"])


@every_kind
def test_rule_23_a_suspended_generator_that_a_child_closes_drops_nothing(kind, client, recording, told):
    def work(fork):
        steps = kind()
        if fork():
            steps.close()
        else:
            steps.next()

    assert told(work) == (None, (None, {}), [], [], [])
    assert recording.numbers == [1, 2]
    assert recording.discarded == []


@every_kind
def test_rule_23_a_suspended_generator_that_a_child_goes_on_with_is_refused(kind, client, recording, told):
    def work(fork):
        steps = kind()
        fork()
        steps.next()

    assert told(work) == (SessionClosedError, (None, {}), [], [], [])
    assert recording.numbers == [1, 2]


def test_rule_23_a_suspended_generator_that_a_child_forgets_drops_nothing(client, recording, told):
    def work(fork):
        steps = suspended()
        if fork():
            del steps
            gc.collect()
        else:
            next(steps, None)

    assert told(work) == (None, (None, {}), [], [], [])
    assert recording.numbers == [1, 2]
