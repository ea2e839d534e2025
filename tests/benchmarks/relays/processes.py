"""Processes that work at the same time, each of which has made itself ready before."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

spawning = multiprocessing.get_context("forkserver")
spawning.set_forkserver_preload(["tests.benchmarks.relays.ours", "sqlalchemy.dialects.postgresql.psycopg"])
_LONGEST = 300.0


@contextmanager
def processes(target: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> Iterator[Callable[..., None]]:
    """Yields a function that has them begin at once; with `to_the_end` it waits until they have ended by themselves.

    Each is called with `ready`, to wait for that, and `over`, which is set at the end of the block.
    """
    ready = spawning.Barrier(len(arguments) + 1)
    over = spawning.Event()
    started = [spawning.Process(target=target, args=(ready, over, *given), daemon=True) for given in arguments]
    for process in started:
        process.start()

    def go(*, to_the_end: bool = False) -> None:
        ready.wait(60)
        for process in started if to_the_end else ():
            process.join(_LONGEST)

    try:
        yield go
    finally:
        over.set()
        for process in started:
            process.join(_LONGEST)
    assert all(process.exitcode == 0 for process in started)


def seconds_of(target: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> float:
    """How long they work, from the signal to the end of the last one."""
    with processes(target, arguments) as go:
        began = time.perf_counter()
        go(to_the_end=True)
        return time.perf_counter() - began
