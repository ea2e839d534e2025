"""The process of an application: sessions of a few events, each with its row of work in the same transaction.

`python -m tests.cdc.producer URL NAME SEED`
"""

from __future__ import annotations

import logging
import random
import sys
import time
from contextlib import suppress
from decimal import Decimal

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

from bc_events import EventClient, events
from bc_events.outbox import SQLAlchemyOutbox

TOPICS = {
    "DefaultCategory": "cdc",
    "Topics": [
        {"Action": "Happened", "Entity": "Work", "Schema": {"type": "object", "required": ["key"]}},
        {"Action": "Ended", "Entity": "Work", "Category": "ends", "Schema": {"type": "object", "required": ["key"]}},
    ],
}
INSERT = text("INSERT INTO work (name, job, envelope) VALUES (:name, :job, :envelope)")
_ROLLED_BACK = 0.1
_JOBS = 5
_PAUSE = 0.01
_ODD = "ü€😀 ' \" \\ \u2028"


class Undone(Exception):
    """Rolls back a session, or a savepoint."""


def main() -> None:
    url, name, seed = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    chance = random.Random(f"{seed}/{name}")
    engine = create_engine(url)
    client = EventClient(None, "CaptureService", TOPICS, outbox=SQLAlchemyOutbox(sessionmaker(engine), stream=True))
    number = 0
    while True:
        number += 1
        work = _of_session if chance.random() < 0.5 else _of_connection
        with suppress(Undone), events.session(f"{name}-{chance.randrange(_JOBS)}", client=client) as session:
            work(engine, session.job_id, f"{name}/{number}", chance)
        time.sleep(_PAUSE)


def _of_session(engine, job: str, name: str, chance: random.Random) -> None:
    with sessionmaker(engine).begin() as db:
        _events(db, job, name, chance)


def _of_connection(engine, job: str, name: str, chance: random.Random) -> None:
    with engine.begin() as connection:
        _events(connection, job, name, chance)


def _events(db, job: str, name: str, chance: random.Random) -> None:
    for place in range(chance.randint(1, 5)):
        if chance.random() < _ROLLED_BACK:
            with suppress(Undone), db.begin_nested():
                _event(db, job, f"{name}/{place}/savepoint", chance)
                raise Undone
        _event(db, job, f"{name}/{place}", chance)
    if chance.random() < _ROLLED_BACK:
        raise Undone


def _event(db, job: str, name: str, chance: random.Random) -> None:
    publish = events.ended_work if chance.random() < 0.2 else events.happened_work
    event = publish({"key": name, "amount": Decimal("1.10"), "text": _ODD})
    db.execute(INSERT, {"name": name, "job": job, "envelope": event.envelope.decode()})


if __name__ == "__main__":
    main()
