"""Producers and relays, each in a process that can be killed."""

from __future__ import annotations

import json
import logging
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

from bc_events import EventClient, events
from bc_events._delivery.api import EventsAPI
from bc_events.outbox import Relay, SQLAlchemyOutbox
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase, engine_at
from tests.faults.relay_settings import TIMEOUT, quick

TOPICS = {
    "DefaultCategory": "faults",
    "Topics": [{"Action": "Happened", "Entity": "Work", "Schema": {"type": "object", "required": ["key"]}}],
}
WORK = "CREATE TABLE IF NOT EXISTS work (name varchar(200) PRIMARY KEY)"
"""The application's own table: its committed rows say which events must arrive."""


@dataclass(frozen=True, slots=True)
class Producing:
    """`sessions` None goes on until it is killed. One event in `poison_every` is poisoned, none where it is 0.

    `rolled_back` is the share of sessions, and of savepoints; `counts_file` a file for how many, written at the end.
    """

    database: str
    name: str
    seed: int
    sessions: int | None = None
    pause: float = 0.0
    poison_every: int = 0
    rolled_back: float = 0.1
    jobs: int = 5
    counts_file: str | None = None


def produce(order: Producing) -> None:
    """Sessions of a few events, each with its row of work in the same transaction; some are rolled back."""
    logging.disable(logging.CRITICAL)
    chance = random.Random(order.seed)
    factory = sessionmaker(create_engine(order.database))
    client = EventClient(None, "FaultsService", TOPICS, outbox=SQLAlchemyOutbox(factory))
    counts: Counter[str] = Counter()
    number = 0
    while order.sessions is None or number < order.sessions:
        number += 1
        try:
            _session(client, factory, chance, order, number, counts)
        except ZeroDivisionError:
            counts["sessions"] += 1
        except Exception:
            if order.sessions is not None:
                raise
            time.sleep(0.05)  # the database is gone, and the whole session with it
        time.sleep(order.pause)
    if order.counts_file:
        Path(order.counts_file).write_text(json.dumps(counts))


def _session(client, factory, chance: random.Random, order: Producing, number: int, counts: Counter[str]) -> None:
    job = f"{order.name}-{chance.randrange(order.jobs)}"
    with events.session(job, client=client), factory.begin() as db:
        for place in range(chance.randint(1, 5)):
            key = f"{order.name}/{number}/{place}"
            if chance.random() < order.rolled_back:
                with suppress(ZeroDivisionError), db.begin_nested():
                    _work(db, f"{key}/savepoint", order, counts)
                    counts["savepoints"] += 1
                    raise ZeroDivisionError
            _work(db, key, order, counts)
        if chance.random() < order.rolled_back:
            raise ZeroDivisionError


def _work(db, key: str, order: Producing, counts: Counter[str]) -> None:
    db.execute(text("INSERT INTO work VALUES (:key)"), {"key": key})
    counts["events"] += 1
    is_poisoned = order.poison_every and counts["events"] % order.poison_every == 0
    events.happened_work({"key": key, "poison": True} if is_poisoned else {"key": key})


@dataclass(frozen=True, slots=True)
class Relaying:
    """`at_work` is a file made with its first request; `counts_file` is for what it did, once it ends in good order."""

    database: str
    api: str
    workers: int = 2
    timeout: tuple[float, float] = TIMEOUT
    lease: float = 3.0
    order: str = "time"
    at_work: str | None = None
    counts_file: str | None = None


def relay(order: Relaying) -> None:
    logging.disable(logging.CRITICAL)
    made = Relay(
        TableStore(EngineDatabase(engine_at(order.database), is_ours=True)),
        EventsAPI(order.api, auth=None, timeout=order.timeout, http=None),
        workers=order.workers,
        order=order.order,
        settings=quick(order.lease),
    )
    is_told = []
    signal.signal(signal.SIGTERM, lambda *_: is_told.append(True))
    made.start()
    while not is_told:
        time.sleep(0.02)
        if order.at_work and made.counts.requests:
            Path(order.at_work).touch()
    made.stop()
    made.join()
    if order.counts_file:
        Path(order.counts_file).write_text(json.dumps({"lost_leases": made.counts.lost_leases}))
