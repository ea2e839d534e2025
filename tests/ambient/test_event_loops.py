"""Rule 14: a flush that blocks an event loop warns; an awaited flush does not (rules 11, 12 and 13)."""

import asyncio
import threading

import anyio
import pytest

from bc_events import DeliveryError, NoActiveSessionError, SessionClosedError, events
from bc_events._runtime import event_loops

from .recording import say


@pytest.fixture
def not_warned(monkeypatch):
    monkeypatch.setattr(event_loops, "_has_warned", False)


def run_asyncio(work):
    asyncio.run(work())


def run_trio(work):
    anyio.run(work, backend="trio")


every_loop = pytest.mark.parametrize("run", [run_asyncio, run_trio], ids=["asyncio", "trio"])


@every_loop
def test_rule_14_a_flush_that_blocks_an_event_loop_warns_once(run, client, recording, not_warned, warnings_logged):
    async def main():
        for n in range(3):
            with events.session():
                say(n)

    run(main)
    (message,) = warnings_logged()
    assert "use async with" in message
    assert recording.numbers == [0, 1, 2]


@every_loop
def test_rule_14_a_flush_by_hand_warns_as_leaving_does(run, client, recording, not_warned, warnings_logged):
    async def main():
        async with events.session() as session:
            events.flush()
            assert warnings_logged() == []  # nothing was pending
            say(1)
            events.flush()
            say(2)
            session.flush()

    run(main)
    (message,) = warnings_logged()
    assert "await events.aflush(), as flush() cannot be awaited" in message
    assert recording.numbers == [1, 2]


@every_loop
def test_rule_14_a_scope_with_nothing_to_send_does_not_warn(run, client, recording, not_warned, warnings_logged):
    async def main():
        with events.session():
            pass

    run(main)
    assert warnings_logged() == []


@every_loop
def test_rule_14_a_scope_that_joins_does_not_warn(run, client, recording, not_warned, warnings_logged):
    async def main():
        async with events.session():
            with events.user_context("a-user-id"):
                say(1)

    run(main)
    assert warnings_logged() == []
    assert recording.numbers == [1]


def test_rule_14_where_no_loop_runs_nothing_warns(client, recording, not_warned, warnings_logged):
    with events.session():
        say(1)
    assert warnings_logged() == []


FLUSHES = {"events": lambda: events.aflush(), "session": lambda: events.current_session().aflush()}
every_flush = pytest.mark.parametrize("flush", FLUSHES.values(), ids=FLUSHES)


@every_loop
@every_flush
def test_rule_14_an_awaited_flush_sends_what_is_pending_and_warns_of_nothing(
    flush, run, client, recording, not_warned, warnings_logged
):
    threads = []
    recording.on_send = lambda: threads.append(threading.current_thread())

    async def main():
        async with events.session():
            await flush()
            say(1)
            with events.session():
                say(2)
                await flush()
            assert recording.numbers == [1, 2]
            say(3)

    run(main)
    assert [len(batch) for batch in recording.batches] == [2, 1]
    assert threading.main_thread() not in threads
    assert warnings_logged() == []


@every_flush
def test_rule_11_an_awaited_flush_that_is_cancelled_finishes_first(flush, client, recording, gate):
    async def work():
        async with events.session(commit_on=(asyncio.CancelledError,)):
            say(1)
            await flush()

    async def main():
        task = asyncio.create_task(work())
        await gate.reached()
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        gate.open()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert recording.numbers == [1]


@every_flush
def test_rule_12_an_awaited_flush_that_fails_says_so(flush, client, recording):
    recording.is_down = True

    async def main():
        async with events.session():
            say(1)
            with pytest.raises(DeliveryError):
                await flush()

    asyncio.run(main())


def test_rule_13_an_awaited_flush_needs_an_open_session(client):
    async def main():
        with pytest.raises(NoActiveSessionError):
            await events.aflush()
        async with events.session() as session:
            pass
        with pytest.raises(SessionClosedError):
            await session.aflush()

    asyncio.run(main())
