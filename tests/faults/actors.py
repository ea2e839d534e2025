"""What runs in processes of its own, to be killed there: producers and relays."""

from __future__ import annotations

import json
import logging
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker
from tenacity import wait_random_exponential

from bc_events import EventClient, events
from bc_events.api import EventsAPI
from bc_events.outbox import Pace, Relay, SQLAlchemyOutbox
from bc_events.outbox.engine import EngineDatabase
from bc_events.outbox.table import TableStore

TOPICS = {
    "DefaultCategory": "faults",
    "Topics": [{"Action": "Happened", "Entity": "Work", "Schema": {"type": "object", "required": ["key"]}}],
}
WORK = "CREATE TABLE IF NOT EXISTS work (key text PRIMARY KEY)"
"""What the application commits: the truth that deliveries are held against."""


@dataclass(frozen=True, slots=True)
class Producing:
    """`sessions` None goes on until it is killed. `poisoned` and `rolled_back` are shares of events and sessions."""

    database: str
    name: str
    seed: int
    sessions: int | None = None
    pause: float = 0.0
    poisoned: float = 0.0
    rolled_back: float = 0.1
    jobs: int = 5


def produce(order: Producing) -> None:
    """Sessions of a few events, each with its row of work in the same transaction; some are rolled back."""
    logging.disable(logging.CRITICAL)
    chance = random.Random(order.seed)
    factory = sessionmaker(create_engine(order.database))
    client = EventClient(None, "FaultsService", TOPICS, outbox=SQLAlchemyOutbox(factory))
    number = 0
    while order.sessions is None or number < order.sessions:
        number += 1
        try:
            _session(client, factory, chance, order, number)
        except ZeroDivisionError:
            pass
        except Exception:
            if order.sessions is not None:
                raise
            time.sleep(0.05)  # the database is gone, and the whole session with it
        time.sleep(order.pause)


def _session(client, factory, chance: random.Random, order: Producing, number: int) -> None:
    job = f"{order.name}-{chance.randrange(order.jobs)}"
    with events.session(job, client=client), factory.begin() as db:
        for place in range(chance.randint(1, 5)):
            key = f"{order.name}/{number}/{place}"
            if chance.random() < order.rolled_back:
                with suppress(ZeroDivisionError), db.begin_nested():
                    _work(db, f"{key}/savepoint", chance, order)
                    raise ZeroDivisionError
            _work(db, key, chance, order)
        if chance.random() < order.rolled_back:
            raise ZeroDivisionError


def _work(db, key: str, chance: random.Random, order: Producing) -> None:
    db.execute(text("INSERT INTO work VALUES (:key)"), {"key": key})
    data = {"key": key, "poison": True} if chance.random() < order.poisoned else {"key": key}
    events.happened_work(data)


@dataclass(frozen=True, slots=True)
class Relaying:
    """`tally` is a file for what it did, written when it ends in good order."""

    database: str
    api: str
    workers: int = 2
    timeout: tuple[float, float] = (0.5, 0.5)
    lease: float = 3.0
    order: str = "time"
    tally: str | None = None


def relay(order: Relaying) -> None:
    logging.disable(logging.CRITICAL)
    made = Relay(
        TableStore(EngineDatabase(create_engine(order.database))),
        EventsAPI(order.api, auth=None, timeout=order.timeout, http=None),
        workers=order.workers,
        order=order.order,
        pace=Pace(
            lease=order.lease,
            poll=(0.02, 0.2),
            retry=wait_random_exponential(multiplier=0.05, max=1),
            pause=wait_random_exponential(multiplier=0.05, max=0.5),
        ),
    )
    is_told = []
    signal.signal(signal.SIGTERM, lambda *_: is_told.append(True))
    made.start()
    while not is_told:
        time.sleep(0.02)
    made.stop()
    made.join()
    if order.tally:
        Path(order.tally).write_text(json.dumps({"lost_leases": made.tally.lost_leases}))
