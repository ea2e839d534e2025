"""Ways to hold a scope open elsewhere, while the scope that it was opened in goes on.

Each is called with a scope and two functions. It enters the scope in a place that has inherited the caller's session,
calls the first function, and waits. It returns a call that makes it go on: it then calls the second function, and
leaves the scope.
"""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import gevent
import gevent.event

from bc_events import events

ELSEWHERE = {}


def _elsewhere(hold):
    ELSEWHERE[hold.__name__] = hold
    return hold


def _in_a_thread(bind, scope, first, then):
    is_open, go = threading.Event(), threading.Event()

    def run():
        with scope:
            first()
            is_open.set()
            go.wait()
            then()

    pool = ThreadPoolExecutor(1)
    running = pool.submit(bind(run))
    is_open.wait()

    def finish():
        go.set()
        with pool:
            running.result()

    return finish


@_elsewhere
def propagated_thread(scope, first, then):
    return _in_a_thread(events.propagate, scope, first, then)


@_elsewhere
def copied_context_in_a_thread(scope, first, then):
    context = contextvars.copy_context()
    return _in_a_thread(lambda run: lambda: context.run(run), scope, first, then)


def _in_a_task(work):
    """Runs it up to its wait, in a task of a loop that stands still until it is to finish."""
    loop = asyncio.new_event_loop()
    go = asyncio.Event()
    task = loop.create_task(work(go))
    loop.run_until_complete(asyncio.sleep(0))

    def finish():
        go.set()
        try:
            loop.run_until_complete(task)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    return finish


@_elsewhere
def block_in_a_task(scope, first, then):
    async def work(go):
        with scope:
            first()
            await go.wait()
            then()

    return _in_a_task(work)


@_elsewhere
def async_block_in_a_task(scope, first, then):
    async def work(go):
        async with scope:
            first()
            await go.wait()
            then()

    return _in_a_task(work)


@_elsewhere
def decorated_coroutine_in_a_task(scope, first, then):
    @scope
    async def work(go):
        first()
        await go.wait()
        then()

    return _in_a_task(work)


@_elsewhere
def greenlet(scope, first, then):
    go = gevent.event.Event()

    def run():
        with scope:
            first()
            go.wait()
            then()

    running = gevent.spawn(events.propagate(run))
    gevent.idle()

    def finish():
        go.set()
        running.get()

    return finish


@_elsewhere
def generator(scope, first, then):
    @scope
    def work():
        first()
        yield
        then()

    steps = work()
    next(steps)
    return lambda: next(steps, None)


@_elsewhere
def async_generator(scope, first, then):
    @scope
    async def work():
        first()
        yield
        then()

    steps = work()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(anext(steps))

    def finish():
        try:
            loop.run_until_complete(anext(steps, None))
        finally:
            loop.close()

    return finish
