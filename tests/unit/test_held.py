"""Events that a database transaction holds: it alone decides about them or, if it has only read, their scope does."""

import asyncio
import contextvars
import gc
from contextlib import suppress

import pytest

from bc_events import DeliveryError, EventClient, EventSession, SessionClosedError, events
from bc_events._unit.held import Held
from bc_events._unit.pending import Closed
from bc_events.errors import FailedWorkError
from bc_events.testing import capture_events

TOPICS = {"DefaultCategory": "testing", "Topics": [{"Action": "Created", "Entity": "Thing", "Schema": True}]}


class Database:
    """A delivery with one transaction at a time, which holds what is published while it is open."""

    runner = None
    failure = None

    def __init__(self):
        self.transaction = None
        self.sent, self.discarded = [], []

    def record(self, event):
        if self.transaction is not None:
            self.transaction.add(event)
        return self.transaction is not None

    def begin(self):
        self.transaction = Held()

    def commit(self):
        ended, self.transaction = self.transaction, None
        self.send(ended.commit_to_scopes())

    def rollback(self):
        ended, self.transaction = self.transaction, None
        ended.drop()

    def end_without_a_say(self):
        ended, self.transaction = self.transaction, None
        self.send(ended.give_back())

    def discard(self, dropped):
        self.discarded += ids(dropped)

    def send(self, published):
        if self.failure is not None:
            raise self.failure
        self.sent += ids(published)

    def close(self):
        """Nothing is open."""


@pytest.fixture
def database():
    return Database()


@pytest.fixture(autouse=True)
def client(database):
    with events.override(EventClient(None, "PolicyService", TOPICS, delivery=database)) as client:
        yield client


def say(number):
    return events.created_thing({"id": number})


def ids(found):
    return [event.data["id"] for event in found]


def test_neither_flush_nor_the_scope_s_end_sends_what_a_transaction_holds(database):
    with events.session() as session:
        database.begin()
        say(1)
        session.flush()
        assert ids(session.events) == [1]
    assert database.sent == []
    database.commit()
    assert database.sent == [1]


def test_a_commit_within_the_scope_leaves_the_sending_to_the_scope_s_end(database):
    with events.session() as session:
        say(1)
        database.begin()
        say(2)
        database.commit()
        say(3)
        assert (ids(session.events), database.sent) == ([1, 2, 3], [])
    assert database.sent == [1, 2, 3]


def test_a_rolled_back_transaction_drops_its_events_and_says_how_many(database, caplog):
    with capture_events(network=None) as captured, events.session():
        say(1)
        database.begin()
        say(2)
        say(3)
        database.rollback()
    assert (database.sent, ids(captured.dropped)) == ([1], [2, 3])
    [record] = [one for one in caplog.records if one.levelname == "WARNING"]
    assert (record.bc_dropped, "rolled back" in record.getMessage()) == (2, True)


def test_what_is_committed_is_sent_though_the_scope_failed(database):
    with pytest.raises(ZeroDivisionError), events.session():
        database.begin()
        say(1)
        database.commit()
        say(2)
        raise ZeroDivisionError
    assert (database.sent, database.discarded) == ([1], [2])


def test_the_same_in_an_async_scope(database):
    async def main():
        async with events.session():
            database.begin()
            say(1)
            database.commit()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())
    assert database.sent == [1]


def test_a_scope_that_fails_while_the_transaction_goes_on_takes_its_events_out_of_it(database):
    database.begin()
    with events.session():
        say(1)
        with pytest.raises(ZeroDivisionError), events.session():
            say(2)
            raise ZeroDivisionError
    database.commit()
    assert (database.sent, database.discarded) == ([1], [2])


def test_a_rollback_by_hand_takes_out_what_is_held_and_leaves_what_is_committed(database):
    with events.session() as session:
        database.begin()
        say(1)
        database.commit()
        database.begin()
        say(2)
        assert events.rollback() == 1
        assert ids(session.events) == [1]
        database.commit()
    assert (database.sent, database.discarded) == ([1], [2])


def test_the_verdict_of_an_edge_drops_only_what_no_transaction_holds(database):
    database.begin()
    opened = events.session().open((), {})
    say(1)
    held, database.transaction = database.transaction, None
    say(2)
    opened.close(FailedWorkError())
    database.transaction = held
    database.commit()
    assert (database.sent, database.discarded) == ([1], [2])


def test_the_end_of_an_outer_scope_leaves_the_transaction_what_failed_work_in_it_has_left_there(database):
    """`FailedWorkError` says that the transaction decides, also when the outer scope ends while it is open."""
    with events.session():
        database.begin()
        with suppress(FailedWorkError), events.session():
            say(1)
            raise FailedWorkError
        say(2)
    database.commit()
    assert (database.sent, database.discarded) == ([1, 2], [])


