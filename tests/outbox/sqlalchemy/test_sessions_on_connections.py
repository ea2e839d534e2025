"""A session that works on a connection, and the transaction that the connection has open without it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bc_events import events
from tests.outbox.sqlalchemy.work import Policy, publish, stored, warnings_of

pytestmark = pytest.mark.usefixtures("client")

INSERT = text("INSERT INTO policy (id, name) VALUES (1, '')")
READ = select(Policy)


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_session_on_a_connection_speaks_for_it_while_it_writes(engine, outbox, caplog, is_committed):
    with events.session(), engine.connect() as connection:
        connection.execute(INSERT)
        with Session(connection) as db:
            db.add(Policy(id=2))
            publish(1)
            db.commit()
        publish(2)
        connection.commit() if is_committed else connection.rollback()
    assert stored(outbox) == ([1, 2] if is_committed else [])
    assert not any("have written" in warning for warning in warnings_of(caplog))


ENDS = ["commit", "rollback", "close"]
MODES = ["conditional_savepoint", "rollback_only", "control_fully", "create_savepoint"]
LAST = text("INSERT INTO policy (id, name) VALUES (9, '')")


def saved(engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.scalars(select(Policy.id).order_by(Policy.id)))


def add_and_publish(db, number):
    db.add(Policy(id=number))
    db.flush()
    publish(number)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("end_of_connection", ENDS)
@pytest.mark.parametrize("is_in_savepoint", [True, False])
def test_what_is_saved_is_announced_and_each_drop_is_a_warning(
    engine, outbox, caplog, mode, end, end_of_connection, is_in_savepoint
):
    with events.session(), engine.connect() as connection:
        connection.execute(INSERT)
        publish(1)
        if is_in_savepoint:
            connection.begin_nested()
        with Session(connection, join_transaction_mode=mode) as db:
            add_and_publish(db, 2)
            getattr(db, end)()
        connection.execute(LAST)
        publish(9)
        getattr(connection, end_of_connection)()
    assert sorted(stored(outbox)) == saved(engine)
    dropped = sum(getattr(record, "bc_dropped", 0) for record in caplog.records)
    assert dropped == 3 - len(saved(engine))


@pytest.mark.filterwarnings("ignore:transaction already deassociated")
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("mode", ["conditional_savepoint", "create_savepoint"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("end_of_inner", ENDS)
def test_two_sessions_on_one_connection(engine, outbox, mode, end, end_of_inner):
    with events.session(), engine.connect() as connection:
        connection.execute(INSERT)
        publish(1)
        with Session(connection, join_transaction_mode=mode) as outer:
            add_and_publish(outer, 2)
            with Session(connection, join_transaction_mode=mode) as inner:
                add_and_publish(inner, 3)
                getattr(inner, end_of_inner)()
            getattr(outer, end)()
        connection.execute(LAST)
        publish(9)
        connection.commit()
    assert sorted(stored(outbox)) == saved(engine)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("is_committed", [True, False])
def test_a_scope_that_fails_after_the_commit_of_a_session_drops_its_own(engine, outbox, is_committed):
    """Nothing is stored before the connection's transaction is committed."""
    with events.session(), engine.connect() as connection:
        connection.begin()
        with suppress(LookupError), events.session(), Session(connection) as db:
            add_and_publish(db, 1)
            db.commit()
            if not is_committed:
                raise LookupError
        connection.commit()
    assert stored(outbox) == ([1] if is_committed else [])


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_a_session_that_is_closed_never_sent_to_the_database_is_dropped(engine, outbox):
    with events.session(), engine.connect() as connection:
        connection.execute(INSERT)
        publish(1)
        with Session(connection) as db:
            db.scalars(READ).all()
            db.add(Policy(id=2))
            publish(2)
        connection.commit()
    assert stored(outbox) == [1]


@pytest.mark.parametrize("publishes_first", [True, False])
def test_a_session_on_a_connection_that_only_reads_leaves_them_to_it(engine, outbox, publishes_first):
    with events.session(), engine.connect() as connection:
        connection.begin()
        if not publishes_first:
            connection.execute(INSERT)
        with Session(connection) as db:
            db.scalars(READ).all()
            publish(1)
        if publishes_first:
            connection.execute(INSERT)
        connection.rollback()
    assert stored(outbox) == []


def test_a_session_in_a_savepoint_of_a_connection_drops_its_own(engine, outbox):
    with events.session(), engine.connect() as connection:
        connection.execute(INSERT)
        publish(1)
        with Session(connection, join_transaction_mode="create_savepoint") as db:
            db.add(Policy(id=2))
            publish(2)
            db.rollback()
        with Session(connection, join_transaction_mode="create_savepoint") as db:
            db.add(Policy(id=3))
            publish(3)
            db.commit()
        connection.commit()
    assert sorted(stored(outbox)) == [1, 3]


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("is_bound", [True, False])
def test_the_transactions_of_a_session_with_a_bind_for_each_mapper_decide(engine, outbox, end, is_bound):
    """Its connections tell of them, and it tells of them itself once it is bound, even in the middle."""
    with events.session(), Session(binds={Policy: engine}) as db:
        db.add(Policy(id=1))
        db.flush()
        publish(1)
        if is_bound:
            outbox.bind(db)
        publish(2)
        getattr(db, end)()
    assert stored(outbox) == ([1, 2] if end == "commit" else [])
