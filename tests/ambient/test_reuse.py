"""Rule 8: one object, used many times, never closes the wrong frame."""

import asyncio
import contextvars
import inspect
import threading
import unittest
from contextlib import AsyncExitStack, ExitStack, contextmanager

import pytest

from bc_events import SessionClosedError, events

from .matrix import over
from .models import ALL
from .recording import Recording, recording_client, say


@over(ALL)
def test_rule_08_one_object_serves_again_and_again(model, client, recording):
    scope = events.session()
    for n in range(3):
        model(scope, lambda n=n: say(n), recording)
    assert recording.numbers == [0, 1, 2]
    assert len(set(recording.jobs)) == 3


@over(ALL)
def test_rule_08_one_object_serves_within_itself(model, client, recording):
    scope = events.session("job-1")
    with scope:
        say(1)
        model(scope, lambda: say(2), recording)
        say(3)
    assert sorted(recording.numbers) == [1, 2, 3]


def test_rule_08_one_object_nested_drops_the_inner_use_alone(client, recording):
    scope = events.session()
    with scope:
        say(1)
        with pytest.raises(ZeroDivisionError), scope:
            say(2)
            raise ZeroDivisionError
        say(3)
    assert recording.numbers == [1, 3]


def test_rule_08_one_object_in_a_recursion(client, recording):
    scope = events.session()

    def descend(depth):
        with scope:
            say(depth)
            if depth:
                descend(depth - 1)

    descend(5)
    assert len(recording.batches) == 1
    assert recording.numbers == [5, 4, 3, 2, 1, 0]


def test_rule_08_one_object_in_many_tasks_at_once(client, recording):
    scope = events.session()

    async def work(n):
        async with scope as session:
            say(n)
            await asyncio.sleep(0)
            assert events.current_session() is session
            say(n)

    async def main():
        await asyncio.gather(*map(work, range(20)))

    asyncio.run(main())
    assert len(recording.batches) == 20
    assert all(len({event.data["n"] for event in batch}) == 1 for batch in recording.batches)


def test_rule_08_one_object_in_async_exit_stacks_of_many_tasks(client, recording):
    """A stack enters in a Python frame that is gone when it leaves: its address may be another's by then."""
    scope = events.session()

    async def work(n):
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(scope)
            say(n)
            for _ in range(n % 3):
                await asyncio.sleep(0)
            say(n)

    async def main():
        await asyncio.gather(*map(work, range(30)))

    asyncio.run(main())
    assert len(recording.batches) == 30
    assert all(len({event.data["n"] for event in batch}) == 1 for batch in recording.batches)


