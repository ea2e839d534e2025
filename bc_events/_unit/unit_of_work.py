"""UnitOfWork: events that are sent together or not at all, and the savepoints among them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from bc_events._delivery import observers, telemetry
from bc_events._runtime import clock, forks
from bc_events.errors import InvalidEventError, SessionClosedError, UnknownEventNameError, UnknownTopicError
from bc_events.event import Actor, Event, LazyActor

from . import savepoints, transactions
from .discard import discard, discard_quietly, orphaned, rollback_of
from .magic_call import NO_DATA, not_one_mapping
from .pending import CLOSED, ENDED, Pending
from .recording import record_closely, refused
from .retries import Retries, unsettled
from .savepoints import holds, is_dropped

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bc_events.event import Publisher
    from bc_events.topics.topic import Topic

    from .client import UnitClient

_FORKED = "this session was opened before the process forked and belongs to the parent; open one in the child"


class UnitOfWork:
    """The state of an `EventSession`, and the origin of its events. Threads may share it.

    A unit of work that joined another is a savepoint, and the other is its `parent`. A savepoint has its own actor. A
    rollback of it drops only its own events. The outermost unit sends all others.

    `EventSession` has a `__getattr__`, which slows down every attribute. That is why this is a class apart.
    """

    __slots__ = (
        *("__weakref__", "_room", "_session"),
        *("actor", "born", "children", "client", "is_closed", "is_dropped", "job_id", "parent", "pending", "retries"),
        *("magic_names", "sends_at_once"),
    )

    def __init__(
        self,
        client: UnitClient,
        actor: Actor | LazyActor,
        job_id: str,
        parent: UnitOfWork | None = None,
        sends_at_once: bool = False,  # noqa: FBT002  keywords would slow down each joined scope
    ) -> None:
        """The caller has checked these, and noticed a fork. `sends_at_once`: each publish call sends its event."""
        self.client = client
        self.actor = actor
        self.job_id = job_id
        self.parent = parent
        self.is_closed: bool = False
        self.is_dropped = False
        self.retries: Retries | None = None
        self._session: weakref.ref[Publisher] | None = None
        self.pending: Pending = parent.pending if parent is not None else Pending()
        self.children: set[UnitOfWork] | None = None
        self.sends_at_once = sends_at_once
        # The most bytes of an envelope up to the actor. -1 sends every event down the longer way, `record_closely`.
        self._room = client.max_request_bytes - len(actor.tail) if type(actor) is Actor and not sends_at_once else -1
        self.magic_names: Mapping[str, Topic | None] = client.topic_table.magic_names
        self.born: object = forks.generation  # each call and scope compares it: `is_from_before_fork` would be slower

    def note_made_by_hand(self, session: Publisher) -> None:
        """No scope ends it. So it keeps the events that a flush could not deliver, for its next flush."""
        self.retries = Retries(self.pending.lock)
        self._session = weakref.ref(session)

    @property
    def is_from_before_fork(self) -> bool:
        """Whether the parent process opened it. Then it must do nothing in this one."""
        return self.born is not forks.generation

    @property
    def session(self) -> Publisher:
        """The session of this unit: the same object if it was made by hand, else an equal one."""
        session = None if self._session is None else self._session()
        return self.client.session_of(self) if session is None else session

    @property
    def events(self) -> list[Event]:
        """The events published here or in a savepoint within it, and neither sent nor dropped yet."""
        if self.is_from_before_fork:
            return []
        with self.pending.lock:
            tried = self.retries.waiting if self.retries is not None else []
            waiting = [*tried, *self.pending.events]
        return [event for event in waiting if self._is_own(event)]

    def call(self, magic_name: str, /, data: Mapping[str, Any] = NO_DATA, **properties: Any) -> Event:
        """Records an event by a magic name: `created_my_entity` or `my_entity_created`."""
        if properties or data is NO_DATA:
            raise not_one_mapping(magic_name)
        return self.record(self.magic_names.get(magic_name) or self.resolve(magic_name), data)

    def resolve(self, magic_name: str) -> Topic:
        """The topic of a magic name; raises `UnknownEventNameError`."""
        try:
            return self.client.topic_table.resolve(magic_name)
        except UnknownTopicError as error:
            raise UnknownEventNameError(str(error), name=error.name, closest=error.closest) from None

    def record(self, topic: Topic, data: Any) -> Event:
        """Checks the data and appends the event. Each publish call runs this, so it does only what all events need."""
        if self.is_closed or self.born is not forks.generation:
            raise SessionClosedError(ENDED if self.is_closed else _FORKED)
        client = self.client
        try:
            if client.enrichers:
                data = client.enriched(topic, data)
            half = topic.freeze(data)
        except InvalidEventError as error:
            return refused(self, topic, data, error)
        event = Event(topic, half, self, clock.time_ns(), telemetry.current_trace() if telemetry.is_active else None)
        if len(half) > self._room or observers.follows_each or client.delivery.record is not None:
            record_closely(self, event)
            return event
        pending = self.pending
        entries = pending.entries
        entries.append(event)
        if pending.entries is not entries or self.is_closed:
            pending.settle(event, entries, self)
        return event

    def flush(self) -> None:
        """Sends all pending events, those of open savepoints included. Raises `DeliveryError` with the undelivered.

        Events that an earlier flush could not deliver go first, if they were kept. Events in a database transaction
        stay there, and are sent if it commits; but one that has only read gives its events back. A transaction that is
        open now, and has written, takes the other events over.
        """
        self._refuse_if_ended()
        with self.pending.lock:
            again = self.retries.take() if self.retries is not None else []
            events, dropped, committed = transactions.taken(self.pending, [])
        events = transactions.left_to_send(self, events, dropped, committed)
        self.send(events, again=again)

    def send(self, events: Sequence[Event], *, again: Sequence[Event] = ()) -> None:
        try:
            self.client.send(events, again=again)
        except BaseException as stop:
            if self.retries is not None:
                self.retries.keep(unsettled(stop, [*again, *events]))
            raise

    def rollback(self, *, failure: BaseException | None = None) -> int:
        """Drops the pending events, those of savepoints included, and returns their number. The unit goes on.

        After a `FailedWorkError`, events in database transactions stay there. Those that a flush could not deliver now
        belong to its `DeliveryError` alone. Raises the delivery's exception where it cannot take an event back.
        """
        self._refuse_if_ended()
        with self.pending.lock:
            released = self.retries.release() if self.retries is not None else []
            dropped = [
                *self.pending.drop(self._is_own),
                *transactions.withdrawn(self.pending, self._is_own, failure=failure),
            ]
        discard(self.client.delivery, dropped, rollback_of(self, failure))
        return len(released) + len(dropped)

    def let_go(self, events: Collection[Event]) -> list[Event]:
        """Removes events about which a database has decided. Returns those that were pending."""
        with self.pending.lock:
            return self.pending.drop(lambda event: event in events)

    def join(self, actor: Actor | LazyActor | None = None) -> UnitOfWork:
        """A new savepoint within it. Raises `SessionClosedError` where it has ended."""
        if self.is_closed or self.born is not forks.generation:
            self._refuse_if_ended()
        client = self.client
        joined: UnitOfWork = client.open_unit(client, actor or self.actor, self.job_id, self, self.sends_at_once)
        if self.children is None:
            with self.pending.lock:
                self.children = set() if self.children is None else self.children
        self.children.add(joined)
        if self.is_closed:  # meanwhile, and perhaps without noticing this savepoint
            savepoints.claim(joined)
            self._refuse_if_ended()
        return joined

    def end(self) -> list[Event]:
        """Closes it after success, and returns the events that the caller must send now.

        A savepoint returns none: its events stay with the outermost unit. The events of savepoints that are still open
        are dropped, with a warning. Raises `SessionClosedError` where an outer unit ended first.
        """
        if self.is_closed or self.born is not forks.generation:
            self._refuse_if_ended()
        if self.parent is not None:
            savepoints.end(self)
            return []
        pending, delivery = self.pending, self.client.delivery
        dropped: list[Event] = []
        committed: list[Event] = []
        with pending.lock:
            if self.is_closed:
                self._refuse_if_ended()
            self.is_closed = True
            orphans = savepoints.close(self) if self.children else []
            if not (orphans or pending.held or pending.has_dropped or pending.committed):
                # The usual case: `taken` would do the same, and cost a call.
                events = pending.take(CLOSED)
            else:
                savepoints.mark_dropped(orphans)
                events, dropped, committed = transactions.taken(pending, CLOSED)
                dropped += pending.withdraw(is_dropped) if orphans else []
        if pending.held or dropped or committed or delivery.record is not None:
            events = transactions.left_to_send(self, events, dropped, committed, orphaned(self) if orphans else None)
        if orphans:
            savepoints.warn_of_orphans(self, orphans, dropped)
        return events

    def abort(self, failure: BaseException | None = None) -> tuple[int, Sequence[Event]]:
        """Closes it after a failure, and drops its events, those of savepoints included.

        Returns the number of dropped events; and the events that the caller must send now, because they can no longer
        be rolled back. After a `FailedWorkError`, events in database transactions stay there.
        """
        if self.is_from_before_fork:
            return 0, ()
        with self.pending.lock:
            if self.is_closed or (self.parent is not None and not savepoints.claim(self)):
                return 0, ()
            savepoints.mark_dropped([self, *savepoints.close(self)])
            withdrawn = transactions.withdrawn(self.pending, self._is_own, failure=failure)
            committed = self.pending.take_committed() if self.parent is None else []
            waiting = self.pending.take(CLOSED) if self.parent is None else self.pending.drop(self._is_own)
        dropped = [*waiting, *withdrawn]
        discard_quietly(self.client.delivery, dropped, rollback_of(self, failure))
        return len(dropped), committed

    def _is_own(self, event: Event) -> bool:
        """Whether the event was published in this unit of work, or in a savepoint within it."""
        return holds(self, event)

    def _refuse_if_ended(self) -> None:
        if self.born is not forks.generation:
            raise SessionClosedError(_FORKED)
        if self.is_closed:
            raise SessionClosedError(ENDED)
