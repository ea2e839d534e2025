"""The store of a SQLAlchemy engine, on SQLite, PostgreSQL and MariaDB: two of them, as two relays have."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, event, make_url, text

from bc_events.errors import OutboxError
from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import SQLITE
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase, engine_at
from bc_events.outbox._store.store import Failure, Settlement
from tests.outbox.conformance import *  # noqa: F403
from tests.outbox.rows import claimed, in_claim, row, rows_of
from tests.outbox.unreadable_rows import *  # noqa: F403


def sqlite_url(tmp_path) -> str:
    url = f"sqlite:///{tmp_path}/app.db"
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in schema.creation(SQLITE):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgres", "postgres by psycopg2", "mariadb"])
def two_stores(request, tmp_path):
    server, _, driver = request.param.partition(" by ")
    url = sqlite_url(tmp_path) if server == "sqlite" else request.getfixturevalue(f"{server}_url")
    url = make_url(url).set(drivername=f"postgresql+{driver}") if driver else url
    with ExitStack() as stack:
        engines = [create_engine(url) for _ in range(2)]
        for engine in engines:
            stack.callback(engine.dispose)
        yield tuple(TableStore(EngineDatabase(engine)) for engine in engines)


@pytest.fixture
def store(two_stores):
    return two_stores[0]


@pytest.mark.parametrize("order", ["time", "job"])
@pytest.mark.parametrize("jobs", [1, 2_000])
def test_a_claim_reads_no_more_of_a_backlog_than_it_takes(postgres_url, order, jobs):
    """Whatever PostgreSQL believes of the table, which was empty when its statistics were made."""
    engine = create_engine(postgres_url)
    store = TableStore(EngineDatabase(engine))
    plans = explained(engine, "SKIP LOCKED")
    try:
        analyze(engine)
        store.add([row(number, f"job-{number % jobs}") for number in range(2_000)])
        first = claimed(store, limit=20, order=order)
        assert len(in_claim(first)) == 20
        store.release(first.lease, rows_of(first))
        assert in_claim(claimed(store, limit=20, order=order)) == in_claim(first)
        assert len(plans) == 2
        assert max(most for plan in plans for most in read_by(plan)) < 50
    finally:
        engine.dispose()


def test_a_claim_passes_over_a_long_job_that_another_has(postgres_url):
    """By PostgreSQL's statistics there is no other job, and the first row of any is right at the front."""
    engine = create_engine(postgres_url)
    store = TableStore(EngineDatabase(engine))
    store.add([row(number, "long") for number in range(4_000)])
    analyze(engine)
    try:
        assert len(in_claim(claimed(store, limit=20, order="job"))) == 20
        others = [row(number, f"job-{number}") for number in range(20)]
        store.add(others)
        plans = explained(engine, "SELECT")
        assert in_claim(claimed(store, limit=20, order="job")) == [one.id for one in others]
        assert sum(sum(read_by(plan)) for plan in plans) < 20_000
    finally:
        engine.dispose()


def analyze(engine):
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"ANALYZE {schema.TABLE}"))


def explained(engine, part):
    """The plans of statements with such a part, from now on."""
    plans = []

    @event.listens_for(engine, "before_cursor_execute")
    def explain(_connection, cursor, statement, parameters, *_):
        if part in statement:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            ((plan,),) = cursor.fetchall()
            plans.append(plan[0]["Plan"])

    return plans


def read_by(node):
    """Of each step of a plan, how many rows it has read."""
    yield node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
    for part in node.get("Plans", ()):
        yield from read_by(part)


def test_statements_of_an_engine_of_ours_are_not_prepared(postgres_url):
    """PgBouncer gives each transaction another server, which has no statement prepared or one of that name already."""
    engine = engine_at(postgres_url)
    store = TableStore(EngineDatabase(engine, is_ours=True))
    for _ in range(10):
        store.stats()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0
    store.close()


def test_an_engine_of_ours_outlives_the_connections_that_the_database_closes(postgres_url, postgres):
    engine = engine_at(postgres_url)
    store = TableStore(EngineDatabase(engine, is_ours=True))
    store.add([row(1)])
    with engine.connect() as connection:
        process = connection.scalar(text("SELECT pg_backend_pid()"))
    with postgres.connect() as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 10000)", [process]).fetchone() == (True,)
    store.add([row(2)])
    assert store.stats().pending == 2
    store.close()


def test_a_claim_and_a_stale_settlement_never_wait_for_each_other_in_a_circle(postgres_url):
    """The lease has ended, and its first row is settled last."""
    looked = threading.Event()
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        engines = [create_engine(postgres_url) for _ in range(2)]
        for engine in engines:
            stack.callback(engine.dispose)
        settling, claiming = (TableStore(EngineDatabase(engine)) for engine in engines)
        settling.add([row(number) for number in range(3)])
        stale = claimed(settling, seconds=0)
        first, *others = rows_of(stale)
        claims = []

        @event.listens_for(engines[0], "after_cursor_execute")
        def claim_meanwhile(_connection, _cursor, statement, *_):
            if statement.startswith("DELETE"):
                claims.append(pool.submit(claimed, claiming))
                assert looked.wait(10)

        @event.listens_for(engines[1], "after_cursor_execute")
        def look(_connection, _cursor, statement, *_):
            if "SKIP LOCKED" in statement:
                looked.set()

        assert settling.settle(stale.lease, Settlement(others, [Failure(first, "again", 0.0)])) == 0
        assert [claim.result() for claim in claims] == [None]


@pytest.fixture
def committing_by_themselves(tmp_path):
    """Two stores on SQLite whose engines begin no transaction; they do not wait for each other."""
    url = sqlite_url(tmp_path)
    with ExitStack() as stack:
        engines = [create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"timeout": 0}) for _ in range(2)]
        for engine in engines:
            stack.callback(engine.dispose)
        yield engines[0], *(TableStore(EngineDatabase(engine)) for engine in engines)


def test_claims_on_an_engine_that_commits_by_itself_exclude_each_other(committing_by_themselves):
    """Or both relays would send what both have read."""
    engine, one, other = committing_by_themselves
    one.add([row(number) for number in range(3)])
    refused = []

    @event.listens_for(engine, "before_cursor_execute")
    def claim_meanwhile(_connection, _cursor, statement, *_):
        if statement.startswith("UPDATE"):
            with pytest.raises(OutboxError, match="locked") as caught:
                claimed(other)
            refused.append(caught)

    assert len(in_claim(claimed(one))) == 3
    assert refused
    assert claimed(other) is None


def test_an_engine_that_commits_by_itself_stores_all_rows_or_none(committing_by_themselves):
    _, store, other = committing_by_themselves
    with pytest.raises(OutboxError):
        store.add([row(1), replace(row(2), payload=None)])
    store.add([row(3)])
    assert other.stats().pending == 1
