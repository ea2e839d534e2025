"""The arguments of a middleware, checked where it is made. Each raises `ConfigurationError`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from bc_events._runtime import argument_checks as check
from bc_events.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

_OF_ASGI: Final = (None,) * 3
_OF_WSGI: Final = (None,) * 2


def refuse_asgi(app: object) -> None:
    """Refuses an ASGI application, given to the middleware of WSGI."""
    _refuse_other(app)
    if _is_async(app) or not _takes(app, _OF_WSGI):
        raise ConfigurationError(
            "app is an ASGI application, and this middleware is for WSGI; use bc_events.integrations.asgi"
        )


def refuse_wsgi(app: object) -> None:
    """Refuses a WSGI application, given to the middleware of ASGI."""
    _refuse_other(app)
    if isinstance(app, type):
        raise check.wrong("app", app, "an instance of it")
    if not _is_async(app) and not _takes(app, _OF_ASGI):
        raise ConfigurationError(
            "app is a WSGI application, and this middleware is for ASGI; use bc_events.integrations.wsgi"
        )


def checked_success(success: Callable[[int], bool]) -> Callable[[int], bool]:
    return check.function("success", success, example="a function that takes a status and returns whether it is good")


def check_actor(actor: object) -> None:
    """A class is allowed too: its instances are lazy actors."""
    if actor is not None and (not callable(actor) or _is_async(actor)):
        raise check.wrong("actor", actor, "a function that takes a request and returns its Actor, or None")


def _refuse_other(app: object) -> None:
    if not callable(app):
        raise check.wrong("app", app, "the application itself")


def _is_async(app: Any) -> bool:
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None))  # noqa: B004


def _takes(app: Any, arguments: tuple[None, ...]) -> bool:
    """Whether `app` can be called with these arguments. True if that cannot be known."""
    try:
        signature = inspect.signature(app)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True
