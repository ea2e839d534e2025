"""Which of several transactions an event belongs to: those of its own task or thread, and of those that started it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from bc_events import events
from bc_events.outbox import SQLAlchemyOutbox
from tests.outbox.service import client_of
from tests.outbox.sqlalchemy.work import Policy, async_url, publish, stored, warnings_of


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_threads_of_one_scope_bind_each_its_own_database_session(client, outbox, engine):
    """The event stands and falls with the transaction of the thread that published it, whichever was bound last."""
    both_bound, both_published = threading.Barrier(2), threading.Barrier(2)

    def work(number, end):
        with Session(engine) as db:
            outbox.bind(db)
            db.add(Policy(id=number))
            both_bound.wait(10)
            publish(number)
            both_published.wait(10)
            end(db)

    with events.session(), ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(events.propagate(work), number, end)
            for number, end in ((1, Session.commit), (2, Session.rollback))
        ]
        for future in done:
            future.result()
    assert stored(outbox) == [1]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_tasks_of_one_scope_bind_each_its_own_database_session(outbox, url):
    async def work(client) -> None:
        engine = create_async_engine(url)
        both_bound = asyncio.Barrier(2)

        async def save(number, end):
            async with AsyncSession(engine) as db:
                outbox.bind(db)
                db.add(Policy(id=number))
                await both_bound.wait()
                publish(number)
                await both_bound.wait()
                await end(db)

        async with events.session(client=client):
            await asyncio.gather(save(1, AsyncSession.commit), save(2, AsyncSession.rollback))
        await engine.dispose()

    with client_of(None, outbox) as client:
        asyncio.run(work(client))
    assert stored(outbox) == [1]


def test_one_database_session_after_another_is_no_conflict(follower, following, factory):
    with events.session():
        for number in (1, 2):
            with factory.begin() as db:
                db.add(Policy(id=number))
                publish(number)
    assert stored(following) == [1, 2]


def test_threads_of_one_scope_publish_into_its_transaction(client, outbox, engine):
    with events.session(), Session(engine) as db:
        outbox.bind(db)
        db.add(Policy(id=1))
        threads = [threading.Thread(target=events.propagate(publish), args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        db.commit()
    assert sorted(stored(outbox)) == list(range(20))


def test_a_transaction_that_another_thread_begins_meanwhile_disturbs_no_publish(outbox, engine):
    """Threads of one scope may look for its open transactions, and add to them, at the same moment."""
    others = []

    class Interrupted(Session):
        def in_transaction(self) -> bool:
            if not others:
                others.append(factory())
                thread = threading.Thread(target=events.propagate(others[0].begin))
                thread.start()
                thread.join()
                others[0].close()
            return super().in_transaction()

    factory = sessionmaker(engine, class_=Interrupted)
    with client_of(None, SQLAlchemyOutbox(factory)) as client, events.session(client=client), factory.begin() as db:
        db.add(Policy(id=1))
        db.flush()
        others.clear()
        publish(1)
    assert stored(outbox) == [1]


@pytest.mark.parametrize("ends", ["last begun", "bound"])
def test_of_several_that_have_written_the_one_begun_last_or_bound_by_hand_has_the_event(
    follower, following, factory, caplog, ends
):
    with events.session(), factory() as first, factory() as last:
        first.add(Policy(id=1))
        last.add(Policy(id=2))
        if ends == "bound":
            following.bind(first)
        publish(1)
        (last if ends == "bound" else first).rollback()
        assert len(events.current_session().events) == 1
        (first if ends == "bound" else last).commit()
        assert stored(following) == [1]
    assert [("outbox.bind(" in warning) for warning in warnings_of(caplog)] == ([] if ends == "bound" else [True])


def test_several_transactions_that_have_written_are_warned_of_once(follower, factory, caplog):
    with events.session(), factory() as first, factory() as last:
        first.add(Policy(id=1))
        last.add(Policy(id=2))
        publish(1, 2)
        last.rollback()
        first.rollback()
    assert sum("outbox.bind(" in warning for warning in warnings_of(caplog)) == 1


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
@pytest.mark.parametrize("job_id", [None, "another-job"])
def test_a_transaction_around_the_scope_has_its_events(follower, following, factory, outcome, job_id):
    """Also those of a scope of another job, and whatever becomes of the scope afterwards."""
    with events.session("job"), factory() as db:
        db.add(Policy(id=1))
        with events.session(job_id):
            publish(1)
        getattr(db, outcome)()
    assert stored(following) == ([1] if outcome == "commit" else [])


def test_a_transaction_that_began_before_it_was_bound_has_the_events_of_its_scope(client, outbox, engine):
    with Session(engine) as db:
        db.add(Policy(id=1))
        db.flush()
        with events.session():
            outbox.bind(db)
            publish(1)
            db.rollback()
            publish(2)
    assert stored(outbox) == [2]


def test_a_transaction_that_has_ended_has_no_event(follower, following, factory):
    with factory() as db:
        db.add(Policy(id=1))
        db.commit()
        with events.session():
            publish(1)
            assert stored(following) == []
    assert stored(following) == [1]


def started_in_a_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
def test_another_thread_s_transaction_has_no_event(follower, following, factory, outcome):
    def begin(db):
        db.add(Policy(id=1))
        following.bind(db)

    def publish_and_fail():
        publish(1)
        if outcome == "commit":
            raise ZeroDivisionError

    with factory() as db, suppress(ZeroDivisionError), events.session():
        started_in_a_thread(events.propagate(lambda: begin(db)))
        publish_and_fail()
        db.rollback()
    assert stored(following) == ([] if outcome == "commit" else [1])


async def siblings(first, second):
    """Runs both as tasks of one scope, the second while the first has its transaction open."""
    is_open, may_end = asyncio.Event(), asyncio.Event()

    async def second_one():
        await is_open.wait()
        try:
            await second()
        finally:
            may_end.set()

    await asyncio.gather(first(is_open, may_end), second_one(), return_exceptions=True)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("outcome", ["commit", "rollback"])
@pytest.mark.parametrize("by_hand", [True, False])
def test_a_sibling_task_s_transaction_has_no_event(outbox, url, outcome, by_hand):
    """Neither its commit nor its rollback matters: the event follows its own scope."""

    async def work(client, factory, following):
        async def works(is_open, may_end):
            async with factory() as db:
                if by_hand:
                    following.bind(db)
                db.add(Policy(id=1))
                await db.flush()
                is_open.set()
                await may_end.wait()
                await getattr(db, outcome)()

        async def publishes():
            async with events.session():
                publish(1)
                assert stored(outbox) == []
                if outcome == "commit":
                    raise ZeroDivisionError

        async with events.session(client=client):
            await siblings(works, publishes)

    async def main():
        engine = create_async_engine(async_url(url))
        factory = async_sessionmaker(engine)
        following = SQLAlchemyOutbox(factory)
        with client_of(None, following) as client:
            await work(client, factory, following)
        await engine.dispose()

    asyncio.run(main())
    assert stored(outbox) == ([] if outcome == "commit" else [1])


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_sibling_that_works_in_a_thread_has_no_event_either(follower, following, factory):
    """`asyncio.to_thread` copies the context of the task that calls it, as a framework's thread pool does."""
    is_open, may_end = threading.Event(), threading.Event()

    def works():
        with factory.begin() as db:
            db.add(Policy(id=1))
            db.flush()
            is_open.set()
            may_end.wait(10)

    def publishes():
        is_open.wait(10)
        publish(1)
        may_end.set()

    async def main():
        async with events.session():
            await asyncio.gather(asyncio.to_thread(works), asyncio.to_thread(publishes))
            assert stored(following) == []

    asyncio.run(main())
    assert stored(following) == [1]


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
def test_a_task_that_a_transaction_s_own_task_starts_publishes_into_it(outbox, url, outcome):
    async def main():
        engine = create_async_engine(async_url(url))
        factory = async_sessionmaker(engine)

        async def child():
            async with events.session():
                publish(1)

        with client_of(None, SQLAlchemyOutbox(factory)) as client:
            async with events.session(client=client), factory() as db:
                db.add(Policy(id=1))
                await db.flush()
                await asyncio.gather(child(), asyncio.to_thread(publish, 2))
                await getattr(db, outcome)()
        await engine.dispose()

    asyncio.run(main())
    assert stored(outbox) == ([1, 2] if outcome == "commit" else [])


