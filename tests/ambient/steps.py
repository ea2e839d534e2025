"""The steps of a generator, sync or async."""

import asyncio
import gc
import inspect


class Sync:
    """Steps of a generator."""

    def __init__(self, function):
        self._steps = function()

    def next(self):
        return next(self._steps)

    def send(self, value):
        return self._steps.send(value)

    def throw(self, error):
        return self._steps.throw(error)

    def close(self):
        return self._steps.close()

    def forget(self):
        self._steps = None
        gc.collect()


class Async:
    """Steps of an async generator, each in a task of its own on one loop."""

    def __init__(self, function):
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._steps = function()

    def _run(self, step):
        async def run():
            return await step

        return self._loop.run_until_complete(run())

    def next(self):
        return self._run(self._steps.__anext__())

    def send(self, value):
        return self._run(self._steps.asend(value))

    def throw(self, error):
        return self._run(self._steps.athrow(error))

    def close(self):
        self._run(self._steps.aclose())
        self._loop.close()

    def forget(self):
        """The loop's hook closes what is collected, in a task and a context of its own."""

        async def work():
            self._steps = None
            gc.collect()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        self._loop.run_until_complete(work())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


def asynchronous(function):
    """The same generator function as an async one."""
    source = inspect.unwrap(function)

    async def steps():
        running = source()
        step = running.__next__
        try:
            while True:
                try:
                    yielded = step()
                except StopIteration:
                    return
                await asyncio.sleep(0)
                try:
                    sent = yield yielded
                except GeneratorExit:
                    running.close()
                    raise
                except BaseException as error:
                    step = _throwing(running, error)
                else:
                    step = _sending(running, sent)
        finally:
            running.close()

    return steps


def _throwing(running, error):
    return lambda: running.throw(error)


def _sending(running, value):
    return lambda: running.send(value)
