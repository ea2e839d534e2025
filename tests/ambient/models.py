"""Execution models: the ways in which Python code can run inside a scope.

Each is called with a scope, a body and the recording that the scope's client sends to; it runs the body once inside the
scope, to its end, and returns the body's result or raises its exception.
"""

import asyncio
import contextvars
import functools
import multiprocessing
import os
import pickle
import threading
import types
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

import anyio
import gevent
from asgiref.sync import markcoroutinefunction, sync_to_async

from bc_events import events

DECORATED = {}
BLOCKS = {}
PLACES = {}
PROCESSES = {}


def _in(group):
    def register(run):
        group[run.__name__] = run
        return run

    return register


# Decorated: what the decorator may stand on.


@_in(DECORATED)
def function(scope, body, _recording):
    @scope
    def work():
        return body()

    return work()


@_in(DECORATED)
def method(scope, body, _recording):
    class Service:
        @scope
        def work(self):
            return body()

    return Service().work()


@_in(DECORATED)
def classmethod_inside(scope, body, _recording):
    class Service:
        @scope
        @classmethod
        def work(cls):
            return body()

    return Service.work()


@_in(DECORATED)
def classmethod_outside(scope, body, _recording):
    class Service:
        @classmethod
        @scope
        def work(cls):
            return body()

    return Service().work()


@_in(DECORATED)
def staticmethod_inside(scope, body, _recording):
    class Service:
        @scope
        @staticmethod
        def work():
            return body()

    return Service().work()


@_in(DECORATED)
def staticmethod_outside(scope, body, _recording):
    class Service:
        @staticmethod
        @scope
        def work():
            return body()

    return Service.work()


@_in(DECORATED)
def partial(scope, body, _recording):
    return scope(functools.partial(lambda call: call(), body))()


@_in(DECORATED)
def partialmethod(scope, body, _recording):
    class Service:
        def _work(self, call):
            return call()

        work = scope(functools.partialmethod(_work, body))

    return Service().work()


class _Callable:
    def __call__(self, body):
        return body()


@_in(DECORATED)
def callable_object(scope, body, _recording):
    return scope(_Callable())(body)


@_in(DECORATED)
def coroutine(scope, body, _recording):
    @scope
    async def work():
        await asyncio.sleep(0)
        return body()

    return asyncio.run(work())


@_in(DECORATED)
def async_method(scope, body, _recording):
    class Service:
        @scope
        async def work(self):
            await asyncio.sleep(0)
            return body()

    return asyncio.run(Service().work())


@_in(DECORATED)
def async_classmethod(scope, body, _recording):
    class Service:
        @scope
        @classmethod
        async def work(cls):
            return body()

    return asyncio.run(Service.work())


@_in(DECORATED)
def async_partial(scope, body, _recording):
    async def work(call):
        return call()

    return asyncio.run(scope(functools.partial(work, body))())


class _AsyncCallable:
    async def __call__(self, body):
        await asyncio.sleep(0)
        return body()


@_in(DECORATED)
def async_callable_object(scope, body, _recording):
    return asyncio.run(scope(_AsyncCallable())(body))


@_in(DECORATED)
def marked_callable_object(scope, body, _recording):
    """It is also a descriptor, as what makes methods is."""
    return asyncio.run(scope(sync_to_async(body))())


@_in(DECORATED)
def marked_function(scope, body, _recording):
    async def work():
        return body()

    return asyncio.run(scope(markcoroutinefunction(lambda: work()))())


@_in(DECORATED)
def generator_based_coroutine(scope, body, _recording):
    @scope
    @types.coroutine
    def work():
        yield from asyncio.sleep(0).__await__()
        return body()

    return asyncio.run(_awaiting(work))


async def _awaiting(work):
    return await work()


@_in(DECORATED)
def generator(scope, body, _recording):
    @scope
    def work():
        yield "first"
        result = body()
        yield "last"
        return result

    return _returned(work())


def _returned(steps):
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


@_in(DECORATED)
def generator_method(scope, body, _recording):
    class Service:
        @scope
        def work(self):
            yield body()

    (result,) = Service().work()
    return result


@_in(DECORATED)
def async_generator(scope, body, _recording):
    @scope
    async def work():
        await asyncio.sleep(0)
        yield "first"
        await asyncio.sleep(0)
        yield body()

    async def drain():
        return [result async for result in work()][-1]

    return asyncio.run(drain())


@_in(DECORATED)
def recursion(scope, body, _recording):
    @scope
    def work(depth):
        return body() if depth == 0 else work(depth - 1)

    return work(2)


@_in(DECORATED)
def trio_coroutine(scope, body, _recording):
    @scope
    async def work():
        await anyio.sleep(0)
        return body()

    return anyio.run(work, backend="trio")


