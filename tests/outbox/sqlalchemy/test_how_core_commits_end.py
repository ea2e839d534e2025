"""A commit of SQLAlchemy Core is done or has failed: its events are stored or dropped accordingly, and at once."""

from __future__ import annotations

from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import event as listening, select, text
from sqlalchemy.exc import DBAPIError, SAWarning

from bc_events import events
from bc_events.outbox._sqlalchemy.engine import STORE_OPTION
from tests.outbox.sqlalchemy.work import Policy, publish, stored, warnings_of

pytestmark = pytest.mark.usefixtures("client")

INSERT = text("INSERT INTO policy (id, name) VALUES (1, '')")
READ = select(Policy)


def saved(engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.scalars(select(Policy.id).order_by(Policy.id)))


@contextmanager
def listener_of_commits(engine, listener):
    """One of the application's; the outbox's own transactions do not call it."""

    def listen(connection):
        if STORE_OPTION not in connection.get_execution_options():
            listener(connection)

    listening.listen(engine, "commit", listen)
    yield
    listening.remove(engine, "commit", listen)


def fail(_connection):
    raise LookupError


def test_one_that_a_listener_prevents_drops_them(engine, outbox, caplog):
    with listener_of_commits(engine, fail):
        with events.session(), suppress(LookupError), engine.begin() as connection:
            connection.execute(INSERT)
            publish(1)
        assert len(warnings_of(caplog)) == 1
    assert stored(outbox) == []
    assert saved(engine) == []


def look_for_what_is_missing(connection):
    with suppress(DBAPIError), connection.begin_nested():
        connection.execute(text("SELECT * FROM missing"))


def test_one_in_which_a_statement_fails_and_is_caught_stores_them(engine, outbox, caplog):
    with (
        listener_of_commits(engine, look_for_what_is_missing),
        events.session(),
        engine.begin() as connection,
    ):
        connection.execute(INSERT)
        publish(1)
    assert stored(outbox) == [1]
    assert warnings_of(caplog) == []


class RefusedError(Exception):
    """Of an application that translates the errors of its database."""


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_one_whose_error_is_translated_drops_them(engine, outbox, caplog):
    @listening.listens_for(engine, "handle_error")
    def translate(context):
        raise RefusedError from context.original_exception

    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE claim (policy INTEGER NOT NULL REFERENCES policy (id) DEFERRABLE INITIALLY DEFERRED)")
        )
    with events.session(), suppress(RefusedError), engine.begin() as connection:
        connection.execute(text("INSERT INTO claim VALUES (7)"))
        publish(1)
    assert stored(outbox) == []
    assert len(warnings_of(caplog)) == 1


@pytest.mark.parametrize("is_detached", [True, False])
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_scope_that_ends_before_the_connection_is_closed_sends_what_was_only_read(engine, outbox, end, is_detached):
    with engine.connect() as connection:
        if is_detached:
            connection.detach()
        with events.session() as session:
            connection.execute(READ).close()
            publish(1)
            getattr(connection, end)()
            assert len(session.events) == 1
        assert stored(outbox) == [1]


def test_a_transaction_that_reads_sends_those_of_a_scope_that_ended_in_it_before_the_connection_is_closed(
    engine, outbox
):
    with engine.connect() as connection:
        connection.begin()
        with events.session():
            publish(1)
        connection.execute(READ).close()
        connection.commit()
        assert stored(outbox) == [1]


@pytest.mark.parametrize("statement", [INSERT, None], ids=["writes", "runs nothing"])
def test_a_session_has_no_more_events_of_what_is_committed(engine, outbox, statement):
    with engine.connect() as connection, events.session() as session:
        connection.begin()
        if statement is not None:
            connection.execute(statement)
        publish(1)
        connection.commit()
        assert session.events == []
        assert stored(outbox) == [1]


def test_one_that_can_store_no_rows_leaves_no_work_for_the_next_user_of_its_connection(engine, outbox):
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE bc_outbox"))
    with events.session(), suppress(DBAPIError), engine.connect() as connection:
        connection.execute(INSERT)
        publish(1)
        connection.commit()
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO policy (id, name) VALUES (2, '')"))
    assert saved(engine) == [2]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", ["connection", "session"])
def test_one_that_is_tried_once_more_stores_them(engine, factory, outbox, kind):
    with events.session(), engine.connect() if kind == "connection" else factory() as db:
        db.execute(INSERT)
        publish(1)
        db.execute(text("ALTER TABLE bc_outbox RENAME TO away"))
        with pytest.raises(DBAPIError):
            db.commit()
        db.execute(text("ALTER TABLE away RENAME TO bc_outbox"))
        publish(2)
        db.commit()
    assert stored(outbox) == [1, 2]


def test_the_end_of_a_transaction_that_is_over_says_nothing_about_the_next(engine, outbox, caplog):
    with events.session(), engine.connect() as connection:
        first = connection.begin()
        connection.execute(INSERT)
        publish(1)
        first.commit()
        connection.begin()
        connection.execute(text("DELETE FROM policy"))
        publish(2)
        with pytest.warns(SAWarning):
            first.rollback()
        first.close()
        connection.commit()
    assert stored(outbox) == [1, 2]
    assert warnings_of(caplog) == []
