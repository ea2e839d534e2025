"""Ways in which an interpreter ends while a scope is open, or something holds one.

python -m tests.ambient.programs.leaving WAY
"""

import asyncio
import atexit
import json
import logging
import sys
import threading

from bc_events import events
from tests.ambient.recording import Recording, recording_client, say

WAYS = {}


class Printed(Recording):
    def send(self, batch):
        print(json.dumps([event.data["n"] for event in batch]), flush=True)


def _way(leave):
    WAYS[leave.__name__] = leave
    return leave


@_way
def exit_in_a_block():
    with events.session():
        say(1)
        sys.exit(0)


@_way
def exit_in_a_coroutine():
    async def main():
        async with events.session():
            say(1)
            sys.exit(0)

    asyncio.run(main())


@_way
def block_in_a_thread_that_outlives_the_main_one():
    def run():
        with events.session():
            say(1)
            threading.main_thread().join()
            say(2)

    threading.Thread(target=run).start()


@_way
def async_block_in_a_thread_that_outlives_the_main_one():
    """By then the interpreter starts no more threads, so the flush has none to go to."""

    async def main():
        async with events.session():
            say(1)
            threading.main_thread().join()
            say(2)

    threading.Thread(target=asyncio.run, args=(main(),)).start()


@_way
def block_at_exit():
    def run():
        with events.session():
            say(1)

    atexit.register(run)


@_way
def async_block_at_exit():
    async def main():
        async with events.session():
            say(1)

    atexit.register(lambda: asyncio.run(main()))


@_way
def block_in_a_daemon_thread():
    is_open = threading.Event()

    def run():
        with events.session():
            say(1)
            is_open.set()
            threading.Event().wait()

    threading.Thread(target=run, daemon=True).start()
    is_open.wait()


@_way
def scope_never_left():
    events.session().__enter__()
    say(1)


@events.session()
def steps():
    say(1)
    yield
    say(2)


@_way
def generator_held_by_a_module():
    global _held
    _held = steps()
    next(_held)


@events.session()
async def async_steps():
    say(1)
    yield
    say(2)


@_way
def async_generator_abandoned_in_a_running_loop():
    async def main():
        async for _ in async_steps():
            break

    asyncio.run(main())


@_way
def async_generator_held_by_a_module():
    global _held
    _held = async_steps()

    async def main():
        await anext(_held)

    asyncio.run(main())


@_way
def async_generator_of_a_loop_that_is_never_closed():
    global _held, _loop
    _held = async_steps()
    _loop = asyncio.new_event_loop()
    _loop.run_until_complete(anext(_held))


if __name__ == "__main__":
    logging.basicConfig(format="%(levelname)s %(message)s")
    events.configure(recording_client(Printed()))
    WAYS[sys.argv[1]]()
