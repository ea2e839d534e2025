"""EventSession: one unit of work, and the savepoints within it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Any

from . import forks, jobs
from .constants import LOGGER_NAME
from .errors import InvalidEventError, SessionClosedError, UnknownEventNameError, UnknownTopicError, Violation
from .event import Actor, Event
from .pending import ENDED, Pending

if TYPE_CHECKING:
    from .client import EventClient
    from .topics import Topic

_logger = logging.getLogger(LOGGER_NAME)
_FORKED = "this session was opened before the process forked and belongs to the parent; open one in the child"


class EventSession:
    """Events of one job that are sent together or not at all. Sessions compare by identity; threads may share one.

    A scope that joins a session gets one of its own whose `parent` is the outer one: a savepoint. It has its own actor
    and drops its own events; what it keeps is sent by the outermost.
    """

    __slots__ = (
        *("__weakref__", "_actor", "_born", "_children", "_client", "_closed", "_job_id"),
        *("_parent", "_pending", "_publish_immediately", "_topics"),
    )

    def __init__(
        self,
        actor_id: str,
        actor_type: str,
        job_id: str | None,
        client: EventClient,
        publish_immediately: bool = False,  # noqa: FBT001, FBT002  the first client's signature
    ) -> None:
        """`job_id` None makes a new one; `publish_immediately` sends each event from the call that publishes it.

        Raises `InvalidActorError` and `InvalidJobIdError`.
        """
        job_id = jobs.generated() if job_id is None else jobs.checked(job_id)
        self._begin(client, Actor(actor_id, actor_type), job_id, Pending())
        self._publish_immediately = publish_immediately

    @classmethod
    def begin(cls, client: EventClient, actor: Actor, job_id: str) -> EventSession:
        """A new unit of work; actor and job id are known to be sound."""
        session = cls.__new__(cls)
        session._begin(client, actor, job_id, Pending())
        return session

    def _begin(
        self, client: EventClient, actor: Actor, job_id: str, pending: Pending, parent: EventSession | None = None
    ) -> None:
        self._client = client
        self._topics = client.topic_table.magic_names
        self._actor = actor
        self._job_id = job_id
        self._pending = pending
        self._parent = parent
        self._children: list[EventSession] | None = None
        self._closed = False
        self._publish_immediately = False
        self._born = forks.generation

    @property
    def client(self) -> EventClient:
        return self._client

    @property
    def parent(self) -> EventSession | None:
        """The session this one joined; None where it is the outermost."""
        return self._parent

    @property
    def actor(self) -> Actor:
        return self._actor

    @property
    def actor_id(self) -> str:
        return self._actor.id

    @property
    def actor_type(self) -> str:
        return self._actor.type

    @property
    def job_id(self) -> str:
        return self._job_id

    @property
    def publish_immediately(self) -> bool:
        return self._publish_immediately

    @property
    def is_closed(self) -> bool:
        """Whether its scope has ended. Always False for a session made by hand."""
        return self._closed

    @property
    def is_from_before_fork(self) -> bool:
        """Whether it belongs to a parent process, and must not act here."""
        return self._born is not forks.generation

    @property
    def events(self) -> Sequence[Event]:
        """What was published here, joined scopes included, and neither sent nor dropped yet."""
        return [event for event in list(self._pending.entries) if self._holds(event)]

    def publish(self, *, action: str, entity: str, data: Mapping[str, Any], category: str | None = None) -> Event:
        """Says what happened. It is checked and frozen here, and sent at the flush.

        Raises `UnknownTopicError`, `InvalidEventError` and `SessionClosedError`.
        """
        return self._record(self._client.get_topic(category, entity, action), data)

    def call(self, magic_name: str, data: Mapping[str, Any]) -> Event:
        """Like `publish`, by a magic name: `created_my_entity` or `my_entity_created`."""
        topic = self._topics.get(magic_name)
        return self._record(topic if topic is not None else self._resolve(magic_name), data)

    def __getattr__(self, name: str) -> Callable[[Mapping[str, Any]], Event]:
        if name.startswith("_"):
            raise AttributeError(name)
        self._resolve(name)
        return partial(self.call, name)

    def _resolve(self, magic_name: str) -> Topic:
        try:
            return self._client.topic_table.resolve(magic_name)
        except UnknownTopicError as error:
            raise UnknownEventNameError(str(error), name=error.name, closest=error.closest) from None

    def _record(self, topic: Topic, data: Any) -> Event:
        if self._closed or self._born is not forks.generation:
            raise SessionClosedError(ENDED if self._closed else _FORKED)
        client = self._client
        if client.enrichers:
            data = client.enriched(topic, data)
        half = topic.freeze(data)
        if len(half) > client.max_request_bytes:
            raise _too_large(topic, half, client.max_request_bytes)
        event = Event(topic, half, self, time_ns())
        if client.delivery.record is not None:
            client.delivery.record(event)
        if self._publish_immediately:
            client.send([event])
            return event
        pending = self._pending
        try:
            entries = pending.entries
            entries.append(event)
            if pending.entries is not entries or self._closed:
                pending.settle(event, entries, lambda: self._closed)
        except SessionClosedError:
            self._discard([event])
            raise
        return event

    def flush(self) -> None:
        """Sends all that is pending, open savepoints included; with nothing pending it does nothing.

        Raises `DeliveryError`, which then holds what was not delivered: the session no longer does.
        """
        self._refuse_if_ended()
        with self._pending.lock:
            events = self._pending.take()
        self._client.send(events)

    def rollback(self) -> int:
        """Drops what this scope has pending, joined scopes included, and goes on. Returns how many events."""
        self._refuse_if_ended()
        with self._pending.lock:
            return self._discard(self._pending.drop(self._holds))

    def join(self, actor: Actor | None = None) -> EventSession:
        """A savepoint within this unit of work. Raises `SessionClosedError` where this one has ended."""
        joined = EventSession.__new__(EventSession)
        joined._begin(self._client, actor or self._actor, self._job_id, self._pending, self)
        joined._publish_immediately = self._publish_immediately
        self._refuse_if_ended()
        with self._pending.lock:
            self._refuse_if_ended()
            if self._children is None:
                self._children = []
            self._children.append(joined)
        return joined

    def end(self) -> list[Event]:
        """Closes it, successfully, and returns the events its owner now sends.

        A savepoint returns none: they are the outer session's from here on. What joined scopes that are still open
        published is dropped, with a warning. Raises `SessionClosedError` where an outer scope ended first.
        """
        self._refuse_if_ended()
        pending = self._pending
        with pending.lock:
            self._refuse_if_ended()
            orphans = self._close()
            if orphans:
                dropped = self._discard(pending.drop(lambda event: _is_within(event, orphans)))
                _logger.warning(
                    "a session ended before scopes that had joined it; their events were dropped",
                    extra={"bc_job_id": self._job_id, "bc_dropped": dropped, "bc_scopes": len(orphans)},
                )
            return pending.close() if self._parent is None else []

    def abort(self) -> int:
        """Closes it and drops what it published, joined scopes included; returns how many events. Never raises."""
        if self._closed or self.is_from_before_fork:
            return 0
        pending = self._pending
        with pending.lock:
            self._close()
            dropped = pending.drop(self._holds) if self._parent is not None else pending.close()
            return self._discard(dropped)

    def _close(self) -> list[EventSession]:
        """Marks this and every open scope within it as ended; returns the latter."""
        self._closed = True
        if self._parent is not None and self._parent._children is not None and self in self._parent._children:
            self._parent._children.remove(self)
        orphans: list[EventSession] = []
        for child in list(self._children or ()):
            orphans += [child, *child._close()]
        return orphans

    def _discard(self, events: Sequence[Event]) -> int:
        if events:
            self._client.delivery.discard(events)
        return len(events)

    def _holds(self, event: Event) -> bool:
        return _is_within(event, (self,))

    def _refuse_if_ended(self) -> None:
        if self._born is not forks.generation:
            raise SessionClosedError(_FORKED)
        if self._closed:
            raise SessionClosedError(ENDED)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<EventSession {self._client.service_name} job {self._job_id} {state}>"


def _is_within(event: Event, sessions: Sequence[EventSession]) -> bool:
    session: object = event.origin
    while isinstance(session, EventSession):
        if session in sessions:
            return True
        session = session.parent
    return False


def _too_large(topic: Topic, half: bytes, limit: int) -> InvalidEventError:
    fault = f"is {len(half)} bytes long, more than a whole request may be (max_request_bytes={limit})"
    return InvalidEventError(topic.name, [Violation("", "size", fault)])
