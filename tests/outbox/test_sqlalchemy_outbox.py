"""Events in the application's own transaction: committed means delivered, rolled back means never, savepoints too."""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import MetaData, String, create_engine, event as listening, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker
from sqlalchemy.util import await_only

from bc_events import ConfigurationError, DeliveryError, NoActiveSessionError, events
from bc_events.outbox import SQLAlchemyOutbox, schema
from bc_events.outbox.dialect import SQLITE
from bc_events.outbox.sqlalchemy import outbox_table
from tests.outbox.service import QUICK, client_of, numbers

ROOT = Path(__file__).parents[2]


class Base(DeclarativeBase):
    pass


class Policy(Base):
    __tablename__ = "policy"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), default="")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    return f"sqlite:///{tmp_path}/app.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def engine(url):
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":  # as SQLAlchemy's documentation has it for savepoints
        listening.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        listening.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def outbox(engine):
    """Without a session factory: sessions are bound by hand."""
    outbox = SQLAlchemyOutbox(engine)
    outbox.create()
    return outbox


@pytest.fixture
def factory(engine):
    return sessionmaker(engine)


@pytest.fixture
def following(outbox, factory):
    """An outbox that follows the sessions of `factory`."""
    return SQLAlchemyOutbox(factory)


@pytest.fixture
def client(outbox):
    with client_of(None, outbox) as client, events.override(client):
        yield client


@pytest.fixture
def follower(following):
    with client_of(None, following) as client, events.override(client):
        yield client


def publish(*values: int) -> None:
    for number in values:
        events.created_thing({"number": number})


def stored(outbox) -> list[int]:
    import json

    return [json.loads(row.payload)["data"]["number"] for row in outbox.store.show()]


def test_events_are_committed_with_the_work(client, outbox, engine):
    with events.session(), Session(engine) as db:
        outbox.bind(db)
        db.add(Policy(id=1))
        publish(1)
        assert stored(outbox) == []
        db.commit()
        assert stored(outbox) == [1]
    assert stored(outbox) == [1]


def test_services_that_share_an_outbox_keep_their_names(client, outbox, engine):
    with client_of(None, outbox, service="BillingService") as other:
        for used in (client, other, client):
            with events.session(client=used), Session(engine) as db:
                outbox.bind(db)
                publish(1)
                db.commit()
    assert [row.service for row in outbox.store.show()] == ["PolicyService", "BillingService", "PolicyService"]


def test_events_published_before_the_first_statement_are_committed_with_the_work(client, outbox, engine):
    with events.session(), Session(engine) as db:
        outbox.bind(db)
        publish(1)
        db.add(Policy(id=1))
        db.commit()
        assert stored(outbox) == [1]


def test_a_commit_that_fails_stores_nothing(client, outbox, engine):
    with Session(engine) as db:
        db.add(Policy(id=1))
        db.commit()
    with pytest.raises(Exception, match="(?i)unique"), events.session(), Session(engine) as db:
        outbox.bind(db)
        publish(1)
        db.add(Policy(id=1))
        db.commit()
    assert stored(outbox) == []


def test_events_of_a_rolled_back_transaction_never_arrive_though_the_scope_succeeds(client, outbox, engine):
    with events.session() as session, Session(engine) as db:
        outbox.bind(db)
        db.add(Policy(id=1))
        publish(1)
        db.rollback()
        assert session.events == []
        db.add(Policy(id=2))
        publish(2)
        db.commit()
    assert stored(outbox) == [2]


def test_a_transaction_that_is_closed_without_a_commit_is_rolled_back(client, outbox, engine):
    with events.session():
        with Session(engine) as db:
            outbox.bind(db)
            db.add(Policy(id=1))
            publish(1)
        publish(2)
    assert stored(outbox) == [2]


def test_an_event_dropped_because_its_session_was_closed_after_the_commit_is_warned_of(
    follower, following, factory, caplog
):
    """Reading what the commit has expired began another transaction, which nobody commits."""
    with events.session(), factory() as db:
        policy = Policy(id=1)
        db.add(policy)
        db.commit()
        publish(policy.id)
    assert stored(following) == []
    (warning,) = warnings_of(caplog)
    assert "publish before the commit" in warning


