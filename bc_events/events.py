"""The ambient API: open a unit of work with `session`; anywhere in it, `<action>_<entity>(data)` says what happened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from .configuration import Override, configure
from .constants import ACTOR_TYPE_USER
from .errors import NoActiveSessionError
from .event import Actor, Event, LazyActor
from .frames import current_job_id, current_session, innermost, live_unit
from .scope import Bound, JobId, SessionScope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .client import EventClient

__all__ = [
    "configure",
    "current_job_id",
    "current_session",
    "detached",
    "flush",
    "override",
    "propagate",
    "publish",
    "rollback",
    "service_context",
    "session",
    "third_party_context",
    "user_context",
]

P = ParamSpec("P")
R = TypeVar("R")
_MAGIC_NAME: Final = re.compile(r"[a-z]+(_[a-z]+)+").fullmatch


def session(
    job_id: JobId = None,
    *,
    actor: Actor | LazyActor | None = None,
    client: EventClient | None = None,
    durable: bool = False,
    commit_on: tuple[type[BaseException], ...] = (),
) -> SessionScope:
    """A unit of work: what is published in it is sent when it ends well, and dropped when it ends with an exception.

    Inside a live session of the same client and job it joins as a savepoint.

    Args:
        job_id: 1 to 255 visible ASCII characters, or a callable of the decorated function's own arguments. By default
            the live session's, else that of OpenTelemetry baggage, else a new one.
        actor: who acts, or a `LazyActor` that is asked at each event; by default the live session's, else the service.
        client: by default the live session's client, else the process's (`configure`, or BC_EVENTS_*).
        durable: it must be outermost: `NestedSessionError` where a session is live.
        commit_on: exceptions that count as success, such as `(SystemExit,)`. They still go on.
    """
    return SessionScope(
        job_id, None if actor is None else lambda _: actor, client, durable=durable, commit_on=commit_on
    )


def user_context(
    user_id: str,
    job_id: JobId = None,
    *,
    client: EventClient | None = None,
    durable: bool = False,
    commit_on: tuple[type[BaseException], ...] = (),
) -> SessionScope:
    """Like `session`, with a user (their Cognito user id) as the actor."""
    return session(job_id, actor=Actor(user_id, ACTOR_TYPE_USER), client=client, durable=durable, commit_on=commit_on)


def service_context(
    job_id: JobId = None,
    *,
    client: EventClient | None = None,
    durable: bool = False,
    commit_on: tuple[type[BaseException], ...] = (),
) -> SessionScope:
    """Like `session`, with the service itself as the actor."""
    return SessionScope(job_id, lambda used: used.service_actor, client, durable=durable, commit_on=commit_on)


def third_party_context(
    job_id: JobId = None,
    *,
    client: EventClient | None = None,
    durable: bool = False,
    commit_on: tuple[type[BaseException], ...] = (),
) -> SessionScope:
    """Like `session`, with the service as a third party as the actor."""
    return SessionScope(job_id, lambda used: used.third_party_actor, client, durable=durable, commit_on=commit_on)


def override(client: EventClient) -> Override:
    """Makes another client the process's default one for a `with` block or a decorated function: for tests."""
    return Override(client)


def publish(*, action: str, entity: str, data: Mapping[str, Any], category: str | None = None) -> Event:
    """Says what happened, on the live session; see `EventSession.publish`. Raises `NoActiveSessionError`."""
    unit = live_unit()
    return unit.record(unit.client.get_topic(category, entity, action), data)


def flush() -> None:
    """Sends all that the live session has pending, now. Raises `DeliveryError`."""
    current_session().flush()


def rollback() -> int:
    """Drops what the innermost scope has pending, and goes on; returns how many events."""
    return current_session().rollback()


def propagate(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, bound to the session that is live now: for threads, pools and greenlets, which inherit none."""
    return Bound(current_session())(function)


def detached(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, bound to no session: for background work that must not join the one that starts it."""
    return Bound(None)(function)


def _publisher(name: str) -> Callable[[Mapping[str, Any]], Event]:
    def publisher(data: Mapping[str, Any], /) -> Event:
        frame = innermost()
        if frame is None or frame.unit is None:
            raise NoActiveSessionError
        unit = frame.unit
        return unit.record(unit.client.topic_table.magic_names.get(name) or unit.resolve(name), data)

    publisher.__name__ = publisher.__qualname__ = name
    publisher.__module__ = __name__
    publisher.__doc__ = f"Publishes the event that answers to {name}, on the live session."
    return publisher


def __getattr__(name: str) -> Callable[[Mapping[str, Any]], Event]:
    """A magic call's publisher, made once and kept in the module; its topic is looked up when it is called."""
    if not _MAGIC_NAME(name):
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}; magic calls are named <action>_<entity> or "
            "<entity>_<action> in lower case, such as created_policy"
        )
    publisher: Callable[[Mapping[str, Any]], Event] = globals().setdefault(name, _publisher(name))
    return publisher
