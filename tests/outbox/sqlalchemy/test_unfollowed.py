"""Transactions on the outbox's database that it does not follow are warned of, once: a rollback takes no event back."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from bc_events import events
from tests.outbox.sqlalchemy.work import Base, Policy, publish, stored, warnings_of

INSERT = text("INSERT INTO policy (id, name) VALUES (1, '')")


def core(engine):
    return engine.connect()


def core_savepoint(engine):
    connection = engine.connect()
    connection.begin_nested()
    return connection


OPENERS = {"core": core, "core savepoint": core_savepoint}


@pytest.mark.parametrize("opened", OPENERS.values(), ids=OPENERS)
@pytest.mark.parametrize("publishes_first", [True, False])
@pytest.mark.usefixtures("client")
def test_one_that_writes_is_warned_of_once(engine, caplog, opened, publishes_first):
    with events.session(), opened(engine) as unfollowed:
        if publishes_first:
            unfollowed.execute(text("SELECT 1")).close()
            publish(0)
        unfollowed.execute(INSERT)
        publish(1, 2)
        unfollowed.rollback()
    (warning,) = warnings_of(caplog)
    assert "outbox.bind(session)" in warning


@pytest.mark.usefixtures("client")
def test_one_that_only_reads_is_not_warned_of(engine, caplog):
    with events.session(), engine.connect() as connection, Session(engine) as db:
        for reader in (connection, db):
            reader.execute(text("SELECT 1")).close()
        publish(1)
    assert warnings_of(caplog) == []


@pytest.mark.usefixtures("client")
def test_one_that_has_ended_is_not_warned_of(engine, caplog):
    with events.session():
        with engine.begin() as connection:
            connection.execute(INSERT)
        publish(1)
    assert warnings_of(caplog) == []


@pytest.mark.usefixtures("client")
def test_one_on_another_database_is_not_warned_of(tmp_path, caplog):
    other = create_engine(f"sqlite:///{tmp_path}/other.db")
    Base.metadata.create_all(other)
    with events.session(), other.begin() as connection:
        connection.execute(INSERT)
        publish(1)
    assert warnings_of(caplog) == []
    other.dispose()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_beside_one_that_is_followed_it_is_not_warned_of(follower, following, factory, engine, caplog):
    """The event has its transaction."""
    with events.session(), engine.begin() as connection, factory.begin() as db:
        connection.execute(INSERT)
        db.add(Policy(id=2))
        publish(1)
    assert warnings_of(caplog) == []
    assert stored(following) == [1]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("publishes_first", [True, False])
@pytest.mark.parametrize("has_read", [True, False])
@pytest.mark.usefixtures("follower")
def test_beside_a_followed_one_that_has_not_written_it_is_warned_of(factory, engine, caplog, publishes_first, has_read):
    with events.session(), factory() as reader:
        reader.begin()
        if has_read:
            reader.execute(text("SELECT 1")).close()
        with engine.connect() as connection:
            connection.begin()
            if publishes_first:
                publish(1)
            connection.execute(INSERT)
            if not publishes_first:
                publish(1)
            connection.rollback()
    assert "outbox.bind(session)" in warnings_of(caplog)[0]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("is_by_hand", [True, False])
def test_one_that_begins_after_the_event_is_warned_of_once_it_writes(client, engine, caplog, is_by_hand):
    with events.session() as session, engine.connect() as connection:
        session = client.user_session("user-12345", job_id="job-1") if is_by_hand else session
        session.created_thing({"number": 1})
        assert warnings_of(caplog) == []
        connection.execute(INSERT)
        connection.rollback()
    assert "outbox.bind(session)" in warnings_of(caplog)[0]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_outbox_warns_neither_of_itself_nor_once_the_event_is_stored(client, outbox, engine, caplog):
    with events.session() as session:
        publish(1)
        other = client.user_session("user-12345", job_id="job-1")
        other.created_thing({"number": 2})
        other.flush()
        assert warnings_of(caplog) == []
        session.flush()
        with engine.begin() as connection:
            connection.execute(INSERT)
    assert sorted(stored(outbox)) == [1, 2]
    assert warnings_of(caplog) == []
