"""SameOrigin: keeps pages of other origins away from a server that listens on the loopback only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class SameOrigin:
    """403 for a request whose Origin is not the Host it was sent to. Hosts themselves are checked before it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and origin != f"http://{headers.get('host')}":
                refused = PlainTextResponse("a page of another origin may not use the local Events API\n", 403)
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)
