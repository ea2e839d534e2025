"""Events that the hooks of a commit publish, and events that are published while a commit runs."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import event as listening, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from bc_events import events
from bc_events.outbox import SQLAlchemyOutbox
from tests.outbox.service import QUICK, client_of, numbers
from tests.outbox.sqlalchemy.work import Policy, failing, publish, stored


def test_what_a_flush_hook_publishes_is_committed_with_it(client, outbox, engine):
    with events.session(), Session(engine) as db:
        outbox.bind(db)
        listening.listen(db, "after_flush", lambda *_: publish(7))
        db.add(Policy(id=1))
        publish(1)
        db.commit()
        assert stored(outbox) == [1, 7]


def published_by(number):
    """A hook, whatever it is called with."""
    return lambda *_: publish(number)


def read_and_roll_back(db):
    """A transaction after the commit, which decides about nothing of before."""
    db.scalars(select(Policy)).all()
    db.rollback()


def test_what_a_flush_hook_alone_publishes_is_committed_with_it(follower, following, factory):
    with events.session(), factory() as db:
        listening.listen(db, "after_flush", published_by(1), once=True)
        db.add(Policy(id=1))
        db.commit()
        assert stored(following) == [1]
        read_and_roll_back(db)
    assert stored(following) == [1]


def test_what_any_hook_of_a_commit_publishes_is_committed_with_it(follower, following, factory):
    """Also one that comes after the outbox's own, and what is flushed because of it."""
    with events.session(), factory() as db:
        db.add(Policy(id=1))
        db.flush()
        listening.listen(db, "before_commit", published_by(1), once=True)
        listening.listen(db, "before_commit", lambda db: db.add(Policy(id=2)), once=True)
        listening.listen(db, "after_flush", published_by(2), once=True)
        db.commit()
        assert sorted(stored(following)) == [1, 2]
        read_and_roll_back(db)
    assert sorted(stored(following)) == [1, 2]


def test_what_a_hook_of_a_commit_that_fails_publishes_is_dropped_with_it(follower, following, factory):
    with events.session(), factory() as db:
        db.add(Policy(id=1))
        db.flush()
        listening.listen(db, "before_commit", published_by(1), once=True)
        listening.listen(db, "before_commit", failing, once=True)
        with pytest.raises(LookupError):
            db.commit()
        db.rollback()
    assert stored(following) == []


@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_published_when_a_commit_is_done_is_no_later_transaction_s(follower, following, factory, is_first):
    with events.session(), factory() as db:
        db.add(Policy(id=1))
        db.flush()
        listening.listen(db, "after_commit", published_by(1), once=True, insert=is_first)
        db.commit()
        read_and_roll_back(db)
    assert stored(following) == [1]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_commit_in_another_task_takes_nothing_that_is_published_meanwhile(outbox, url):
    """It has written its rows, and the scope may end before it does. On SQLite the scope's end would wait for it."""

    async def work():
        engine = create_async_engine(url)
        factory = async_sessionmaker(engine)
        following = SQLAlchemyOutbox(factory)
        committing, may_commit = asyncio.Event(), asyncio.Event()

        def held(_db):
            committing.set()
            await_only(may_commit.wait())

        async def save():
            async with factory() as db:
                await db.execute(select(Policy))
                publish(1)

                listening.listen(db.sync_session, "before_commit", held)
                await db.commit()

        with client_of(None, following) as client:
            async with events.session(client=client):
                task = asyncio.create_task(save())
                await committing.wait()
                publish(2)
            assert stored(following) == [2]
            may_commit.set()
            await task
            assert sorted(stored(following)) == [1, 2]
        await engine.dispose()

    asyncio.run(work())


def test_a_relay_in_the_process_is_woken_by_a_commit(api, outbox, factory):
    following = SQLAlchemyOutbox(factory, relay=True, settings=QUICK)
    with client_of(api.url, following) as client, events.session(client=client), factory.begin() as db:
        db.add(Policy(id=1))
        publish(1)
    assert numbers(api.wait(count=1)) == [1]
    client.close()


def test_a_commit_wakes_the_relay_of_the_event_s_own_client(api, outbox, factory):
    """Not the one of the client made last, which may be closed."""
    following = SQLAlchemyOutbox(factory, relay=True, settings=QUICK)
    with client_of(api.url, following) as client, client_of("http://127.0.0.1:9", following) as other:
        other.close()
        with events.session(client=client), factory.begin() as db:
            db.add(Policy(id=1))
            publish(1)
        assert numbers(api.wait(count=1)) == [1]
