"""Cases of MariaDB alone: old servers, deadlocks, and settings that change the meaning of SQL."""

import threading

import pytest
from sqlalchemy import create_engine, event, text
from tenacity import Retrying, stop_after_delay, wait_fixed

from bc_events.errors import OutboxError
from bc_events.outbox import SQLAlchemyOutbox
from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import MYSQL
from bc_events.outbox._sql.server_version import refuse_old_mysql
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase, engine_at
from bc_events.outbox._store.columns import GIVEN
from bc_events.outbox._store.store import Failure, Settlement
from tests.mariadb import MariaDB
from tests.outbox.rows import claimed, ids, in_claim, row, rows_of, shape

NAMES = [column.name for column in GIVEN]


@pytest.fixture
def store_of(mariadb_url):
    """Makes stores on engines with some options."""
    engines = []

    def store_of(url=mariadb_url, **options):
        engines.append(create_engine(url, **options))
        return TableStore(EngineDatabase(engines[-1]))

    store_of.engines = engines
    yield store_of
    for engine in engines:
        engine.dispose()


@pytest.fixture
def old_url(mariadb):
    """A server that says it is too old. The fixture `mariadb` has found out whether one is installed."""
    server = MariaDB(version="10.5.9-MariaDB")
    server.start()
    server.create_database("app")
    yield server.url()
    server.stop()


def test_a_server_that_is_too_old_is_refused_by_name(old_url):
    engine = create_engine(old_url)
    outbox = SQLAlchemyOutbox(engine)
    for use in (outbox.create, outbox.store.stats, outbox.store.check, lambda: outbox.store.add([row(1)])):
        with pytest.raises(OutboxError, match=r"MariaDB 10\.5\.9, .*MariaDB 10\.6 or later"):
            use()
    engine.dispose()


@pytest.mark.parametrize(
    ("version", "is_mariadb", "is_refused"),
    [((8, 0, 15), False, True), ((8, 0, 16), False, False), ((10, 6, 0), True, False), ((10, 5, 29), True, True)],
)
def test_the_oldest_servers(version, is_mariadb, is_refused):
    if is_refused:
        with pytest.raises(OutboxError, match=".".join(map(str, version))):
            refuse_old_mysql(version, is_mariadb=is_mariadb)
    else:
        refuse_old_mysql(version, is_mariadb=is_mariadb)


