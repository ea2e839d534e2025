"""The lookup of an actor by code of the application. A failed lookup raises only where something is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from bc_events._runtime import logs
from bc_events.errors import InvalidActorError, kind_of
from bc_events.event import Actor

if TYPE_CHECKING:
    from collections.abc import Callable

    from bc_events.constants import ActorType
    from bc_events.event import LazyActor

_logger = logs.logger


def looked_up(look_up: Callable[[Any], Any], request: Any) -> Any:
    """The actor of a request. None if there is none or, with a warning, if it cannot be used: the service acts then."""
    try:
        found = look_up(request)
    except InvalidActorError as error:
        _logger.warning("the actor of a request is not usable; the service acts instead: %s", error)
        return None
    if found is None or isinstance(found, Actor) or hasattr(found, "now"):
        return found
    _logger.warning("the actor of a request is %s, not an Actor; the service acts instead", kind_of(found))
    return None


def looked_up_early(look_up: Callable[[Any], Any] | None, request: Any) -> Actor | LazyActor | None:
    """`looked_up`, before anything is published. An exception is kept, and raised by the code that publishes."""
    if look_up is None:
        return None
    try:
        found: Actor | LazyActor | None = looked_up(look_up, request)
    except Exception as error:  # noqa: BLE001  raised where something is published
        return UnknownActor(error)
    return found


class UnknownActor:
    """A lazy actor that could not be looked up: publishing raises the reason."""

    __slots__ = ("_error",)

    def __init__(self, error: Exception) -> None:
        self._error = error

    @property
    def id(self) -> str:
        self.now()

    @property
    def type(self) -> ActorType:
        self.now()

    @property
    def tail(self) -> bytes:
        self.now()

    def now(self) -> NoReturn:
        raise self._error
