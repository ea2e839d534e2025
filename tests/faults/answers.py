"""Rows in which the Events API misbehaves, or events do."""

from __future__ import annotations

import json
import time
from collections import Counter
from itertools import cycle

from bc_events.local import LocalEventsAPI
from tests.faults.actors import TOPICS, Producing, produce
from tests.faults.commands import replay
from tests.faults.result import Result, judged
from tests.faults.world import World

_STRICT = {
    **TOPICS,
    "Topics": [{**TOPICS["Topics"][0], "Schema": {"type": "object", "not": {"required": ["poison"]}}}],
}


def rolled_back(world: World) -> Result:
    """Of sessions and of savepoints one in ten is rolled back: nothing of it arrives."""
    with world.relays(1):
        counts = _produced(world)
        world.settle()
    result = world.judged()
    sessions, savepoints = counts["sessions"], counts["savepoints"]
    result.inject(sessions + savepoints, f"rollbacks, {sessions} of sessions", least=world.dose.sessions // 10)
    result.demand(min(sessions, savepoints) > 0, "sessions or savepoints were not rolled back")
    return result


def records_failing(world: World) -> Result:
    """Retryable errors of single records, half of which are stored all the same: the contract then allows doubles."""
    world.api.faults(partial_failure={"probability": 0.05})
    with world.relays(2):
        _produced(world)
        world.settle()
    result = world.judged(may_double=True)
    result.inject(world.api.fired()["partial_failure"], "records failed", least=result.sent // 50)
    result.demand(result.doubled > 0, "none of them was stored")
    return result


def answers_lost(world: World) -> Result:
    """The server does its work and closes the connection: the same bytes come again under the same key."""
    world.api.faults(lost_answer={"probability": 0.03})
    with world.relays(2):
        # Many jobs make so many requests that a fault in three of a hundred happens several times.
        _produced(world, sessions=2 * world.dose.sessions, jobs=100)
        world.settle()
    requests = len(world.api.requests())
    result = world.judged()
    result.inject(world.api.fired()["lost_answer"], f"answers lost, of {requests}", least=requests // 100)
    result.demand(result.repeated > 0, "no repeat was seen")
    return result


def outages(world: World) -> Result:
    """503 and 429 with Retry-After: nobody asks more often than that, and no event is blamed."""
    workers, blamed, eager, refused = 2, 0, 0, Counter()
    pause = (
        sum(world.dose.outages) / world.dose.sessions
    )  # so that as many sessions run as in other rows, however long the outages last
    producer = world.spawn(produce, Producing(world.database, "p", world.seed, pause=pause))
    with world.relays(1, workers=workers):
        for seconds, status in zip(world.dose.outages, cycle((503, 429)), strict=False):
            world.api.wait(count=len(world.api.events()) + 1, timeout=60)
            started = time.monotonic()
            world.api.faults(unavailable={"retry_after": 1, "status": status})
            time.sleep(seconds)
            asked, lasted = world.api.fired()["unavailable"], time.monotonic() - started
            world.api.faults()
            blamed += world.query("SELECT count(*) FROM bc_outbox WHERE attempts > 0")[0][0]
            refused[status] += asked
            eager += max(0, asked - workers * (int(lasted) + 1))
        producer.kill()
        world.settle()
    result = world.judged()
    lengths = " + ".join(f"{seconds:g} s" for seconds in world.dose.outages)
    told = ", ".join(f"{count} of {status}" for status, count in refused.items())
    result.inject(refused.total(), f"requests refused in {lengths}: {told}", least=2 * len(world.dose.outages))
    result.demand(refused[503] > 0 and refused[429] > 0, "503 or 429 was not seen")
    result.demand(not blamed, f"{blamed} attempts were counted")
    result.demand(not eager, f"{eager} requests too many of {workers} workers")
    return result


def poison(world: World) -> Result:
    """Records that the API refuses, and requests that are too large: the refused records alone are dead."""
    with LocalEventsAPI(topics=_STRICT, seed=world.seed) as strict:
        strict.faults(too_large={"probability": 0.05, "records": 2})
        world.api, corrected = strict, world.api
        try:
            with world.relays(1):
                _produced(world, poison_every=500, sessions=3 * world.dose.sessions)
                world.settle()
            before = world.received()
            fired = strict.fired()["too_large"]
        finally:
            world.api = corrected
        dead = world.query("SELECT payload::jsonb->'data' FROM bc_outbox")
    meant = {data["key"] for (data,) in dead if "poison" in data}
    replay(world.database)
    with world.relays(1):
        world.settle()
    result = judged(world.committed(), before + world.received(), world.replayed())
    result.inject(len(meant) + fired, f"{len(meant)} poisoned, {fired} times 413", least=2)
    result.demand(meant and fired, "no event was poisoned, or no request too large")
    result.demand(len(dead) == len(meant), f"{len(dead) - len(meant)} dead by mistake")
    result.demand(sorted(world.received()) == sorted(meant), "not exactly the dead were delivered once corrected")
    return result


def _produced(world: World, *, sessions: int | None = None, **options) -> Counter[str]:
    """Three producers, each to its end; returns what they have rolled back."""
    share = (sessions or world.dose.sessions) // 3
    counts_files = [world.folder / f"counts-{place}.json" for place in range(3)]
    producers = [
        world.spawn(
            produce,
            Producing(world.database, f"p{place}", world.seed + place, share, counts_file=str(counts_file), **options),
        )
        for place, counts_file in enumerate(counts_files)
    ]
    for producer in producers:
        producer.join()
    return sum((Counter(json.loads(counts_file.read_text())) for counts_file in counts_files), Counter())
