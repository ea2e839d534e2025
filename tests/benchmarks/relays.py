"""The throughput of relays on PostgreSQL, beside as many processes that post the same requests ready-made."""

from __future__ import annotations

import json
import multiprocessing
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import requests
from opentelemetry import propagate
from sqlalchemy import create_engine

from bc_events._delivery.api import EventsAPI
from bc_events._delivery.request import Request
from bc_events.outbox import Relay
from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import POSTGRESQL
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase, engine_at
from bc_events.outbox._store.row import Row
from tests.postgres import PostgreSQL

from .calls import DATA
from .flushes import served

ROUNDS = 4
COUNTS = (1, 2, 4)
_spawning = multiprocessing.get_context("forkserver")
_spawning.set_forkserver_preload(["tests.benchmarks.relays", "sqlalchemy.dialects.postgresql.psycopg"])


def relays(jobs: int, per_job: int) -> dict[int, float]:
    """For each number of relays: their throughput, divided by that of as many sessions of `requests`.

    The events of each job fill one request.
    """
    with served() as url, _database() as (database, store):
        return {count: _throughput(database, store, url, count, jobs, per_job) for count in COUNTS}


def _throughput(database: str, store: TableStore, url: str, count: int, jobs: int, per_job: int) -> float:
    """The throughput of the best rounds, because other programs on the machine can only slow a round."""
    rounds = [
        (_relayed(database, store, url, count, jobs, per_job), _ready_made(url, count, jobs, per_job))
        for _ in range(ROUNDS)
    ]
    relayed, ready = map(min, zip(*rounds, strict=True))
    return ready / relayed


def order_violations(*, workers: int = 4, events: int = 1_000, jobs: int = 20) -> int:
    """How many events of a job arrive before an earlier one of it, with several relays in the order of jobs."""
    with served() as url, _database() as (database, store):
        store.add([_row(number, f"job-{number % jobs}") for number in range(events)])
        with _processes(_relay, [(database, url, "job")] * workers) as go:
            go()
            _until_empty(store)
        arrived = defaultdict(list)
        for line in requests.get(f"{url}/api/events.jsonl", timeout=60).text.splitlines():
            event = json.loads(line)
            arrived[event["jobId"]].append(event["data"]["number"])
    assert sum(map(len, arrived.values())) == events
    return sum(later < earlier for numbers in arrived.values() for earlier, later in pairwise(numbers))


def _relayed(database: str, store: TableStore, url: str, count: int, jobs: int, per_job: int) -> float:
    store.add([_row(number, f"job-{number // per_job}") for number in range(jobs * per_job)])
    with _processes(_relay, [(database, url, "time")] * count) as go:
        started = time.perf_counter()
        go()
        _until_empty(store)
        return time.perf_counter() - started


def _ready_made(url: str, count: int, jobs: int, per_job: int) -> float:
    with _processes(_post, [(url, list(range(jobs)[place::count]), per_job) for place in range(count)]) as go:
        started = time.perf_counter()
        go(to_the_end=True)
        return time.perf_counter() - started


@contextmanager
def _processes(target: Callable, arguments: list[tuple]) -> Iterator[Callable]:
    """So many processes that begin their work at one signal."""
    ready = _spawning.Barrier(len(arguments) + 1)
    over = _spawning.Event()
    processes = [_spawning.Process(target=target, args=(ready, over, *given)) for given in arguments]
    for process in processes:
        process.start()

    def go(*, to_the_end: bool = False) -> None:
        ready.wait(60)
        for process in processes if to_the_end else ():
            process.join()

    yield go
    over.set()
    for process in processes:
        process.join()
        assert process.exitcode == 0


def _relay(ready, over, database: str, url: str, order: str) -> None:
    store = TableStore(EngineDatabase(engine_at(database), is_ours=True))
    api = EventsAPI(url, auth=None, timeout=(3.05, 10), http=None)
    api.prepare()
    propagate.inject({})  # loads its parts with the first call
    store.stats()
    ready.wait(60)
    with Relay(store, api, order=order):
        over.wait()


def _post(ready, _over, url: str, jobs: list[int], per_job: int) -> None:
    rows = [[_row(number, f"job-{job}") for number in range(per_job)] for job in jobs]
    ready_made = [Request.of(events) for events in rows]
    with requests.Session() as http:
        ready.wait(60)
        for one in ready_made:
            http.post(url + one.path, data=one.body, headers=one.headers).raise_for_status()


@contextmanager
def _database() -> Iterator[tuple[str, TableStore]]:
    server = PostgreSQL().start()
    try:
        with server.connect() as connection:
            for statement in schema.creation(POSTGRESQL):
                connection.execute(statement)
        engine = create_engine(server.url())
        yield server.url(), TableStore(EngineDatabase(engine))
        engine.dispose()
    finally:
        server.stop()


def _row(number: int, job: str) -> Row:
    data = json.dumps({**DATA, "number": number})
    envelope = (
        f'{{"action":"Created","category":"policies","entity":"Policy","data":{data},'
        '"actor":{"id":"PolicyService","type":"service"}}'
    )
    return Row(uuid.uuid4(), "policies", job, "policies.PolicyCreated", envelope, time.time(), "PolicyService")


def _until_empty(store: TableStore) -> None:
    """Waits until the table is empty. It reads the first row alone, because counting all rows would slow the relays."""
    while store.show(limit=1):
        time.sleep(0.01)
