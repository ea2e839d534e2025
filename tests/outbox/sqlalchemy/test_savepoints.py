"""A savepoint that is set on the session's connection, past the session, takes its events with it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bc_events import events
from tests.outbox.sqlalchemy.work import Policy, publish, stored, warnings_of

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


def core(db):
    savepoint = db.connection().begin_nested()
    return savepoint.commit, savepoint.rollback


def sql(db):
    db.execute(text("savepoint S"))
    return (lambda: db.execute(text("RELEASE s"))), (lambda: db.execute(text('ROLLBACK TO SAVEPOINT "s"')))


def commented(db):
    db.execute(text("/* of /app */ /**/ SAVEPOINT s -- set here"))
    return (lambda: db.execute(text("/* of */RELEASE s"))), (lambda: db.execute(text("-- of /app\n ROLLBACK TO s")))


@pytest.mark.parametrize("opened", [core, sql, commented])
@pytest.mark.parametrize("is_in_session_savepoint", [True, False])
def test_its_rollback_drops_what_was_published_in_it(
    follower, following, factory, caplog, opened, is_in_session_savepoint
):
    with events.session(), factory.begin() as db:
        db.add(Policy(id=1))
        publish(1)
        if is_in_session_savepoint:
            db.begin_nested()
        _, roll_back = opened(db)
        publish(2)
        with db.begin_nested():
            publish(3)
        roll_back()
        publish(4)
    assert stored(following) == [1, 4]
    (warning,) = warnings_of(caplog)
    assert "rolled back" in warning


@pytest.mark.parametrize("opened", [core, sql, commented])
def test_its_release_keeps_them(follower, following, factory, caplog, opened):
    with events.session(), factory.begin() as db:
        db.add(Policy(id=1))
        release, _ = opened(db)
        publish(1)
        release()
        with db.begin_nested() as of_session:
            publish(2)
            db.execute(text("SELECT 1")).close()
            publish(3)
            of_session.rollback()
    assert stored(following) == [1]
    assert len(warnings_of(caplog)) == 1
