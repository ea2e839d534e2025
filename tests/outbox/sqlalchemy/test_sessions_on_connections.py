"""A session that works on a connection, and the transaction that the connection has open without it."""

from __future__ import annotations

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
