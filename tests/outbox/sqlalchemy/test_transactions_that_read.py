"""A transaction that has only read has no say over an event: it follows its scope."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from bc_events import events
from bc_events.outbox import SQLAlchemyOutbox
from bc_events.outbox._sqlalchemy.effect import Effect
from tests.outbox.service import client_of
from tests.outbox.sqlalchemy.work import Policy, async_url, publish, stored, warnings_of


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
@pytest.mark.parametrize("is_well", [True, False])
def test_its_end_leaves_the_event_to_the_scope(follower, following, factory, caplog, end, is_well):
    with suppress(ZeroDivisionError), events.session() as session, factory() as db:
        db.scalars(select(Policy)).all()
        publish(1)
        getattr(db, end)()
        assert len(session.events) == 1
        if not is_well:
            raise ZeroDivisionError
    assert stored(following) == ([1] if is_well else [])
    assert len(warnings_of(caplog)) == (0 if is_well else 1)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("flush", ["by hand", "at the end"])
def test_a_flush_sends_the_events_of_one_that_has_only_read_so_far(follower, following, factory, flush):
    """A worker may read in one transaction for as long as it lives."""
    with factory() as db:
        with events.session() as session:
            db.scalars(select(Policy)).all()
            publish(1)
            if flush == "by hand":
                session.flush()
                assert stored(following) == [1]
        assert stored(following) == [1]
        db.add(Policy(id=1))
        db.rollback()
    assert stored(following) == [1]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_an_event_whose_scope_ended_before_the_first_statement_is_sent_at_its_end(follower, following, factory, end):
    with factory() as db:
        db.begin()
        with events.session():
            publish(1)
        with suppress(ZeroDivisionError), events.session():
            publish(2)
            raise ZeroDivisionError
        assert stored(following) == []
        db.scalars(select(Policy)).all()
        getattr(db, end)()
        assert stored(following) == [1]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_an_event_that_cannot_be_stored_then_is_named_in_the_log_and_raises_nothing(follower, factory, engine, caplog):
    with factory() as db:
        db.begin()
        with events.session("job-1"):
            publish(1, 2)
        with events.session("job-2"):
            publish(3)
        db.scalars(select(Policy.id).limit(0)).all()
        with engine.begin() as other:
            other.exec_driver_sql("ALTER TABLE bc_outbox RENAME TO elsewhere")
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [(error.bc_job_id, len(error.bc_events)) for error in errors] == [("job-1", 2), ("job-2", 1)]
    assert errors[0].getMessage().startswith("2 events of job job-1 could not be stored")


def test_what_was_published_after_the_commit_with_what_the_commit_expired_is_sent(follower, following, factory):
    """Reading it has begun another transaction, which nobody commits."""
    with events.session(), factory() as db:
        policy = Policy(id=1)
        db.add(policy)
        db.commit()
        publish(policy.id)
    assert stored(following) == [1]


def begun(session, *, writes):
    """Begins its transaction now, by what it does in it."""
    session.execute(text("UPDATE policy SET name = 'x'") if writes else select(Policy)).close()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("outcome", ["commit", "rollback"])
@pytest.mark.parametrize("is_begun_last", [True, False])
@pytest.mark.parametrize("writes", ["before", "after"])
@pytest.mark.parametrize("closes_first", [True, False])
def test_beside_one_that_writes_it_has_no_say(
    follower, following, factory, outcome, is_begun_last, writes, closes_first
):
    """It makes no difference which began last or ends first, or whether the other had written before the event."""
    with events.session():
        writer, reader = factory(), factory()
        for session in (reader, writer) if is_begun_last else (writer, reader):
            begun(session, writes=session is writer and writes == "before")
        publish(1)
        if closes_first:
            reader.close()
        if writes == "after":
            begun(writer, writes=True)
        getattr(writer, outcome)()
        assert stored(following) == ([1] if outcome == "commit" else [])
        writer.close()
        reader.close()
    assert stored(following) == ([1] if outcome == "commit" else [])


def test_work_that_was_never_flushed_is_work_all_the_same(follower, following, factory):
    """It is rolled back, and closed, with its events."""
    with factory.begin() as db:
        db.add_all([Policy(id=1), Policy(id=2)])
    works = {
        "new": lambda db, _found: db.add(Policy(id=3)),
        "changed": lambda _db, found: setattr(found, "name", "changed"),
        "deleted": lambda db, found: db.delete(found),
    }
    for name, work in works.items():
        for end in ("rollback", "close") if name != "deleted" else ("rollback",):
            with events.session(), factory() as db:
                found = db.get(Policy, 1)
                publish(1)
                work(db, found)
                getattr(db, end)()
    assert stored(following) == []


def test_a_savepoint_of_it_that_is_rolled_back_drops_its_events(follower, following, factory):
    with events.session(), factory() as db:
        db.scalars(select(Policy)).all()
        publish(1)
        db.begin_nested().rollback()
        with suppress(ZeroDivisionError), db.begin_nested():
            publish(2)
            raise ZeroDivisionError
        with db.begin_nested():
            publish(3)
    assert stored(following) == [1, 3]


def test_what_a_rolled_back_savepoint_wrote_is_not_written(follower, following, factory):
    with events.session(), factory() as db:
        db.scalars(select(Policy)).all()
        with suppress(ZeroDivisionError), db.begin_nested():
            db.add(Policy(id=1))
            db.flush()
            raise ZeroDivisionError
        publish(1)
    assert stored(following) == [1]


def test_one_in_which_nothing_ran_decides_by_its_commit_or_rollback(follower, following, factory):
    with events.session():
        with factory.begin():
            publish(1)
        assert stored(following) == [1]
        with suppress(ZeroDivisionError), factory.begin():
            publish(2)
            raise ZeroDivisionError
    assert stored(following) == [1]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::sqlalchemy.exc.SAWarning")
def test_a_session_that_was_never_closed_gives_its_events_back(follower, following, factory):
    with events.session():
        db = factory()
        db.scalars(select(Policy)).all()
        publish(1)
        del db
        gc.collect()
    assert stored(following) == [1]


def test_an_async_one_has_no_say_either(outbox, url):
    async def main():
        engine = create_async_engine(async_url(url))
        factory = async_sessionmaker(engine)
        with client_of(None, SQLAlchemyOutbox(factory)) as client:
            async with events.session(client=client), factory() as reader:
                (await reader.scalars(select(Policy))).all()
                publish(1)
                async with factory.begin() as writer:
                    writer.add(Policy(id=1))
                    publish(2)
                assert stored(outbox) == [2]
            assert sorted(stored(outbox)) == [1, 2]
        await engine.dispose()

    asyncio.run(main())


READS = """
SELECT 1
  select * from policy -- FOR UPDATE
