"""An actor that is looked up as each event is published."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bc_events import Actor, Event, EventClient, InvalidEventError, events
from bc_events.propagation import BROKER, inject

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [{"Action": "Created", "Entity": "Thing", "Schema": {"type": "object"}}],
}
ANN = Actor("user-ann", "user")
BOB = Actor("user-bob", "user")


class Kept:
    """A delivery that keeps what it is given."""

    record = None
    runner = None

    def __init__(self) -> None:
        self.events: list[Event] = []

    def discard(self, events) -> None:
        pass

    def send(self, events) -> None:
        self.events += events

    def close(self) -> None:
        pass


@dataclass
class LookedUp:
    """Nobody is known while `present` is None; `finally_` acts in the end. It counts how often it is asked."""

    present: Actor | None = None
    finally_: Actor = field(default=ANN)
    asked: int = 0

    @property
    def id(self) -> str:
        return self.finally_.id

    @property
    def type(self) -> str:
        return self.finally_.type

    @property
    def tail(self) -> bytes:
        return self.finally_.tail

    def now(self) -> Actor | None:
        self.asked += 1
        return self.present


@pytest.fixture
def delivery() -> Kept:
    return Kept()


@pytest.fixture
def client(delivery) -> EventClient:
    return EventClient(None, "PolicyService", TOPICS, delivery=delivery)


def test_a_lazy_actor_is_not_looked_up_where_nothing_is_published(client):
    actor = LookedUp()
    with events.session(actor=actor, client=client):
        pass
    assert actor.asked == 0


def test_each_event_has_the_actor_of_the_moment_it_was_published(client, delivery):
    actor = LookedUp(ANN)
    with events.session(actor=actor, client=client):
        events.created_thing({"id": 1})
        actor.present = BOB
        events.created_thing({"id": 2})
    assert [event.actor for event in delivery.events] == [ANN, BOB]
    assert [event.request_json["actor"]["id"] for event in delivery.events] == ["user-ann", "user-bob"]


def test_an_actor_who_is_unknown_at_the_call_is_read_at_the_flush(client, delivery):
    actor = LookedUp(None)
    with events.session(actor=actor, client=client):
        events.created_thing({"id": 1})
        actor.finally_ = BOB
    assert delivery.events[0].actor == BOB
    assert delivery.events[0].request_json["actor"] == {"id": "user-bob", "type": "user"}


def test_scopes_that_join_and_scopes_of_another_job_look_the_actor_up_too(client, delivery):
    actor = LookedUp(ANN)
    with events.session(actor=actor, client=client), events.session(), events.session("another-job"):
        actor.present = BOB
        events.created_thing({"id": 1})
    assert delivery.events[0].actor == BOB


def test_a_context_of_its_own_actor_wins_over_a_lazy_one(client, delivery):
    with events.session(actor=LookedUp(ANN), client=client), events.user_context("user-bob"):
        events.created_thing({"id": 1})
    assert delivery.events[0].actor == BOB


def test_a_failed_scope_drops_its_own_events_under_a_lazy_actor(client, delivery):
    @events.session()
    def fail() -> None:
        events.created_thing({"id": 2})
        raise ZeroDivisionError

    with events.session(actor=LookedUp(ANN), client=client):
        events.created_thing({"id": 1})
        with pytest.raises(ZeroDivisionError):
            fail()
    assert [event.data["id"] for event in delivery.events] == [1]


def test_the_size_of_an_event_counts_the_actor_that_is_looked_up():
    actor = LookedUp(Actor("user-" + "x" * 300, "user"))
    client = EventClient(None, "PolicyService", TOPICS, max_request_bytes=300)
    with events.session(actor=actor, client=client) as session:
        with pytest.raises(InvalidEventError, match="a whole request has at most 300"):
            events.created_thing({"id": 1})
        actor.present = BOB
        events.created_thing({"id": 2})
        assert len(session.events) == 1


def test_a_lazy_actor_crosses_a_broker_border(client):
    carrier: dict[str, str] = {}
    with events.session(actor=LookedUp(ANN), client=client):
        inject(carrier, BROKER)
    assert carrier["x-britecore-actor-id"] == "user-ann"


def test_an_actor_who_is_not_known_yet_does_not_travel_and_says_so(client, caplog):
    carrier: dict[str, str] = {}
    with events.session(actor=LookedUp(None), client=client):
        inject(carrier, BROKER)
    assert "x-britecore-actor-id" not in carrier
    assert "not known yet" in caplog.text
