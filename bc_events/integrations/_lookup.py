"""The lookup of an actor by code of the application. A failed lookup raises only where something is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bc_events._runtime import logs
from bc_events.errors import InvalidActorError, kind_of
from bc_events.event import Actor

if TYPE_CHECKING:
    from collections.abc import Callable

    from bc_events.constants import ActorType
    from bc_events.event import LazyActor

_logger = logs.logger
_UNUSABLE: Final = object()


def looked_up(look_up: Callable[[Any], Any], request: Any) -> Any:
    """The actor of a request. None if there is none or, with a warning, if it cannot be used: the service acts then."""
    found = _looked_up(look_up, request)
    return None if found is _UNUSABLE else found


def looked_up_early(look_up: Callable[[Any], Any], request: Any, otherwise: Actor | LazyActor) -> Actor | LazyActor:
    """The actor of a request that has just come in. If nobody is found yet, or it raises, each event asks again."""
    try:
        found: Any = _looked_up(look_up, request)
    except Exception:  # noqa: BLE001  raised where something is published
        found = None
    if found is _UNUSABLE:
        return otherwise
    actor: Actor | LazyActor = found or LateActor(look_up, request, otherwise)
    return actor


def _looked_up(look_up: Callable[[Any], Any], request: Any) -> Any:
    try:
        found = look_up(request)
    except InvalidActorError as error:
        _logger.warning("the actor of a request is not usable; the service acts instead: %s", error)
        return _UNUSABLE
    if found is None or isinstance(found, Actor) or hasattr(found, "now"):
        return found
    _logger.warning("the actor of a request is %s, not an Actor; the service acts instead", kind_of(found))
    return _UNUSABLE


class LateActor:
    """A lazy actor: a request may be authenticated on its way, after its session has opened.

    Publishing raises the reason where the lookup fails.
    """

    __slots__ = ("_look_up", "_otherwise", "_request")

    def __init__(self, look_up: Callable[[Any], Any], request: Any, otherwise: Actor | LazyActor) -> None:
        self._look_up = look_up
        self._request = request
        self._otherwise = otherwise

    @property
    def id(self) -> str:
        return self._found().id

    @property
    def type(self) -> ActorType:
        return self._found().type

    @property
    def tail(self) -> bytes:
        return self._found().tail

    def now(self) -> Actor | None:
        found = self._found()
        return found if isinstance(found, Actor) else found.now()

    def _found(self) -> Actor | LazyActor:
        found: Actor | LazyActor = looked_up(self._look_up, self._request) or self._otherwise
        return found
