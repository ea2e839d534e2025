"""The archive on PostgreSQL: its months, and the plans of its queries."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from itertools import chain

import psycopg
import pytest
from sqlalchemy import create_engine, event

from bc_events.outbox._sql import partitions
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase
from tests.outbox.conformance.archive import DAY, age, purge, send
from tests.outbox.rows import claimed, ids, row, rows_of

NOW = datetime.now(UTC)
NEXT = (NOW.year + NOW.month // 12, NOW.month % 12 + 1)


@pytest.fixture
def connection(postgres, postgres_url):
    with postgres.connect() as connection:
        yield connection


@pytest.fixture
def engine(postgres_url):
    engine = create_engine(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture
def kept(engine):
    return TableStore(EngineDatabase(engine), keep=90 * DAY)


def months(connection) -> list[str]:
    found = connection.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid "
        "WHERE inhparent = 'bc_outbox_sent'::regclass ORDER BY 1"
    )
    return [name.removeprefix("bc_outbox_sent_") for (name,) in found]


def named(year, month) -> str:
    return f"{year:04}_{month:02}"


def add_month(connection, year, month) -> None:
    first, end = partitions._bounds((year, month))
    bounds = f"FOR VALUES FROM ({first}) TO ({end})"
    connection.execute(f"CREATE TABLE bc_outbox_sent_{named(year, month)} PARTITION OF bc_outbox_sent {bounds}")


def count(connection, table) -> int:
    return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_a_relay_makes_this_month_and_the_next(kept, connection):
    purge(kept)
    assert months(connection) == sorted([named(NOW.year, NOW.month), named(*NEXT), "default"])
    send(kept, [row(1)])
    assert count(connection, "bc_outbox_sent_default") == 0
    assert len(kept.history()) == 1


def test_months_end_with_the_year():
    assert partitions._bounds((2026, 12)) == (
        datetime(2026, 12, 1, tzinfo=UTC).timestamp(),
        datetime(2027, 1, 1, tzinfo=UTC).timestamp(),
    )


def test_a_month_is_dropped_when_all_of_it_is_too_old(kept, connection):
    for month in ((2020, 1), (2020, 2)):
        add_month(connection, *month)
    send(kept, [row(1), row(2)])
    connection.execute(f"UPDATE bc_outbox_sent SET sent_at = {partitions._bounds((2020, 1))[0]} + seq")
    assert count(connection, "bc_outbox_sent_2020_01") == 2
    recent = partitions._bounds((2020, 2))[1] + 91 * DAY
    partitions.maintained(kept._database, recent - 3 * DAY, before=recent - 3 * DAY - 90 * DAY)
    assert "2020_01" not in months(connection)
    assert "2020_02" in months(connection)
    assert kept.history() == []


def test_a_month_in_which_events_went_to_the_default_partition_is_not_made(kept, connection):
    """The rows would have to move. They are deleted one by one."""
    young, old = row(1), row(2)
    send(kept, [young, old])
    age(kept, 91 * DAY, old.id)
    purge(kept)
    assert months(connection) == sorted([named(*NEXT), "default"])
    assert ids(kept.history()) == [young.id]


def test_a_lock_on_the_archive_puts_its_months_off_and_stops_no_relay(kept, connection, postgres):
    """As pg_dump has it, for an hour."""
    with postgres.connect() as other, other.transaction():
        other.execute("SELECT count(*) FROM bc_outbox_sent")
        kept.purge_sent()
        assert months(connection) == ["default"]
        send(kept, [row(1)])
    assert len(kept.history()) == 1


def test_two_relays_make_months_at_the_same_time(kept, connection, postgres):
    with postgres.connect() as other, other.transaction():
        other.execute(partitions._ONE_AT_A_TIME)
        kept.purge_sent()
        assert months(connection) == ["default"]
    kept.purge_sent()
    assert len(months(connection)) == 3


def test_a_relay_whose_role_may_not_make_tables_purges_row_by_row(postgres_url, connection, caplog):
    connection.execute("DROP ROLE IF EXISTS relay")
    connection.execute("CREATE ROLE relay LOGIN")
    connection.execute("GRANT USAGE ON SCHEMA public TO relay")
    connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON bc_outbox, bc_outbox_sent TO relay")
    add_month(connection, 2020, 1)
    engine = create_engine(postgres_url.replace("postgres@", "relay@"))
    try:
        kept = TableStore(EngineDatabase(engine), keep=90 * DAY)
        old, young = row(1), row(2)
        send(kept, [old, young])
        connection.execute("UPDATE bc_outbox_sent SET sent_at = 1578000000 WHERE id = %s", [old.id])
        partitions._warned.clear()
        assert (purge(kept), purge(kept)) == (1, 0)
        assert ids(kept.history()) == [young.id]
        assert months(connection) == ["2020_01", "default"]
        (record,) = [one for one in caplog.records if one.levelno == logging.WARNING]
        assert "make the relay's role the table's owner" in record.getMessage()
    finally:
        engine.dispose()
        connection.execute("DROP OWNED BY relay; DROP ROLE relay")


def test_an_archive_that_somebody_has_made_without_partitions_is_purged_row_by_row(kept, connection):
    connection.execute("DROP TABLE bc_outbox_sent_default; ALTER TABLE bc_outbox_sent RENAME TO model")
    connection.execute("CREATE TABLE bc_outbox_sent (LIKE model INCLUDING ALL); DROP TABLE model")
    send(kept, [row(1), row(2)])
    age(kept, 91 * DAY, kept.history()[0].id)
    purge(kept)
    assert len(kept.history()) == 1


def plans(engine, part):
    """The plans of statements with such a part, from now on."""
    found = []

    @event.listens_for(engine, "before_cursor_execute")
    def explain(_connection, cursor, statement, parameters, *_):
        if part in statement and not statement.startswith("EXPLAIN"):
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
            ((plan,),) = cursor.fetchall()
            found.append(plan[0]["Plan"])

    return found


def steps(node):
    return [node, *chain.from_iterable(map(steps, node.get("Plans", ())))]


def buffers(plan) -> int:
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def fill(connection, count) -> None:
    """Archives this many events, one a second until now."""
    connection.execute(
        "INSERT INTO bc_outbox_sent "
        "(seq, id, aggregatetype, aggregateid, type, payload, created_at, sent_at, attempts, service) "
        "SELECT n, gen_random_uuid(), 'testing', 'job-' || n / 20, 'testing.T' || n % 10, '{}', now - n, now - n, 1, "
        f"'PolicyService' FROM generate_series(1, {count}) n, (SELECT {NOW.timestamp()} now) moment"
    )


@pytest.mark.parametrize("is_analyzed", [True, False])
@pytest.mark.parametrize(
    "search",
    [
        {"job_id": "job-70"},
        {"job_id": "one job that has most"},
        {"topic": "testing.T7"},
        {"job_id": "job-70", "topic": "testing.T7"},
        {"since": NOW.timestamp() - 5_000},
        {},
    ],
    ids=["job", "the greatest job", "topic", "job and topic", "time", "all"],
)
def test_history_reads_no_more_of_a_long_archive_than_it_prints(kept, engine, connection, search, is_analyzed):
    """Whatever the planner believes of the archive."""
    purge(kept)
    fill(connection, 20_000)
    connection.execute("UPDATE bc_outbox_sent SET aggregateid = 'one job that has most' WHERE seq > 10000")
    if is_analyzed:
        connection.execute("ANALYZE bc_outbox_sent")
    found = plans(engine, "bc_outbox_sent o")
    assert kept.history(**search, limit=20)
    (plan,) = found
    assert all(step["Node Type"] != "Seq Scan" or step["Actual Rows"] == 0 for step in steps(plan))
    assert not any("Sort" in step["Node Type"] for step in steps(plan))
    assert buffers(plan) < 150
    read = sum(step["Actual Rows"] * step["Actual Loops"] for step in steps(plan) if "Index Name" in step)
    assert read <= 60


def test_claims_cost_the_same_beside_a_long_archive(kept, engine, connection):
    kept.add([row(number, f"job-{number}") for number in range(50)])
    found = plans(engine, "SKIP LOCKED")

    def claim():
        taken = claimed(kept, limit=20)
        kept.release(taken.lease, rows_of(taken))

    claim()
    claim()
    before = buffers(found[-1])
    fill(connection, 20_000)
    claim()
    claim()
    assert buffers(found[-1]) <= 1.05 * before + 1


def test_the_error_of_an_archive_without_a_place_for_a_row_names_it(kept, connection):
    connection.execute("DROP TABLE bc_outbox_sent_default")
    kept.purge_sent()
    assert len(months(connection)) == 2
    send(kept, [row(1)])
    with pytest.raises(psycopg.errors.CheckViolation, match="no partition of relation"):
        connection.execute("UPDATE bc_outbox_sent SET sent_at = 0")
