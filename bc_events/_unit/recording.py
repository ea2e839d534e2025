"""Record an event that needs more than an append: a delivery or a test follows each event, or the actor is lazy."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from bc_events._delivery import observers
from bc_events._delivery.observers import Rollback
from bc_events._runtime import clock, logs
from bc_events.errors import InvalidEventError, SessionClosedError, Violation
from bc_events.event import Actor, Event, LazyActor

from .discard import discard
from .held import ScopeState
from .pending import ENDED, EndState, Pending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events.event import Publisher
    from bc_events.topics.topic import Topic

    from .client import UnitClient

_TOO_LATE: Final = "its scope ended while it was published"


class Recorder(EndState, Protocol):
    """The part of a unit of work that recording uses."""

    @property
    def actor(self) -> Actor | LazyActor: ...
    @property
    def client(self) -> UnitClient: ...
    @property
    def pending(self) -> Pending: ...
    @property
    def job_id(self) -> str: ...
    @property
    def session(self) -> Publisher: ...
    @property
    def sends_at_once(self) -> bool: ...
    def send(self, events: Sequence[Event]) -> None: ...


def record_closely(unit: Recorder, event: Event) -> None:
    """Asks a lazy actor who acts now. Then gives the event to the delivery, to observers, and to its next owner."""
    if not isinstance(unit.actor, Actor):
        event.actor_found(unit.actor.now())
    if known_length(event) > unit.client.max_request_bytes:
        error = too_large(event, unit.client)
        observers.refused(error, unit)
        raise error
    record = unit.client.delivery.record
    is_held = record is not None and bool(record(event))
    observers.published(event)
    if is_held:
        _settle_held(unit, event)
    elif unit.sends_at_once:
        unit.send([event])
    else:
        _append(unit, event)


def refused(unit: Recorder, topic: Topic, data: Any, error: InvalidEventError) -> Event:
    """The data is invalid. Raises `error`; or logs it, and returns an event that is not published."""
    from bc_events.topics.payload import UnserialisableError, to_json  # noqa: PLC0415  loads the schema checker

    observers.refused(error, unit)
    if unit.client.on_invalid == "raise":
        raise error
    logs.write(logging.WARNING, "not published: %s", error, bc_topic=topic.name, bc_job_id=unit.job_id)
    try:
        body = to_json(data)
    except UnserialisableError:
        body = b"{}"
    return Event(topic, topic.head + body, unit, clock.time_ns())


def _append(unit: Recorder, event: Event) -> None:
    entries = unit.pending.entries
    try:
        entries.append(event)
        unit.pending.settle(event, entries, unit)
    except SessionClosedError:
        discard(unit.client.delivery, [event], Rollback(_TOO_LATE))
        raise


def _settle_held(unit: Recorder, event: Event) -> None:
    """A database transaction holds the event now. The scope may have ended meanwhile; then it is taken out again."""
    with unit.pending.lock:
        if unit.sends_at_once:
            unit.pending.note_held(lambda held: held is event, ScopeState.FLUSHED)
        withdrawn = unit.pending.withdraw(lambda held: held is event) if unit.is_closed else []
    if withdrawn:
        discard(unit.client.delivery, withdrawn, Rollback(_TOO_LATE))
        raise SessionClosedError(ENDED)


def known_length(event: Event) -> int:
    """The number of bytes of the envelope, without the actor if that is known only at the flush."""
    tail = event.known_tail
    return len(event.half) + (0 if tail is None else len(tail))


def too_large(event: Event, client: UnitClient) -> InvalidEventError:
    fault = (
        f"the event's envelope has {known_length(event)} bytes, but a whole request has at most "
        f"{client.max_request_bytes} (max_request_bytes); send less data, or a reference to it"
    )
    return InvalidEventError(event.topic.name, [Violation("", "size", fault)])
