"""A session that nobody bound, and that works on the outbox's database, decides about the events in its transaction."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, event as listening, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import NullPool, StaticPool

from bc_events import ConfigurationError, events
from bc_events.outbox import SQLAlchemyOutbox
from tests.outbox.service import client_of
from tests.outbox.sqlalchemy.work import Base, Policy, publish, stored

INSERT = text("INSERT INTO policy (id, name) VALUES (1, '')")


def of_class(engine):
    return Session(engine)


def of_another_factory(engine):
    return sessionmaker(engine)()


def of_an_engine_of_its_own(engine):
    return Session(create_engine(engine.url, poolclass=NullPool))


MADE = {one.__name__: one for one in (of_class, of_another_factory, of_an_engine_of_its_own)}
every_made = pytest.mark.parametrize("made", MADE.values(), ids=MADE)


@every_made
@pytest.mark.parametrize("works_first", [True, False])
@pytest.mark.parametrize("commits", [True, False])
def test_a_session_of_events_within_its_transaction_stores_or_drops_with_it(
    client, outbox, engine, made, works_first, commits
):
    """Stored apart, the event would outlive a rollback; and on SQLite it would wait for the lock of this very code."""
    with made(engine) as db:
        db.begin()
        if works_first:
            db.execute(INSERT)
        with events.session():
            publish(1)
        if not works_first:
            db.execute(INSERT)
        db.commit() if commits else db.rollback()
    assert stored(outbox) == ([1] if commits else [])


@every_made
def test_beside_a_followed_factory_it_decides_too(follower, following, engine, made):
    with events.session(), made(engine) as db:
        db.execute(INSERT)
        publish(1)
        db.rollback()
    assert stored(following) == []


def test_one_that_only_reads_holds_nothing_back(client, outbox, engine):
    with events.session(), Session(engine) as db:
        db.execute(text("SELECT 1")).close()
        publish(1)
        db.rollback()
    assert stored(outbox) == [1]


def test_one_that_was_open_before_the_outbox_is_followed_from_its_next_transaction_on(engine, outbox, caplog):
    with Session(engine) as db:
        db.begin()
        late = SQLAlchemyOutbox(engine)
        with client_of(None, late) as client:
            db.rollback()
            with events.session(client=client):
                db.execute(INSERT)
                publish(1)
                db.rollback()
    assert stored(outbox) == []


def test_what_a_hook_publishes_once_the_transaction_is_rolled_back_belongs_to_its_scope(client, outbox, engine):
    """Such an event says that the work has failed. Whichever hook is called first, it is not dropped with the work."""
    with events.session(), Session(engine) as db:
        listening.listen(db, "after_rollback", lambda _: publish(2))
        db.add(Policy(id=1))
        publish(1)
        db.flush()
        db.rollback()
    assert stored(outbox) == [2]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.asyncio
@pytest.mark.usefixtures("outbox")
async def test_an_async_session_is_followed_too(engine):
    other = create_async_engine(engine.url.set(drivername="sqlite+aiosqlite"))
    following = SQLAlchemyOutbox(other)
    with client_of(None, following) as client:
        async with AsyncSession(other) as db:
            await db.begin()
            await db.execute(INSERT)
            async with events.session(client=client):
                publish(1)
            await db.rollback()
        async with async_sessionmaker(other).begin() as db:
            await db.execute(INSERT)
            async with events.session(client=client):
                publish(2)
    assert stored(SQLAlchemyOutbox(engine)) == [2]
    await other.dispose()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true"])
def test_a_database_in_memory_is_refused_where_the_outbox_is_made(url):
    with pytest.raises(ConfigurationError, match="in memory.*poolclass=StaticPool"):
        SQLAlchemyOutbox(url)


def test_a_database_in_memory_works_over_one_connection():
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    outbox = SQLAlchemyOutbox(engine)
    outbox.create()
    Base.metadata.create_all(engine)
    with client_of(None, outbox) as client, Session(engine) as db, events.session(client=client):
        db.add(Policy(id=1))
        publish(1)
        db.commit()
    assert stored(outbox) == [1]
    engine.dispose()