/* a comment */ SELECT 'INSERT INTO x' AS "for update"
(SELECT 1) UNION (SELECT 2)
WITH found AS (SELECT 1) SELECT * FROM found
EXPLAIN SELECT 1
SHOW search_path
VALUES (1)
PRAGMA table_info(policy)
SELECT share, updated_at FROM holding
"""
WRITES = """
INSERT INTO policy VALUES (1)
update policy SET id = 2
SELECT * INTO elsewhere FROM policy
SELECT * FROM policy FOR UPDATE
SELECT * FROM policy for no key update SKIP LOCKED
SELECT * FROM policy FOR SHARE
SELECT * FROM policy LOCK IN SHARE MODE
WITH gone AS (DELETE FROM policy RETURNING *) SELECT * FROM gone
EXPLAIN ANALYZE DELETE FROM policy
LOCK TABLE policy
NOTIFY channel
CALL procedure()
CREATE TABLE x (id int)
MERGE INTO policy USING x ON true WHEN MATCHED THEN DELETE
REPLACE INTO policy VALUES (1)
TRUNCATE policy
"""
CONTROLS = """
BEGIN
BEGIN IMMEDIATE
SAVEPOINT sa_savepoint_1
RELEASE SAVEPOINT sa_savepoint_1
ROLLBACK TO SAVEPOINT sa_savepoint_1
SET LOCAL app.tenant = 'INSERT'
"""


@pytest.mark.parametrize(
    ("statement", "effect"),
    [
        (statement, effect)
        for lines, effect in ((READS, Effect.READ), (WRITES, Effect.WRITE), (CONTROLS, Effect.NONE))
        for statement in lines.strip().splitlines()
    ],
)
def test_the_text_of_a_statement_tells_whether_it_writes(statement, effect):
    assert Effect.of(statement) is effect


def test_a_statement_without_a_word_is_taken_for_one_that_writes():
    assert Effect.of("") is Effect.WRITE
