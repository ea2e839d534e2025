"""The ambient API: open a session with `session`; anywhere in it, `<action>_<entity>(data)` publishes an event."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, overload

from ._ambient import magic_calls
from ._ambient.default_client import Override, checked_client, configure, default_client as _default_client
from ._ambient.frames import current_job_id, current_session, live_unit
from ._ambient.scope import Bound, Detached, SessionScope
from ._runtime import argument_checks as check, suggestions, usage
from .constants import ACTOR_TYPE_USER
from .errors import DeliveryError, InvalidActorError
from .event import Actor, Event, LazyActor
from .session import PUBLISH_USAGE, EventSession

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType
    from typing import Unpack

    from ._ambient.call_scope import CallScope, ScopeOptions, TakesAnything
    from .client import EventClient

__all__ = [
    "aflush",
    "configure",
    "current_job_id",
    "current_session",
    "default_client",
    "detached",
    "flush",
    "override",
    "propagate",
    "publish",
    "resend",
    "rollback",
    "service_context",
    "session",
    "third_party_context",
    "user_context",
]

MYPY: Final = False  # mypy and Pyrefly read it as True; they cannot compare the parameters of two functions
_P = ParamSpec("_P")
_R = TypeVar("_R")
_MAGIC_NAME: Final = re.compile(r"[a-z]+(_[a-z]+)+").fullmatch


if TYPE_CHECKING and not MYPY:

    @overload
    def session(
        job_id: str | TakesAnything | None = None,
        *,
        actor: Actor | LazyActor | None = None,
        **options: Unpack[ScopeOptions],
    ) -> SessionScope: ...
    @overload
    def session(
        job_id: Callable[_P, str | None], *, actor: Actor | LazyActor | None = None, **options: Unpack[ScopeOptions]
    ) -> CallScope[_P]: ...


def session(  # pyright: ignore[reportInconsistentOverload]  # a SessionScope is any CallScope
    job_id: str | Callable[..., str | None] | None = None,
    *,
    actor: Actor | LazyActor | None = None,
    client: EventClient | None = None,
    durable: bool = False,
    commit_on: tuple[type[BaseException], ...] = (),
) -> SessionScope:
    """A scope, for `with`, `async with` or `@`. Its events are sent when it ends well, and dropped on an exception.

    Inside a live session of the same client and job, the scope joins that session as a savepoint.

    Args:
        job_id: 1 to 255 visible ASCII characters, or a callable that gets the arguments of the decorated function. By
            default that of the live session, else that in OpenTelemetry baggage, else a new one.
        actor: who acts, or a `LazyActor`, which is asked for each event. By default that of the live session, else the
            service.
        client: by default that of the live session, else that of the process (`configure`, or BC_EVENTS_*).
        durable: the scope must be outermost. It raises `NestedSessionError` where a session is live.
        commit_on: exceptions that count as success, such as `(SystemExit,)`. They still propagate.
    """
    if job_id is not None and not isinstance(job_id, str):
        _refuse_bare("events.session", job_id, sys._getframe(1))
    if actor is not None and not isinstance(actor, Actor) and not hasattr(actor, "now"):
        raise InvalidActorError(f"actor was given {check.shown(actor)}; give it an Actor(id, type), or a LazyActor")
    return SessionScope(job_id, None if actor is None else lambda _: actor, client, durable, commit_on)


if TYPE_CHECKING and not MYPY:

    @overload
    def user_context(
        user_id: str, job_id: str | TakesAnything | None = None, **options: Unpack[ScopeOptions]
    ) -> SessionScope: ...
    @overload
    def user_context(
        user_id: str, job_id: Callable[_P, str | None], **options: Unpack[ScopeOptions]
    ) -> CallScope[_P]: ...


def user_context(  # pyright: ignore[reportInconsistentOverload]  # a SessionScope is any CallScope
    user_id: str,
    job_id: str | Callable[..., str | None] | None = None,
    *,
    client: EventClient | None = None,
    durable: bool = False,
    commit_on: tuple[type[BaseException], ...] = (),
) -> SessionScope:
    """Like `session`, with a user (their Cognito user id) as the actor."""
    if type(user_id) is not str:
        from ._ambient.bare_decorators import refuse_bare  # noqa: PLC0415  needed only to explain a mistake

        refuse_bare("events.user_context", user_id)
    actor = Actor(user_id, ACTOR_TYPE_USER)
    return SessionScope(job_id, lambda _: actor, client, durable, commit_on)


if TYPE_CHECKING and not MYPY:

    @overload
    def service_context(job_id: str | TakesAnything | None = None, **options: Unpack[ScopeOptions]) -> SessionScope: ...
    @overload
    def service_context(job_id: Callable[_P, str | None], **options: Unpack[ScopeOptions]) -> CallScope[_P]: ...


def service_context(  # pyright: ignore[reportInconsistentOverload]  # a SessionScope is any CallScope
    job_id: str | Callable[..., str | None] | None = None,
    *,
    client: EventClient | None = None,
    durable: bool = False,
    commit_on: tuple[type[BaseException], ...] = (),
) -> SessionScope:
    """Like `session`, with the service itself as the actor."""
    if job_id is not None and not isinstance(job_id, str):
        _refuse_bare("events.service_context", job_id, sys._getframe(1))
    return SessionScope(job_id, lambda used: used.service_actor, client, durable, commit_on)


if TYPE_CHECKING and not MYPY:

    @overload
    def third_party_context(
        job_id: str | TakesAnything | None = None, **options: Unpack[ScopeOptions]
    ) -> SessionScope: ...
    @overload
    def third_party_context(job_id: Callable[_P, str | None], **options: Unpack[ScopeOptions]) -> CallScope[_P]: ...


def third_party_context(  # pyright: ignore[reportInconsistentOverload]  # a SessionScope is any CallScope
    job_id: str | Callable[..., str | None] | None = None,
    *,
    client: EventClient | None = None,
    durable: bool = False,
    commit_on: tuple[type[BaseException], ...] = (),
) -> SessionScope:
    """Like `session`, with the service as a third party as the actor."""
    if job_id is not None and not isinstance(job_id, str):
        _refuse_bare("events.third_party_context", job_id, sys._getframe(1))
    return SessionScope(job_id, lambda used: used.third_party_actor, client, durable, commit_on)


def _refuse_bare(decorator: str, job_id: object, caller: FrameType) -> None:
    from ._ambient.bare_decorators import refuse_bare_job_id  # noqa: PLC0415  loads inspect, only for callables

    refuse_bare_job_id(decorator, job_id, caller)


def override(client: EventClient) -> Override:
    """Makes another client the process's default one for a `with` block or a decorated function: for tests."""
    from ._ambient.bare_decorators import refuse_bare  # noqa: PLC0415  loads inspect; a test has it anyway

    refuse_bare("events.override", client)
    return Override(checked_client(client, "override"))


