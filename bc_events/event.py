"""Event: what happened, to what and by whom, serialised at the publish call."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from ._runtime import clock, forks
from ._runtime.actor import Actor as Actor, LazyActor as LazyActor  # noqa: PLC0414  their public place is here

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from opentelemetry.trace import SpanContext

    from .constants import ActorType

_naming = threading.RLock()


def _renew() -> None:
    global _naming  # noqa: PLW0603  another thread of the parent may hold it for ever
    _naming = threading.RLock()


forks.after_fork(_renew)


class EventTopic(Protocol):
    """The part of `Topic` that events show."""

    @property
    def action(self) -> str: ...
    @property
    def entity(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def schema(self) -> Mapping[str, Any] | bool: ...
    @property
    def definition(self) -> Mapping[str, Any]: ...
    @property
    def magic_names(self) -> tuple[str, str]: ...
    @property
    def head(self) -> bytes: ...


class Origin(Protocol):
    """Where an event comes from: its unit of work."""

    @property
    def actor(self) -> Actor | LazyActor: ...
    @property
    def job_id(self) -> str: ...
    @property
    def session(self) -> Publisher: ...


class Publisher(Protocol):
    """The part of `EventSession` that tells who published an event, and for which job."""

    @property
    def actor_id(self) -> str: ...
    @property
    def actor_type(self) -> ActorType: ...
    @property
    def job_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class PastOrigin:
    """The origin of an unpickled event. It replaces the session, which stayed in the process that pickled the event."""

    actor: Actor
    job_id: str

    @property
    def actor_id(self) -> str:
        return self.actor.id

    @property
    def actor_type(self) -> ActorType:
        return self.actor.type

    @property
    def session(self) -> PastOrigin:
        return self


@dataclass(frozen=True, slots=True)
class LastRequest:
    """The request in which an event was sent last: its idempotency key, and how many events it had."""

    key: str
    size: int


class Event:
    """Something that happened, valid and serialised. Read-only. Equal only to itself: the same may happen twice.

    A session makes it. Its id is a UUIDv7 of the time of the call, made when it is first asked for.
    """

    __slots__ = ("__weakref__", "_actor", "_half", "_id", "_last_request", "_origin", "_time_ns", "_topic", "_trace")

    def __init__(
        self, topic: EventTopic, half: bytes, origin: Origin, time_ns: int, trace: SpanContext | None = None
    ) -> None:
        """`half` is the envelope's bytes up to the actor, `time_ns` nanoseconds of the Unix epoch."""
        self._topic = topic
        self._half = half
        self._origin = origin
        self._time_ns = time_ns
        self._trace = trace
        self._id: UUID | None = None
        self._actor: Actor | None = None

    @property
    def topic(self) -> EventTopic:
        return self._topic

    @property
    def origin(self) -> Origin:
        """The session, or joined scope, in which it was published."""
        return self._origin

    @property
    def session(self) -> Publisher:
        """The `EventSession` in which it was published. After pickling it has only the actor and the job id."""
        return self._origin.session

    @property
    def actor(self) -> Actor:
        actor = self._actor or self._origin.actor
        return actor if isinstance(actor, Actor) else Actor(actor.id, actor.type)

    @property
    def known_actor(self) -> Actor | None:
        """The actor; None if it is known only at the flush."""
        actor = self._actor or self._origin.actor
        return actor if isinstance(actor, Actor) else None

    def actor_found(self, actor: Actor | None) -> None:
        """Sets the actor that was looked up at the call. None: it is looked up at the flush."""
        self._actor = actor

    @property
    def half(self) -> bytes:
        """The envelope's bytes up to the actor."""
        return self._half

    @property
    def known_tail(self) -> bytes | None:
        """The envelope's bytes from the actor on; None if the actor is known only at the flush."""
        actor = self.known_actor
        return None if actor is None else actor.tail

    @property
    def job_id(self) -> str:
        return self._origin.job_id

    @property
    def trace(self) -> SpanContext | None:
        """The span in which it was published, where OpenTelemetry has one."""
        return self._trace

    @property
    def time(self) -> datetime:
        """When it was published, in UTC."""
        return datetime.fromtimestamp(self._time_ns / 1e9, UTC)

    @property
    def id(self) -> UUID:
        if self._id is None:
            with _naming:
                made = clock.event_id(self._time_ns)
                self._id = self._id or made  # a signal handler may have made one meanwhile
        return self._id

    @property
    def last_request(self) -> LastRequest | None:
        """The request in which a flush failed to deliver it, if the next flush repeats that request; else None."""
        # Not set when the event is made, because few events need it.
        last_request: LastRequest | None = getattr(self, "_last_request", None)
        return last_request

    @last_request.setter
    def last_request(self, last_request: LastRequest) -> None:
        self._last_request = last_request

    @property
    def envelope(self) -> bytes:
        """The exact bytes sent for this event."""
        return self._half + (self._actor or self._origin.actor).tail

    @property
    def data(self) -> Any:
        """A new copy of the data, as the API receives it."""
        return orjson.loads(self._half[len(self._topic.head) :])

    @property
    def request_json(self) -> dict[str, Any]:
        """The envelope as a mapping, as the API receives it."""
        envelope: dict[str, Any] = orjson.loads(self.envelope)
        return envelope

    def __str__(self) -> str:
        return self._topic.name

    def __repr__(self) -> str:
        return f"<Event {self._topic.name} {self.id} job {self.job_id}>"

    def __reduce__(self) -> tuple[Any, ...]:
        origin = PastOrigin(self.actor, self.job_id)
        return _restored, (self._topic, self._half, origin, self._time_ns, self._trace, self.id)


def _restored(
    topic: EventTopic, half: bytes, origin: Origin, time_ns: int, trace: SpanContext | None, event_id: UUID
) -> Event:
    event = Event(topic, half, origin, time_ns, trace)
    event._id = event_id
    return event
