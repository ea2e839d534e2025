"""Simulates relays: they take turns at processors and at the disk of the database, and wait for the Events API."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field

Step = tuple[str, float]
"""Where a relay spends its next seconds: `cpu`, `disk`, or `away`, where nobody else is in its way."""
_QUICK = 0.25
_MOST_ROWS = 2_000


@dataclass(frozen=True)
class World:
    """Seconds. `relay`, `database` and `api` are of a processor, for each request. `latency` is of an API elsewhere."""

    per_job: int
    relay: float
    database: float
    api: float
    disk: float
    latency: float = 0.0
    cores: int = 2


@dataclass
class _Resource:
    free: int
    waiting: deque[int] = field(default_factory=deque)


def events_per_second(world: World, relays: int, *, seconds: float = 20.0) -> float:
    """What so many relays send of a backlog that never ends."""
    sent = [0]
    works = [_relay(world, sent) for _ in range(relays)]
    resources = {"cpu": _Resource(world.cores), "disk": _Resource(1)}
    now, order = 0.0, relays
    agenda: list[tuple[float, int, int, str]] = [(0.0, number, number, "") for number in range(relays)]
    steps: dict[int, Step] = {}

    def begin(number: int, place: str, length: float) -> None:
        nonlocal order
        order += 1
        heapq.heappush(agenda, (now + length, order, number, place))

    while agenda:
        now, _, number, place = heapq.heappop(agenda)
        if now > seconds:
            break
        if place in resources:
            resource = resources[place]
            if resource.waiting:
                other = resource.waiting.popleft()
                begin(other, place, steps[other][1])
            else:
                resource.free += 1
        where, length = steps[number] = next(works[number])
        if where not in resources:
            begin(number, where, length)
        elif resources[where].free:
            resources[where].free -= 1
            begin(number, where, length)
        else:
            resources[where].waiting.append(number)
    return sent[0] / seconds


def _relay(world: World, sent: list[int]) -> Generator[Step]:
    """Claims, sends its requests, and claims more at once if that was quick: as `ClaimSize` does."""
    rows = 250
    while True:
        requests = max(rows // world.per_job, 1)
        yield "cpu", world.database * requests
        yield "disk", world.disk
        estimate = requests * (world.relay + world.api + world.latency)
        for _ in range(requests):
            yield "cpu", world.relay
            yield ("away", world.latency) if world.latency else ("cpu", world.api)
            sent[0] += world.per_job
        if estimate < _QUICK:
            rows = min(rows * 2, _MOST_ROWS)
        elif estimate > 1.0:
            rows = max(rows // 2, 250)