@usage.with_usage(PUBLISH_USAGE)
def publish(*, action: str, entity: str, data: Mapping[str, Any], category: str | None = None) -> Event:
    """Publishes an event in the live session; see `EventSession.publish`. Raises `NoActiveSessionError`."""
    unit = live_unit()
    return unit.record(unit.client.get_topic(category, entity, action), data)


def flush() -> None:
    """Sends all pending events of the live session now. Raises `DeliveryError`."""
    current_session().flush()


async def aflush() -> None:
    """`flush` on another thread. If the task is cancelled meanwhile, the flush finishes before the cancellation."""
    await current_session().aflush()


def rollback() -> int:
    """Drops the pending events of the innermost scope, and returns their number. The session goes on."""
    return current_session().rollback()


def propagate(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """`function`, bound to the session that is live now: for threads, pools and greenlets, which do not inherit it."""
    return Bound(current_session())(function)


def detached(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """`function`, bound to no session and no job: for background work that must not join the session that starts it.

    A session that it opens has a new job id, unless the work itself sets one in OpenTelemetry baggage.
    """
    return Detached()(function)


def default_client() -> EventClient:
    """The process's client: the one given to `configure`, or one made from BC_EVENTS_*. Raises `ConfigurationError`."""
    return _default_client()


def resend(error: DeliveryError) -> None:
    """Sends the undelivered events of a flush again, with the client of their session; see `EventClient.resend`.

    The events of an unpickled error have no session. They are sent with the client of the process.
    """
    check.instance("error", error, DeliveryError, example="the DeliveryError that a flush has raised")
    sessions = (item.event.session for item in error.undelivered)
    client = next((session.client for session in sessions if isinstance(session, EventSession)), None)
    (client or _default_client()).resend(error)


def __getattr__(name: str) -> Callable[[Mapping[str, Any]], Event]:
    """The publisher of a magic call, made once and kept in the module. A call looks up its topic."""
    if not _MAGIC_NAME(name):
        raise suggestions.no_attribute(name, __all__, owner="events")
    publisher: Callable[[Mapping[str, Any]], Event] = globals().setdefault(name, magic_calls.publisher(name, __all__))
    return publisher


def __dir__() -> list[str]:
    return sorted(__all__)
