"""Functions of every kind that the decorator may stand on."""

import asyncio
import functools
import types

import anyio
from asgiref.sync import markcoroutinefunction, sync_to_async

from .group import in_group

DECORATED = {}


@in_group(DECORATED)
def function(scope, body, _recording):
    @scope
    def work():
        return body()

    return work()


@in_group(DECORATED)
def method(scope, body, _recording):
    class Service:
        @scope
        def work(self):
            return body()

    return Service().work()


@in_group(DECORATED)
def classmethod_inside(scope, body, _recording):
    class Service:
        @scope
        @classmethod
        def work(cls):
            return body()

    return Service.work()


@in_group(DECORATED)
def classmethod_outside(scope, body, _recording):
    class Service:
        @classmethod
        @scope
        def work(cls):
            return body()

    return Service().work()


@in_group(DECORATED)
def staticmethod_inside(scope, body, _recording):
    class Service:
        @scope
        @staticmethod
        def work():
            return body()

    return Service().work()


@in_group(DECORATED)
def staticmethod_outside(scope, body, _recording):
    class Service:
        @staticmethod
        @scope
        def work():
            return body()

    return Service.work()


@in_group(DECORATED)
def partial(scope, body, _recording):
    return scope(functools.partial(lambda call: call(), body))()


@in_group(DECORATED)
def partialmethod(scope, body, _recording):
    class Service:
        def _work(self, call):
            return call()

        work = scope(functools.partialmethod(_work, body))

    return Service().work()


class _Callable:
    def __call__(self, body):
        return body()


@in_group(DECORATED)
def callable_object(scope, body, _recording):
    return scope(_Callable())(body)


@in_group(DECORATED)
def coroutine(scope, body, _recording):
    @scope
    async def work():
        await asyncio.sleep(0)
        return body()

    return asyncio.run(work())


@in_group(DECORATED)
def async_method(scope, body, _recording):
    class Service:
        @scope
        async def work(self):
            await asyncio.sleep(0)
            return body()

    return asyncio.run(Service().work())


@in_group(DECORATED)
def async_classmethod(scope, body, _recording):
    class Service:
        @scope
        @classmethod
        async def work(cls):
            return body()

    return asyncio.run(Service.work())


@in_group(DECORATED)
def async_partial(scope, body, _recording):
    async def work(call):
        return call()

    return asyncio.run(scope(functools.partial(work, body))())


class _AsyncCallable:
    async def __call__(self, body):
        await asyncio.sleep(0)
        return body()


@in_group(DECORATED)
def async_callable_object(scope, body, _recording):
    return asyncio.run(scope(_AsyncCallable())(body))


@in_group(DECORATED)
def marked_callable_object(scope, body, _recording):
    """It is also a descriptor, as objects that make methods are."""
    return asyncio.run(scope(sync_to_async(body))())


@in_group(DECORATED)
def marked_function(scope, body, _recording):
    async def work():
        return body()

    return asyncio.run(scope(markcoroutinefunction(lambda: work()))())


@in_group(DECORATED)
def generator_based_coroutine(scope, body, _recording):
    @scope
    @types.coroutine
    def work():
        yield from asyncio.sleep(0).__await__()
        return body()

    return asyncio.run(_awaiting(work))


async def _awaiting(work):
    return await work()


@in_group(DECORATED)
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


@in_group(DECORATED)
def generator_method(scope, body, _recording):
    class Service:
        @scope
        def work(self):
            yield body()

    (result,) = Service().work()
    return result


@in_group(DECORATED)
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


@in_group(DECORATED)
def recursion(scope, body, _recording):
    @scope
    def work(depth):
        return body() if depth == 0 else work(depth - 1)

    return work(2)


@in_group(DECORATED)
def trio_coroutine(scope, body, _recording):
    @scope
    async def work():
        await anyio.sleep(0)
        return body()

    return anyio.run(work, backend="trio")


@in_group(DECORATED)
def trio_async_generator(scope, body, _recording):
    @scope
    async def work():
        yield "first"
        await anyio.sleep(0)
        yield body()

    async def drain():
        return [result async for result in work()][-1]

    return anyio.run(drain, backend="trio")