MODES = ["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES", "PIPES_AS_CONCAT"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("driver", ["mysql+pymysql", "mariadb+pymysql"])
def test_values_come_back_whatever_the_sql_mode(mariadb, store_of, mode, driver):
    store = store_of(mariadb.url(driver=driver), connect_args={"init_command": f"SET sql_mode = '{mode}'"})
    long = "é\U0001f600" * 40_000  # more than TEXT has room for
    stored = [
        row(1, 'it\'s \\ "j"', f'{{"a": "\\"\\\\ \' ? %s {long}"}}'),
        row(2, "JÖB"),
        row(3, "job"),
        row(4, "jöb "),
    ]
    store.add(stored)
    claim = claimed(store)
    assert sorted((one.job_id, one.payload) for one in rows_of(claim)) == sorted(
        (one.job_id, one.payload) for one in stored
    )
    assert len(claim.requests) == 4  # job ids that differ only in case are different jobs
    failed = [Failure(one, 'it\'s \\ "no" \U0001f600', 0.0) for one in rows_of(claim)]
    assert store.settle(claim.lease, Settlement([], failed)) == 0
    assert {one.last_error for one in store.show()} == {failed[0].reason}


def test_a_claim_passes_over_what_the_application_has_locked(store_of):
    """Under REPEATABLE READ, which is the default, it locks the gaps too."""
    store = store_of()
    store.add([row(1)])
    with store_of.engines[0].begin() as connection:
        connection.execute(text("SELECT * FROM bc_outbox FOR UPDATE"))
        other = store_of()
        assert claimed(other) is None
    claimed_rows = in_claim(claimed(store))
    assert len(claimed_rows) == 1


def test_events_are_added_while_a_claim_is_under_way(store_of):
    """A claim that locked gaps would hold up every publisher until it has committed."""
    store, other = store_of(), store_of(connect_args={"init_command": "SET innodb_lock_wait_timeout = 1"})
    store.add([row(number, f"job-{number}") for number in range(5)])
    added = []

    @event.listens_for(store_of.engines[0], "before_cursor_execute")
    def add(_connection, _cursor, statement, *_):
        if statement.startswith("UPDATE") and not added:
            added.append(row(9, "job-1"))
            other.add(added)

    assert len(in_claim(claimed(store))) == 5
    assert in_claim(claimed(other)) == ids(added)


def test_a_deadlock_in_a_transaction_of_the_relay_is_repeated(store_of, mariadb):
    """Another transaction takes the rows in the other order; MariaDB rolls back the one with fewer changes."""
    store = store_of()
    store.add([row(number) for number in range(2)])
    claim = claimed(store)
    first, second = rows_of(claim)
    with mariadb.connect("app") as other, other.cursor() as cursor:
        cursor.execute("CREATE TABLE ballast (n int)")
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO ballast SELECT seq FROM seq_1_to_1000")
        cursor.execute(f"SELECT * FROM bc_outbox WHERE seq = {second.seq} FOR UPDATE")
        errors = []
        event.listen(store_of.engines[0], "handle_error", lambda context: errors.append(context.original_exception))
        settled = []
        settling = threading.Thread(
            target=lambda: settled.append(store.settle(claim.lease, Settlement([first, second])))
        )
        settling.start()
        _until_waiting(mariadb)
        cursor.execute(f"SELECT * FROM bc_outbox WHERE seq = {first.seq} FOR UPDATE")
        cursor.execute("ROLLBACK")
        settling.join(30)
    assert [error.args[0] for error in errors] == [1213]
    assert settled == [0]
    assert store.stats().pending == 0


def _until_waiting(mariadb):
    """Reads a counter of the server: the table of transactions is a cache that readers in a hurry keep from renewal."""
    for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.02), reraise=True):
        with attempt:
            ((_name, waiting),) = mariadb.run("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
            assert int(waiting) > 0, "nobody waits for a lock"


def test_a_lock_that_cannot_be_had_in_time_is_the_databases_refusal(store_of):
    store = store_of(connect_args={"init_command": "SET innodb_lock_wait_timeout = 0"})
    store.add([row(1)])
    claim = claimed(store)
    with store_of.engines[0].begin() as connection:
        connection.execute(text("SELECT * FROM bc_outbox FOR UPDATE"))
        with pytest.raises(OutboxError, match="Lock wait timeout"):
            store.settle(claim.lease, Settlement(rows_of(claim)))
    assert store.settle(claim.lease, Settlement(rows_of(claim))) == 0


def test_an_engine_of_ours_outlives_wait_timeout(mariadb_url, mariadb):
    engine = engine_at(mariadb_url)
    store = TableStore(EngineDatabase(engine, is_ours=True))
    with engine.connect() as connection:
        process = connection.scalar(text("SELECT connection_id()"))
    mariadb.run(f"KILL {process}")
    store.add([row(1)])
    assert store.stats().pending == 1
    store.close()


@pytest.mark.parametrize("order", ["time", "job"])
def test_a_claim_locks_no_more_of_a_backlog_than_it_takes(store_of, order):
    """A sort would read all rows that are ready, and so lock them: the other relays would find nothing."""
    store, other = store_of(), store_of()
    store.add([row(number, f"job-{number}") for number in range(2_000)])
    claims = []

    @event.listens_for(store_of.engines[0], "before_cursor_execute")
    def claim_meanwhile(_connection, _cursor, statement, *_):
        if statement.startswith("UPDATE") and not claims:
            claims.append(claimed(other, limit=20, order=order))

    first = claimed(store, limit=20, order=order)
    assert len(in_claim(first)) == len(in_claim(claims[0])) == 20
    assert set(in_claim(first)).isdisjoint(in_claim(claims[0]))


def test_create_makes_the_table_that_the_printed_sql_makes(mariadb):
    shown = []
    for driver in ("mysql+pymysql", "mariadb+pymysql"):
        mariadb.run("DROP DATABASE IF EXISTS app")
        mariadb.create_database("app")
        engine = create_engine(mariadb.url(driver=driver))
        SQLAlchemyOutbox(engine).create()
        SQLAlchemyOutbox(engine).store.check()
        shown.append(described(mariadb))
        engine.dispose()
    mariadb.run("DROP TABLE bc_outbox", *schema.creation(MYSQL), *schema.creation(MYSQL), database="app")
    assert shown == [described(mariadb)] * 2


def described(mariadb):
    columns = mariadb.run(
        "SELECT column_name, column_type, is_nullable, column_default, collation_name FROM information_schema.columns "
        "WHERE table_schema = 'app' AND table_name = 'bc_outbox' ORDER BY column_name"
    )
    indexes = mariadb.run(
        "SELECT index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics "
        "WHERE table_schema = 'app' AND table_name = 'bc_outbox' ORDER BY index_name, seq_in_index"
    )
    return columns, indexes


def test_no_step_of_a_relay_waits_for_a_row_that_is_not_committed_yet(store_of):
    """A locking read of a range of rows, or of the whole of a small table, would wait for that row."""
    store = store_of(connect_args={"init_command": "SET innodb_lock_wait_timeout = 1"})
    engine = store_of.engines[0]
    insert = text(f"INSERT INTO bc_outbox ({', '.join(NAMES)}) VALUES ({', '.join(f':{name}' for name in NAMES)})")
    first, between, last = (dict(zip(NAMES, row(number).given, strict=True)) for number in range(3))
    with engine.connect() as slow, engine.begin() as quick:
        for connection, values in ((quick, first), (slow, between), (quick, last)):
            connection.execute(insert, {**values, "id": values["id"].hex})
        quick.get_transaction().commit()
        batch = claimed(store, seconds=0)
        assert len(rows_of(batch)) == 2
        again = claimed(store)
        assert shape(again) == shape(batch)
        assert store.split(again.lease, again.requests[0].halves())
        store.release(again.lease, rows_of(again)[:1])
        assert store.settle(again.lease, Settlement([], [Failure(rows_of(again)[1], "again", 0.0)])) == 0
        last_claim = claimed(store)
        assert store.settle(last_claim.lease, Settlement(rows_of(last_claim))) == 0


@pytest.mark.parametrize("order", ["time", "job"])
def test_what_a_claim_reads_does_not_grow_with_the_backlog(mariadb, mariadb_url, order):
    """Few jobs, each with many rows, some with the stamp of a request that is to be sent again."""
    engine = create_engine(mariadb_url, pool_size=1, max_overflow=0)
    store = TableStore(EngineDatabase(engine))
    most = {}
    for backlog in (1_000, 8_000):
        mariadb.run("DELETE FROM bc_outbox", database="app")
        store.add([row(number, f"job-{number % 3}") for number in range(backlog)])
        reads, claims = [], []
        while len(claims) < 5:
            before = read_rows(engine)
            claims.append(claimed(store, limit=20, order=order))
            reads.append(read_rows(engine) - before)
            if claims[0] is not None and len(claims) == 1:
                store.release(claims[0].lease, rows_of(claims[0]))
        assert order == "time" or claims[-1] is None  # each job is held up
        most[backlog] = max(reads)
    engine.dispose()
    assert most[8_000] < most[1_000] * 3  # the plan of a statement may change with the table's statistics


def test_what_a_claim_locks_does_not_grow_with_deleted_rows_that_a_snapshot_keeps(mariadb, mariadb_url):
    engine = create_engine(mariadb_url)
    store = TableStore(EngineDatabase(engine))
    with mariadb.connect("app") as other, other.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        store.add([row(number, f"job-{number % 3}") for number in range(6_000)])
        while (claim := claimed(store)) is not None:
            store.settle(claim.lease, Settlement(rows_of(claim)))
        for order in ("time", "job"):
            before = page_reads(mariadb)
            assert claimed(store, order=order) is None
            store.add([row(number, f"job-{number % 3}") for number in range(3)])
            claim = claimed(store, order=order)
            assert page_reads(mariadb) - before < 3_000  # a locking read of all these rows makes 12,000
            store.settle(claim.lease, Settlement(rows_of(claim)))
    engine.dispose()


def read_rows(engine) -> int:
    """How many rows, and entries of indexes, the engine's one connection has read."""
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler\\_read%' OR Variable_name LIKE 'Handler\\_icp%'"
            )
        )
        return sum(int(value) for _name, value in found)


def page_reads(mariadb) -> int:
    ((_name, count),) = mariadb.run("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_read_requests'")
    return int(count)
