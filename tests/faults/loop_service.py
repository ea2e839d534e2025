"""An asyncio service under load, its API down at first; prints, as JSON, how its loop and its memory fared."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from bc_events import EventClient, events
from bc_events.outbox import SQLiteOutbox
from tests.faults.actors import TOPICS

_TICK = 0.005
_WARM_UP = 1.0
_TASKS = 10


async def serve(client: EventClient, seconds: float, name: str | None) -> tuple[list[str], list[float]]:
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
    return keys, stalls


def p99(stalls: list[float]) -> float:
    return 1000 * sorted(stalls)[int(len(stalls) * 0.99)]


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main(url: str, file: str, seconds: float) -> None:
    client = EventClient(url, "FaultsService", TOPICS, outbox=SQLiteOutbox(file))
    _, idle = asyncio.run(serve(client, min(seconds, 3.0), None))
    first, _ = asyncio.run(serve(client, _WARM_UP, "first"))
    before = resident()
    second, stalls = asyncio.run(serve(client, seconds, "then"))
    grown = resident() - before
    print(json.dumps({"keys": first + second, "p99": p99(stalls), "idle": p99(idle), "grown": grown / 1e6}), flush=True)
    client.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
