"""Ways to start work inside a scope that goes on after it.

Each is called with a function, and starts it in the caller's context. It returns a call that lets the function run, and
that returns its result or raises its exception.
"""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import gevent

from bc_events import events

CHILDREN = {}


def _child(start):
    CHILDREN[start.__name__] = start
    return start


def _in_a_waiting_thread(function):
    """Runs it on a thread that waits for its turn."""
    go = threading.Event()
    pool = ThreadPoolExecutor(1)

    def run():
        go.wait()
        return function()

    running = pool.submit(run)

    def finish():
        go.set()
        with pool:
            return running.result()

    return finish


@_child
def propagated_thread(function):
    return _in_a_waiting_thread(events.propagate(function))


@_child
def copied_context_in_a_thread(function):
    context = contextvars.copy_context()
    return _in_a_waiting_thread(lambda: context.run(function))


@_child
def copied_context_here(function):
    context = contextvars.copy_context()
    return lambda: context.run(function)


@_child
def asyncio_task(function):
    """Its task is created now, in this context, and runs when its loop does."""
    loop = asyncio.new_event_loop()

    async def run():
        return function()

    task = loop.create_task(run())

    def finish():
        try:
            return loop.run_until_complete(task)
        finally:
            loop.close()

    return finish


@_child
def asyncio_to_thread(function):
    loop = asyncio.new_event_loop()
    task = loop.create_task(asyncio.to_thread(function))

    def finish():
        try:
            return loop.run_until_complete(task)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    return finish


@_child
def propagated_greenlet(function):
    running = gevent.spawn(events.propagate(function))
    return lambda: running.get()


@_child
def propagated_coroutine(function):
    @events.propagate
    async def run():
        return function()

    return lambda: asyncio.run(run())
