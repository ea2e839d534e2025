"""A delivery that follows each event, when the session ends on another thread in the middle of a publish call."""

import pytest

from bc_events import EventClient, SessionClosedError
from bc_events._unit.held import Held
from bc_events._unit.unit_of_work import UnitOfWork
from bc_events.event import Actor
from bc_events.testing import capture_events
from tests.conftest import TOPICS


class Delivery:
    """While it records an event it runs `meanwhile`. With a transaction, that holds the event."""

    runner = None

    def __init__(self, transaction=None):
        self.transaction = transaction
        self.meanwhile = lambda: None
        self.discarded, self.sent = [], []

    def record(self, event):
        if self.transaction is not None:
            self.transaction.add(event)
        self.meanwhile()
        return self.transaction is not None

    def discard(self, events):
        self.discarded += events

    def send(self, events):
        self.sent += events

    def close(self):
        """Nothing is open."""


def unit_of(delivery):
    return UnitOfWork(EventClient(None, "TestService", TOPICS, delivery=delivery), Actor("user-12345", "user"), "job-1")


@pytest.mark.parametrize(
    ("is_held", "end"), [(False, UnitOfWork.end), (False, UnitOfWork.abort), (True, UnitOfWork.end)]
)
def test_an_event_is_taken_back_where_its_session_ended_before_it_was_appended(is_held, end):
    """The publisher hears that it was refused. So the delivery, which knows it already, must not keep it."""
    delivery = Delivery(Held() if is_held else None)
    unit = unit_of(delivery)
    delivery.meanwhile = lambda: end(unit)
    with capture_events(network=None) as captured, pytest.raises(SessionClosedError):
        unit.call("created_test", {"id": 1})
    assert [event.data for event in delivery.discarded] == [{"id": 1}]
    assert (captured.dropped, delivery.sent) == (delivery.discarded, [])
    assert not delivery.transaction


def test_an_abort_takes_events_out_of_an_open_transaction():
    delivery = Delivery(Held())
    unit = unit_of(delivery)
    event = unit.call("created_test", {"id": 1})
    assert unit.abort() == (1, [])
    assert (delivery.discarded, delivery.transaction.events) == ([event], [])


def test_a_delivery_that_records_an_event_and_does_not_hold_it_sends_it_at_the_end():
    delivery = Delivery()
    unit = unit_of(delivery)
    event = unit.call("created_test", {"id": 1})
    assert (unit.end(), delivery.discarded) == ([event], [])
