"""A uvicorn connection that a request can close with no response, as networks do."""

from __future__ import annotations

import logging
import sys
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
_IS_TLS: Final = "the client speaks TLS, and this server plain HTTP; begin the URL with http://, not https://"
_IS_NO_HTTP: Final = "the request cannot be read as HTTP/1.1"
_logger: Final = logging.getLogger("uvicorn.error.requests")
_logger.addFilter(lambda record: record.msg != "Invalid HTTP request received.")  # the log of requests has the reason


def connections(on_unreadable: Callable[[str, int | None, str], object]) -> Callable[..., H11Protocol]:
    """Makes connections, as the protocol class that uvicorn expects does.

    `on_unreadable` is called with the client's address, the status of the response (None without one) and the reason.
    """

    def connection(**settings: Any) -> H11Protocol:
        made = _ServerConnection(**settings)
        made.app = _with_extension(made.app, lambda: made.transport.abort())  # noqa: PLW0108  its transport comes later
        made.access_log = False
        made.logger = _logger
        made.on_unreadable = on_unreadable
        return made

    return connection


class _ServerConnection(H11Protocol):
    """Says why bytes that are not HTTP cannot be read. For h11, TLS is just a broken request."""

    on_unreadable: Callable[[str, int | None, str], object]

    def data_received(self, data: bytes) -> None:
        if self.conn.their_state is h11.IDLE and data.startswith(_TLS):
            self.on_unreadable(self._address, None, _IS_TLS)
            self.transport.abort()
            return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        error = sys.exception()
        self.on_unreadable(self._address, 400, f"{_IS_NO_HTTP}: {error}" if error else _IS_NO_HTTP)
        super().send_400_response(msg)

    @property
    def _address(self) -> str:
        return "{}:{}".format(*self.client) if self.client else ""


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
