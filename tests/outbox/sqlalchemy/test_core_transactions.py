"""Transactions of SQLAlchemy Core, without a session, decide about the events that are published in them."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from contextvars import copy_context

import pytest
from sqlalchemy import NullPool, StaticPool, create_engine, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from bc_events import events
from bc_events.outbox import SQLAlchemyOutbox
from tests.outbox.service import client_of
from tests.outbox.sqlalchemy.work import Base, Policy, async_url, publish, stored, warnings_of

pytestmark = pytest.mark.usefixtures("client")

INSERT = text("INSERT INTO policy (id, name) VALUES (1, '')")
READ = select(Policy)
DROPPED = "the database transaction was rolled back"

WORKS = {"writes": INSERT, "reads": READ, "runs nothing": None}


def work(connection, statement) -> None:
    if statement is not None:
        connection.execute(statement).close()


@pytest.mark.parametrize("statement", WORKS.values(), ids=WORKS)
def test_a_commit_stores_its_events(engine, outbox, caplog, statement):
    with events.session(), engine.begin() as connection:
        work(connection, statement)
        publish(1, 2)
    assert stored(outbox) == [1, 2]
    assert warnings_of(caplog) == []


@pytest.mark.parametrize("statement", [INSERT, None], ids=["writes", "runs nothing"])
def test_a_commit_stores_those_of_a_scope_that_ended_in_it(engine, outbox, caplog, statement):
    with engine.begin() as connection:
        work(connection, statement)
        with events.session():
            publish(1, 2)
    assert stored(outbox) == [1, 2]
    assert warnings_of(caplog) == []


@pytest.mark.parametrize("scope", ["around", "inside"])
@pytest.mark.parametrize("publishes_first", [True, False])
def test_a_rollback_drops_them(engine, outbox, caplog, scope, publishes_first):
    def fail(connection):
        if not publishes_first:
            connection.execute(INSERT)
        publish(1, 2)
        if publishes_first:
            connection.execute(INSERT)
        connection.rollback()

    if scope == "around":
        with events.session(), engine.connect() as connection:
            connection.begin()
            fail(connection)
    else:
        with engine.connect() as connection, events.session():
            connection.begin()
            fail(connection)
    assert stored(outbox) == []
    (warning,) = warnings_of(caplog)
    assert warning.startswith("2 events of job ")
    assert warning.endswith(DROPPED)


def test_a_block_that_fails_drops_the_events_of_a_scope_that_ended_well(engine, outbox, caplog):
    with pytest.raises(LookupError), engine.begin() as connection:
        connection.execute(INSERT)
        with events.session():
            publish(1)
        raise LookupError
    assert stored(outbox) == []
    assert len(warnings_of(caplog)) == 1


def test_a_scope_that_fails_while_the_transaction_goes_on_drops_its_own(engine, outbox):
    with engine.begin() as connection:
        connection.execute(INSERT)
        with events.session():
            publish(1)
        with suppress(LookupError), events.session():
            publish(2)
            raise LookupError
    assert stored(outbox) == [1]


def test_nothing_is_stored_before_the_commit(engine, outbox):
    with events.session(), engine.connect() as connection:
        connection.execute(INSERT)
        publish(1)
        events.flush()
        assert stored(outbox) == []
        connection.commit()
        assert stored(outbox) == [1]


def test_an_event_of_before_belongs_to_the_transaction_that_writes_at_its_flush(engine, outbox):
    with events.session() as session:
        publish(1)
        with engine.connect() as connection:
            connection.execute(INSERT)
            session.flush()
            assert stored(outbox) == []
            connection.rollback()
    assert stored(outbox) == []


def test_what_follows_a_commit_on_the_same_connection_is_of_its_next_transaction(engine, outbox):
    with events.session(), engine.connect() as connection:
        connection.execute(INSERT)
        publish(1)
        connection.commit()
        publish(2)
        connection.execute(text("DELETE FROM policy"))
        publish(3)
        connection.rollback()
    assert sorted(stored(outbox)) == [1, 2]


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
@pytest.mark.parametrize("is_well", [True, False])
def test_one_that_has_only_read_leaves_them_to_their_scope(engine, outbox, end, is_well):
    with suppress(LookupError), events.session(), engine.connect() as connection:
        work(connection, READ)
        publish(1)
        getattr(connection, end)()
        if not is_well:
            raise LookupError
    assert stored(outbox) == ([1] if is_well else [])


@pytest.mark.parametrize("pool", [NullPool, None])
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_one_that_reads_after_the_end_of_a_scope_sends_its_events(url, outbox, pool, end):
    engine = create_engine(url, poolclass=pool)
    with engine.connect() as connection:
        connection.begin()
        with events.session():
            publish(1)
        work(connection, READ)
        getattr(connection, end)()
    assert stored(outbox) == [1]
    engine.dispose()


def test_a_savepoint_that_is_rolled_back_drops_its_own(engine, outbox, caplog):
    with events.session(), engine.begin() as connection:
        connection.execute(INSERT)
        publish(1)
        savepoint = connection.begin_nested()
        publish(2)
        savepoint.rollback()
        with connection.begin_nested():
            publish(3)
    assert stored(outbox) == [1, 3]
    assert len(warnings_of(caplog)) == 1


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_a_commit_that_the_database_refuses_drops_them(engine, outbox, caplog):
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE claim (policy INTEGER NOT NULL REFERENCES policy (id) DEFERRABLE INITIALLY DEFERRED)")
        )
    with events.session(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(text("INSERT INTO claim VALUES (7)"))
        publish(1)
        with pytest.raises(IntegrityError):
            connection.commit()
        assert len(warnings_of(caplog)) == 1
        publish(2)
        connection.connection.rollback()  # SQLAlchemy does not know that SQLite has left its transaction open
    assert stored(outbox) == [2]


def test_a_commit_in_which_no_row_can_be_stored_fails_without_their_data(engine, outbox, caplog):
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE bc_outbox"))
    with events.session(), pytest.raises(DBAPIError) as caught, engine.begin() as connection:
        connection.execute(INSERT)
        publish(4711)
    assert "4711" not in str(caught.value)
    assert DROPPED in warnings_of(caplog)[0]
    outbox.create()
    assert stored(outbox) == []


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_connection_that_is_lost_drops_them(engine, outbox, caplog):
    with events.session(), suppress(DBAPIError), engine.begin() as connection:
        connection.execute(INSERT)
        publish(1)
        with engine.begin() as other:
            number = connection.connection.driver_connection.info.backend_pid
            other.execute(text(f"SELECT pg_terminate_backend({number})"))
    assert stored(outbox) == []
    assert len(warnings_of(caplog)) == 1


def test_a_connection_that_nobody_closes_drops_them(engine, outbox, caplog):
    with events.session():
        connection = engine.connect()
        connection.execute(INSERT)
        publish(1)
        del connection
        gc.collect()
    assert stored(outbox) == []
    assert DROPPED in warnings_of(caplog)[0]


def test_a_commit_that_nobody_asks_about_stores_them(engine, outbox, caplog):
    with events.session():
        connection = engine.connect()
        connection.execute(INSERT)
        publish(1)
        connection.commit()
        del connection
        gc.collect()
    assert stored(outbox) == [1]
    assert warnings_of(caplog) == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_one_on_another_database_has_no_say(tmp_path, outbox):
    other = create_engine(f"sqlite:///{tmp_path}/other.db")
    Base.metadata.create_all(other)
    with events.session(), other.connect() as connection:
        connection.execute(INSERT)
        publish(1)
        connection.rollback()
    assert stored(outbox) == [1]
    other.dispose()


@pytest.mark.parametrize("url", ["postgresql", "mariadb"], indirect=True)
def test_of_several_that_write_the_one_begun_last_decides(engine, outbox, factory, caplog):
    with events.session(), engine.connect() as connection, factory() as db:
        connection.execute(INSERT)
        db.add(Policy(id=2))
        db.flush()
        publish(1)
        db.commit()
        connection.rollback()
    assert stored(outbox) == [1]
    assert "2 database sessions have written" in warnings_of(caplog)[0]


def test_it_may_be_used_and_ended_in_other_contexts_than_it_was_begun_in(engine, outbox, caplog):
    """As a framework does with the parts of a request, each on a thread."""
    with events.session():
        publish(0)
        connection = copy_context().run(engine.connect)
        copy_context().run(connection.begin)
        copy_context().run(publish, 1)
        copy_context().run(connection.execute, INSERT)
        copy_context().run(publish, 2)
        copy_context().run(connection.rollback)
        connection.close()
    assert stored(outbox) == [0]
    assert sum(DROPPED in warning for warning in warnings_of(caplog)) == 1


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_pool_of_one_connection(tmp_path, end):
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    outbox = SQLAlchemyOutbox(engine)
    outbox.create()
    with client_of(None, outbox) as client, events.override(client), events.session(), engine.connect() as connection:
        connection.execute(INSERT)
        publish(1)
        getattr(connection, end)()
    assert stored(outbox) == ([1] if end == "commit" else [])
    engine.dispose()


@pytest.mark.parametrize("scope", ["around", "inside"])
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_connection_of_an_async_engine(url, outbox, end, scope):
    async def around(engine):
        async with events.session(), engine.connect() as connection:
            await run(connection)
            await getattr(connection, end)()

    async def inside(engine):
        async with engine.connect() as connection:
            async with events.session():
                await run(connection)
            await getattr(connection, end)()

    async def run(connection):
        await connection.execute(INSERT)
        publish(1)
        savepoint = await connection.begin_nested()
        publish(2)
        await savepoint.rollback()

    async def main():
        engine = create_async_engine(async_url(url))
        await {"around": around, "inside": inside}[scope](engine)
        await engine.dispose()

    asyncio.run(main())
    assert stored(outbox) == ([1] if end == "commit" else [])


def test_a_sibling_has_no_say_over_what_it_did_not_begin(url, outbox):
    async def roll_back(engine, published, begun):
        async with engine.connect() as connection:
            await connection.execute(READ)
            begun.set()
            await published.wait()
            await connection.execute(INSERT)
            await connection.rollback()

    async def main():
        engine = create_async_engine(async_url(url))
        published, begun = asyncio.Event(), asyncio.Event()
        async with events.session():
            task = asyncio.create_task(roll_back(engine, published, begun))
            await begun.wait()
            publish(1)
            published.set()
            await task
        await engine.dispose()

    asyncio.run(main())
    assert stored(outbox) == [1]
