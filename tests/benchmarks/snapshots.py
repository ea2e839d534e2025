"""What claims read after events were sent while another transaction held a snapshot.

    python -m tests.benchmarks.snapshots [EVENTS]

Each figure is of two claims: one of an empty table, and one of 20 rows. PostgreSQL counts buffers, MariaDB requests for
pages, SQLite steps of its virtual machine.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import Engine, create_engine, event, text

from bc_events._delivery.request import Limits
from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import MYSQL, POSTGRESQL
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase
from bc_events.outbox._sqlite.outbox import SQLiteOutbox
from bc_events.outbox._store.store import Claim, Order, Settlement
from tests.mariadb import MariaDB
from tests.postgres import PostgreSQL

from .relays import _row

ROWS = 20
JOBS = 5
ORDERS: tuple[Order, ...] = ("time", "job")


def main(sent: int) -> None:
    for name, order, free, held in (*_on_postgres(sent), *_on_mariadb(sent), *_on_sqlite(sent)):
        print(f"| {name} | {order} | {free:,} | {held:,} |")
    print(_truncation())


def _on_postgres(sent: int) -> Iterator[tuple[str, str, int, int]]:
    stopped = {"clock": lambda: 0.0}  # then its floor does not rise
    candidates: dict[str, tuple[dict, Callable]] = {
        "PostgreSQL, from the front": (stopped, _send),
        "PostgreSQL, from the front, one version of each row": (stopped, _delete),
        "PostgreSQL, from a remembered floor": ({}, _send),
    }
    for order in ORDERS:
        for name, (options, send) in candidates.items():
            costs = []
            for is_held in (False, True):
                with _postgres() as (_, engine), _snapshot(engine, is_held):
                    store = TableStore(EngineDatabase(engine), **options)
                    send(store, engine, sent)
                    costs.append(_cost(store, order, lambda engine=engine: _buffers(engine)))
            yield name, order, *costs


def _on_mariadb(sent: int) -> Iterator[tuple[str, str, int, int]]:
    for order in ORDERS:
        costs = []
        for is_held in (False, True):
            server = MariaDB().start()
            server.create_database("app")
            server.run(*schema.creation(MYSQL), database="app")
            engine = create_engine(server.url())
            with _snapshot(engine, is_held):
                store = TableStore(EngineDatabase(engine))
                _send(store, engine, sent)
                time.sleep(2 if not is_held else 0)  # for the purge
                costs.append(_cost(store, order, lambda server=server: _pages(server)))
            engine.dispose()
            server.stop()
        yield "MariaDB", order, *costs


def _on_sqlite(sent: int) -> Iterator[tuple[str, str, int, int]]:
    for order in ORDERS:
        costs = []
        for is_held in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                store = SQLiteOutbox(Path(folder, "events.db"), relay=False).store
                store.add([_row(0, "job")])
                with sqlite3.connect(Path(folder, "events.db"), isolation_level=None) as reader:
                    if is_held:
                        reader.execute("BEGIN")
                        reader.execute(f"SELECT count(*) FROM {schema.TABLE}").fetchall()
                    _send(store, None, sent)
                    costs.append(_cost(store, order, lambda store=store: _steps(store)))
                reader.close()
                store.close()
        yield "SQLite", order, *costs


def _send(store: TableStore, _engine: Engine | None, sent: int) -> None:
    for first in range(0, sent, 1_000):
        store.add([_row(number, f"job-{number % JOBS}") for number in range(first, min(first + 1_000, sent))])
    while (claim := _claim(store, "time")) is not None:
        _settle(store, claim)


def _delete(store: TableStore, engine: Engine, sent: int) -> None:
    """As if a claim left no version of its own."""
    store.add([_row(number, f"job-{number % JOBS}") for number in range(sent)])
    with engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {schema.TABLE}"))


def _cost(store: TableStore, order: Order, counting: Callable) -> int:
    for _ in range(4):
        _claim(store, order)
        time.sleep(0.3)
    store.add([_row(number, f"job-{number % JOBS}") for number in range(ROWS)])
    _settle(store, _claim(store, order))
    with counting() as counted:
        _claim(store, order)
        store.add([_row(number, f"job-{number % JOBS}") for number in range(ROWS)])
        claim = _claim(store, order)
    _settle(store, claim)
    return sum(counted)


def _claim(store: TableStore, order: Order) -> Claim | None:
    return store.claim(limit=250, seconds=60, limits=Limits(), order=order)


def _settle(store: TableStore, claim: Claim | None) -> None:
    assert claim is not None
    store.settle(claim.lease, Settlement([row for request in claim.requests for row in request.events]))


@contextmanager
def _postgres() -> Iterator[tuple[PostgreSQL, Engine]]:
    server = PostgreSQL().start()
    with server.connect() as connection:
        for statement in schema.creation(POSTGRESQL):
            connection.execute(statement)
    engine = create_engine(server.url())
    yield server, engine
    engine.dispose()
    server.stop()


@contextmanager
def _snapshot(engine: Engine, is_held: bool) -> Iterator[None]:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        if is_held:
            connection.execute(text(f"SELECT count(*) FROM {schema.TABLE}"))
        else:
            connection.rollback()
        yield


@contextmanager
def _buffers(engine: Engine) -> Iterator[list[int]]:
    counted: list[int] = []

    def explain(_connection, cursor, statement, parameters, *_):
        if statement.startswith(("SELECT", "WITH")):
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
            (((plan,),),) = cursor.fetchall()
            counted.append(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])

    event.listen(engine, "before_cursor_execute", explain)
    yield counted
    event.remove(engine, "before_cursor_execute", explain)


@contextmanager
def _pages(server: MariaDB) -> Iterator[list[int]]:
    counted: list[int] = []

    def pages() -> int:
        ((_name, count),) = server.run("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_read_requests'")
        return int(count)

    before = pages()
    yield counted
    counted.append(pages() - before)


@contextmanager
def _steps(store: TableStore) -> Iterator[list[int]]:
    counted: list[int] = []
    (opened,) = store._database._idle
    opened.connection.set_progress_handler(lambda: counted.append(1), 1)
    yield counted
    opened.connection.set_progress_handler(None, 1)


def _truncation() -> str:
    """Whether a table could be emptied, as a rotation of tables does, while a dump is under way."""
    with _postgres() as (server, engine), _snapshot(engine, True), server.connect() as connection:
        connection.execute("SET lock_timeout = '1s'")
        try:
            connection.execute(f"TRUNCATE {schema.TABLE}")
        except psycopg.errors.LockNotAvailable:
            return "TRUNCATE waits for a transaction that has read the table, as a dump does."
        return "TRUNCATE does not wait."


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
