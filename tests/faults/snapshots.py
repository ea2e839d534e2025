"""Rows in which another transaction holds a snapshot while events flow: what was sent must not make claims dear."""

from __future__ import annotations

import os
import signal
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sqlalchemy import create_engine, event, text

from bc_events._delivery.request import Limits
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase
from bc_events.outbox._store.row import Row
from bc_events.outbox._store.store import Settlement
from tests.faults.actors import Producing, produce

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bc_events.outbox._store.store import Claim, Order
    from tests.faults.result import Result
    from tests.faults.world import World

_PAUSE = 0.01
_ROWS = 20
_PRODUCERS = 2


@dataclass(frozen=True, slots=True)
class Phase:
    """`cost` is what two claims read, in buffers or pages: one of an empty table, one of a few rows."""

    events: int
    seconds: float
    cost: int

    @property
    def rate(self) -> float:
        return self.events / self.seconds


def held_snapshot(world: World) -> Result:
    """A report, or a dump, reads for minutes."""
    return _held(world, "time")


def held_snapshot_in_order(world: World) -> Result:
    """The same with relays in the order of jobs."""
    return _held(world, "job")


def _held(world: World, order: Order) -> Result:
    with Probe(world, order) as probe, world.relays(2, order=order) as relays:
        pids = [relay.pid for relay in relays]
        free = _phase(world, probe, pids, "free")
        with _snapshot(world):
            held = _phase(world, probe, pids, "held")
    result = world.judged()
    result.inject(
        held.events,
        f"events under a snapshot; claims read {free.cost}, then {held.cost}; rate {held.rate / free.rate:.2f}",
        least=world.dose.snapshot_events,
    )
    most = 2 * free.cost + (_kept_pages(held.events) if world.server is not world.postgres else 0)
    result.demand(held.cost <= most, f"claims read {held.cost} in place of {free.cost}")
    is_timed = world.dose.snapshot_seconds > 0  # on a machine that is busy, a short time says nothing
    result.demand(not is_timed or held.rate >= 0.95 * free.rate, f"rate {held.rate / free.rate:.2f}")
    return result


def _kept_pages(events: int) -> int:
    """What MariaDB reads of rows that were sent: each page of their index, and each entry on the page written last."""
    return events // 100 + 1_000


def _phase(world: World, probe: Probe, relays: list[int], name: str) -> Phase:
    before, started = _sent(world), time.monotonic()
    producers = [
        world.spawn(produce, Producing(world.database, f"{name}{place}", world.seed + place, pause=_PAUSE))
        for place in range(_PRODUCERS)
    ]
    end = started + world.dose.snapshot_seconds
    world.until(
        lambda: time.monotonic() >= end and _sent(world) - before >= world.dose.snapshot_events,
        patience=world.dose.snapshot_seconds + 240,
    )
    events, seconds = _sent(world) - before, time.monotonic() - started
    for producer in producers:
        producer.kill()
        producer.join()
    world.settle()
    return Phase(events, seconds, probe.cost(relays))


def _sent(world: World) -> int:
    ((count,),) = world.query(
        "SELECT (SELECT count(*) FROM work) - (SELECT count(*) FROM bc_outbox WHERE dead_at IS NULL)"
    )
    return count


@contextmanager
def _snapshot(world: World) -> Iterator[None]:
    engine = create_engine(world.database, isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        connection.execute(text("SELECT count(*) FROM work"))
        yield
    engine.dispose()


class Probe:
    """A store that claims while all relays are stopped, and counts what its statements read."""

    def __init__(self, world: World, order: Order) -> None:
        self._world = world
        self._order = order
        self._engine = create_engine(world.database)
        self._store = TableStore(EngineDatabase(self._engine))
        self._buffers: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception) -> None:
        self._engine.dispose()

    def cost(self, relays: list[int]) -> int:
        for pid in relays:
            os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(5):  # it finds out where waiting rows begin, as a relay does that has worked for a while
                assert self._claim() is None
                time.sleep(0.3)
            with self._counted() as counted:
                assert self._claim() is None
                self._store.add([_row(number) for number in range(_ROWS)])
                claim = self._claim()
            assert claim is not None
            self._store.settle(claim.lease, Settlement([row for one in claim.requests for row in one.events]))
        finally:
            for pid in relays:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        return counted[0]

    def _claim(self) -> Claim | None:
        return self._store.claim(limit=250, seconds=60, limits=Limits(), order=self._order)

    @contextmanager
    def _counted(self) -> Iterator[list[int]]:
        """What is read: pages of a server that does nothing else, or the buffers in PostgreSQL's plans."""
        counted: list[int] = []
        if self._world.server is not self._world.postgres:
            before = self._pages()
            yield counted
            counted.append(self._pages() - before)
            return
        buffers: list[int] = []

        def explain(_connection, cursor, statement, parameters, *_):
            if statement.startswith(("SELECT", "WITH")):
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
                (((plan,),),) = cursor.fetchall()
                buffers.append(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])

        event.listen(self._engine, "before_cursor_execute", explain)
        yield counted
        event.remove(self._engine, "before_cursor_execute", explain)
        counted.append(sum(buffers))

    def _pages(self) -> int:
        ((_name, pages),) = self._world.query("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_read_requests'")
        return int(pages)


def _row(number: int) -> Row:
    """It is never sent: the probe claims it and deletes it."""
    return Row(uuid.uuid4(), "faults", f"job-{number % 5}", "faults.WorkHappened", "{}", time.time(), "FaultsService")
