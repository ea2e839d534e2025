"""The throughput of relays, beside as many processes that post the same requests ready-made."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise

import requests

from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import MYSQL, POSTGRESQL
from bc_events.outbox._sql.table import TableStore
from tests import mariadb
from tests.benchmarks.flushes import served
from tests.mariadb import MariaDB
from tests.postgres import PostgreSQL

from .ours import seconds_of_ready_made, seconds_of_relays, store_at, until_empty
from .processes import processes
from .workload import Workload, row

ROUNDS = 4
COUNTS = (1, 2, 4)


@dataclass(frozen=True)
class Place:
    """A database with an outbox, and the store of it."""

    name: str
    url: str
    store: TableStore
    server: PostgreSQL | MariaDB


@contextmanager
def on_postgresql() -> Iterator[Place]:
    with _serving(PostgreSQL()) as server:
        with server.connect() as connection:
            for statement in schema.creation(POSTGRESQL):
                connection.execute(statement)
        yield from _place("PostgreSQL", server.url(), server)


@contextmanager
def on_mariadb() -> Iterator[Place]:
    with _serving(MariaDB(innodb_buffer_pool_size="128M")) as server:
        server.create_database("app")
        server.run(*schema.creation(MYSQL), database="app")
        yield from _place("MariaDB", server.url(), server)


@contextmanager
def databases() -> Iterator[list[Place]]:
    """PostgreSQL, and MariaDB where it is installed."""
    with ExitStack() as stack:
        places = [stack.enter_context(on_postgresql())]
        if mariadb.is_installed():
            places.append(stack.enter_context(on_mariadb()))
        yield places


@contextmanager
def _serving(server: PostgreSQL | MariaDB) -> Iterator[PostgreSQL | MariaDB]:
    try:
        yield server.start()
    finally:
        server.stop()


def _place(name: str, url: str, server: PostgreSQL | MariaDB) -> Iterator[Place]:
    store = store_at(url)
    yield Place(name, url, store, server)
    store.close()


def relays(jobs: int, per_job: int) -> dict[int, float]:
    """For each number of relays on PostgreSQL: their throughput, divided by that of as many sessions of `requests`.

    The events of each job fill one request. The best rounds count: other programs can only slow a round.
    """
    work = Workload(jobs, per_job)
    with served() as url, on_postgresql() as place:
        found = {}
        for count in COUNTS:
            rounds = [
                (seconds_of_relays(place.store, place.url, url, count, work), seconds_of_ready_made(url, count, work))
                for _ in range(ROUNDS)
            ]
            relayed, ready = map(min, zip(*rounds, strict=True))
            found[count] = ready / relayed
        return found


def order_violations(*, workers: int = 4, events: int = 1_000, jobs: int = 20) -> int:
    """How many events of a job arrive before an earlier one of it, with several relays in the order of jobs."""
    from .ours import _relay

    with served() as url, on_postgresql() as place:
        place.store.add([row(number, f"job-{number % jobs}") for number in range(events)])
        with processes(_relay, [(place.url, url, "job")] * workers) as go:
            go()
            until_empty(place.store)
        arrived = defaultdict(list)
        for line in requests.get(f"{url}/api/events.jsonl", timeout=60).text.splitlines():
            event = json.loads(line)
            arrived[event["jobId"]].append(event["data"]["number"])
    assert sum(map(len, arrived.values())) == events
    return sum(later < earlier for numbers in arrived.values() for earlier, later in pairwise(numbers))
