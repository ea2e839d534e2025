"""The cost of leaving a session with an outbox in a file, beside the raw transaction that writes the same rows."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
import uuid
from pathlib import Path

from bc_events import EventClient
from bc_events.outbox import SQLiteOutbox
from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import SQLITE

from .calls import DATA, TOPICS

EVENTS = 20
ROUNDS = 300
COLUMNS = "id, aggregatetype, aggregateid, type, payload, created_at, service, trace"


def session_exit() -> float:
    """The time to leave a session of 20 events, divided by that of the raw transaction; medians of many rounds."""
    with tempfile.TemporaryDirectory(prefix="benchmark") as folder:
        outbox = SQLiteOutbox(Path(folder, "ours.db"), relay=False)
        with EventClient(None, "PolicyService", TOPICS, outbox=outbox) as client:
            session = client.service_session("benchmark")
            for _ in range(EVENTS):
                session.created_policy(DATA)
            session.flush()
            rows = [_values(row) for row in outbox.store.show()]
            raw = _raw(Path(folder, "raw.db"))
            taken: dict[str, list[float]] = {"leave": [], "write": []}
            for _ in range(ROUNDS):
                for _ in range(EVENTS):
                    session.created_policy(DATA)
                taken["leave"].append(_seconds(session.flush))
                anew = [(uuid.uuid4().hex, *values) for values in rows]
                taken["write"].append(_seconds(lambda anew=anew: _write(raw, anew)))
            raw.close()
    return statistics.median(taken["leave"]) / statistics.median(taken["write"])


def _raw(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", *schema.creation(SQLITE)):
        connection.execute(statement)
    return connection


def _write(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    marks = ", ".join("?" * len(rows[0]))
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(f"INSERT INTO {schema.TABLE} ({COLUMNS}) VALUES ({marks})", rows)
    connection.execute("COMMIT")


def _values(row) -> tuple[object, ...]:
    """All of `COLUMNS` but the id, which is new each time."""
    return row.category, row.job_id, row.topic, row.payload, row.created_at, row.service, row.trace


def _seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
