"""SameOrigin: keeps pages of other origins away from a server that listens on the loopback only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


# A page elsewhere can have its own name resolve to 127.0.0.1 (DNS rebinding), but then its name is the Host.
_is_here: Final = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?").fullmatch


class SameOrigin:
    """400 for a request whose Host is not the loopback, 403 where its Origin is not that Host."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if not _is_here(headers.get("host", "")):
                refused = PlainTextResponse("the local Events API answers to 127.0.0.1 and localhost only\n", 400)
                await refused(scope, receive, send)
                return
            origin = headers.get("origin")
            if origin is not None and origin != f"http://{headers.get('host')}":
                refused = PlainTextResponse("a page of another origin may not use the local Events API\n", 403)
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)
