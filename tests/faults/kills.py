"""Rows in which something is killed, or stopped, while events are on their way."""

from __future__ import annotations

import json
import os
import signal
import time

from tests.faults.actors import Producing, produce
from tests.faults.result import Result
from tests.faults.world import World, end

_PAUSE = 0.01


def relay_killed(world: World) -> Result:
    """kill -9 of a relay, at any moment; another is started in its place."""
    producer = world.spawn(produce, Producing(world.database, "p", world.seed, pause=_PAUSE))
    with world.relays(2) as running:
        for _ in range(world.dose.relay_kills):
            world.traffic(3)
            time.sleep(world.chance.uniform(0.0, 0.1))
            victim = world.chance.randrange(len(running))
            running[victim].kill()
            running[victim].join()
            running[victim] = world.relay()
        _kill(producer)
        world.settle()
    result = world.judged()
    result.faults = f"{world.dose.relay_kills} relays killed"
    return result


def producer_killed(world: World) -> Result:
    """kill -9 of the application: what its transaction had committed arrives, and nothing else does."""
    with world.relays(1):
        left = world.dose.producer_kills
        while left:
            group = min(left, 4)
            producers = [
                world.spawn(produce, Producing(world.database, f"p{left - place}", world.seed + left - place))
                for place in range(group)
            ]
            world.commits(20)
            time.sleep(world.chance.uniform(0.0, 0.2))
            for producer in producers:
                _kill(producer)
            left -= group
        world.settle()
    result = world.judged()
    result.faults = f"{world.dose.producer_kills} producers killed"
    return result


def database_killed(world: World) -> Result:
    """kill -9 of PostgreSQL with all its backends; it recovers from its log."""
    producers = [
        world.spawn(produce, Producing(world.database, f"p{place}", world.seed + place, pause=_PAUSE))
        for place in range(2)
    ]
    with world.relays(2):
        for _ in range(world.dose.database_kills):
            world.commits(50)
            time.sleep(world.chance.uniform(0.0, 0.5))
            world.postgres.kill()
            world.postgres.start()
        world.commits(50)
        for producer in producers:
            _kill(producer)
        world.settle()
    result = world.judged()
    result.faults = f"PostgreSQL killed {world.dose.database_kills} times"
    return result


def relay_stopped(world: World) -> Result:
    """SIGSTOP for twice the lease: what the relay has to say when it goes on is fenced off."""
    lease, timeout = 1.0, (0.1, 0.2)
    world.api.faults(latency={"ms": 60})
    tally = world.folder / "tally.json"
    producer = world.spawn(produce, Producing(world.database, "p", world.seed, pause=_PAUSE))
    fenced = 0
    with world.relays(1, lease=lease, timeout=timeout):
        for _ in range(world.dose.stops):
            sleeper = world.relay(lease=lease, timeout=timeout, workers=4, tally=str(tally))
            world.traffic(6)
            os.kill(sleeper.pid, signal.SIGSTOP)
            time.sleep(2 * lease)
            os.kill(sleeper.pid, signal.SIGCONT)
            end(sleeper)
            fenced += json.loads(tally.read_text())["lost_leases"]
        _kill(producer)
        world.api.faults()
        world.settle()
    result = world.judged()
    result.faults = f"{world.dose.stops} stops of {2 * lease:g} s, {fenced} rows fenced off"
    result.demand(fenced > 0, "no stale result was seen, so none was fenced off")
    return result


def _kill(process) -> None:
    process.kill()
    process.join()
