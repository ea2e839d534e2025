"""Where a claim begins to search: past deleted rows that PostgreSQL keeps, never past a row that is still to come."""

import time
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import MetaData, create_engine, event, text

from bc_events.outbox import outbox_table
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase
from bc_events.outbox._store.columns import GIVEN
from bc_events.outbox._store.store import Failure, Settlement
from tests.outbox.relays import until
from tests.outbox.rows import claimed, ids, in_claim, row, rows_of
from tests.postgres import PostgreSQL

TABLE = outbox_table(MetaData())
SENT = 2_000
ORDERS = pytest.mark.parametrize("order", ["time", "job"])


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def tick(self, seconds=1.0):
        self.now += seconds


class Outbox:
    """A store with a clock of its own, and the engine that it is on."""

    def __init__(self, url):
        self.clock = Clock()
        self.engine = create_engine(url)
        self.store = TableStore(EngineDatabase(self.engine), clock=self.clock)

    def look(self, times=3):
        """Claims nothing, and has had time to see where waiting rows begin."""
        for _ in range(times):
            self.clock.tick()
            assert claimed(self.store) is None

    def send(self, count=SENT, jobs=5):
        self.store.add([row(number, f"job-{number % jobs}") for number in range(count)])
        while (claim := claimed(self.store)) is not None:
            self.clock.tick()
            self.store.settle(claim.lease, Settlement(rows_of(claim)))


@pytest.fixture
def outbox(postgres_url):
    made = Outbox(postgres_url)
    yield made
    made.engine.dispose()