@_in(DECORATED)
def trio_async_generator(scope, body, _recording):
    @scope
    async def work():
        yield "first"
        await anyio.sleep(0)
        yield body()

    async def drain():
        return [result async for result in work()][-1]

    return anyio.run(drain, backend="trio")


# Blocks: the same object as a context manager, and what wraps context managers.


@_in(BLOCKS)
def with_block(scope, body, _recording):
    with scope:
        return body()


@_in(BLOCKS)
def exit_stack(scope, body, _recording):
    with ExitStack() as stack:
        stack.enter_context(scope)
        return body()


@_in(BLOCKS)
def wrapped_block(scope, body, _recording):
    @contextmanager
    def wrapping():
        with scope:
            yield

    with wrapping():
        return body()


@_in(BLOCKS)
def async_with_block(scope, body, _recording):
    async def work():
        async with scope:
            await asyncio.sleep(0)
            return body()

    return asyncio.run(work())


@_in(BLOCKS)
def sync_block_in_a_coroutine(scope, body, _recording):
    async def work():
        with scope:
            await asyncio.sleep(0)
            return body()

    return asyncio.run(work())


@_in(BLOCKS)
def async_exit_stack(scope, body, _recording):
    async def work():
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(scope)
            return body()

    return asyncio.run(work())


@_in(BLOCKS)
def async_wrapped_block(scope, body, _recording):
    @asynccontextmanager
    async def wrapping():
        async with scope:
            yield

    async def work():
        async with wrapping():
            return body()

    return asyncio.run(work())


@_in(BLOCKS)
def trio_block(scope, body, _recording):
    async def work():
        async with scope:
            await anyio.sleep(0)
            return body()

    return anyio.run(work, backend="trio")


# Places: where a decorated function may run.


@_in(PLACES)
def task(scope, body, _recording):
    async def main():
        return await asyncio.create_task(_in_coroutine(scope, body))

    return asyncio.run(main())


async def _in_coroutine(scope, body):
    async with scope:
        await asyncio.sleep(0)
        return body()


@_in(PLACES)
def task_group(scope, body, _recording):
    async def main():
        try:
            async with asyncio.TaskGroup() as group:
                running = group.create_task(_in_coroutine(scope, body))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return running.result()

    return asyncio.run(main())


@_in(PLACES)
def to_thread(scope, body, recording):
    async def main():
        return await asyncio.to_thread(function, scope, body, recording)

    return asyncio.run(main())


@_in(PLACES)
def run_in_executor(scope, body, recording):
    async def main():
        return await asyncio.get_running_loop().run_in_executor(None, function, scope, body, recording)

    return asyncio.run(main())


@_in(PLACES)
def thread(scope, body, recording):
    outcome = {}

    def run():
        try:
            outcome["result"] = function(scope, body, recording)
        except BaseException as error:
            outcome["error"] = error

    running = threading.Thread(target=run)
    running.start()
    running.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]


@_in(PLACES)
def thread_pool(scope, body, recording):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, scope, body, recording).result()


@_in(PLACES)
def copied_context(scope, body, recording):
    return contextvars.copy_context().run(function, scope, body, recording)


@_in(PLACES)
def greenlet(scope, body, recording):
    outcome = {}

    def run():
        try:
            outcome["result"] = function(scope, body, recording)
        except BaseException as error:
            outcome["error"] = error

    gevent.spawn(run).join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]


# Processes: what is delivered in a child comes back with its result.


@_in(PROCESSES)
def fork(scope, body, recording):
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        _answer_and_exit(scope, body, recording, writable)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return _taken(pickle.loads(answer), recording)


def _answer_and_exit(scope, body, recording, writable):
    try:
        answer = pickle.dumps(_told(scope, body, recording))
        with os.fdopen(writable, "wb") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def _told(scope, body, recording):
    recording.batches.clear()
    try:
        return function(scope, body, recording), None, recording.batches
    except BaseException as error:
        return None, error, recording.batches


def _taken(answer, recording):
    result, error, batches = answer
    recording.batches += batches
    if error is not None:
        raise error
    return result


_given = None


def _told_what_was_given():
    return _told(*_given)


@_in(PROCESSES)
def process_pool(scope, body, recording):
    global _given
    _given = (scope, body, recording)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        return _taken(pool.submit(_told_what_was_given).result(), recording)


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
"""Those that run in the context of whoever starts them, or in a copy of it."""

JOINING = INHERITING | {f"propagated_{name}": _propagated(PLACES[name]) for name in sorted(WITHOUT_CONTEXT)}
"""Those that run in the session of whoever starts them: as they inherit it, or by `events.propagate`."""
