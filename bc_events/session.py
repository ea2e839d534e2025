"""EventSession: the object through which users hold a unit of work."""

from __future__ import annotations

from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Never, cast

from ._runtime import argument_checks as check, event_loops, forks, job_ids, keywords, suggestions
from ._runtime.usage import with_usage
from .errors import UnknownEventNameError
from .event import Actor, Event, LazyActor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._unit.unit_of_work import UnitOfWork
    from .client import EventClient
    from .constants import ActorType

_NO_BLOCK: Final = (
    "a session is not a with block; write `with events.session(client=client) as session:` (or user_context, "
    "service_context, third_party_context), which flushes it at the end, or call session.flush() yourself"
)
_new: Final = object.__new__
PUBLISH_USAGE: Final = "publish takes its arguments by name: publish(action=…, entity=…, data={…}, category=…)"


class PendingEvents(tuple[Event, ...]):
    """The pending events of a session at one moment. Read-only; equal to a list of the same events."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(tuple(other) if isinstance(other, list) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()


class EventSession:
    """Events of one job that are sent together or not at all. Threads may share one. Equal only to itself.

    `session.created_my_entity(data)` and `session.my_entity_created(data)` publish.
    """

    __slots__ = ("__weakref__", "unit")

    @keywords.checked
    def __init__(
        self,
        actor_id: str,
        actor_type: ActorType,
        job_id: str | None,
        client: EventClient,
        publish_immediately: bool = False,  # noqa: FBT002  positional, as in the client that this one replaces
    ) -> None:
        """`job_id` None makes a new one; `publish_immediately` sends each event from the call that publishes it.

        Raises `InvalidActorError` and `InvalidJobIdError`.
        """
        if not hasattr(client, "topic_table"):
            raise check.wrong("client", client, "an EventClient")
        check.flag("publish_immediately", publish_immediately)
        job_id = job_ids.generated() if job_id is None else job_ids.validated(job_id)
        forks.notice()  # at once: if its flush noticed the fork, the session would count as the parent's
        self.unit: UnitOfWork = client.open_unit(
            client, Actor(actor_id, actor_type), job_id, sends_at_once=publish_immediately
        )
        self.unit.note_made_by_hand(self)

    @staticmethod
    def of(unit: UnitOfWork) -> EventSession:
        """The session of a unit of work that a scope has opened."""
        session = _new(EventSession)
        session.unit = unit
        return session

    @property
    def client(self) -> EventClient:
        return cast("EventClient", self.unit.client)

    @property
    def actor(self) -> Actor | LazyActor:
        return self.unit.actor

    @property
    def actor_id(self) -> str:
        return self.unit.actor.id

    @property
    def actor_type(self) -> ActorType:
        return self.unit.actor.type

    @property
    def job_id(self) -> str:
        return self.unit.job_id

    @property
    def publish_immediately(self) -> bool:
        return self.unit.sends_at_once

    @property
    def is_closed(self) -> bool:
        """Whether its scope has ended. Always False for a session made by hand."""
        return self.unit.is_closed

    @property
    def events(self) -> Sequence[Event]:
        """The events that were published here or in a joined scope, and neither sent nor dropped yet.

        A read-only snapshot: it does not change with the session. `rollback` drops events.
        """
        return PendingEvents(self.unit.events)

    @with_usage(PUBLISH_USAGE)
    def publish(self, *, action: str, entity: str, data: Mapping[str, Any], category: str | None = None) -> Event:
        """Publishes an event. Its data is checked and serialised now; the flush sends it.

        Raises `UnknownTopicError`, `InvalidEventError` and `SessionClosedError`.
        """
        return self.unit.record(self.unit.client.get_topic(category, entity, action), data)

    def flush(self) -> None:
        """Sends all pending events, those of open joined scopes included. Without pending events it does nothing.

        Raises `DeliveryError` with the events that were not delivered. The session of a scope no longer has them. But a
        session made by hand keeps those that were not refused. Its next flush sends them again, before newer ones and
        under the same idempotency keys.
        """
        if self.unit.events:
            event_loops.warn_of_blocking()
        self.unit.flush()

    async def aflush(self) -> None:
        """`flush` on another thread. If the task is cancelled meanwhile, the flush finishes before the cancellation."""
        if not self.unit.events:
            self.unit.flush()
            return
        from ._delivery import threads  # noqa: PLC0415  loads asyncio, which a service without it does not pay for

        flush = partial(copy_context().run, self.unit.flush)
        await threads.run(flush, runner=self.client.delivery.runner)

    def rollback(self) -> int:
        """Drops the pending events of this scope and of those joined to it. Returns their number. The session goes on.

        Events that a flush could not deliver are not lost: from now on only the `DeliveryError` has them, and
        `EventClient.resend` sends them.
        """
        return self.unit.rollback()

    def __getattr__(self, name: str) -> Callable[[Mapping[str, Any]], Event]:
        """A magic call. Raises AttributeError with the closest names where no topic fits."""
        if name.startswith("_") or name == "unit":
            raise AttributeError(name)
        try:
            self.unit.resolve(name)
        except UnknownEventNameError:
            own = [known for known in dir(EventSession) if not known.startswith("_") and known not in ("of", "unit")]
            suggestions.refuse_mistyped(name, own, owner="session")
            suggestions.refuse_one_word(name, own, owner="session")
            raise
        return partial(self.unit.call, name)

    if not TYPE_CHECKING:  # type checkers find the mistake themselves

        def __enter__(self) -> None:
            raise TypeError(_NO_BLOCK)

        def __exit__(self, *_exception: object) -> None:
            """Python looks for it before it calls `__enter__`."""

        async def __aenter__(self) -> None:
            raise TypeError(_NO_BLOCK)

        async def __aexit__(self, *_exception: object) -> None:
            """As `__exit__`."""

    def __copy__(self) -> EventSession:
        return EventSession.of(self.unit)

    def __reduce__(self) -> Never:
        raise TypeError(
            "a session stays in its process; give the other process its job_id, and open events.session(job_id) there"
        )

    def __eq__(self, other: object) -> bool:
        return self.unit is other.unit if isinstance(other, EventSession) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.unit)

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else "open"
        return f"<EventSession {self.client.service_name} job {self.job_id} {state}>"