def test_an_event_of_a_transaction_without_a_say_waits_for_its_scope_again(database):
    with events.session() as session:
        database.begin()
        say(1)
        database.transaction, held = None, database.transaction
        say(2)
        database.transaction = held
        database.end_without_a_say()
        assert (ids(session.events), database.sent) == ([1, 2], [])
    assert database.sent == [1, 2]


def test_an_event_given_back_after_its_scope_has_ended_is_sent_at_once(database):
    database.begin()
    with events.session():
        say(1)
    database.end_without_a_say()
    assert database.sent == [1]


def test_an_event_given_back_after_a_flush_by_hand_is_sent_at_once(database, client):
    """Its session may never be flushed again."""
    session = client.service_session("job-1")
    database.begin()
    session.created_thing({"id": 1})
    session.flush()
    database.end_without_a_say()
    assert database.sent == [1]


def test_an_event_given_back_after_its_scope_failed_is_dropped(database):
    database.begin()
    opened = events.session().open((), {})
    say(1)
    opened.close(FailedWorkError())
    with capture_events(network=None):
        database.end_without_a_say()
    assert database.sent == []


def test_a_flush_takes_its_own_events_out_of_a_transaction_that_has_only_read(database, client):
    database.transaction = Held(has_say=lambda: False)
    first, second = client.service_session("job-1"), client.service_session("job-2")
    first.created_thing({"id": 1})
    second.created_thing({"id": 2})
    first.flush()
    assert (database.sent, ids(second.events)) == ([1], [2])


def test_a_flush_leaves_there_what_a_failed_scope_has_published(database):
    with events.session() as session:
        database.transaction = Held(has_say=lambda: False)
        with suppress(FailedWorkError), events.session():
            say(1)
            raise FailedWorkError
        say(2)
        session.flush()
        assert database.sent == [2]


def test_a_flush_of_one_session_says_nothing_of_the_events_of_another(database, client):
    """They wait for their scope, although the transaction has committed."""
    database.begin()
    with events.session() as session:
        say(1)
        other = client.service_session("job-2")
        other.created_thing({"id": 2})
        other.flush()
        database.commit()
        assert (ids(session.events), database.sent) == ([1], [2])


def test_an_event_that_was_flushed_by_hand_is_sent_although_its_scope_then_failed(database):
    database.begin()
    opened = events.session().open((), {})
    say(1)
    events.flush()
    opened.close(FailedWorkError())
    database.end_without_a_say()
    assert database.sent == [1]


def test_what_cannot_be_taken_out_is_the_transaction_s_to_decide(database):
    """For example, rows that another thread's database connection has written."""
    database.transaction = Held(can_withdraw=lambda: False)
    with pytest.raises(ZeroDivisionError), events.session():
        say(1)
        raise ZeroDivisionError
    database.commit()
    assert (database.sent, database.discarded) == ([1], [])


def test_a_released_savepoint_s_events_are_the_outer_transaction_s(database):
    with events.session() as session:
        database.begin()
        outer = database.transaction
        database.begin()
        say(1)
        database.transaction.move_to(outer)
        database.transaction = outer
        assert ids(session.events) == [1]
        database.commit()
    assert database.sent == [1]


def test_a_transaction_that_nobody_ends_drops_its_events(database, caplog):
    with events.session() as session:
        database.begin()
        say(1)
        database.transaction = None
        gc.collect()
        assert list(session.events) == []
    assert database.sent == []
    assert "rolled back" in caplog.text


def test_a_scope_that_ended_elsewhere_refuses_what_a_transaction_would_hold(database):
    with events.session():
        elsewhere = contextvars.copy_context()
        elsewhere.run(events.session().__enter__)
        database.begin()
        elsewhere.run(say, 1)
    database.commit()
    assert (database.sent, database.discarded) == ([], [1])
    with pytest.raises(SessionClosedError):
        elsewhere.run(say, 2)


def test_an_undelivered_committed_event_does_not_mask_why_the_scope_failed(database, caplog):
    with pytest.raises(ZeroDivisionError), events.session():
        database.begin()
        say(1)
        database.commit()
        database.failure = DeliveryError([])
        raise ZeroDivisionError
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "could not be sent" in record.getMessage()
    assert len(record.bc_events) == 1


def test_a_session_that_publishes_immediately_sends_at_the_commit(database, client):
    session = EventSession("user-12345", "user", "job-1", client, publish_immediately=True)
    session.created_thing({"id": 1})
    database.begin()
    session.created_thing({"id": 2})
    assert database.sent == [1]
    database.commit()
    assert database.sent == [1, 2]


@pytest.mark.parametrize("end", [Held.give_back, Held.commit_to_scopes])
def test_an_event_that_leaves_its_transaction_just_after_its_session_has_ended_is_sent_at_once(client, database, end):
    """Another thread ends the session. Its pending events are closed, and the transaction has not heard of it yet."""
    database.begin()
    session = client.service_session("job-1")
    session.created_thing({"id": 1})
    pending = session.unit.pending
    with pending.lock:
        pending.take(Closed())
    assert ids(end(database.transaction)) == [1]
