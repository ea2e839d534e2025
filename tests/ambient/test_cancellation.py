"""Rules 11 and 14: cancellation, event loops, and the threads on which async scopes flush."""

import asyncio
import logging
import threading

import anyio
import pytest
import trio

from bc_events import DeliveryError, NoActiveSessionError, SessionClosedError, events
from bc_events._runtime import event_loops

from .recording import say

LONG = 30
"""Seconds after which a test is given up."""


class Gate:
    """Holds a flush until it is opened, and says when one has come to it."""

    def __init__(self, recording):
        self.is_reached = threading.Event()
        self._opens = threading.Event()
        recording.on_send = self.pass_through

    def pass_through(self):
        self.is_reached.set()
        assert self._opens.wait(LONG)

    def open(self):
        self._opens.set()

    async def reached(self):
        while not self.is_reached.is_set():
            await anyio.sleep(0.001)


@pytest.fixture
def gate(recording):
    gate = Gate(recording)
    yield gate
    gate.open()


@events.session()
async def in_a_coroutine(body):
    await body()


async def in_a_block(body):
    async with events.session():
        await body()


async def in_a_generator(body):
    @events.session()
    async def work():
        await body()
        yield

    async for _ in work():
        pass


every_shape = pytest.mark.parametrize(
    "work", [in_a_coroutine, in_a_block, in_a_generator], ids=lambda work: work.__name__
)


async def publish():
    say(1)


async def publish_and_wait():
    say(1)
    await anyio.sleep(LONG)


@every_shape
def test_rule_11_cancelled_during_the_flush_it_finishes_and_the_cancellation_goes_on(work, client, recording, gate):
    async def main():
        task = asyncio.create_task(work(publish))
        await gate.reached()
        task.cancel("stop")
        await asyncio.sleep(0)
        task.cancel("stop")  # a second one is no reason to give up either
        assert not task.done()
        gate.open()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task.cancelled()

    assert asyncio.run(main())
    assert recording.numbers == [1]


@every_shape
def test_rule_11_cancelled_during_a_flush_that_fails_the_error_is_logged_and_is_the_cause(
    work, client, recording, gate, caplog
):
    async def main():
        task = asyncio.create_task(work(publish))
        await gate.reached()
        task.cancel()
        await asyncio.sleep(0)
        gate.open()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        return raised.value

    recording.is_down = True
    cause = asyncio.run(main()).__cause__
    assert isinstance(cause, DeliveryError)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info[1] is cause


@every_shape
def test_rule_11_cancelled_before_the_flush_it_rolls_back(work, client, recording):
    async def main():
        task = asyncio.create_task(work(publish_and_wait))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert recording.numbers == []


@every_shape
def test_rule_11_a_cancellation_that_is_still_to_come_does_not_stop_the_flush(work, client, recording):
    """The body ended well; the first thing that waits after it is the flush."""

    async def body():
        say(1)
        asyncio.current_task().cancel()

    async def main():
        await asyncio.create_task(work(body))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert recording.numbers == [1]


@every_shape
def test_rule_11_cancelled_after_the_flush_nothing_changes(work, client, recording):
    async def main():
        async def work_and_wait():
            await work(publish)
            await asyncio.sleep(LONG)

        task = asyncio.create_task(work_and_wait())
        while not recording.numbers:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert recording.numbers == [1]


@every_shape
def test_rule_11_a_deadline_during_the_flush_is_a_timeout_after_it(work, client, recording, gate):
    async def main():
        async def open_later():
            await gate.reached()
            await asyncio.sleep(0.05)
            gate.open()

        opening = asyncio.create_task(open_later())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await work(publish)
        await opening

    asyncio.run(main())
    assert recording.numbers == [1]


@every_shape
def test_rule_11_a_task_group_that_fails_lets_the_flush_finish(work, client, recording, gate):
    async def main():
        async def fail():
            await gate.reached()
            asyncio.get_running_loop().call_later(0.01, gate.open)
            raise ZeroDivisionError

        async with asyncio.TaskGroup() as group:
            group.create_task(work(publish))
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        asyncio.run(main())
    assert recording.numbers == [1]


@every_shape
def test_rule_11_under_trio_cancelled_during_the_flush_it_finishes(work, client, recording, gate):
    async def main():
        with anyio.CancelScope() as cancelling:
            async with anyio.create_task_group() as group:
                group.start_soon(work, publish)
                await gate.reached()
                cancelling.cancel()
                gate.open()
        return cancelling.cancelled_caught

    assert anyio.run(main, backend="trio")
    assert recording.numbers == [1]


@every_shape
def test_rule_11_under_trio_a_cancellation_that_is_still_to_come_does_not_stop_the_flush(work, client, recording):
    async def main():
        with anyio.CancelScope() as cancelling:

            async def body():
                say(1)
                cancelling.cancel()

            await work(body)
        return cancelling.cancelled_caught

    assert anyio.run(main, backend="trio")
    assert recording.numbers == [1]


@every_shape
def test_rule_11_under_trio_cancelled_before_the_flush_it_rolls_back(work, client, recording):
    async def main():
        with anyio.move_on_after(0.01):
            await work(publish_and_wait)

    anyio.run(main, backend="trio")
    assert recording.numbers == []


def test_rule_11_under_trio_the_error_of_a_cancelled_flush_is_logged_and_is_the_cause(client, recording, caplog):
    causes = []

    async def main():
        with anyio.CancelScope() as cancelling:
            try:
                async with events.session():
                    say(1)
                    cancelling.cancel()
            except trio.Cancelled as error:
                causes.append(error.__cause__)
                raise

    recording.is_down = True
    anyio.run(main, backend="trio")
    assert isinstance(causes[0], DeliveryError)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@every_shape
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_rule_11_the_event_loop_runs_on_during_the_flush(work, backend, client, recording, gate):
    """The flush waits for what the loop does meanwhile: on the loop's own thread it would wait for ever."""

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(work, publish)
            await gate.reached()
            gate.open()

    anyio.run(main, backend=backend)
    assert recording.numbers == [1]


def test_rule_11_a_full_default_executor_delays_no_flush(client, recording):
    released = threading.Event()

    async def main():
        loop = asyncio.get_running_loop()
        waiting = [loop.run_in_executor(None, released.wait, LONG) for _ in range(40)]
        await in_a_block(publish)
        released.set()
        await asyncio.gather(*waiting)

    asyncio.run(main())
    assert recording.numbers == [1]


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
    assert "await events.aflush()" in message
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
