"""An asyncio service under load while its API is down; prints, as JSON, how its loop and its memory fared.

The loop is measured in windows. Those in which nothing is published, before and after, tell what the machine itself
does to a loop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import statistics
import sys
import time
from pathlib import Path

from bc_events import EventClient, events
from bc_events.outbox import SQLiteOutbox
from tests.faults.actors import TOPICS
from tests.faults.relay_settings import TIMEOUT, quick

_TICK = 0.005
_WARM_UP = 1.0
_WINDOWS = 5
_IDLE = 1.0
_TASKS = 10


async def serve(client: EventClient, seconds: float, name: str | None) -> tuple[list[str], float]:
    """The keys that were stored, and the 99th percentile of the loop's stalls in milliseconds."""
    stalls: list[float] = []
    keys: list[str] = []
    until = time.monotonic() + seconds

    async def watch() -> None:
        while time.monotonic() < until:
            before = time.monotonic()
            await asyncio.sleep(_TICK)
            stalls.append(time.monotonic() - before - _TICK)

    async def work(task: int) -> None:
        number = 0
        while time.monotonic() < until:
            number += 1
            key = f"{name}/{task}/{number}"
            if name:
                async with events.session(client=client):
                    events.happened_work({"key": key})
                keys.append(key)
            await asyncio.sleep(0.05)

    await asyncio.gather(watch(), *(work(task) for task in range(_TASKS)))
    return keys, 1000 * sorted(stalls)[int(len(stalls) * 0.99)]


async def served(client: EventClient, seconds: float) -> dict[str, object]:
    keys: list[str] = []
    idle = [(await serve(client, _IDLE, None))[1] for _ in range(3)]
    keys += (await serve(client, _WARM_UP, "first"))[0]
    before, stalls = resident(), []
    for window in range(_WINDOWS):
        more, stall = await serve(client, seconds / _WINDOWS, f"then{window}")
        keys += more
        stalls.append(stall)
    grown = resident() - before
    await asyncio.to_thread(client.close)
    idle += [(await serve(client, _IDLE, None))[1] for _ in range(3)]
    found = {"stall": statistics.median(stalls), "idle": statistics.median(idle), "grown": grown / 1e6}
    return {"keys": keys, **found}


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main(url: str, file: str, seconds: float) -> None:
    logging.disable(logging.CRITICAL)
    outbox = SQLiteOutbox(file, settings=quick())
    client = EventClient(url, "FaultsService", TOPICS, outbox=outbox, timeout=TIMEOUT)
    print(json.dumps(asyncio.run(served(client, seconds))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
