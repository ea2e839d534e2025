"""Places: the tasks, threads and greenlets where a decorated function may run."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import gevent

from .decorated import function
from .group import in_group

PLACES = {}


@in_group(PLACES)
def task(scope, body, _recording):
    async def main():
        return await asyncio.create_task(_in_coroutine(scope, body))

    return asyncio.run(main())


async def _in_coroutine(scope, body):
    async with scope:
        await asyncio.sleep(0)
        return body()


@in_group(PLACES)
def task_group(scope, body, _recording):
    async def main():
        try:
            async with asyncio.TaskGroup() as group:
                running = group.create_task(_in_coroutine(scope, body))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return running.result()

    return asyncio.run(main())


@in_group(PLACES)
def to_thread(scope, body, recording):
    async def main():
        return await asyncio.to_thread(function, scope, body, recording)

    return asyncio.run(main())


@in_group(PLACES)
def run_in_executor(scope, body, recording):
    async def main():
        return await asyncio.get_running_loop().run_in_executor(None, function, scope, body, recording)

    return asyncio.run(main())


@in_group(PLACES)
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


@in_group(PLACES)
def thread_pool(scope, body, recording):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, scope, body, recording).result()


@in_group(PLACES)
def copied_context(scope, body, recording):
    return contextvars.copy_context().run(function, scope, body, recording)


@in_group(PLACES)
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
