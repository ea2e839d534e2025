"""The probes: each returns if a library does right, and raises if it does not.

Each runs in a forked child, so that its effects do not spoil the next.
"""

import asyncio
import inspect
import os
from contextlib import suppress

import pytest

from .peer import LeaksError, MissingError

CASES = {}


def _case(title):
    def register(probe):
        CASES[title] = probe
        return probe

    return register


def _run(peer, main):
    if not peer.is_async:
        raise MissingError

    async def prepared():
        peer.on_loop()
        await main()

    asyncio.run(prepared())


def _expect_nothing_left(peer, before):
    if peer.current() != before:
        raise LeaksError


@_case("decorated coroutine: the scope lasts until its body ends")
def coroutine(peer):
    @peer.decorator
    async def work():
        await asyncio.sleep(0)
        return peer.current()

    async def main():
        before = peer.current()
        assert await work() != before
        _expect_nothing_left(peer, before)

    _run(peer, main)


@_case("decorated sync function that hands out a coroutine: covered or refused")
def hidden_coroutine(peer):
    async def body():
        return peer.current()

    @peer.decorator
    def work():
        return body()

    async def main():
        before = peer.current()
        try:
            running = work()
        except TypeError:
            return
        assert await running != before

    _run(peer, main)


@_case("decorated generator: the scope is there in each step, and not between")
def generator(peer):
    @peer.decorator
    def work():
        yield peer.current()
        yield peer.current()

    before = peer.current()
    steps = work()
    first = next(steps)
    assert first != before
    _expect_nothing_left(peer, before)
    assert next(steps) == first
    _expect_nothing_left(peer, before)
    assert next(steps, "ended") == "ended"
    _expect_nothing_left(peer, before)


@_case("decorated async generator: the scope is there in each step, and not between")
def async_generator(peer):
    @peer.decorator
    async def work():
        await asyncio.sleep(0)
        yield peer.current()
        await asyncio.sleep(0)
        yield peer.current()

    async def main():
        before = peer.current()
        steps = work()
        first = await anext(steps)
        assert first != before
        _expect_nothing_left(peer, before)
        assert await anext(steps) == first
        _expect_nothing_left(peer, before)
        assert await anext(steps, "ended") == "ended"
        _expect_nothing_left(peer, before)

    _run(peer, main)


@_case("decorator above `@classmethod`")
def above_classmethod(peer):
    class Service:
        @peer.decorator
        @classmethod
        def work(cls):
            return peer.current()

    before = peer.current()
    assert Service.work() != before
    _expect_nothing_left(peer, before)


@_case("decorated functions keep their kind and their signature")
def introspection(peer):
    async def a_coroutine(policy): ...
    def a_generator(policy):
        yield

    async def an_async_generator(policy):
        yield

    kinds = {
        a_coroutine: inspect.iscoroutinefunction,
        a_generator: inspect.isgeneratorfunction,
        an_async_generator: inspect.isasyncgenfunction,
    }
    for function, is_kind in kinds.items():
        decorated = peer.decorator(function)
        assert is_kind(decorated)
        assert inspect.signature(decorated) == inspect.signature(function)


@_case("recursion of a decorated function: each return restores its caller's scope")
def recursion(peer):
    @peer.decorator
    def work(depth):
        mine = peer.current()
        assert mine != before
        if depth:
            work(depth - 1)
        assert peer.current() == mine

    before = peer.current()
    work(3)
    _expect_nothing_left(peer, before)


@_case("concurrent calls of a decorated coroutine keep to their own scopes")
def concurrent_calls(peer):
    @peer.decorator
    async def work(turns):
        mine = peer.current()
        assert mine != before
        for _ in range(turns):
            await asyncio.sleep(0)
            assert peer.current() == mine

    async def main():
        await asyncio.gather(*map(work, (5, 1, 3)))
        _expect_nothing_left(peer, before)

    before = peer.current()
    _run(peer, main)


@_case("one object entered within itself: right or refused")
def one_object(peer):
    before = peer.current()
    scope = peer.block()
    outer = inner_left = None
    with suppress(Exception), scope:  # refused
        outer = inner_left = peer.current()
        with scope:
            pass
        inner_left = peer.current()
    assert inner_left == outer
    _expect_nothing_left(peer, before)


@_case("two blocks left in the wrong order leave nothing behind")
def wrong_order(peer):
    before = peer.current()
    first, second = peer.block(), peer.block()
    first.__enter__()
    second.__enter__()
    for scope in (first, second):
        with suppress(Exception):  # refused
            scope.__exit__(None, None, None)
    _expect_nothing_left(peer, before)


@_case("block in an async generator that another task closes, as async fixtures are")
def closed_elsewhere(peer):
    async def steps():
        with peer.block():
            yield

    async def main():
        before = peer.current()
        opened, closed = asyncio.Event(), asyncio.Event()
        running = steps()

        async def opening():
            await anext(running)
            opened.set()
            await closed.wait()
            _expect_nothing_left(peer, before)

        async def closing():
            await running.aclose()
            _expect_nothing_left(peer, before)

        opener = asyncio.create_task(opening())
        await opened.wait()
        await asyncio.create_task(closing())
        closed.set()
        await opener

    _run(peer, main)


@_case("a task started in a block has its scope")
def child_task(peer):
    async def current():
        return peer.current()

    async def main():
        with peer.block():
            assert await asyncio.create_task(current()) == peer.current()

    _run(peer, main)


@_case("a task that outlives the block does not go on in the closed scope")
def outliving_task(peer):
    async def main():
        closed = asyncio.Event()

        async def current():
            await closed.wait()
            return peer.current()

        with peer.block():
            scope = peer.current()
            task = asyncio.create_task(current())
            await asyncio.sleep(0)
        closed.set()
        if await task == scope:
            raise LeaksError

    _run(peer, main)


@_case("a forked child does not go on in its parent's scope")
def fork(peer):
    with peer.block():
        scope = peer.current()
        child = os.fork()
        if child == 0:
            os._exit(peer.current() == scope)
        _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status):
        raise LeaksError


@_case("a block that raises ends as failed, and its exception goes on unchanged")
def exception(peer):
    if peer.has_failed is None:
        raise MissingError
    with peer.block():
        done = peer.work()
    assert not peer.has_failed(done)
    wrong = ValueError("wrong")
    with pytest.raises(ValueError) as raised, peer.block():
        done = peer.work()
        raise wrong
    assert raised.value is wrong
    assert peer.has_failed(done)


@_case("a block that is cancelled ends as failed")
def cancellation(peer):
    if peer.has_failed is None:
        raise MissingError
    done = []

    async def work():
        with peer.block():
            done.append(peer.work())
            await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert peer.has_failed(done[0])

    _run(peer, main)
