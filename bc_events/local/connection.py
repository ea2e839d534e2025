"""A uvicorn connection that a request can close with no response, as networks do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

_EXTENSION: Final = "bc.close_at_once"
_TLS: Final = b"\x16\x03"
"""The first bytes of a TLS handshake."""


def connections(on_tls: Callable[[str], object]) -> Callable[..., H11Protocol]:
    """Makes connections, as the protocol class that uvicorn expects does. `on_tls` gets the address of a TLS client."""

    def connection(**settings: Any) -> H11Protocol:
        made = _ServerConnection(**settings)
        made.app = _with_extension(made.app, lambda: made.transport.abort())  # noqa: PLW0108  its transport comes later
        made.access_log = False
        made.on_tls = on_tls
        return made

    return connection


class _ServerConnection(H11Protocol):
    """Recognises TLS, which h11 takes for a broken request."""

    on_tls: Callable[[str], object]

    def data_received(self, data: bytes) -> None:
        if self.conn.their_state is h11.IDLE and data.startswith(_TLS):
            self.on_tls("{}:{}".format(*self.client) if self.client else "")
            self.transport.abort()
            return
        super().data_received(data)


def _with_extension(app: Any, close_at_once: Callable[[], None]) -> ASGIApp:
    async def extended(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[_EXTENSION] = close_at_once
        await app(scope, receive, send)

    return extended


class ClosedConnection:
    """Takes the place of a response: closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        scope["extensions"][_EXTENSION]()
        while (await receive())["type"] != "http.disconnect":
            pass


async def until_gone(request: Request) -> None:
    """Ends when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
