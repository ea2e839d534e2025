"""Access: keeps web pages of other origins, and those without the token, away from a local Events API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from .reach import Reach

_COOKIE: Final = "bc_events_token"
_OTHER_HOST: Final = (
    "this local Events API answers to the hosts {names} only; send to one of them, or start it with --allow-host"
)
_OTHER_ORIGIN: Final = "a page of another origin may not use the local Events API; send from a program"
_UNAUTHORISED: Final = (
    "this local Events API needs its token, which it printed at its start; give http://HOST:PORT/TOKEN as its URL, or "
    "the header Authorization: Bearer TOKEN"
)


class Access:
    """Answers 400 if the Host is not this server, 403 if the Origin is not that Host, and 401 without the token."""

    def __init__(self, app: ASGIApp, reach: Reach, turned_away: Callable[[Request, int, str], Response]) -> None:
        self._app = app
        self._reach = reach
        self._turned_away = turned_away

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = None
        if scope["type"] == "http":
            answer, scope = self._answer(scope)
        await (answer or self._app)(scope, receive, send)

    def _answer(self, scope: Scope) -> tuple[Response | None, Scope]:
        """The response to a request that is turned away, and the scope of one that is let in."""
        request = Request(scope)
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if not self._reach.is_named(host):
            reason = _OTHER_HOST.format(names=", ".join(sorted(self._reach.names)))
            return self._turned_away(request, 400, reason), scope
        if origin is not None and origin != f"http://{host}":
            return self._turned_away(request, 403, _OTHER_ORIGIN), scope
        if self._reach.token is None:
            return None, scope
        first, slash, rest = scope["path"].removeprefix("/").partition("/")
        if self._reach.is_token(first):
            return self._by_path(request, {**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode()}, slash)
        if self._reach.is_token(_bearer(request)) or self._reach.is_token(request.cookies.get(_COOKIE)):
            return None, scope
        return self._turned_away(request, 401, _UNAUTHORISED), scope

    def _by_path(self, request: Request, scope: Scope, slash: str) -> tuple[Response | None, Scope]:
        """A browser that opens the page keeps the token as a cookie, which its further requests then carry."""
        if request.method != "GET" or scope["path"] != "/" or "text/html" not in request.headers.get("accept", ""):
            return None, scope
        answer = RedirectResponse("../" if slash else "./", 303)
        answer.set_cookie(_COOKIE, str(self._reach.token), httponly=True, samesite="strict")
        return answer, scope


def _bearer(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token if kind.lower() == "bearer" else None
