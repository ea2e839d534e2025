"""A stream: its rows are in the log of the database alone, whichever way their transaction goes."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from contextlib import suppress

import pytest
from sqlalchemy import MetaData, create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from bc_events import ConfigurationError, DeliveryError, EventClient, events
from bc_events.outbox import Relay, SQLAlchemyOutbox, outbox_table
from bc_events.outbox._store.columns import GIVEN
from tests.outbox.service import TOPICS, client_of, row as service_row
from tests.outbox.sqlalchemy.work import Base, Policy, async_url, publish, warnings_of
from tests.outbox.streamed_rows import left, seen, watch


@pytest.fixture(params=["postgresql", "mariadb"])
def url(request):
    url = request.getfixturevalue({"postgresql": "postgres_url", "mariadb": "mariadb_url"}[request.param])
    watch(url)
    return url


@pytest.fixture
def client(engine):
    with client_of(None, SQLAlchemyOutbox(sessionmaker(engine), stream=True)) as client, events.override(client):
        yield client


@pytest.fixture
def factory(client):
    return sessionmaker(client.outbox.engine)


def came(url) -> list[int]:
    """The numbers of the events that the log has. The table has none."""
    assert left(url) == 0
    return [json.loads(row["payload"])["data"]["number"] for row in seen(url)]


def test_a_commit_brings_its_events_and_leaves_the_table_empty(url, factory):
    with events.session("job-1"), factory.begin() as db:
        db.add(Policy(id=1))
        publish(1, 2)
    assert came(url) == [1, 2]
    first, second = seen(url)
    assert (first["aggregateid"], first["aggregatetype"], first["type"]) == ("job-1", "testing", "testing.ThingCreated")
    assert uuid.UUID(str(first["batch"])) == uuid.UUID(str(second["batch"]))
    assert [(row["batch_first"], row["batch_last"]) for row in (first, second)] == [(1, 2), (2, 2)]


@pytest.mark.parametrize("way", ["rollback", "exception", "close"])
def test_a_rollback_brings_none(url, factory, caplog, way):
    db = factory()
    with suppress(ZeroDivisionError), events.session():
        db.add(Policy(id=1))
        db.flush()
        publish(1)
        if way == "exception":
            raise ZeroDivisionError
        getattr(db, way)()
    db.close()
    assert came(url) == []
    assert len(warnings_of(caplog)) == 1


def test_a_savepoint_that_is_rolled_back_brings_none(url, factory):
    with events.session(), factory.begin() as db:
        publish(1)
        with suppress(ZeroDivisionError), db.begin_nested():
            publish(2)
            raise ZeroDivisionError
        with db.begin_nested():
            publish(3)
    assert came(url) == [1, 3]


def test_a_transaction_of_a_connection_brings_its_events(url, client):
    with events.session(), client.outbox.engine.begin() as connection:
        connection.execute(text("INSERT INTO policy (id, name) VALUES (1, '')"))
        publish(1)
    with pytest.raises(ZeroDivisionError), events.session(), client.outbox.engine.begin() as connection:
        connection.execute(text("INSERT INTO policy (id, name) VALUES (2, '')"))
        publish(2)
        raise ZeroDivisionError
    assert came(url) == [1]


def test_a_session_in_the_transaction_of_its_connection_brings_its_events(url, client):
    with events.session(), client.outbox.engine.connect() as connection, connection.begin():
        with Session(connection) as db:
            db.add(Policy(id=1))
            publish(1)
            db.commit()
        publish(2)
    assert came(url) == [1, 2]


def test_a_flush_outside_of_transactions_brings_its_events(url, client):
    with events.session("job-1"):
        publish(1, 2)
    assert came(url) == [1, 2]
    assert {row["batch_last"] for row in seen(url)} == {2}


def test_events_after_a_transaction_that_has_only_read_follow_the_scope(url, factory):
    with events.session(), factory() as db:
        db.query(Policy).all()
        publish(1)
    assert came(url) == [1]


def test_a_hook_of_the_commit_may_publish_too(url, factory):
    from sqlalchemy import event as listening

    class Hooked(Session):
        """A session with a hook of its own."""

    listening.listen(Hooked, "before_commit", lambda _session: publish(2))
    with events.session(), Hooked(factory.kw["bind"]) as db:
        db.add(Policy(id=1))
        publish(1)
        db.commit()
    assert sorted(came(url)) == [1, 2]


def test_a_commit_that_fails_brings_none_and_the_next_brings_its_own(url, factory):
    with suppress(IntegrityError), events.session(), factory() as db:
        publish(1)
        db.add_all([Policy(id=1)])
        db.flush()
        db.execute(text("INSERT INTO policy (id, name) VALUES (1, '')"))
        db.commit()
    with events.session(), factory.begin() as db:
        db.add(Policy(id=1))
        publish(2)
    assert came(url) == [2]


def test_an_async_session_brings_its_events(url):
    async def work():
        engine = create_async_engine(async_url(url))
        factory = async_sessionmaker(engine)
        with client_of(None, SQLAlchemyOutbox(factory, stream=True)) as client, events.override(client):
            async with events.session(), factory.begin() as db:
                db.add(Policy(id=1))
                publish(1)
            async with events.session():
                publish(2)
        await engine.dispose()

    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()
    asyncio.run(work())
    assert came(url) == [1, 2]


def test_each_job_has_its_requests_and_each_is_as_large_as_the_client_allows(url, engine):
    outbox = SQLAlchemyOutbox(sessionmaker(engine), stream=True)
    client = EventClient(None, "PolicyService", TOPICS, outbox=outbox, max_request_events=2)
    with client, sessionmaker(engine).begin(), events.override(client):
        for job in ("a", "b"):
            with events.session(job):
                publish(1, 2, 3)
    rows = seen(url)
    shape = [(row["aggregateid"], row["batch_first"], row["batch_last"]) for row in rows]
    assert shape == [(job, *place) for job in "ab" for place in ((1, 2), (2, 2), (1, 1))]
    assert len({row["batch"] for row in rows}) == 4


def test_a_request_has_one_category_because_each_may_have_a_topic(url, engine):
    topics = {
        "DefaultCategory": "testing",
        "Topics": [
            {"Action": "Created", "Entity": "Thing", "Schema": {}},
            {"Action": "Paid", "Entity": "Claim", "Category": "claims", "Schema": {}},
        ],
    }
    outbox = SQLAlchemyOutbox(sessionmaker(engine), stream=True)
    with EventClient(None, "PolicyService", topics, outbox=outbox) as client, events.session("job", client=client):
        events.created_thing({"number": 1})
        events.created_thing({"number": 2})
        events.paid_claim({"number": 3})
        events.created_thing({"number": 4})
    shape = [(row["aggregatetype"], row["batch_first"], row["batch_last"]) for row in seen(url)]
    assert shape == [("testing", 1, 2), ("testing", 2, 2), ("claims", 1, 1), ("testing", 1, 1)]


def test_a_commit_does_not_wait_for_rows_of_others(url, factory):
    """At the application's own isolation level: REPEATABLE READ on MariaDB. There, a DELETE for a list of ids may read
    the whole table there, and wait for the rows that others have inserted.
    """
    engine = factory.kw["bind"]
    table = outbox_table(MetaData())
    with engine.connect() as other, other.begin() as open_transaction:
        for row in [service_row(number) for number in range(30)]:
            values = {column.name: getattr(row, column.attribute) for column in GIVEN}
            other.execute(table.insert().values(**values))
        committing = threading.Thread(target=_commit_many, args=(factory,), daemon=True)
        committing.start()
        committing.join(20)
        is_done = not committing.is_alive()
        open_transaction.rollback()
        committing.join(60)
    assert is_done
    assert sorted(came(url)) == sorted(number for first in range(100, 105) for number in range(first, first + 40))


def _commit_many(factory) -> None:
    for number in range(100, 105):
        with events.session(), factory.begin() as db:
            db.add(Policy(id=number))
            publish(*range(number, number + 40))


def test_many_writers_at_once_meet_no_deadlock(url, factory):
    errors = []

    def write(first):
        try:
            for number in range(first, first + 25):
                with events.session(), factory.begin() as db:
                    db.add(Policy(id=number))
                    publish(number, number + 1000)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(100 * place,)) for place in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(came(url)) == 4 * 25 * 2


def test_events_that_are_stored_twice_have_the_same_request(url, client):
    """The outcome of a commit may be unknown. An event that is stored again, though it had been, is one event then."""
    with events.session("job-1"):
        publish(1, 2)
    with events.session("job-1") as session:
        publish(3)
        (event,) = session.events
        client.delivery.send([event])
    assert came(url) == [1, 2, 3, 3]
    assert len({row["batch"] for row in seen(url)}) == 2


def test_a_database_without_the_table_is_named(url, client):
    with client.outbox.engine.begin() as connection:
        connection.execute(text("DROP TABLE bc_outbox"))
    with pytest.raises(DeliveryError, match="bc_outbox"), events.session():
        publish(1)


def test_a_relay_refuses_a_stream(url, engine):
    outbox = SQLAlchemyOutbox(engine, stream=True)
    with pytest.raises(ConfigurationError, match="this outbox is a stream: change data capture reads its events"):
        Relay.of(client_of("http://127.0.0.1:1", outbox))
    with pytest.raises(ConfigurationError, match="give relay or stream, not both"):
        SQLAlchemyOutbox(engine, stream=True, relay=True)


def test_sqlite_has_no_stream(tmp_path):
    with pytest.raises(ConfigurationError, match="SQLite has no log"):
        SQLAlchemyOutbox(f"sqlite:///{tmp_path}/app.db", stream=True)
