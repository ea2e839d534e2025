"""What 2,000,000 archived events cost on PostgreSQL: pages that a claim reads, and the time of `history`.

python -m tests.benchmarks.archive [ROWS]
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime

import psycopg
from sqlalchemy import create_engine, event

from bc_events.outbox._sql import partitions, schema
from bc_events.outbox._sql.dialect import POSTGRESQL
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase
from tests.outbox.rows import claimed, row, rows_of
from tests.postgres import PostgreSQL

ROWS = 2_000_000
OF_A_JOB = 20
MONTHS = 3
ROUNDS = 21
CLAIMS = 7
FILL = """INSERT INTO bc_outbox_sent
(seq, id, aggregatetype, aggregateid, type, payload, created_at, sent_at, attempts, idempotency_key, service)
SELECT n, gen_random_uuid(), 'testing', 'job-' || n / {of_a_job}, 'testing.T' || n % 50, repeat('x', 300),
    {now} - n * {step}, {now} - n * {step}, 1, gen_random_uuid(), 'PolicyService'
FROM generate_series({first}, {last}) n"""


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    server = PostgreSQL(fsync="off", shared_buffers="256MB").start()
    try:
        with server.connect() as connection:
            for statement in schema.creation(POSTGRESQL):
                connection.execute(statement)
            print_figures(server, connection, rows)
    finally:
        server.stop()


def print_figures(server: PostgreSQL, connection: psycopg.Connection, rows: int) -> None:
    engine = create_engine(server.url())
    store = TableStore(EngineDatabase(engine), keep=1e8)
    store.add([row(number, f"waiting-{number % 50}") for number in range(1_000)])
    before = buffers_of_a_claim(engine, store, connection)
    fill(connection, store, rows)
    after = buffers_of_a_claim(engine, store, connection)
    print(f"{rows:,} archived events in {partitions_of(connection)} partitions")
    print(f"a claim of 250 reads {before} buffers without them, and {after} with them: {after / before:.3f}")
    for name, search in {
        "--job": {"job_id": f"job-{rows // OF_A_JOB // 2}"},
        "--topic": {"topic": "testing.T7"},
        "--since": {"since": time.time() - 3_600},
        "--job --topic": {"job_id": f"job-{rows // OF_A_JOB // 2}", "topic": "testing.T7"},
    }.items():
        fastest, median = milliseconds(store, search)
        print(f"history {name:<14} {median:6.1f} ms (median of {ROUNDS}; the fastest {fastest:.1f})")
    engine.dispose()


def fill(connection: psycopg.Connection, store: TableStore, rows: int) -> None:
    now = datetime.now(UTC)
    month = (now.year, now.month)
    store.purge_sent()
    for _ in range(MONTHS):
        month = (month[0] - 1, 12) if month[1] == 1 else (month[0], month[1] - 1)
        partitions._make(store._database, "public", month, None)
    step = MONTHS * 28 * 86_400 / rows
    for first in range(1, rows, 100_000):
        last = min(rows, first + 99_999)
        values = {"now": now.timestamp(), "step": step, "first": first, "last": last, "of_a_job": OF_A_JOB}
        connection.execute(FILL.format(**values))
    connection.execute("VACUUM ANALYZE bc_outbox_sent")


def buffers_of_a_claim(engine, store: TableStore, connection: psycopg.Connection) -> int:
    """Pages read by all statements that choose rows, once no dead version of a row is left; the median of some."""
    read: list[int] = []

    @event.listens_for(engine, "before_cursor_execute")
    def explain(_connection, cursor, statement, parameters, *_):
        if statement.startswith("SELECT") and "bc_outbox o" in statement:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
            ((plan,),) = cursor.fetchall()
            read.append(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])

    chosen = []
    for _ in range(CLAIMS):
        connection.execute("VACUUM ANALYZE bc_outbox")
        read.clear()
        claim = claimed(store)
        chosen.append(sum(read))
        store.release(claim.lease, rows_of(claim))
    event.remove(engine, "before_cursor_execute", explain)
    return int(statistics.median(chosen))


def milliseconds(store: TableStore, search: dict) -> tuple[float, float]:
    """The fastest, and the median."""
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        assert store.history(**search), search
        taken.append(1_000 * (time.perf_counter() - started))
    return min(taken), statistics.median(taken)


def partitions_of(connection: psycopg.Connection) -> int:
    return connection.execute(
        f"SELECT count(*) FROM pg_inherits WHERE inhparent = '{schema.SENT}'::regclass"
    ).fetchone()[0]


if __name__ == "__main__":
    main()
