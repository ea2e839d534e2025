"""SameOrigin: keeps web pages of other origins away from a server on the loopback address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.requests import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send


# The name of another site can resolve to 127.0.0.1 (DNS rebinding). The Host header then has that name.
_is_here: Final = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?").fullmatch
_OTHER_HOST: Final = "the local Events API answers to the hosts 127.0.0.1 and localhost only; send to one of them"
_OTHER_ORIGIN: Final = "a page of another origin may not use the local Events API; send from a program"


class SameOrigin:
    """Answers 400 if the Host is not the loopback address, and 403 if the Origin is not that Host."""

    def __init__(self, app: ASGIApp, turned_away: Callable[[Request, int, str], Response]) -> None:
        self._app = app
        self._turned_away = turned_away

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (refused or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if not _is_here(host):
            return self._turned_away(request, 400, _OTHER_HOST)
        if origin is not None and origin != f"http://{host}":
            return self._turned_away(request, 403, _OTHER_ORIGIN)
        return None
