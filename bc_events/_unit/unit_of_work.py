"""UnitOfWork: the events that are sent together or not at all, and the savepoints within them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from bc_events._delivery import observers, telemetry
from bc_events._runtime import clock, forks
from bc_events.errors import InvalidEventError, SessionClosedError, UnknownEventNameError, UnknownTopicError
from bc_events.event import Actor, Event, LazyActor

from . import savepoints, transactions
from .discard import discard, discard_quietly
from .magic_call import NO_DATA, not_one_mapping
from .pending import ENDED, Closed, Pending
from .recording import record_closely, too_large
from .retries import Retries, unsettled
from .savepoints import holds, is_dropped

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bc_events.event import Publisher
    from bc_events.topics.topic import Topic

    from .client import UnitClient

_FORKED = "this session was opened before the process forked and belongs to the parent; open one in the child"


class UnitOfWork:
    """What an `EventSession` is made of, and the origin of its events. Threads share it.

    One that joined another has a `parent`: a savepoint. It has its own actor and drops its own events; what it keeps is
    sent by the outermost. There is no `__getattr__` here, because a class with one has slower attributes.
    """

    __slots__ = (
        *("__weakref__", "_is_plain", "_session"),
        *("actor", "born", "children", "client", "is_closed", "is_dropped", "job_id", "parent", "pending", "retries"),
        "sends_at_once",
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
        self.pending: Pending = parent.pending if parent is not None else Pending()
        self.children: set[UnitOfWork] | None = None
        self.sends_at_once = sends_at_once
        self._is_plain = type(actor) is Actor and not sends_at_once
        self.born = forks.generation

    def note_made_by_hand(self, session: Publisher) -> None:
        """No scope ends it, so it keeps what a flush could not deliver, for the next one."""
        self.retries = Retries(self.pending.lock)
        self._session = weakref.ref(session)

    @property
    def is_from_before_fork(self) -> bool:
        """Whether it belongs to a parent process, and must not act here."""
        return self.born is not forks.generation

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
        with self.pending.lock:
            tried = self.retries.waiting if self.retries is not None else []
            waiting = [*tried, *self.pending.events]
        return [event for event in waiting if self._is_own(event)]

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
        if self.is_closed or self.born is not forks.generation:
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
            record_closely(self, event)
            return event
        if len(half) + len(self.actor.tail) > client.max_request_bytes:
            raise too_large(event, client)
        pending = self.pending
        entries = pending.entries
        entries.append(event)
        if pending.entries is not entries or self.is_closed:
            pending.settle(event, entries, self)
        return event

    def flush(self) -> None:
        """Sends all that is pending, open savepoints included. Raises `DeliveryError`, which then holds the rest.

        What a database transaction holds is sent by that, if it commits; one that has only read so far holds nothing
        back. The rest may be entrusted to one. What an earlier flush could not deliver goes first, if it was kept.
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

    def rollback(self, *, spares_held: bool = False) -> int:
        """Drops what is pending here, savepoints included, and goes on; returns how many events.

        Raises what the delivery raises where it cannot take an event back. `spares_held` leaves to database
        transactions what they hold. What a flush could not deliver belongs to its error alone from here on.
        """
        self._refuse_if_ended()
        with self.pending.lock:
            released = self.retries.release() if self.retries is not None else []
            dropped = [
                *self.pending.drop(self._is_own),
                *transactions.withdrawn(self.pending, self._is_own, spares_held=spares_held),
            ]
        discard(self.client.delivery, dropped)
        return len(released) + len(dropped)

    def let_go(self, events: Collection[Event]) -> list[Event]:
        """These are no longer pending, because a database has decided about them. Returns those that were."""
        with self.pending.lock:
            return self.pending.drop(lambda event: event in events)

    def join(self, actor: Actor | LazyActor | None = None) -> UnitOfWork:
        """A savepoint within it. Raises `SessionClosedError` where it has ended."""
        self._refuse_if_ended()
        joined = UnitOfWork(
            self.client, actor or self.actor, self.job_id, parent=self, sends_at_once=self.sends_at_once
        )
        with self.pending.lock:
            self._refuse_if_ended()
            if self.children is None:
                self.children = set()
            self.children.add(joined)
        return joined

    def end(self) -> list[Event]:
        """Closes it, successfully, and returns the events its owner now sends.

        A savepoint returns none: they are the outer unit's from here on. What savepoints that are still open published
        is dropped, with a warning. Raises `SessionClosedError` where an outer one ended first.
        """
        pending = self.pending
        with pending.lock:
            if self.is_closed or self.born is not forks.generation:
                self._refuse_if_ended()
            self.is_closed = True
            orphans = savepoints.close(self) if self.children or self.parent is not None else []
            if orphans:
                savepoints.mark_dropped(orphans)
            if self.parent is None:
                events, dropped, committed = transactions.taken(pending, Closed())
            else:
                events, dropped, committed = [], pending.drop(is_dropped) if orphans else [], []
            if pending.held and orphans:
                dropped += pending.withdraw(is_dropped)
        if self.parent is None:
            events = transactions.left_to_send(self, events, dropped, committed)
        elif dropped:
            discard_quietly(self.client.delivery, dropped)
        if orphans:
            savepoints.warn_of_orphans(self, orphans, dropped)
        return events

    def abort(self, *, spares_held: bool = False) -> tuple[int, Sequence[Event]]:
        """Closes it and drops what was published in it, savepoints included.

        Returns how many events, and those that its owner now sends: nothing can take them back any more. `spares_held`
        leaves to database transactions what they hold.
        """
        if self.is_from_before_fork:
            return 0, ()
        with self.pending.lock:
            if self.is_closed:
                return 0, ()
            savepoints.mark_dropped([self, *savepoints.close(self)])
            withdrawn = transactions.withdrawn(self.pending, self._is_own, spares_held=spares_held)
            committed = self.pending.take_committed() if self.parent is None else []
            waiting = self.pending.take(Closed()) if self.parent is None else self.pending.drop(self._is_own)
        dropped = [*waiting, *withdrawn]
        discard_quietly(self.client.delivery, dropped)
        return len(dropped), committed

    def _is_own(self, event: Event) -> bool:
        """Whether it was published in this unit of work, or in a savepoint within it."""
        return holds(self, event)

    def _refuse_if_ended(self) -> None:
        if self.born is not forks.generation:
            raise SessionClosedError(_FORKED)
        if self.is_closed:
            raise SessionClosedError(ENDED)