@pytest.mark.usefixtures("follower")
def test_an_event_dropped_because_its_commit_failed_is_not_warned_of(factory, caplog):
    with pytest.raises(LookupError), events.session(), factory() as db:
        publish(1)
        db.add(Policy(id=1))
        publish(2)
        listening.listen(db, "before_commit", failing, once=True)
        db.commit()
    assert not any("publish before the commit" in warning for warning in warnings_of(caplog))


def failing(_db):
    raise LookupError("broken")


def test_a_savepoint_drops_what_was_published_in_it(client, outbox, engine):
    with events.session(), Session(engine) as db:
        outbox.bind(db)
        db.add(Policy(id=1))
        publish(1)
        with pytest.raises(ZeroDivisionError), db.begin_nested():
            publish(2)
            raise ZeroDivisionError
        publish(3)
        db.commit()
    assert stored(outbox) == [1, 3]


def test_a_released_savepoint_stores_nothing_yet(client, outbox, engine):
    """`before_commit` fires for it too; what is written then would be lost with the outer savepoint."""
    with events.session(), Session(engine) as db:
        outbox.bind(db)
        publish(1)
        db.add(Policy(id=1))
        outer = db.begin_nested()
        with db.begin_nested():
            publish(2)
        outer.rollback()
        db.commit()
    assert stored(outbox) == [1]


def test_a_scope_that_fails_drops_its_events_though_the_transaction_commits(client, outbox, engine):
    with Session(engine) as db:
        with pytest.raises(ZeroDivisionError), events.session():
            outbox.bind(db)
            db.add(Policy(id=1))
            publish(1)
            raise ZeroDivisionError
        db.commit()
    assert stored(outbox) == []


def test_an_inner_scope_that_fails_drops_its_own_events_alone(client, outbox, engine):
    with events.session(), Session(engine) as db:
        outbox.bind(db)
        db.add(Policy(id=1))
        publish(1)
        with pytest.raises(ZeroDivisionError), events.session():
            publish(2)
            raise ZeroDivisionError
        db.commit()
    assert stored(outbox) == [1]


def test_committed_events_are_beyond_rollback(client, outbox, engine):
    with pytest.raises(ZeroDivisionError), events.session(), Session(engine) as db:
        outbox.bind(db)
        db.add(Policy(id=1))
        publish(1)
        db.commit()
        publish(2)
        raise ZeroDivisionError
    assert stored(outbox) == [1]


def test_a_scope_that_ends_before_its_transaction_leaves_its_events_to_it(client, outbox, engine):
    with Session(engine) as db:
        with events.session():
            outbox.bind(db)
            db.add(Policy(id=1))
            publish(1)
        assert stored(outbox) == []
        db.commit()
    assert stored(outbox) == [1]
    with Session(engine) as db:
        with events.session():
            outbox.bind(db)
            db.add(Policy(id=2))
            publish(2)
        db.rollback()
    assert stored(outbox) == [1]


def test_without_a_database_session_the_flush_has_a_transaction_of_its_own(client, outbox):
    with events.session():
        publish(1, 2)
        assert stored(outbox) == []
    assert stored(outbox) == [1, 2]


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


def test_bind_needs_a_session(outbox, engine):
    with Session(engine) as db, pytest.raises(NoActiveSessionError):
        outbox.bind(db)


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


def test_two_database_sessions_in_one_scope_are_refused_and_bind_decides(follower, following, factory):
    with events.session(), factory() as one, factory() as two:
        one.add(Policy(id=1))
        two.add(Policy(id=2))
        with pytest.raises(ConfigurationError, match=r"outbox\.bind\(db\)"):
            publish(1)
        following.bind(two)
        publish(2)
        two.commit()
        assert stored(following) == [2]
        one.rollback()


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


@pytest.mark.usefixtures("client")
def test_a_thread_that_binds_none_is_refused_where_others_have_bound_several(outbox, engine):
    with events.session(), Session(engine) as one, Session(engine) as two:
        for db in (one, two):
            thread = threading.Thread(target=events.propagate(outbox.bind), args=(db,))
            thread.start()
            thread.join()
            db.begin()
        with pytest.raises(ConfigurationError, match=r"outbox\.bind\(db\)"):
            publish(1)


