"""Under AUTOCOMMIT no transaction decides about an event, as none decides about the work: it follows its scope."""

from __future__ import annotations

from contextlib import suppress

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from bc_events import events
from tests.outbox.sqlalchemy.work import Policy, publish, stored

pytestmark = pytest.mark.usefixtures("client")

INSERT = text("INSERT INTO policy (id, name) VALUES (1, '')")


AUTOCOMMIT = {
    "connection": lambda url: create_engine(url).connect().execution_options(isolation_level="AUTOCOMMIT"),
    "engine": lambda url: create_engine(url, isolation_level="AUTOCOMMIT").connect(),
    "session": lambda url: Session(create_engine(url, isolation_level="AUTOCOMMIT")),
    "session of an engine with options": lambda url: Session(
        create_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    ),
}


@pytest.mark.parametrize("opened", AUTOCOMMIT.values(), ids=AUTOCOMMIT)
@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("is_well", [True, False])
def test_where_each_statement_is_committed_the_scope_decides(url, outbox, opened, end, is_well):
    with suppress(LookupError), events.session(), opened(url) as db:
        publish(1)
        db.execute(INSERT)
        publish(2)
        getattr(db, end)()
        if not is_well:
            raise LookupError
    db.get_bind().dispose() if isinstance(db, Session) else db.engine.dispose()
    assert stored(outbox) == ([1, 2] if is_well else [])


def test_a_session_with_objects_that_are_committed_one_by_one_leaves_its_events_to_the_scope(url, outbox):
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with events.session(), Session(engine) as db:
        db.add(Policy(id=1))
        publish(1)
        db.flush()
        db.rollback()
    assert stored(outbox) == [1]
    engine.dispose()
