"""How the databases without PostgreSQL's partitions read the archive: through one index, and without a sort."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from sqlalchemy import create_engine

from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import MYSQL, SQLITE
from bc_events.outbox._sql.history_sql import HistoryQuery
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase
from tests.outbox.conformance.archive import keeping, send
from tests.outbox.rows import row

SEARCHES = {
    "job": ({"job_id": "job-1"}, f"{schema.SENT}_job"),
    "topic": ({"topic": "testing.T1"}, schema.MARK),
    "job and topic": ({"job_id": "job-1", "topic": "testing.T1"}, f"{schema.SENT}_job"),
    "time": ({"since": time.time() - 60}, "primary"),
    "all": ({}, "primary"),
}


def query_of(dialect, search) -> HistoryQuery:
    unsaid = {"ids": (), "job_id": None, "topic": None, "since": None, "until": None}
    return HistoryQuery.of(dialect, **{**unsaid, **search})


def archived(store) -> TableStore:
    kept = keeping(store)
    send(kept, [replace(row(number, f"job-{number % 5}"), topic=f"testing.T{number % 7}") for number in range(100)])
    return kept


@pytest.mark.parametrize("name", SEARCHES)
def test_sqlite_reads_one_index_in_its_order(store, name):
    search, index = SEARCHES[name]
    kept = archived(store)
    query = query_of(SQLITE, search)
    with kept._database.reading() as transaction:
        plan = transaction.run(f"EXPLAIN QUERY PLAN {query.statement()}", [*query.parameters, 10])
    (step,) = [text for *_, text in plan]
    assert ("autoindex_bc_outbox_sent_1" if index == "primary" else index) in step
    assert kept.history(**search)


@pytest.mark.parametrize("name", SEARCHES)
def test_mariadb_reads_one_index_in_its_order(mariadb_url, name):
    search, index = SEARCHES[name]
    engine = create_engine(mariadb_url)
    kept = archived(TableStore(EngineDatabase(engine)))
    query = query_of(MYSQL, search)
    with kept._database.reading() as transaction:
        ((*_, key, _length, _ref, _rows, extra),) = transaction.run(
            f"EXPLAIN {query.statement()}".replace("?", "%s"), [*query.parameters, 10]
        )
    assert key.lower() == index
    assert "filesort" not in (extra or "")
    assert kept.history(**search)
    engine.dispose()