@contextmanager
def snapshot(engine, query="SELECT 1"):
    """A transaction that has read, and reads on."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.execute(text(query))
        yield


@contextmanager
def buffers_of(engine):
    """Collects how many buffers each statement reads, from its plan."""
    found = []

    def explain(_connection, cursor, statement, parameters, *_):
        if statement.startswith(("SELECT", "WITH")):
            cursor.execute("SAVEPOINT explained")
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
            (((plan,),),) = cursor.fetchall()
            cursor.execute("ROLLBACK TO explained")
            found.append(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])

    event.listen(engine, "before_cursor_execute", explain)
    yield found
    event.remove(engine, "before_cursor_execute", explain)


def insert(connection, *rows):
    connection.execute(TABLE.insert(), [dict(zip((c.name for c in GIVEN), one.given, strict=True)) for one in rows])


@ORDERS
@pytest.mark.parametrize("jobs", [5, SENT])
def test_a_claim_does_not_read_the_rows_that_were_sent_while_a_snapshot_was_held(outbox, order, jobs):
    """From the front, it would read hundreds of buffers."""
    with snapshot(outbox.engine):
        outbox.send(jobs=jobs)
        outbox.look()
        outbox.store.add([row(number, f"job-{number}") for number in range(5)])
        with buffers_of(outbox.engine) as buffers:
            assert len(in_claim(claimed(outbox.store, order=order))) == 5
    assert sum(buffers) < 100


@ORDERS
def test_a_row_that_is_committed_late_comes_before_later_rows_of_its_job(outbox, order):
    early, late, later = row(1, "job"), row(2, "job"), row(3, "job")
    with outbox.engine.connect() as slow:
        insert(slow, early)
        outbox.send(10)
        outbox.look()
        outbox.store.add([late])
        slow.commit()
    outbox.store.add([later])
    assert in_claim(claimed(outbox.store, order=order)) == ids([early, late, later])


@ORDERS
def test_a_row_that_is_prepared_to_be_committed_is_not_passed_by(order):
    """Its transaction has no session any more."""
    server = PostgreSQL(max_prepared_transactions=2).start()
    try:
        outbox = Outbox(server.url())
        TABLE.create(outbox.engine)
        early, late = row(1, "job"), row(2, "job")
        with outbox.engine.connect() as session:
            insert(session, early)
            outbox.send(10)
            outbox.look(1)
            session.execute(text("PREPARE TRANSACTION 'slow'"))
            outbox.look()
            outbox.store.add([late])
        with outbox.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
            session.execute(text("COMMIT PREPARED 'slow'"))
        assert in_claim(claimed(outbox.store, order=order)) == ids([early, late])
        outbox.engine.dispose()
    finally:
        server.stop()


@pytest.mark.parametrize("is_asked", [True, False])
def test_a_dead_letter_that_another_process_has_replayed_is_found(outbox, postgres_url, is_asked):
    """At once if the relay is asked to look again, else by the next sweep."""
    outbox.store.add([row(1)])
    claim = claimed(outbox.store)
    outbox.store.settle(claim.lease, Settlement([], [Failure(rows_of(claim)[0], "no")]))
    outbox.send(10)
    outbox.look()
    other = Outbox(postgres_url)
    assert other.store.replay() == 1
    other.engine.dispose()
    if is_asked:
        outbox.store.sweep()
    else:
        outbox.clock.tick(60)
    assert in_claim(claimed(outbox.store)) == ids(rows_of(claim))


def test_rows_of_a_table_that_was_emptied_and_counts_anew_are_found(outbox):
    outbox.send(10)
    outbox.look()
    with outbox.engine.begin() as connection:
        connection.execute(text("TRUNCATE bc_outbox RESTART IDENTITY"))
    outbox.clock.tick()
    outbox.store.add([row(1)])
    assert len(in_claim(claimed(outbox.store))) == 1


@contextmanager
def user_of(outbox, url, privileges):
    """An outbox as a user with these privileges on the table."""
    with outbox.engine.begin() as connection:
        connection.execute(text("CREATE ROLE relay LOGIN"))
        connection.execute(text("GRANT USAGE ON SCHEMA public TO relay"))
        connection.execute(text(f"GRANT {privileges} ON bc_outbox TO relay"))
    relay = Outbox(url.replace("postgres@", "relay@"))
    yield relay
    relay.engine.dispose()
    with outbox.engine.begin() as connection:
        connection.execute(text("DROP OWNED BY relay; DROP ROLE relay"))


def test_a_user_who_may_not_see_the_sequence_claims_all_the_same(outbox, postgres_url):
    with user_of(outbox, postgres_url, "SELECT, INSERT, UPDATE, DELETE") as relay:
        relay.send(10)
        relay.look()
        relay.store.add([row(1)])
        assert len(in_claim(claimed(relay.store))) == 1


class Program:
    """A random course of transactions, claims, kills and sweeps, and what the table must have in the end."""

    def __init__(self, url, order, draw):
        self.order = order
        self.draw = draw
        self.relays = [Outbox(url), Outbox(url)]
        self.writers = []
        self.committed, self.delivered = set(), []
        self.number = 0

    def begin(self):
        connection = self.relays[0].engine.connect()
        self.writers.append((connection, []))
        self.insert()

    def insert(self):
        if self.writers:
            connection, rows = self.draw(st.sampled_from(self.writers))
            self.number += 1
            rows.append(row(self.number, f"job-{self.draw(st.integers(0, 2))}"))
            insert(connection, rows[-1])

    def end(self):
        if self.writers:
            place, is_committed = self.draw(st.integers(0, len(self.writers) - 1)), self.draw(st.integers(0, 4))
            connection, rows = self.writers.pop(place)
            if is_committed:
                connection.commit()
                self.committed |= set(ids(rows))
            connection.close()

    def tick(self):
        self.draw(st.sampled_from(self.relays)).clock.tick(self.draw(st.sampled_from([0.1, 0.3, 1.0, 61.0])))

    def sweep(self):
        self.draw(st.sampled_from(self.relays)).store.sweep()

    def claim(self):
        """A claim whose relay is killed leaves its lease, which is over at once."""
        store = self.draw(st.sampled_from(self.relays)).store
        claim = claimed(store, limit=self.draw(st.sampled_from([1, 3, 250])), seconds=0, order=self.order)
        waiting = store.show(limit=10_000)
        if claim is None:
            assert waiting == []
            return
        self.is_in_order(claim, waiting)
        for request in claim.requests:
            outcome = self.draw(st.sampled_from(["delivered", "delivered", "failed", "released", "killed"]))
            events = list(request.events)
            if outcome == "delivered":
                store.settle(claim.lease, Settlement(events))
                self.delivered += ids(events)
            elif outcome == "failed":
                store.settle(claim.lease, Settlement([], [Failure(one, "again", 0.0) for one in events]))
            elif outcome == "released":
                store.release(claim.lease, events)

    def is_in_order(self, claim, waiting):
        if self.order == "job":
            found = {one.seq for one in rows_of(claim)}
            last = {one.job_id: one.seq for one in sorted(rows_of(claim), key=lambda one: one.seq)}
            assert {one.seq for one in waiting if one.seq <= last.get(one.job_id, 0)} <= found

    def finish(self):
        while self.writers:
            self.end()
        for relay in self.relays:
            while (claim := claimed(relay.store, seconds=0, order=self.order)) is not None:
                relay.store.settle(claim.lease, Settlement(rows_of(claim)))
                self.delivered += ids(rows_of(claim))
        assert sorted(self.delivered) == sorted(self.committed)

    def close(self):
        for connection, _ in self.writers:
            connection.close()
        for relay in self.relays:
            relay.engine.dispose()


@ORDERS
@pytest.mark.parametrize("server", ["postgres", "mariadb"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_committed_when_each_row_is_claimed_once_and_in_order(request, server, order, data):
    """No program makes a claim miss a row that is committed, or pass over an earlier one of its job."""
    url = request.getfixturevalue(f"{server}_url")
    with ExitStack() as stack:
        program = Program(url, order, data.draw)
        stack.callback(program.close)
        with program.relays[0].engine.begin() as connection:
            connection.execute(text("DELETE FROM bc_outbox"))
        steps = ["begin", "insert", "end", "claim", "claim", "tick", "tick", "sweep"]
        for step in data.draw(st.lists(st.sampled_from(steps), min_size=5, max_size=25)):
            getattr(program, step)()
        program.finish()


@pytest.mark.parametrize("server", ["postgres", "mariadb"])
def test_stats_tell_of_old_versions_and_of_the_oldest_snapshot(request, server):
    outbox = Outbox(request.getfixturevalue(f"{server}_url"))
    assert outbox.store.stats().snapshot_age is not None
    with snapshot(outbox.engine, "SELECT count(*) FROM bc_outbox"):
        outbox.send(500)
        outbox.engine.dispose()  # a server process reports what it has deleted, at the latest when it ends
        until(lambda: looked_at(outbox).old_versions > 0, timeout=120)
        until(lambda: looked_at(outbox).snapshot_age >= 1, timeout=120)
    outbox.engine.dispose()


def looked_at(outbox):
    """The statistics. MariaDB renews its list of transactions only if nobody has read it for a tenth of a second."""
    time.sleep(0.2)
    return outbox.store.stats()


def test_stats_do_not_call_nothing_what_a_user_may_not_see(outbox, postgres_url):
    with user_of(outbox, postgres_url, "SELECT") as relay:
        assert relay.store.stats().snapshot_age is None
        assert relay.store.stats().old_versions is not None


def test_stats_do_not_call_nothing_what_a_user_of_mariadb_may_not_see(mariadb, mariadb_url):
    mariadb.run("CREATE USER relay@localhost", "GRANT SELECT, INSERT, UPDATE, DELETE ON app.* TO relay@localhost")
    relay = Outbox(mariadb_url.replace("root@", "relay@"))
    stats = relay.store.stats()
    assert (stats.pending, stats.old_versions, stats.snapshot_age) == (0, None, None)
    relay.engine.dispose()
    mariadb.run("DROP USER relay@localhost")