def test_rule_08_one_object_in_many_threads_at_once(client, recording):
    scope = events.session()
    together = threading.Barrier(8)

    def work(n):
        with scope:
            together.wait()
            say(n)
            together.wait()
            say(n)

    threads = [threading.Thread(target=work, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recording.batches) == 8
    assert all(len({event.data["n"] for event in batch}) == 1 for batch in recording.batches)


def test_rule_08_a_plain_generator_leaves_its_own_block_from_beneath_another(client, recording):
    """Both blocks are of one object and in one context; the generator's is the outer one, and ends first."""
    scope = events.session()

    def work():
        with scope:
            yield say(1)

    steps = work()
    next(steps)
    inner = scope.__enter__()
    say(2)
    with pytest.raises(StopIteration):
        next(steps)
    assert recording.numbers == [1]
    assert inner.is_closed
    with pytest.raises(SessionClosedError):
        scope.__exit__(None, None, None)


def test_rule_08_a_stack_leaves_its_own_block_from_beneath_another(client, recording):
    scope = events.session()
    stack = ExitStack()
    with pytest.raises(SessionClosedError), stack:
        outer = stack.enter_context(scope)
        with scope:
            stack.close()
            assert outer.is_closed
    assert events.current_job_id() is None


def test_rule_08_stacks_closed_out_of_order_leave_their_own_blocks(client, recording):
    scope = events.session()
    first, second = ExitStack(), ExitStack()
    outer = first.enter_context(scope)
    inner = second.enter_context(scope)
    second.close()
    assert (inner.is_closed, outer.is_closed) == (True, False)
    first.close()
    assert outer.is_closed
    first, second = ExitStack(), ExitStack()
    outer = first.enter_context(scope)
    second.enter_context(scope)
    first.close()
    assert outer.is_closed
    with pytest.raises(SessionClosedError):
        second.close()


def test_rule_08_an_object_that_entered_in_two_of_its_methods_cannot_leave_in_a_third(client, recording):
    scope = events.session()

    class Case:
        def set_up(self):
            scope.__enter__()

        def start(self):
            scope.__enter__()

        def tear_down(self):
            with pytest.raises(SessionClosedError, match="open 2 times, and it is unclear which"):
                scope.__exit__(None, None, None)

    def run():
        case = Case()
        case.set_up()
        case.start()
        case.tear_down()

    contextvars.copy_context().run(run)


def test_rule_08_a_wrapped_block_beside_a_stack(client, recording):
    scope = events.session()

    @contextmanager
    def wrapping():
        with scope as session:
            yield session

    with ExitStack() as stack:
        outer = stack.enter_context(scope)
        with wrapping() as inner:
            assert not inner.is_closed
        assert (inner.is_closed, outer.is_closed) == (True, False)
    assert outer.is_closed


def test_rule_08_where_blocks_cannot_be_told_apart_it_raises_and_closes_none(client, recording):
    scope = events.session()
    first, second = contextvars.copy_context(), contextvars.copy_context()
    sessions = first.run(scope.__enter__), second.run(scope.__enter__)
    with pytest.raises(SessionClosedError, match="give each with block an events.session"):
        scope.__exit__(None, None, None)
    assert not any(session.is_closed for session in sessions)
    with pytest.raises(SessionClosedError):
        first.run(scope.__exit__, None, None, None)
    second.run(scope.__exit__, None, None, None)
    first.run(scope.__exit__, None, None, None)
    assert all(session.is_closed for session in sessions)


def in_an_empty_context(function, *arguments):
    return contextvars.Context().run(function, *arguments)


def test_rule_08_a_block_that_is_ambient_nowhere_is_left_by_the_code_that_entered_it(client, recording):
    """Each step of a generator may run in another context, as some servers run those of a response."""
    scope = events.session()

    def generator(number):
        with scope:
            say(number)
            yield

    first, second = generator(1), generator(2)
    for one in (first, second, first, second):
        in_an_empty_context(next, one, None)
    assert [[event.data["n"] for event in batch] for batch in recording.batches] == [[1], [2]]


def test_rule_08_of_two_blocks_of_the_same_code_that_are_ambient_nowhere_neither_is_left(client, recording):
    scope = events.session()

    def generator():
        with scope:
            yield
            with scope:
                yield

    running = generator()
    in_an_empty_context(next, running)
    in_an_empty_context(next, running)
    with pytest.raises(SessionClosedError, match="unclear which of them ends here"):
        in_an_empty_context(next, running)
    assert recording.batches == []


def test_rule_08_an_exit_without_an_entry_raises(client):
    with pytest.raises(SessionClosedError, match="is not open: __exit__ was called without __enter__"):
        events.session().__exit__(None, None, None)


def test_rule_08_an_object_keeps_nothing_of_what_has_ended(client, recording):
    scope = events.session()
    for _ in range(3):
        with scope:
            say(1)
    assert scope._blocks == []


@pytest.mark.parametrize("method", ["__aenter__", "__aexit__"])
@pytest.mark.parametrize("make", [events.session, lambda: events.override(recording_client(Recording()))])
def test_rule_05_what_serves_async_with_has_coroutine_functions(make, method):
    """unittest's `enterAsyncContext` awaits only what these are (python/cpython#101486)."""
    assert inspect.iscoroutinefunction(getattr(type(make()), method))


def test_rule_05_an_async_test_case_leaves_the_scope_that_it_entered(client, recording):
    class Case(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            await self.enterAsyncContext(events.session("job-1"))

        async def test(self):
            say(1)

    result = unittest.TestResult()
    Case("test").run(result)
    assert result.wasSuccessful(), result.errors + result.failures
    assert recording.jobs == ["job-1"]
