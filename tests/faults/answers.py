"""Rows in which the Events API misbehaves, or events do."""

from __future__ import annotations

import time

from bc_events.local import LocalEventsAPI
from tests.faults.actors import TOPICS, Producing, produce
from tests.faults.result import Result, judged
from tests.faults.world import World

_STRICT = {
    **TOPICS,
    "Topics": [{**TOPICS["Topics"][0], "Schema": {"type": "object", "not": {"required": ["poison"]}}}],
}


def rolled_back(world: World) -> Result:
    """Of sessions and of savepoints one in ten is rolled back: nothing of it arrives."""
    with world.relays(1):
        _produced(world)
        world.settle()
    result = world.judged()
    result.faults = "10 % of sessions and savepoints"
    return result


def records_failing(world: World) -> Result:
    """Retryable errors of single records, half of which are stored all the same: the contract then allows doubles."""
    world.api.faults(partial_failure={"probability": 0.05})
    with world.relays(2):
        _produced(world)
        world.settle()
    result = world.judged(may_double=True)
    result.faults = f"{world.api.fired()['partial_failure']} records failed"
    return result


def answers_lost(world: World) -> Result:
    """The server does its work and closes the connection: the same bytes come again under the same key."""
    world.api.faults(lost_answer={"probability": 0.03})
    with world.relays(2):
        _produced(world)
        world.settle()
        fired = world.api.fired()["lost_answer"]
    result = world.judged()
    result.faults = f"{fired} answers lost"
    result.demand(fired > 0, "no answer was lost")
    result.demand(result.repeated > 0, "no repeat was seen")
    return result


def outages(world: World) -> Result:
    """503 with Retry-After: nobody asks more often than that, and no event is blamed."""
    workers, blamed, eager = 2, 0, []
    producer = world.spawn(produce, Producing(world.database, "p", world.seed, pause=0.01))
    with world.relays(1, workers=workers):
        for seconds in world.dose.outages:
            world.api.wait(count=len(world.api.events()) + 1, timeout=60)
            before = len(world.api.requests())
            world.api.faults(unavailable={"retry_after": 1})
            time.sleep(seconds)
            asked = len(world.api.requests()) - before
            world.api.faults()
            blamed += world.query("SELECT count(*) FROM bc_outbox WHERE attempts > 0")[0][0]
            if asked > workers * (seconds + 1) + workers:
                eager.append(asked)
        producer.kill()
        world.settle()
    result = world.judged()
    result.faults = " + ".join(f"{seconds:g} s" for seconds in world.dose.outages) + " of 503"
    result.demand(not blamed, f"{blamed} attempts were counted")
    result.demand(not eager, f"{eager} requests in an outage of {workers} workers")
    return result


def poison(world: World) -> Result:
    """Records that will never be taken, and requests that are too large: those records alone are dead, until mended."""
    with LocalEventsAPI(topics=_STRICT, seed=world.seed) as strict:
        strict.faults(too_large={"probability": 0.05, "records": 2})
        world.api, mended = strict, world.api
        try:
            with world.relays(1):
                # Enough for some: two events in a thousand.
                _produced(world, poisoned=0.002, sessions=3 * world.dose.sessions)
                world.settle()
            before = world.received()
            fired = strict.fired()["too_large"]
        finally:
            world.api = mended
        dead = world.query("SELECT payload::jsonb->'data' FROM bc_outbox")
    meant = {data["key"] for (data,) in dead if "poison" in data}
    world.query("UPDATE bc_outbox SET dead_at = NULL, available_at = 0, batch = NULL, lease = NULL RETURNING 1")
    with world.relays(1):
        world.settle()
    result = judged(world.committed(), before + world.received(), world.replayed())
    result.faults = f"{len(meant)} poisoned, {fired} times 413"
    result.demand(len(dead) == len(meant), f"{len(dead) - len(meant)} dead by mistake")
    result.demand(sorted(world.received()) == sorted(meant), "not exactly the dead were delivered once mended")
    return result


def _produced(world: World, *, sessions: int | None = None, **options) -> None:
    """Three producers, each to its end."""
    share = (sessions or world.dose.sessions) // 3
    producers = [
        world.spawn(produce, Producing(world.database, f"p{place}", world.seed + place, share, **options))
        for place in range(3)
    ]
    for producer in producers:
        producer.join()
