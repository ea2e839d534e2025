"""Relays of this library, in processes with one worker each; and processes that post the same requests ready-made."""

from __future__ import annotations

import time
from typing import Any

import requests
from opentelemetry import propagate

from bc_events._delivery.api import EventsAPI
from bc_events.outbox import Relay
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase, engine_at

from .processes import processes, seconds_of, spawning
from .workload import Workload, row


def store_at(database: str) -> TableStore:
    return TableStore(EngineDatabase(engine_at(database), is_ours=True))


def seconds_of_relays(store: TableStore, database: str, url: str, count: int, work: Workload) -> float:
    """From the start of the relays until the outbox is empty."""
    store.add(work.rows())
    with processes(_relay, [(database, url, work.order)] * count) as go:
        began = time.perf_counter()
        go()
        until_empty(store)
        return time.perf_counter() - began


def seconds_of_ready_made(url: str, count: int, work: Workload) -> float:
    """Each posts its share by a `requests.Session`."""
    made = work.requests()
    return seconds_of(_post, [(url, made[place::count]) for place in range(count)])


def latencies(store: TableStore, database: str, url: str, count: int, work: Workload, pause: float) -> list[float]:
    """For each job, the seconds from its commit to the last response about it; with a `pause` after each commit."""
    told = spawning.SimpleQueue()
    committed = {}
    answered: dict[str, float] = {}
    with processes(_timed_relay, [(database, url, work.order, told)] * count) as go:
        go()
        for job in range(work.jobs):
            store.add([row(number, f"job-{job}") for number in range(work.per_job)])
            committed[f"job-{job}"] = time.monotonic()
            time.sleep(pause)
        until_empty(store)
        while len(answered) < len(committed) or not told.empty():  # a job may take several requests
            job, moment = told.get()
            answered[job] = max(moment, answered.get(job, moment))
    return sorted(max(0.0, answered[job] - moment) for job, moment in committed.items())


def until_empty(store: TableStore) -> None:
    """Waits until the table is empty. It reads the first row alone, because counting all rows would slow the relays."""
    while store.show(limit=1):
        time.sleep(0.01)


def _relay(ready: Any, over: Any, database: str, url: str, order: str) -> None:
    store = store_at(database)
    api = EventsAPI(url, auth=None, timeout=(3.05, 10), http=None)
    _run(ready, over, store, api, order)


def _timed_relay(ready: Any, over: Any, database: str, url: str, order: str, told: Any) -> None:
    """Tells of each response its job and its time."""

    class Timed(EventsAPI):
        def post(self, request, attempt=None):
            answer = super().post(request, attempt)
            told.put((request.events[0].job_id, time.monotonic()))
            return answer

    _run(ready, over, store_at(database), Timed(url, auth=None, timeout=(3.05, 10), http=None), order)


def _run(ready: Any, over: Any, store: TableStore, api: EventsAPI, order: str) -> None:
    api.prepare()
    propagate.inject({})  # loads its parts with the first call
    store.stats()
    ready.wait(60)
    with Relay(store, api, order=order):
        over.wait()
    store.close()


def _post(ready: Any, _over: Any, url: str, made: list[tuple[str, bytes, dict[str, str]]]) -> None:
    with requests.Session() as http:
        ready.wait(60)
        for path, body, headers in made:
            http.post(url + path, data=body, headers=headers).raise_for_status()
