"""Measures what an event costs a database, a relay and the Events API. Most of it is counted, whatever else runs."""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event

from bc_events._delivery.api import EventsAPI
from bc_events._delivery.request import Limits
from bc_events.outbox import RelaySettings
from bc_events.outbox._relay.counts import RelayCounts
from bc_events.outbox._relay.worker import Worker
from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import POSTGRESQL
from bc_events.outbox._sql.stream_table import StreamTable
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase
from bc_events.outbox._store.row import Row
from tests.benchmarks.flushes import served
from tests.benchmarks.relays.workload import Workload
from tests.postgres import PostgreSQL

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Costs:
    """Of an event, in the time order, with so many events per job. Seconds are of a processor."""

    per_job: int
    requests: float
    statements_to_publish: float
    """Beside the BEGIN and COMMIT of the application's transaction."""
    statements_to_relay: float
    """With BEGIN and COMMIT."""
    commits_that_wait: float
    """Of the relay: those that wait for the disk."""
    wal_to_publish: float
    wal_to_relay: float
    wal_as_stream: float
    """Bytes: inserted, sent and deleted; or inserted and deleted at once, for change data capture."""
    dead_rows: float
    """Row versions that a relay leaves for autovacuum."""
    relay: float
    database: float
    database_to_publish: float
    database_as_stream: float
    api: float


def measure(per_job: int, jobs: int) -> Costs:
    """With `wal_level = logical`, which change data capture needs."""
    work = Workload(jobs, per_job)
    server = PostgreSQL(wal_level="logical", autovacuum="off").start()
    try:
        with server.connect() as connection:
            for statement in schema.creation(POSTGRESQL):
                connection.execute(statement)
        with _api() as (url, api_pid):
            return _measured(server, url, api_pid, work)
    finally:
        server.stop()


def _measured(server: PostgreSQL, url: str, api_pid: int, work: Workload) -> Costs:
    engine = create_engine(
        server.url(), isolation_level="READ COMMITTED", connect_args={"prepare_threshold": None}, pool_size=1
    )
    store, stream = TableStore(EngineDatabase(engine)), StreamTable(EngineDatabase(engine), Limits())
    api = EventsAPI(url, auth=None, timeout=(3.05, 10), http=None)
    api.prepare()
    _relay(store, api, Workload(20, work.per_job).rows())  # the first requests make connections
    counted = _counting(engine)
    rows = work.rows()
    with server.connect() as connection:
        connection.execute("CHECKPOINT")
        marks, processor, dead = [_mark(connection)], [_database_cpu(server)], [_dead_rows(engine)]
        _in_transactions(store, rows, work.per_job)
        published = Counter(counted)
        marks.append(_mark(connection))
        processor.append(_database_cpu(server))
        asked = _cpu(api_pid)
        relay = _relay(store, api, [])
        answered = _cpu(api_pid)
        relayed = Counter(counted)
        marks.append(_mark(connection))
        processor.append(_database_cpu(server))
        dead.append(_dead_rows(engine))
        _in_transactions(stream, work.rows(), work.per_job)
        marks.append(_mark(connection))
        processor.append(_database_cpu(server))
    engine.dispose()
    wal = [later - earlier for earlier, later in pairwise(marks)]
    to_publish, to_relay, as_stream = (later - earlier for earlier, later in pairwise(processor))
    relayed.subtract(published)
    count = work.events
    return Costs(
        work.per_job,
        work.jobs / count,
        published["statement"] / count,
        sum(relayed.values()) / count,
        (relayed["commit"] - relayed["soft"]) / count,
        *(one / count for one in wal),
        (dead[1] - dead[0]) / count,
        *(one / count for one in (relay, to_relay, to_publish, as_stream, answered - asked)),
    )


def _in_transactions(store: TableStore | StreamTable, rows: Sequence[Row], per_job: int) -> None:
    for start in range(0, len(rows), per_job):
        store.add(rows[start : start + per_job])


def _dead_rows(engine: Engine) -> int:
    """Row versions that its one connection has replaced or deleted."""
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    with engine.begin() as connection:
        counts = "SELECT n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = 'bc_outbox'"
        return int(connection.exec_driver_sql(counts).scalar_one())


def _relay(store: TableStore, api: EventsAPI, rows: Sequence[Row]) -> float:
    """Sends all that waits. Returns the seconds of the processor that the relay took."""
    if rows:
        store.add(rows)
    worker = Worker(store, api, settings=RelaySettings(), limits=Limits(), order="time", counts=RelayCounts())
    began = time.thread_time()
    while worker._turn():
        pass
    return time.thread_time() - began


def _counting(engine: Engine) -> Counter[str]:
    """Of statements, BEGINs and COMMITs; and of COMMITs that do not wait for the disk."""
    counted: Counter[str] = Counter()

    @event.listens_for(engine, "before_cursor_execute")
    def statement(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        counted["statement"] += 1
        if "synchronous_commit" in sql:
            counted["soft"] += 1

    event.listen(engine, "begin", lambda _: counted.update(["begin"]))
    event.listen(engine, "commit", lambda _: counted.update(["commit"]))
    return counted


def _mark(connection: Any) -> int:
    """A place in the write-ahead log."""
    return int(connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()[0])


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _database_cpu(server: PostgreSQL) -> float:
    assert server._process is not None
    return sum(_cpu(pid) for pid in (server._process.pid, *_children(server._process.pid)))


def _children(pid: int) -> set[int]:
    found = (Path(task, "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir())
    return {int(one) for line in found for one in line.split()}


@contextmanager
def _api() -> Iterator[tuple[str, int]]:
    """The URL of a local Events API, and its process."""
    before = _children(os.getpid())
    with served() as url:
        (pid,) = _children(os.getpid()) - before
        yield url, pid


def disk_wait(folder: Path) -> float:
    """Seconds until the disk has a page: the median of some tries."""
    file = os.open(folder / "probe", os.O_CREAT | os.O_WRONLY)
    taken = []
    for _ in range(40):
        began = time.perf_counter()
        os.write(file, bytes(8192))
        os.fdatasync(file)
        taken.append(time.perf_counter() - began)
    os.close(file)
    return statistics.median(taken)
