"""Events that a committed transaction has made true survive the rollback of the scope around them."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from bc_events import DeliveryError, Event, EventClient, events

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [{"Action": "Created", "Entity": "Thing", "Schema": {"type": "object"}}],
}


class Transactions:
    """A delivery that follows a transaction: an event whose data says so is committed."""

    runner = None
    failure: Exception | None = None

    def __init__(self) -> None:
        self.sent: list[Event] = []

    def record(self, event) -> None:
        """Nothing: the data says it all."""

    def discard(self, events) -> list[Event]:
        return [event for event in events if event.data["committed"]]

    def send(self, events) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent += events

    def close(self) -> None:
        pass


@pytest.fixture
def delivery() -> Transactions:
    return Transactions()


@pytest.fixture(autouse=True)
def client(delivery):
    with events.override(EventClient(None, "PolicyService", TOPICS, delivery=delivery)) as client:
        yield client


def work(*, fails: bool = True) -> None:
    events.created_thing({"id": 1, "committed": True})
    events.created_thing({"id": 2, "committed": False})
    if fails:
        raise ZeroDivisionError


def ids(found) -> list[int]:
    return [event.data["id"] for event in found]


def test_what_is_committed_is_sent_though_the_scope_failed(delivery):
    with pytest.raises(ZeroDivisionError):
        events.session()(work)()
    assert ids(delivery.sent) == [1]


def test_the_same_in_an_async_scope(delivery):
    @events.session()
    async def main() -> None:
        work()

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())
    assert ids(delivery.sent) == [1]


def test_what_is_committed_goes_to_the_outer_scope_when_an_inner_one_fails(delivery):
    with events.session() as session:
        with pytest.raises(ZeroDivisionError):
            events.session()(work)()
        assert ids(session.events) == [1]
        assert delivery.sent == []
    assert ids(delivery.sent) == [1]


def test_what_is_committed_stays_pending_after_a_manual_rollback(delivery):
    with events.session() as session:
        work(fails=False)
        assert events.rollback() == 1
        assert ids(session.events) == [1]


def test_what_is_committed_is_sent_for_a_scope_that_the_outermost_did_not_wait_for(delivery):
    def unfinished() -> None:
        events.session().__enter__()
        work(fails=False)

    with events.session():
        contextvars.copy_context().run(unfinished)
    assert ids(delivery.sent) == [1]


def test_an_undelivered_committed_event_does_not_mask_why_the_scope_failed(delivery, caplog):
    delivery.failure = DeliveryError([])
    with pytest.raises(ZeroDivisionError):
        events.session()(work)()
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "could not be sent" in record.getMessage()
    assert len(record.bc_events) == 1
