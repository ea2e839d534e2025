"""A process that publishes and leaves, one way or another, many times: each time in a fork that ends like any process.

It prints the key of each event whose session has ended well, and `way=code` for each process that has ended.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys

import requests  # noqa: F401  once here, not in each fork

from bc_events import EventClient, events
from bc_events.outbox import SQLiteOutbox
from tests.faults.actors import TOPICS
from tests.faults.relay_settings import TIMEOUT, quick

PER_PROCESS = 5


def publish(client: EventClient, keys: list[str]) -> None:
    for key in keys:
        with events.session(client=client):
            events.happened_work({"key": key})
        os.write(1, f"{key}\n".encode())  # whole lines, also when many write


def leave(way: str, client: EventClient, keys: list[str]) -> None:
    if way == "shutdown":
        atexit.register(publish, client, keys)
        return
    publish(client, keys)
    if way == "sigterm":
        os.kill(os.getpid(), signal.SIGTERM)
    if way == "exception":
        sys.excepthook = lambda *_: None  # its traceback is expected
        raise ZeroDivisionError


def fork_and_leave(way: str, number: int, client: EventClient) -> bool:
    """True in the child, which is to fall off the end of its script."""
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(1, f"{way}={code}\n".encode())
        return False
    leave(way, client, [f"{way}/{number}/{place}" for place in range(PER_PROCESS)])
    return True


if __name__ == "__main__":
    _way, _count, _api, _file = sys.argv[1:]
    logging.disable(logging.CRITICAL)  # the warning that events wait for the next relay is expected
    _outbox = SQLiteOutbox(_file, settings=quick()) if _file else None
    _client = EventClient(_api, "FaultsService", TOPICS, outbox=_outbox, timeout=TIMEOUT if _file else (3.05, 10))
    for _number in range(int(_count)):
        if fork_and_leave(_way, _number, _client):
            break