def test_a_transaction_that_another_thread_has_bound_is_not_taken_for_the_one_that_began_here(
    follower, following, factory
):
    with events.session(), factory() as theirs, factory() as ours:
        thread = threading.Thread(target=events.propagate(following.bind), args=(theirs,))
        thread.start()
        thread.join()
        theirs.begin()
        ours.begin()
        with pytest.raises(ConfigurationError, match=r"outbox\.bind\(db\)"):
            publish(1)


def test_one_database_session_after_another_is_no_conflict(follower, following, factory):
    with events.session():
        for number in (1, 2):
            with factory.begin() as db:
                db.add(Policy(id=number))
                publish(number)
    assert stored(following) == [1, 2]


def test_sessions_of_other_factories_are_left_alone(follower, following, engine):
    with events.session(), sessionmaker(engine).begin() as db:
        db.add(Policy(id=1))
        publish(1)
    assert stored(following) == [1]


def warnings_of(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_a_transaction_that_began_before_the_scope_is_warned_of_once(follower, following, factory, caplog):
    """The event would be a ghost: it is stored although the work around it rolls back."""
    for number in range(2):
        with factory() as db:
            db.add(Policy(id=number))
            db.flush()
            with events.session():
                publish(number)
                db.rollback()
    (warning,) = warnings_of(caplog)
    assert "outbox.bind(db)" in warning
    assert stored(following) == [0, 1]


def test_a_transaction_around_a_scope_of_another_job_is_warned_of(follower, factory, caplog):
    with events.session("job-1"), factory.begin() as db:
        db.add(Policy(id=1))
        publish(1)
        assert warnings_of(caplog) == []
        with events.session("job-2"):
            publish(2)
            db.commit()
    assert "outbox.bind(db)" in warnings_of(caplog)[0]


@pytest.mark.usefixtures("follower")
def test_a_transaction_around_the_scope_that_is_bound_by_hand_is_not_warned_of(following, factory, caplog):
    with factory() as db:
        db.add(Policy(id=1))
        db.flush()
        with events.session():
            following.bind(db)
            publish(1)
            db.rollback()
    assert warnings_of(caplog) == []
    assert stored(following) == []


@pytest.mark.usefixtures("follower")
def test_a_transaction_that_has_ended_before_the_scope_is_not_warned_of(following, factory, caplog):
    with factory() as db:
        db.add(Policy(id=1))
        db.commit()
        with events.session():
            publish(1)
    assert warnings_of(caplog) == []
    assert stored(following) == [1]


@pytest.mark.usefixtures("follower")
def test_a_transaction_of_another_thread_is_not_warned_of(factory, caplog):
    with factory() as db:
        thread = threading.Thread(target=db.connection)
        thread.start()
        thread.join()
        assert db.in_transaction()
        with events.session():
            publish(1)
    assert warnings_of(caplog) == []


@pytest.mark.usefixtures("follower")
def test_a_transaction_of_another_task_is_not_warned_of(factory, caplog):
    """They share a thread, and one's work has nothing to do with the other's."""

    async def main() -> None:
        with factory() as db:
            db.connection()

            async def other() -> None:
                async with events.session():
                    publish(1)

            await asyncio.create_task(other())

    asyncio.run(main())
    assert warnings_of(caplog) == []


def test_several_engines_write_to_the_outbox_s_own(tmp_path, outbox, engine, client):
    """The session's models live elsewhere; its one commit goes to both."""
    other = create_engine(f"sqlite:///{tmp_path}/other.db")
    Base.metadata.create_all(other)
    with events.session(), Session(binds={Policy: other}) as db:
        outbox.bind(db)
        db.add(Policy(id=1))
        publish(1)
        db.commit()
        assert stored(outbox) == [1]
        db.add(Policy(id=2))
        publish(2)
        db.rollback()
    assert stored(outbox) == [1]
    other.dispose()


def test_a_session_on_a_connection_follows_its_outer_transaction(client, outbox, engine):
    """As test suites have it: the whole test is rolled back."""
    with engine.connect() as connection:
        outer = connection.begin()
        with events.session(), Session(connection, join_transaction_mode="create_savepoint") as db:
            outbox.bind(db)
            db.add(Policy(id=1))
            publish(1)
            db.commit()
        outer.rollback()
    assert stored(outbox) == []


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_tenant_s_events_are_in_the_one_outbox(client, outbox, engine):
    """A relay would not find a table of the same name in the tenant's schema."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA tenant")
        connection = connection.execution_options(schema_translate_map={None: "tenant"})
        Base.metadata.create_all(connection)
        outbox_table(metadata := MetaData())
        metadata.create_all(connection)
    of_tenant = engine.execution_options(schema_translate_map={None: "tenant"})
    try:
        with events.session(), Session(of_tenant) as db:
            outbox.bind(db)
            db.add(Policy(id=1))
            publish(1)
            db.commit()
        assert stored(outbox) == [1]
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA tenant CASCADE")


def test_the_table_does_not_take_the_schema_of_the_metadata_it_is_put_into(engine):
    """Only the connection's `search_path` leads there."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {schema.TABLE}")
    outbox_table(metadata := MetaData(schema="app"))
    metadata.create_all(engine)
    SQLAlchemyOutbox(engine).store.check()


@pytest.mark.parametrize("url", ["postgresql://:a port:secret/", "nosuch://x", "postgresql+psycopg2cffi://x", ""])
def test_a_url_that_leads_to_no_engine_is_refused_without_being_shown(url):
    with pytest.raises(ConfigurationError, match="makes no engine of the outbox's URL") as caught:
        SQLAlchemyOutbox(url)
    assert "secret" not in str(caught.value)


def test_the_connections_of_an_outbox_with_a_url_are_closed_with_its_client(postgres_url):
    outbox = SQLAlchemyOutbox(postgres_url)
    client = client_of(None, outbox)
    assert outbox.store.stats().pending == 0
    assert outbox.engine.pool.checkedin() == 1
    client.close()
    assert outbox.engine.pool.checkedin() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_no_connection_of_an_outbox_with_a_url_crosses_a_fork(postgres_url):
    """As under gunicorn --preload, where the first event is published before the workers fork."""
    script = f"""
import os, sys, warnings
from bc_events import events
from tests.outbox.service import client_of
client = client_of(None, {postgres_url!r})
def publish(*numbers):
    for number in numbers:
        with events.session(client=client):
            events.created_thing({{"number": number}})
publish(0)
warnings.simplefilter("ignore")
for child in range(1, 4):
    if os.fork() == 0:
        publish(*range(10 * child, 10 * child + 10))
        sys.exit(0)
for _ in range(3):
    _, status = os.wait()
    assert status == 0, status
publish(1)
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)
    outbox = SQLAlchemyOutbox(postgres_url)
    assert sorted(stored(outbox)) == [0, 1, *range(10, 40)]
    outbox.store.close()


def test_a_factory_without_an_engine_is_refused():
    with pytest.raises(ConfigurationError, match="engine="):
        SQLAlchemyOutbox(sessionmaker())


def test_an_async_engine_is_told_how_to_make_the_table(tmp_path):
    outbox = SQLAlchemyOutbox(create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/app.db"))
    with pytest.raises(ConfigurationError, match="run_sync"):
        outbox.create()


def test_a_missing_table_is_named_by_the_flush_and_by_the_check(engine):
    outbox = SQLAlchemyOutbox(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {schema.TABLE}")
    with pytest.raises(Exception, match="bc-events outbox sql"):
        outbox.store.check()
    client = client_of(None, outbox)
    with pytest.raises(DeliveryError, match="bc-events outbox sql"), events.session(client=client):
        publish(1)


@pytest.mark.parametrize("is_bound", [True, False])
def test_no_traceback_of_a_refused_insert_shows_what_was_published(is_bound, engine):
    """SQLAlchemy shows a statement's parameters, and the insert's are the events."""
    outbox = SQLAlchemyOutbox(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {schema.TABLE}")
        connection.exec_driver_sql(f"CREATE TABLE {schema.TABLE} (id TEXT)")
    client = client_of(None, outbox)
    refusal = pytest.raises(Exception, match=r"parameters hidden|not delivered")
    with refusal as refused, events.session(client=client), Session(engine) as db:
        if is_bound:
            outbox.bind(db)
            db.connection()
        publish(987654321)
        db.commit()
    told = "".join(traceback.format_exception(refused.value))
    assert "bc-events outbox sql" in told
    assert "987654321" not in told.replace("publish(987654321)", "")


def test_a_delivery_error_that_was_pickled_can_be_resent(client, outbox, engine):
    """By another process, which has not published its events; twice is once."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {schema.TABLE} RENAME TO elsewhere")
    with pytest.raises(DeliveryError) as caught, events.session():
        publish(1, 2)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE elsewhere RENAME TO {schema.TABLE}")
    for _ in range(2):
        client.resend(pickle.loads(pickle.dumps(caught.value)))
    assert stored(outbox) == [1, 2]