@pytest.mark.parametrize("carry", ["propagate", "detached"])
def test_work_that_is_propagated_publishes_into_the_transaction_and_detached_work_does_not(
    follower, following, factory, carry
):
    def work():
        with events.session():
            publish(1)

    carried = getattr(events, carry)
    with events.session(), factory() as db:
        db.add(Policy(id=1))
        started_in_a_thread(carried(work))
        carried(work)()
        publish(2)
        if carry == "propagate":
            assert len(events.current_session().events) == 3
        db.rollback()
    assert stored(following) == ([] if carry == "propagate" else [1, 1])


@pytest.mark.parametrize("uses", ["before publishing", "after publishing", "not at all", "in a task"])
@pytest.mark.parametrize("outcome", ["commit", "rollback"])
@pytest.mark.parametrize("by_hand", [True, False])
def test_one_request_that_a_framework_runs_in_several_contexts_has_one_transaction(
    follower, following, factory, uses, outcome, by_hand
):
    """FastAPI runs the parts of a sync dependency, and a sync handler, each in a copy of the request's context."""
    opened = []

    def begin():
        db = factory()
        opened.append(db)
        if by_hand:
            following.bind(db)
        opened.append(Policy(id=1))
        db.add(opened[1])
        db.flush()

    def handle():
        opened[1].name = "changed"
        if uses == "before publishing":
            opened[0].flush()
        publish(1)
        if uses == "after publishing":
            opened[0].flush()

    async def main():
        async with events.session():
            await asyncio.to_thread(begin)
            if uses == "in a task":
                handle()
            else:
                await asyncio.to_thread(handle)
            await asyncio.to_thread(getattr(opened[0], outcome))
            await asyncio.to_thread(opened[0].close)

    asyncio.run(main())
    assert stored(following) == ([1] if outcome == "commit" else [])


@pytest.mark.parametrize("starts", ["before the savepoint", "in the savepoint"])
def test_a_savepoint_has_the_events_of_tasks_that_were_started_in_it_alone(follower, following, factory, starts):
    async def main():
        may_publish = asyncio.Event()

        async def publishes():
            await may_publish.wait()
            publish(1)

        async with events.session():
            with factory() as db:
                db.add(Policy(id=1))
                task = asyncio.create_task(publishes()) if starts == "before the savepoint" else None
                savepoint = db.begin_nested()
                task = task or asyncio.create_task(publishes())
                may_publish.set()
                await task
                savepoint.rollback()
                db.commit()

    asyncio.run(main())
    assert stored(following) == ([1] if starts == "before the savepoint" else [])
