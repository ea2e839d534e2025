"""Events in the application's own transaction: committed means delivered, rolled back means never, savepoints too."""

from __future__ import annotations

from contextlib import suppress

import pytest
from sqlalchemy import create_engine, event as listening, insert
from sqlalchemy.orm import Session

from bc_events import events
from tests.outbox.service import client_of
from tests.outbox.sqlalchemy.work import Base, Policy, failing, publish, stored, warnings_of


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


def test_a_commit_that_fails_stores_nothing(client, outbox, engine):
    with Session(engine) as db:
        db.add(Policy(id=1))
        db.commit()
    with pytest.raises(Exception, match="(?i)unique|duplicate"), events.session(), Session(engine) as db:
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


def test_a_session_that_is_closed_without_its_commit_is_warned_of(follower, following, factory, caplog):
    with events.session(), factory() as db:
        db.add(Policy(id=1))
        publish(1, 2)
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "closed without a commit" in warning.getMessage()
    assert warning.bc_dropped == 2
    assert stored(following) == []


@pytest.mark.usefixtures("follower")
def test_a_commit_that_fails_is_a_rollback_and_no_forgotten_commit(factory, caplog):
    with pytest.raises(LookupError), events.session(), factory() as db:
        db.add(Policy(id=1))
        publish(1)
        listening.listen(db, "before_commit", failing, once=True)
        db.commit()
    (warning,) = warnings_of(caplog)
    assert "the database transaction was rolled back" in warning


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


def test_a_savepoint_that_is_the_first_work_of_its_transaction_drops_its_events_too(client, outbox, engine):
    """It connects the session, and SQLAlchemy calls a transaction inactive while it does."""
    with events.session(), Session(engine) as db, db.begin():
        outbox.bind(db)
        with suppress(LookupError), db.begin_nested():
            db.execute(insert(Policy).values(id=1, name=""))
            publish(1)
            failing(db)
        publish(2)
        db.add(Policy(id=2))
    assert stored(outbox) == [2]


def test_a_rollback_is_reported_for_each_job(client, outbox, engine, caplog):
    with Session(engine) as db:
        for job, number in ("job-1", 1), ("job-2", 2), ("job-1", 3):
            with events.session(job) as session:
                outbox.bind(db)
                db.add(Policy(id=number))
                publish(number)
                assert session.job_id == job
        db.rollback()
    reported = [(one.bc_job_id, one.bc_dropped) for one in caplog.records if hasattr(one, "bc_dropped")]
    assert reported == [("job-1", 2), ("job-2", 1)]
    assert stored(outbox) == []
