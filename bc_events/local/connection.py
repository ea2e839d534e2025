"""A uvicorn connection that a request can close with no response, as networks do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

_EXTENSION: Final = "bc.close_at_once"


def closable_connection(**settings: Any) -> H11Protocol:
    """Stands where uvicorn expects a protocol class."""
    connection = H11Protocol(**settings)
    connection.app = _with_extension(connection.app, lambda: connection.transport.abort())  # noqa: PLW0108  its transport comes later
    connection.access_log = False
    return connection


def _with_extension(app: Any, close_at_once: Callable[[], None]) -> ASGIApp:
    async def extended(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[_EXTENSION] = close_at_once
        await app(scope, receive, send)

    return extended


class ClosedConnection:
    """In place of a response: closes the connection, and ends when it is closed."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        scope["extensions"][_EXTENSION]()
        while (await receive())["type"] != "http.disconnect":
            pass


async def until_gone(request: Request) -> None:
    """Ends when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
