"""UnitOfWork: the events that are sent together or not at all, and the savepoints within them."""

from __future__ import annotations

import logging
import weakref
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from bc_events._delivery import observers, telemetry
from bc_events._runtime import clock, forks, logs
from bc_events.errors import (
    InvalidEventError,
    SessionClosedError,
    UnknownEventNameError,
    UnknownTopicError,
    Violation,
    counted,
)
from bc_events.event import Actor, Event, LazyActor

from .held import ScopeState, unentrusted
from .pending import ENDED, Pending, in_order, part
from .retries import Retries, unsettled

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bc_events.event import Publisher
    from bc_events.topics.topic import Topic

    from .client import UnitClient

_FORKED = "this session was opened before the process forked and belongs to the parent; open one in the child"


NO_DATA: Final[Mapping[str, Any]] = MappingProxyType({})
"""In place of data that a call lacks."""


def not_one_mapping(magic_name: str) -> TypeError:
    """A magic call was given no data, or its properties as keywords."""
    return TypeError(f"{magic_name} takes one mapping with the data of the event: {magic_name}({{…}})")


class UnitOfWork:
    """What an `EventSession` is made of, and the origin of its events. Threads share it.

    One that joined another has a `parent`: a savepoint. It has its own actor and drops its own events; what it keeps is
    sent by the outermost. There is no `__getattr__` here, because a class with one has slower attributes.
    """

    __slots__ = (
        *("__weakref__", "_born", "_children", "_is_plain", "_pending", "_sends_at_once", "_session"),
        *("actor", "client", "is_closed", "is_dropped", "job_id", "parent", "retries"),
    )

    def __init__(
        self,
        client: UnitClient,
        actor: Actor | LazyActor,
        job_id: str,
        *,
        parent: UnitOfWork | None = None,
        sends_at_once: bool = False,
    ) -> None:
        """Actor and job id are known to be sound. `sends_at_once` sends each event from the call that publishes it."""
        if parent is None:
            forks.notice()  # now: a flush inside it would make it one from before the fork
        self.client = client
        self.actor = actor
        self.job_id = job_id
        self.parent = parent
        self.is_closed: bool = False
        self.is_dropped = False
        self.retries: Retries | None = None
        self._session: weakref.ref[Publisher] | None = None
        self._pending: Pending = parent._pending if parent is not None else Pending()
        self._children: set[UnitOfWork] | None = None
        self._sends_at_once = sends_at_once
        self._is_plain = type(actor) is Actor and not sends_at_once
        self._born = forks.generation

    def note_made_by_hand(self, session: Publisher) -> None:
        """No scope ends it, so it keeps what a flush could not deliver, for the next one."""
        self.retries = Retries(self._pending.lock)
        self._session = weakref.ref(session)

    @property
    def is_from_before_fork(self) -> bool:
        """Whether it belongs to a parent process, and must not act here."""
        return self._born is not forks.generation

    @property
    def number(self) -> int:
        """Tells it, with the savepoints in it, from the other units of work of this process."""
        return self._pending.number

    @property
    def sends_at_once(self) -> bool:
        return self._sends_at_once

    @property
    def session(self) -> Publisher:
        """It, as its users hold it: the very object, if it was made by hand, or else one that is equal."""
        session = None if self._session is None else self._session()
        return self.client.session_of(self) if session is None else session

    @property
    def events(self) -> list[Event]:
        """What was published here, savepoints included, and neither sent nor dropped yet."""
        if self.is_from_before_fork:
            return []
        with self._pending.lock:
            tried = self.retries.waiting if self.retries is not None else []
            waiting = [*tried, *self._pending.events]
        return [event for event in waiting if self._holds(event)]

    def call(self, magic_name: str, /, data: Mapping[str, Any] = NO_DATA, **properties: Any) -> Event:
        """Records an event by a magic name: `created_my_entity` or `my_entity_created`."""
        if properties or data is NO_DATA:
            raise not_one_mapping(magic_name)
        return self.record(self.client.topic_table.magic_names.get(magic_name) or self.resolve(magic_name), data)

    def resolve(self, magic_name: str) -> Topic:
        """The topic of a magic name; raises `UnknownEventNameError`."""
        try:
            return self.client.topic_table.resolve(magic_name)
        except UnknownTopicError as error:
            raise UnknownEventNameError(str(error), name=error.name, closest=error.closest) from None

    def record(self, topic: Topic, data: Any) -> Event:
        """The per-event path: it does nothing that not every event needs."""
        if self.is_closed or self._born is not forks.generation:
            raise SessionClosedError(ENDED if self.is_closed else _FORKED)
        client = self.client
        try:
            if client.enrichers:
                data = client.enriched(topic, data)
            half = topic.freeze(data)
        except InvalidEventError:
            observers.refused(topic.name)
            raise
        event = Event(topic, half, self, clock.time_ns(), telemetry.current_trace() if telemetry.is_active else None)
        if observers.follows_each or not self._is_plain or client.delivery.record is not None:
            return self._record_closely(event)
        if len(half) + len(self.actor.tail) > client.max_request_bytes:
            raise _too_large(event, client)
        pending = self._pending
        entries = pending.entries
        entries.append(event)
        if pending.entries is not entries or self.is_closed:
            pending.settle(event, entries, self)
        return event

    def _record_closely(self, event: Event) -> Event:
        """The same for a delivery or a test that takes part in each call, for sending at once, and for a lazy actor."""
        event = self._attributed(event)
        if _known_length(event) > self.client.max_request_bytes:
            raise _too_large(event, self.client)
        record = self.client.delivery.record
        is_held = record is not None and bool(record(event))
        observers.published(event)
        if self._sends_at_once and not is_held:
            self._send([event])
        elif is_held:
            self._settle_held(event)
        else:
            self._append(event)
        return event

    def _append(self, event: Event) -> None:
        entries = self._pending.entries
        try:
            entries.append(event)
            self._pending.settle(event, entries, self)
        except SessionClosedError:
            self._discard([event])
            raise

    def _settle_held(self, event: Event) -> None:
        """A database transaction holds it: nobody flushes it, and the scope may have ended meanwhile."""
        with self._pending.lock:
            if self._sends_at_once:
                self._pending.note_held(lambda held: held is event, ScopeState.FLUSHED)
            withdrawn = self._pending.withdraw(lambda held: held is event) if self.is_closed else []
        if withdrawn:
            self._discard(withdrawn)
            raise SessionClosedError(ENDED)

    def _attributed(self, event: Event) -> Event:
        """The event with the actor of this moment, where that is looked up: a later one may be somebody else's."""
        found = None if isinstance(self.actor, Actor) else self.actor.now()
        if found is None:
            return event
        origin = UnitOfWork(self.client, found, self.job_id, parent=self)
        return Event(event.topic, event._half, origin, event._time_ns, event.trace)

    def flush(self) -> None:
        """Sends all that is pending, open savepoints included. Raises `DeliveryError`, which then holds the rest.

        What a database transaction holds is sent by that, if it commits; one that has only read so far holds nothing
        back. The rest may be entrusted to one. What an earlier flush could not deliver goes first, if it was kept.
        """
        self._refuse_if_ended()
        with self._pending.lock:
            if self._pending.held:
                self._pending.take_undecided(self._has_published)
            again = self.retries.take() if self.retries is not None else []
            events, dropped = self._sifted(self._pending.take())
            committed = self._pending.take_committed()
        events = self._left_to_send(events, committed)
        self._discard_quietly(dropped)
        self._send(events, again=again)

    def _send(self, events: Sequence[Event], *, again: Sequence[Event] = ()) -> None:
        try:
            self.client.send(events, again=again)
        except BaseException as stop:
            if self.retries is not None:
                self.retries.keep(unsettled(stop, [*again, *events]))
            raise

    def rollback(self, *, spares_held: bool = False) -> int:
        """Drops what is pending here, savepoints included, and goes on; returns how many events.

        Raises what the delivery raises where it cannot take an event back. `spares_held` leaves to database
        transactions what they hold. What a flush could not deliver belongs to its error alone from here on.
        """
        self._refuse_if_ended()
        with self._pending.lock:
            released = self.retries.release() if self.retries is not None else []
            dropped = [*self._pending.drop(self._holds), *self._withdrawn(spares_held=spares_held)]
        self._discard(dropped)
        return len(released) + len(dropped)

    def _withdrawn(self, *, spares_held: bool) -> list[Event]:
        """What is taken out of open database transactions; the rest is noted as that of a scope that failed."""
        if not self._pending.held:
            return []
        if not spares_held:
            return self._pending.withdraw(self._holds)
        self._pending.note_held(self._holds, ScopeState.FAILED)
        return []

    def let_go(self, events: Collection[Event]) -> list[Event]:
        """What became of these was decided elsewhere, such as in a database: they are no longer pending.

        Returns those that were.
        """
        with self._pending.lock:
            return self._pending.drop(lambda event: event in events)

    def join(self, actor: Actor | LazyActor | None = None) -> UnitOfWork:
        """A savepoint within it. Raises `SessionClosedError` where it has ended."""
        self._refuse_if_ended()
        joined = UnitOfWork(
            self.client, actor or self.actor, self.job_id, parent=self, sends_at_once=self._sends_at_once
        )
        with self._pending.lock:
            self._refuse_if_ended()
            if self._children is None:
                self._children = set()
            self._children.add(joined)
        return joined

    def end(self) -> list[Event]:
        """Closes it, successfully, and returns the events its owner now sends.

        A savepoint returns none: they are the outer unit's from here on. What savepoints that are still open published
        is dropped, with a warning. Raises `SessionClosedError` where an outer one ended first.
        """
        pending = self._pending
        with pending.lock:
            self._refuse_if_ended()
            orphans = self._close()
            if orphans:
                self._mark_dropped(orphans)
            committed = []
            if self.parent is None:
                if pending.held:
                    pending.take_undecided(self._has_published)
                events, dropped = self._sifted(pending.close())
                committed = pending.take_committed()
            else:
                events, dropped = [], pending.drop(_is_dropped) if orphans else []
            if pending.held and orphans:
                dropped += pending.withdraw(_is_dropped)
        if self.parent is None:
            events = self._left_to_send(events, committed)
        self._discard_quietly(dropped)
        if orphans:
            logs.write(
                logging.WARNING,
                "%s of job %s dropped: the session ended before %s that had joined it",
                *(counted(len(dropped), "event"), self.job_id, counted(len(orphans), "scope")),
                bc_job_id=self.job_id,
                bc_dropped=len(dropped),
                bc_scopes=len(orphans),
            )
        return events

    def abort(self, *, spares_held: bool = False) -> tuple[int, Sequence[Event]]:
        """Closes it and drops what was published in it, savepoints included.

        Returns how many events, and those that its owner now sends: nothing can take them back any more. `spares_held`
        leaves to database transactions what they hold.
        """
        if self.is_from_before_fork:
            return 0, ()
        with self._pending.lock:
            if self.is_closed:
                return 0, ()
            self._mark_dropped([self, *self._close()])
            withdrawn = self._withdrawn(spares_held=spares_held)
            committed = self._pending.take_committed() if self.parent is None else []
            waiting = self._pending.close() if self.parent is None else self._pending.drop(self._holds)
        dropped = [*waiting, *withdrawn]
        self._discard_quietly(dropped)
        return len(dropped), committed

    def _mark_dropped(self, units: Sequence[UnitOfWork]) -> None:
        for unit in units:
            unit.is_dropped = self._pending.has_dropped = True

    def _sifted(self, taken: list[Event]) -> tuple[list[Event], list[Event]]:
        """What is to be sent, and what a savepoint published on another thread just when it was dropped."""
        return part(taken, _is_dropped) if self._pending.has_dropped else (taken, [])

    def _left_to_send(self, events: list[Event], committed: list[Event]) -> list[Event]:
        """What no database transaction has taken at this flush, with what is beyond rollback, in order.

        It is asked without the lock, as a transaction has one that it holds when it asks for this one.
        """
        events = unentrusted(events, self.client.delivery)
        if self._pending.held:
            with self._pending.lock:
                self._pending.note_held(self._has_published, ScopeState.FLUSHED)
        return in_order([*committed, *events]) if committed else events

    def _close(self) -> list[UnitOfWork]:
        """Marks this and every open savepoint within it as ended; returns the latter."""
        self.is_closed = True
        if self.parent is not None and self.parent._children is not None:
            self.parent._children.discard(self)
        return self._close_children() if self._children else []

    def _close_children(self) -> list[UnitOfWork]:
        children, self._children = self._children or (), None
        return [unit for child in children for unit in (child, *child._close())]

    def _discard(self, events: Sequence[Event]) -> None:
        """Lets go of events that were rolled back."""
        if events:
            self.client.delivery.discard(events)
            observers.dropped(events)

    def _discard_quietly(self, events: Sequence[Event]) -> None:
        """The same where other events still have to be sent, or an exception must not be masked."""
        try:
            self._discard(events)
        except Exception:  # noqa: BLE001  a delivery may raise anything
            observers.dropped(events)
            logs.write(
                logging.ERROR,
                "%s of job %s could not be rolled back",
                counted(len(events), "event"),
                self.job_id,
                exc_info=True,
                bc_job_id=self.job_id,
            )

    def _holds(self, event: Event) -> bool:
        unit: object = event.origin
        while isinstance(unit, UnitOfWork):
            if unit is self:
                return True
            unit = unit.parent
        return False

    def _has_published(self, event: Event) -> bool:
        """Whether the event is of this unit of work: a transaction may hold events of several."""
        origin: Any = event.origin
        return origin._pending is self._pending

    def _refuse_if_ended(self) -> None:
        if self._born is not forks.generation:
            raise SessionClosedError(_FORKED)
        if self.is_closed:
            raise SessionClosedError(ENDED)


def _is_dropped(event: Event) -> bool:
    unit: object = event.origin
    while isinstance(unit, UnitOfWork):
        if unit.is_dropped:
            return True
        unit = unit.parent
    return False


def _known_length(event: Event) -> int:
    """Bytes of the envelope; without the actor if that can be read only at the flush."""
    actor = event.origin.actor
    return len(event._half) + (len(actor.tail) if isinstance(actor, Actor) else 0)


def _too_large(event: Event, client: UnitClient) -> InvalidEventError:
    topic = event.topic.name
    observers.refused(topic)
    fault = (
        f"the event's envelope has {_known_length(event)} bytes, but a whole request has at most "
        f"{client.max_request_bytes} (max_request_bytes); send less data, or a reference to it"
    )
    return InvalidEventError(topic, [Violation("", "size", fault)])