def test_a_session_made_by_hand_stores_at_its_next_flush_what_it_could_not_store(client, outbox, engine):
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {schema.TABLE} RENAME TO elsewhere")
    session = client.service_session()
    session.created_thing({"number": 1})
    with pytest.raises(DeliveryError) as caught:
        session.flush()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE elsewhere RENAME TO {schema.TABLE}")
    session.created_thing({"number": 2})
    session.flush()
    client.resend(caught.value)
    assert stored(outbox) == [1, 2]
    assert session.events == []


def test_the_flush_raises_where_the_database_is_gone():
    outbox = SQLAlchemyOutbox("postgresql://postgres@127.0.0.1:9/nowhere")
    client = client_of(None, outbox)
    with pytest.raises(DeliveryError, match="see that it is up"), events.session(client=client):
        publish(1)


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


def async_url(url: str) -> str:
    return url.replace("sqlite://", "sqlite+aiosqlite://")


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


def test_a_relay_in_the_process_is_woken_by_a_commit(api, outbox, factory):
    following = SQLAlchemyOutbox(factory, relay=True, pace=QUICK)
    with client_of(api.url, following) as client, events.session(client=client), factory.begin() as db:
        db.add(Policy(id=1))
        publish(1)
    assert numbers(api.wait(count=1)) == [1]
    client.close()


