"""Blocks: a scope as a context manager, and in objects that wrap context managers."""

import asyncio
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

import anyio

from .group import in_group

BLOCKS = {}


@in_group(BLOCKS)
def with_block(scope, body, _recording):
    with scope:
        return body()


@in_group(BLOCKS)
def exit_stack(scope, body, _recording):
    with ExitStack() as stack:
        stack.enter_context(scope)
        return body()


@in_group(BLOCKS)
def wrapped_block(scope, body, _recording):
    @contextmanager
    def wrapping():
        with scope:
            yield

    with wrapping():
        return body()


@in_group(BLOCKS)
def async_with_block(scope, body, _recording):
    async def work():
        async with scope:
            await asyncio.sleep(0)
            return body()

    return asyncio.run(work())


@in_group(BLOCKS)
def sync_block_in_a_coroutine(scope, body, _recording):
    async def work():
        with scope:
            await asyncio.sleep(0)
            return body()

    return asyncio.run(work())


@in_group(BLOCKS)
def async_exit_stack(scope, body, _recording):
    async def work():
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(scope)
            return body()

    return asyncio.run(work())


@in_group(BLOCKS)
def async_wrapped_block(scope, body, _recording):
    @asynccontextmanager
    async def wrapping():
        async with scope:
            yield

    async def work():
        async with wrapping():
            return body()

    return asyncio.run(work())


@in_group(BLOCKS)
def trio_block(scope, body, _recording):
    async def work():
        async with scope:
            await anyio.sleep(0)
            return body()

    return anyio.run(work, backend="trio")
