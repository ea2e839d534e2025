"""A flush that is made inside a transaction leaves its events to that, if it has written by then.

To store them beside it would part them from the work, and would wait on SQLite for the lock that it holds.
"""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from bc_events import DeliveryError, events
from bc_events.outbox import SQLAlchemyOutbox
from tests.outbox.service import client_of
from tests.outbox.sqlalchemy.work import Policy, async_url, publish, stored, warnings_of


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
def test_a_scope_that_ends_inside_it(follower, following, factory, outcome):
    """The first statement, which begins it, comes after the event."""
    with factory() as db:
        with events.session():
            publish(1)
            db.add(Policy(id=1))
            db.flush()
        assert stored(following) == []
        getattr(db, outcome)()
        assert stored(following) == ([1] if outcome == "commit" else [])


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
def test_a_flush_by_hand(follower, following, factory, outcome):
    with events.session() as session:
        publish(1)
        with factory() as db:
            db.add(Policy(id=1))
            db.flush()
            session.flush()
            getattr(db, outcome)()
        publish(2)
    assert stored(following) == ([1, 2] if outcome == "commit" else [2])


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
def test_an_async_scope(outbox, url, outcome):
    async def main():
        engine = create_async_engine(async_url(url))
        factory = async_sessionmaker(engine)
        with client_of(None, SQLAlchemyOutbox(factory)) as client:
            async with factory() as db:
                async with events.session(client=client):
                    publish(1)
                    db.add(Policy(id=1))
                    await db.flush()
                await getattr(db, outcome)()
        await engine.dispose()

    asyncio.run(main())
    assert stored(outbox) == ([1] if outcome == "commit" else [])


def test_a_savepoint_that_is_rolled_back_drops_what_was_flushed_in_it(follower, following, factory, caplog):
    with factory() as db:
        with events.session() as session:
            publish(1)
            db.add(Policy(id=1))
            savepoint = db.begin_nested()
            session.flush()
            savepoint.rollback()
            publish(2)
        db.commit()
    assert stored(following) == [2]
    assert len(warnings_of(caplog)) == 1


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_one_that_has_only_read_takes_nothing(follower, following, factory):
    with factory() as db:
        with events.session():
            publish(1)
            db.scalars(select(Policy)).all()
        assert stored(following) == [1]
        db.rollback()


def test_what_one_that_has_only_read_gives_back_goes_to_one_that_has_written(follower, following, factory):
    """The reader ends when the scope of the event has ended."""
    with factory() as reader, factory() as writer:
        reader.begin()
        with events.session():
            publish(1)
        reader.scalars(select(Policy)).all()
        writer.add(Policy(id=1))
        writer.flush()
        reader.close()
        assert stored(following) == []
        writer.commit()
    assert stored(following) == [1]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_file_that_is_locked_by_a_transaction_is_refused_with_how_to_free_it(follower, factory):
    """Without a write-ahead log even one that only reads keeps it locked."""
    with (
        factory() as db,
        pytest.raises(DeliveryError, match="only read; .* or open events.session\\(\\) around it"),
        events.session(),
    ):
        publish(1)
        db.scalars(select(Policy)).all()