def test_a_commit_wakes_the_relay_of_the_event_s_own_client(api, outbox, factory):
    """Not the one of the client made last, which may be closed."""
    following = SQLAlchemyOutbox(factory, relay=True, pace=QUICK)
    with client_of(api.url, following) as client, client_of("http://127.0.0.1:9", following) as other:
        other.close()
        with events.session(client=client), factory.begin() as db:
            db.add(Policy(id=1))
            publish(1)
        assert numbers(api.wait(count=1)) == [1]


def columns_of(engine) -> dict[str, tuple[str, bool]]:
    found = inspect(engine).get_columns(schema.TABLE)
    return {column["name"]: (str(column["type"]).lower(), column["nullable"]) for column in found}


def options_of(engine) -> list[str]:
    if engine.dialect.name == "sqlite":
        return []
    with engine.begin() as connection:
        found = connection.exec_driver_sql(f"SELECT reloptions::text FROM pg_class WHERE relname = '{schema.TABLE}'")
        return list(found.scalars())


def test_metadata_and_printed_sql_make_the_same_table(outbox, engine):
    """What Alembic sees, and what `bc-events outbox sql` prints."""
    made, options = columns_of(engine), options_of(engine)
    indexes = {index["name"] for index in inspect(engine).get_indexes(schema.TABLE)}
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {schema.TABLE}")
        for statement in schema.creation(outbox.store._dialect):
            connection.exec_driver_sql(statement)
    printed = columns_of(engine)
    assert list(printed) == list(made)
    assert set(schema.INDEXES) <= indexes
    outbox.store.check()
    if outbox.store._dialect is not SQLITE:
        assert printed == made
        assert {*options, *options_of(engine)} == {"{fillfactor=50}"}


def test_the_table_has_the_columns_of_debezium_s_event_router():
    """Its defaults: table.field.event.id, route.by.field, …event.key, …event.type, …event.payload."""
    table = outbox_table(MetaData())
    assert {"id", "aggregatetype", "aggregateid", "type", "payload"} <= set(table.c.keys())
    assert not any(table.c[name].nullable for name in ("id", "aggregatetype", "aggregateid", "type", "payload"))


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
