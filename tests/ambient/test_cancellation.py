"""Rule 11: cancellation, and the threads on which async scopes flush."""

import asyncio
import logging
import threading

import anyio
import pytest
import trio

from bc_events import DeliveryError, events

from .gate import LONG
from .recording import say


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
        task.cancel("stop")  # a second cancellation does not stop the flush either
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
