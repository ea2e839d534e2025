"""Prints what the store of the local Events API costs with many events.

python -m tests.benchmarks.local [EVENTS]

Times are those of the processor, so that other work on the machine does not count. Storing is compared with a bare
SQLite table that takes the same rows in the same transactions: it has no index, and cannot be searched.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta

import orjson
import requests

from bc_events.event import Actor
from bc_events.local import LocalEventsAPI, ReceivedEvent
from bc_events.local.event_row import COLUMNS, row_of
from bc_events.local.event_store import EventStore
from bc_events.local.facets import facets

EVENTS = 1_000_000
BATCH = 250
ROUNDS = 9
OVER_HTTP = 50_000
ACTIONS = ("Created", "Updated", "Cancelled", "Renewed")
ENTITIES = ("Policy", "Quote", "Invoice", "Claim", "Payment")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    store, bare = EventStore(), _bare()
    ours, theirs = [], []
    events: list[ReceivedEvent] = []
    for batch in _batches(count):
        rows = list(map(row_of, batch))
        theirs.append(_seconds(lambda rows=rows: _insert(bare, rows)))
        ours.append(_seconds(lambda batch=batch: store.add(batch)))
        events = batch
    bare.close()
    print(f"{count:,} events; SQLite {sqlite3.sqlite_version}\n")
    print("| storing | events a second | time / bare SQLite |\n|---|---|---|")
    print(f"| bare SQLite | {count / sum(theirs):,.0f} | 1.00 |")
    print(f"| the store, in batches of {BATCH} | {count / sum(ours):,.0f} | {sum(ours) / sum(theirs):.2f} |")
    over_http = _over_http(min(count, OVER_HTTP))
    ratio = over_http * count / sum(theirs)
    print(f"| bulk requests over HTTP, checked and logged | {1 / over_http:,.0f} | {ratio:.2f} |")
    print("\n| question | answer | median ms |\n|---|---|---|")
    one = events[len(events) // 2]
    word = orjson.loads(one.raw)["name"].split()[3]
    for name, ask in {
        "first page, the latest 200": lambda: len(store.latest(limit=200)),
        "a page from the middle": lambda: len(store.latest(limit=200, before=count // 2)),
        "how many there are": store.count,
        "topic and job, page and count": lambda: _page(store, f"topic:{one.topic} job:{one.job_id}"),
        "topic, page and count": lambda: _page(store, f"topic:{one.topic}"),
        "a rare word, page and count": lambda: _page(store, word),
        "a part of an id, page and count": lambda: _page(store, orjson.loads(one.raw)["id"][-12:]),
        "a word of every event, page and count": lambda: _page(store, "active"),
        "a text that no event has, page and count": lambda: _page(store, "nothing like it"),
        "a value of the data, page and count": lambda: _page(store, f"data.name:*{word}*"),
        "facets of all": lambda: facets(store, "")["counted"],
    }.items():
        times = []
        for _ in range(ROUNDS):
            started = time.process_time()
            answer = ask()
            times.append(time.process_time() - started)
        print(f"| {name} | {answer:,} | {statistics.median(times) * 1000:.1f} |")
    store.close()


def _page(store: EventStore, q: str) -> int:
    store.latest(q, 200)
    return store.count(q, 10_000)


def _batches(count: int):
    chance = random.Random(7)
    words = [f"{chance.randrange(1 << 20):05x}" for _ in range(50_000)]
    started = datetime.now(UTC) - timedelta(days=1)
    for first in range(0, count, BATCH):
        yield [_event(chance, words, started, number, count) for number in range(first, min(first + BATCH, count))]


def _event(chance: random.Random, words: list[str], started: datetime, number: int, count: int) -> ReceivedEvent:
    entity, action = chance.choice(ENTITIES), chance.choice(ACTIONS)
    category = f"{entity.lower()}s"
    data = {
        "id": str(uuid.UUID(int=chance.getrandbits(128))),
        "premium": chance.randrange(100_000),
        "name": " ".join(chance.choices(words, k=5)),
        "state": "active",
    }
    return ReceivedEvent(
        seq=0,
        event_id=str(uuid.UUID(int=chance.getrandbits(128))),
        received=started + timedelta(milliseconds=number),
        job_id=f"job-{chance.randrange(count // 5 + 1)}",
        topic=f"{category}.{entity}{action}",
        category=category,
        entity=entity,
        action=action,
        actor=Actor(f"cognito-{chance.randrange(5_000)}", "user"),
        raw=orjson.dumps(data),
        idempotency_key=str(uuid.UUID(int=chance.getrandbits(128))),
    )


def _bare() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE TABLE events (seq INTEGER PRIMARY KEY, {COLUMNS})")
    return database


def _insert(database: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    with database:
        database.executemany(f"INSERT INTO events ({COLUMNS}) VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _over_http(count: int) -> float:
    """The seconds that one event takes, in bulk requests of one client that waits for each answer."""
    bodies = [b"[" + b",".join(_envelope(event) for event in batch) + b"]" for batch in _batches(count)]
    headers = {"x-britecore-job-id": "job-1", "Content-Type": "application/json"}
    with LocalEventsAPI() as api, requests.Session() as http:
        url = f"{api.url}/events/bulk/"
        http.post(url, bodies[0], headers=headers, timeout=60).raise_for_status()
        started = time.process_time()
        for body in bodies:
            http.post(url, body, headers=headers, timeout=60).raise_for_status()
        return (time.process_time() - started) / count


def _envelope(event: ReceivedEvent) -> bytes:
    return orjson.dumps(
        {
            "action": event.action,
            "category": event.category,
            "entity": event.entity,
            "data": orjson.Fragment(event.raw),
            "actor": {"id": event.actor.id, "type": event.actor.type},
        }
    )


def _seconds(work) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
