"""Sessions that are followed, because they were bound by hand or their factory made them; and what cannot be bound."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from bc_events import ConfigurationError, NoActiveSessionError, events
from bc_events.outbox import SQLAlchemyOutbox
from tests.outbox.service import client_of
from tests.outbox.sqlalchemy.work import Policy, async_url, publish, stored


def test_bind_needs_a_session(outbox, engine):
    with Session(engine) as db, pytest.raises(NoActiveSessionError):
        outbox.bind(db)


def test_events_published_before_the_first_statement_are_committed_with_the_work(client, outbox, engine):
    with events.session(), Session(engine) as db:
        outbox.bind(db)
        publish(1)
        db.add(Policy(id=1))
        db.commit()
        assert stored(outbox) == [1]


def test_a_session_made_by_hand_can_be_bound(client, outbox, engine):
    session = client.user_session("user-1", "job-9")
    with Session(engine) as db:
        outbox.bind(db, session)
        db.add(Policy(id=1))
        session.created_thing({"number": 1})
        db.commit()
    assert stored(outbox) == [1]
    session.flush()
    assert stored(outbox) == [1]


def test_sessions_of_a_factory_bind_themselves(follower, following, factory):
    with events.session(), factory.begin() as db:
        publish(1)
        db.add(Policy(id=1))
        assert stored(following) == []
    assert stored(following) == [1]
    with events.session(), factory() as db:
        db.add(Policy(id=2))
        publish(2)
        db.rollback()
    assert stored(following) == [1]


def test_a_scoped_session_binds_itself(outbox, factory):
    scoped = scoped_session(factory)
    following = SQLAlchemyOutbox(scoped)
    with client_of(None, following) as client, events.session(client=client):
        scoped.add(Policy(id=1))
        publish(1)
        scoped.commit()
        assert stored(following) == [1]
    scoped.remove()


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
def test_an_async_session_bound_by_hand(client, outbox, url, outcome):
    async def work() -> None:
        engine = create_async_engine(async_url(url))
        async with events.session(), AsyncSession(engine) as db:
            outbox.bind(db)
            db.add(Policy(id=1))
            publish(1)
            async with db.begin_nested() as savepoint:
                publish(2)
                await savepoint.rollback()
            await getattr(db, outcome)()
        await engine.dispose()

    asyncio.run(work())
    assert stored(outbox) == ([1] if outcome == "commit" else [])


def test_sessions_of_an_async_factory_bind_themselves(outbox, url):
    async def work() -> None:
        engine = create_async_engine(async_url(url))
        factory = async_sessionmaker(engine)
        following = SQLAlchemyOutbox(factory)
        with client_of(None, following) as client:
            async with events.session(client=client), factory.begin() as db:
                db.add(Policy(id=1))
                publish(1)
            async with events.session(client=client), factory() as db:
                db.add(Policy(id=2))
                publish(2)
                await db.rollback()
                publish(3)
        await engine.dispose()

    asyncio.run(work())
    assert stored(outbox) == [1, 3]


def test_sessions_of_other_factories_are_left_alone(follower, following, engine):
    with events.session(), sessionmaker(engine).begin() as db:
        db.add(Policy(id=1))
        publish(1)
    assert stored(following) == [1]


def test_the_session_that_a_scoped_session_has_here_can_be_bound(client, outbox, engine):
    """Flask-SQLAlchemy's `db.session` is one."""
    bound = scoped_session(sessionmaker(engine))
    with events.session():
        outbox.bind(bound)
        bound.add(Policy(id=1))
        publish(1)
        bound.commit()
        assert stored(outbox) == [1]
        bound.add(Policy(id=2))
        publish(2)
        bound.rollback()
    bound.remove()
    assert stored(outbox) == [1]


def test_the_session_that_an_async_scoped_session_has_here_can_be_bound(client, outbox, url):
    async def main():
        engine = create_async_engine(async_url(url))
        bound = async_scoped_session(async_sessionmaker(engine), asyncio.current_task)
        async with events.session():
            outbox.bind(bound)
            bound.add(Policy(id=1))
            publish(1)
            await bound.commit()
            bound.add(Policy(id=2))
            publish(2)
            await bound.rollback()
        await bound.remove()
        await engine.dispose()

    asyncio.run(main())
    assert stored(outbox) == [1]


def unbindable(engine):
    """Objects that are not a session, each with the advice of the refusal."""
    async_engine = create_async_engine("sqlite+aiosqlite://")
    yield engine, r"Session\(engine\)"
    yield async_engine, r"Session\(engine\)"
    yield engine.connect(), r"Session\(connection\)"
    yield async_engine.connect(), r"Session\(connection\)"
    yield sessionmaker(engine), "a session that it makes"
    yield async_sessionmaker(async_engine), "a session that it makes"
    yield Session, "the class Session"
    transaction = Session(engine).begin()
    yield transaction, "SessionTransaction"
    transaction.rollback()  # if it stayed open, it would hold the next event
    yield None, "NoneType"
    yield "postgresql://app:secret@db/app", "an object of type str"


def test_nothing_but_a_session_can_be_bound(client, outbox, engine):
    with events.session():
        for given, remedy in unbindable(engine):
            with pytest.raises(ConfigurationError, match=remedy) as refused:
                outbox.bind(given)
            assert "secret" not in str(refused.value)
        publish(1)
    assert stored(outbox) == [1]


def test_a_session_that_is_bound_twice_is_followed_once(client, outbox, engine):
    with events.session(), Session(engine) as db:
        for _ in range(2):
            outbox.bind(db)
        db.add(Policy(id=1))
        publish(1)
        db.commit()
    assert stored(outbox) == [1]


def test_a_session_that_has_a_savepoint_open_when_it_is_bound_is_followed_from_there(client, outbox, engine):
    with events.session(), Session(engine) as db:
        db.add(Policy(id=1))
        savepoint = db.begin_nested()
        outbox.bind(db)
        publish(1)
        savepoint.rollback()
        publish(2)
        db.commit()
    assert stored(outbox) == [2]


def test_one_that_has_only_read_before_it_was_bound_has_no_say(client, outbox, engine):
    with events.session(), Session(engine) as db:
        db.scalars(select(Policy)).all()
        outbox.bind(db)
        publish(1)
    assert stored(outbox) == [1]


def test_an_event_that_waits_for_the_next_transaction_can_be_flushed_or_rolled_back_before(client, outbox, engine):
    with events.session() as session, Session(engine) as db:
        outbox.bind(db)
        publish(1)
        session.flush()
        assert stored(outbox) == [1]
        publish(2)
        session.rollback()
        db.add(Policy(id=1))
        db.commit()
    assert stored(outbox) == [1]


def test_two_outboxes_follow_one_factory_each_with_its_own_events(outbox, factory, follower, tmp_path):
    other = SQLAlchemyOutbox(f"sqlite:///{tmp_path}/other.db")
    other.create()
    with client_of(None, other) as its_client, events.session():
        with events.session(client=its_client):
            publish(2)
        with factory.begin() as db:
            db.add(Policy(id=1))
            publish(1)
    assert (stored(outbox), stored(other)) == ([1], [2])
