"""Actor and Event: what happened, to what, by whom, frozen at the call."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from ._runtime import argument_checks as check, clock, forks
from .constants import ACTOR_ID_MIN_LENGTH, ACTOR_TYPE_USER, ACTOR_TYPES, MAX_REQUEST_BYTES
from .errors import InvalidActorError, printable

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


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a user (their Cognito user id), a service or a third party (its service name).

    One that `is_local` has an id that only this service knows, such as a primary key. It is not told to other services.
    """

    id: str
    type: ActorType
    is_local: bool = field(default=False, kw_only=True, repr=False, compare=False)
    tail: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given_id, given_type = _exact(self.id), _exact(self.type)
        object.__setattr__(self, "id", given_id)
        object.__setattr__(self, "type", given_type)
        if type(given_id) is not str or len(given_id) < ACTOR_ID_MIN_LENGTH:
            raise InvalidActorError(
                f"the actor id of a {given_type} is {_shape(given_id)}; the Events API takes strings of "
                f"{ACTOR_ID_MIN_LENGTH} characters or more: pass {_REMEDIES.get(given_type, _REMEDY)}"
            )
        if type(given_type) is not str or given_type not in ACTOR_TYPES:
            shown = printable(repr(given_type)) if isinstance(given_type, str) else f"a {type(given_type).__name__}"
            raise InvalidActorError(f"actor type is {shown}; give one of {', '.join(sorted(ACTOR_TYPES))}")
        check.flag("is_local", self.is_local)
        object.__setattr__(self, "tail", _tail(given_id, given_type))


_REMEDY: Final = "the name of the service"
_REMEDIES: Final = {
    ACTOR_TYPE_USER: "the Cognito user id (`sub`) or, for users who have none, a key with a prefix, such as "
    'f"user-{user.pk}"'
}


def _exact(value: Any) -> Any:
    """A text as plain text: a subclass may show another than it is."""
    return str.__str__(value) if issubclass(type(value), str) else value


def _shape(value: object) -> str:
    return f"{len(value)} characters long" if isinstance(value, str) else f"a {type(value).__name__}"


def _tail(actor_id: str, actor_type: str) -> bytes:
    if len(actor_id) > MAX_REQUEST_BYTES:
        raise InvalidActorError(
            f"the actor id of a {actor_type} is {len(actor_id)} characters long, but a whole request has at most "
            f"{MAX_REQUEST_BYTES} bytes; give a user's Cognito user id, or the service's name"
        )
    try:
        return b',"actor":' + orjson.dumps({"id": actor_id, "type": actor_type}) + b"}"
    except orjson.JSONEncodeError as error:
        raise InvalidActorError(f"the actor id of a {actor_type} cannot be written as JSON text") from error


class LazyActor(Protocol):
    """An actor that is looked up for each event as it is published, such as the user of a request.

    `id`, `type` and `tail` are those of whoever acts when they are read, as `Actor` has them.
    """

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> ActorType: ...
    @property
    def tail(self) -> bytes: ...
    def now(self) -> Actor | None:
        """Who acts now. None where that cannot be told before the flush; the event reads it then."""


class EventTopic(Protocol):
    """The topic of an event: a `Topic`, as far as its events show it."""

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
    """Who published an event, and for which job: its `EventSession`."""

    @property
    def actor_id(self) -> str: ...
    @property
    def actor_type(self) -> ActorType: ...
    @property
    def job_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class PastOrigin:
    """The origin of an event that was pickled, in place of its session, which lives in another process."""

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
    """Something that happened, valid and serialised. Read-only; compares by identity, as two alike are still two.

    A session makes it. Its id is a UUIDv7 of the time of the call, made when it is first asked for.
    """

    __slots__ = ("__weakref__", "_half", "_id", "_last_request", "_origin", "_time_ns", "_topic", "_trace")

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
        actor = self._origin.actor
        return actor if isinstance(actor, Actor) else Actor(actor.id, actor.type)

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
                self._id = self._id or made  # a signal handler may have been first
        return self._id

    @property
    def last_request(self) -> LastRequest | None:
        """The request in which a flush could not deliver it; None if there was none, or nobody repeats it."""
        # Not set when the event is made, because few events need it.
        last_request: LastRequest | None = getattr(self, "_last_request", None)
        return last_request

    @last_request.setter
    def last_request(self, last_request: LastRequest) -> None:
        self._last_request = last_request

    @property
    def envelope(self) -> bytes:
        """The exact bytes sent for this event."""
        return self._half + self._origin.actor.tail

    @property
    def data(self) -> Any:
        """A fresh copy of the data, as the API receives it."""
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
