"""Rule 23: a forked child sees no session, and whatever it inherits sends and drops nothing."""

import ctypes
import os

import anyio
import pytest
from opentelemetry import baggage, context

from bc_events import NoActiveSessionError, SessionClosedError, events

from .forking import Fork, ambient
from .matrix import over
from .models import BLOCKS, DECORATED
from .recording import recording_client, say

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


WITHOUT_A_LOOP = {
    name: run
    for name, run in (DECORATED | BLOCKS).items()
    if not any(word in name for word in ("async", "coroutine", "trio", "marked"))
}
"""A child must not run its parent's event loop to its end: they share what wakes it."""


class LeavesError(Exception):
    """Takes a child, or a parent, out of a scope by an exception."""


@over(WITHOUT_A_LOOP)
def test_rule_23_an_exit_that_a_child_inherits_sends_nothing(model, client, recording, told):
    def work(fork):
        def body():
            say(1)
            if not fork():
                say(2)
            return ambient()

        return model(events.session("job-1"), body, recording)

    assert told(work) == ((None, {}), (None, {}), [], [], [])
    assert recording.numbers == [1, 2]
    assert len(recording.batches) == 1


@over(WITHOUT_A_LOOP)
def test_rule_23_an_exit_that_a_child_inherits_drops_nothing(model, client, recording, told):
    def work(fork):
        def body():
            say(1)
            if fork():
                raise LeavesError
            say(2)

        return model(events.session("job-1"), body, recording)

    assert told(work) == (LeavesError, (None, {}), [], [], [])
    assert recording.numbers == [1, 2]
    assert recording.discarded == []


@over(WITHOUT_A_LOOP)
def test_rule_23_a_parent_that_fails_drops_its_events_whatever_its_child_does(model, client, recording, told):
    def work(fork):
        def body():
            say(1)
            if not fork():
                raise LeavesError

        return model(events.session("job-1"), body, recording)

    assert told(work) == (None, (None, {}), [], [], [])
    assert recording.numbers == []
    assert [event.data["n"] for event in recording.discarded] == [1]


@over(WITHOUT_A_LOOP)
def test_rule_23_a_session_of_the_childs_own_works_within_what_it_inherits(model, client, recording, told):
    def work(fork):
        def body():
            say(1)
            if not fork():
                return None
            with pytest.raises(NoActiveSessionError):
                say(2)
            with events.session():
                say(3)
                return ambient()

        with events.user_context("a-user-id", "outer"):
            return model(events.session("job-1"), body, recording)

    (job_id, carried), after, sent, dropped, messages = told(work)
    assert job_id not in (None, "job-1", "outer")
    assert carried == {"bc-job-id": job_id}
    assert (after, sent, dropped, messages) == ((None, {}), [3], [], [])
    assert recording.numbers == [1]


@events.session("job-1")
async def in_a_coroutine(body):
    body()


async def in_a_block(body):
    async with events.session("job-1"):
        body()


async def in_a_generator(body):
    @events.session("job-1")
    async def steps():
        yield
        body()

    async for _ in steps():
        pass


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("shape", [in_a_coroutine, in_a_block, in_a_generator], ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("fails", [False, True], ids=["returns", "fails"])
def test_rule_23_an_async_exit_that_a_child_inherits_sends_and_drops_nothing(
    shape, backend, fails, client, recording, told
):
    def work(fork):
        def body():
            say(1)
            if not fork():
                say(2)
            elif fails:
                raise LeavesError

        async def main():
            try:
                await shape(body)
            except LeavesError:
                fork.end_child("failed")
            fork.end_child("returned")

        anyio.run(main, backend=backend)

    assert told(work) == ("failed" if fails else "returned", (None, {}), [], [], [])
    assert recording.numbers == [1, 2]
    assert recording.discarded == []


def test_rule_23_scopes_within_scopes_leave_nothing_to_the_child(client, recording, told):
    other = recording_client(recording, "ClaimService", baggage_key="claims-job")

    def work(fork):
        with events.session("job-1"), events.user_context("a-user-id"), events.session("claim", client=other):
            say(1)
            return ambient() if fork() else None

    assert told(work) == ((None, {}), (None, {}), [], [], [])
    assert (recording.numbers, recording.jobs) == ([1], ["claim"])


def test_rule_23_baggage_of_others_stays_in_the_child(client, recording, told):
    def work(fork):
        with events.session("job-1"):
            context.attach(baggage.set_baggage("users-own", "kept"))
            return ambient() if fork() else None

    assert told(work)[0] == (None, {"users-own": "kept"})
    context.attach(context.Context())


def test_rule_23_a_session_of_a_child_whose_fork_was_not_announced_leaves_no_baggage_of_its_parent(
    client, recording, told, monkeypatch
):
    """uWSGI forks in C, so none of Python's hooks is called: the child's first new session notices the fork."""
    monkeypatch.setattr(os, "fork", ctypes.PyDLL(None).fork)

    def work(fork):
        with events.session("job-1"):
            if not fork():
                return None
            with events.session("job-2"):
                pass
            return ambient()

    assert told(work)[0] == (None, {})


@pytest.mark.parametrize(
    "use",
    [
        lambda session: session.made_note({"n": 2}),
        lambda session: session.publish(action="Made", entity="Note", data={"n": 2}),
        lambda session: session.flush(),
        lambda session: session.rollback(),
    ],
    ids=["magic_call", "publish", "flush", "rollback"],
)
def test_rule_23_a_session_object_made_before_the_fork_refuses(use, client, recording, told):
    def work(fork):
        with events.session() as session:
            say(1)
            if not fork():
                return None
            with pytest.raises(SessionClosedError, match="opened before the process forked.*open one in the child"):
                use(session)
            return list(session.events)

    assert told(work) == ([], (None, {}), [], [], [])
    assert recording.numbers == [1]


@pytest.mark.parametrize(
    "ask",
    [events.current_session, events.flush, events.rollback, lambda: events.propagate(say), lambda: say(2)],
    ids=["current_session", "flush", "rollback", "propagate", "magic_call"],
)
def test_rule_23_no_session_is_live_in_a_child(ask, client, recording, told):
    def work(fork):
        with events.session():
            say(1)
            return ask() if fork() else None

    assert told(work) == (NoActiveSessionError, (None, {}), [], [], [])
    assert recording.numbers == [1]


def test_rule_23_what_was_bound_before_the_fork_is_refused_after_it(client, recording, told):
    def work(fork):
        with events.session():
            say_bound = events.propagate(say)
            say_bound(1)
            return say_bound(2) if fork() else None

    assert told(work) == (SessionClosedError, (None, {}), [], [], [])
    assert recording.numbers == [1]


def test_rule_23_a_child_of_a_child_is_one_too(client, recording, told):
    def work(fork):
        with events.session("job-1"):
            say(1)
            if not fork():
                return None
            with events.session("job-2"):
                say(2)
                return Fork(lambda outcome: outcome).told(lambda again: ambient() if again() else None)

    assert told(work) == ((None, {}), (None, {}), [2], [], [])
    assert recording.numbers == [1]


def test_rule_23_one_scope_object_serves_in_the_child_while_the_parent_has_it_open(client, recording, told):
    scope = events.session("job-1")

    def work(fork):
        with scope:
            say(1)
            if fork():
                with scope:
                    say(2)

    assert told(work) == (None, (None, {}), [2], [], [])
    assert recording.numbers == [1]
