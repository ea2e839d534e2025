"""Rows in which something is killed, or stopped, while events are on their way."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.faults.actors import Producing, produce
from tests.faults.world import end

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

    from bc_events.outbox._store.store import Order
    from tests.faults.result import Result
    from tests.faults.world import World

_PAUSE = 0.01
_AT_ONCE = 4


def relay_killed(world: World) -> Result:
    """kill -9 of a relay, at any moment; another is started in its place."""
    return _relay_killed(world, order="time", pause=_PAUSE)


def relay_killed_in_order(world: World) -> Result:
    """`relay_killed` with relays in the order of jobs, which no kill may disturb."""
    result = _relay_killed(world, order="job", pause=0.0)  # with a backlog, claims meet
    arrived: defaultdict[str, list[tuple[int, ...]]] = defaultdict(list)
    for event in world.api.events():
        _producer, session, place = event.data["key"].split("/")
        arrived[event.job_id].append((int(session), int(place)))
    overtaken = sum(later < earlier for keys in arrived.values() for earlier, later in pairwise(keys))
    result.demand(not overtaken, f"{overtaken} events overtook another of their job")
    return result


def _relay_killed(world: World, *, order: Order, pause: float) -> Result:
    producer = world.spawn(produce, Producing(world.database, "p", world.seed, pause=pause))
    killed = 0
    with world.relays(2, order=order) as running:
        for _ in range(world.dose.relay_kills):
            world.traffic(3)
            time.sleep(world.chance.uniform(0.0, 0.1))
            victim = world.chance.randrange(len(running))
            killed += _kill(running[victim])
            running[victim] = world.relay(order=order)
        _kill(producer)
        world.settle()
    result = world.judged()
    result.inject(killed, "relays killed", least=world.dose.relay_kills)
    return result


def producer_killed(world: World) -> Result:
    """kill -9 of the application: what its transaction had committed arrives, and nothing else does."""
    killed = 0
    with world.relays(1):
        for first in range(0, world.dose.producer_kills, _AT_ONCE):
            places = range(first, min(first + _AT_ONCE, world.dose.producer_kills))
            producers = [
                world.spawn(produce, Producing(world.database, f"p{place}", world.seed + place)) for place in places
            ]
            world.until(lambda names={f"p{place}" for place in places}: names <= _committing(world))
            time.sleep(world.chance.uniform(0.0, 0.2))
            killed += sum(_kill(producer) for producer in producers)
        world.settle()
    result = world.judged()
    result.inject(killed, "producers killed, each had committed", least=world.dose.producer_kills)
    return result


def _committing(world: World) -> set[str]:
    """The names of producers that have committed something."""
    return {key.partition("/")[0] for key in world.committed()}


def database_killed(world: World) -> Result:
    """kill -9 of the database, with all processes of its own; it recovers from its log."""
    producers = [
        world.spawn(produce, Producing(world.database, f"p{place}", world.seed + place, pause=_PAUSE))
        for place in range(2)
    ]
    killed = 0
    with world.relays(2):
        for _ in range(world.dose.database_kills):
            world.commits(50)
            time.sleep(world.chance.uniform(0.0, 0.5))
            killed += world.server.kill() == -signal.SIGKILL
            world.server.start()
        world.commits(50)
        for producer in producers:
            _kill(producer)
        world.settle()
    result = world.judged()
    result.inject(killed, "kills of the database", least=world.dose.database_kills)
    return result


def relay_stopped(world: World) -> Result:
    """SIGSTOP for twice the lease: the results of the relay are fenced off when it goes on.

    It may have no result at that moment. So it is stopped again until it has had one.
    """
    lease, timeout = 1.0, (0.1, 0.2)
    world.api.faults(latency={"ms": 60})
    counts_file, at_work = world.folder / "counts.json", world.folder / "at_work"
    producer = world.spawn(produce, Producing(world.database, "p", world.seed, pause=_PAUSE))
    fenced = stops = 0
    with world.relays(1, lease=lease, timeout=timeout):
        while stops < world.dose.stops or (fenced == 0 and stops < 4 * world.dose.stops):
            stops += 1
            at_work.unlink(missing_ok=True)
            sleeper = world.relay(
                lease=lease, timeout=timeout, workers=4, at_work=str(at_work), counts_file=str(counts_file)
            )
            world.until(at_work.exists)
            world.traffic(6)
            os.kill(sleeper.pid, signal.SIGSTOP)
            time.sleep(2 * lease)
            os.kill(sleeper.pid, signal.SIGCONT)
            end(sleeper)
            fenced += json.loads(counts_file.read_text())["lost_leases"]
        _kill(producer)
        world.api.faults()
        world.settle()
    result = world.judged()
    result.inject(stops, f"stops of {2 * lease:g} s, {fenced} rows fenced off", least=world.dose.stops)
    result.demand(fenced > 0, "no stale result was seen, so none was fenced off")
    return result


def on_mariadb(row: Callable[[World], Result]) -> Callable[[World], Result]:
    """The same row with the outbox on MariaDB."""

    def on_mariadb(world: World) -> Result:
        with world.on_mariadb():
            return row(world)

    return on_mariadb


def _kill(process: BaseProcess) -> bool:
    """Kills a process. Returns whether it was running until then."""
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL
