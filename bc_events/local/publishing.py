"""The endpoints that take events, `POST /events` and `POST /events/bulk/`, and the answer at any other path."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bc_events.constants import BULK_PATH, EVENTS_PATH, IDEMPOTENCY_HEADER

from .body import SlowBodyError, read_body
from .connection import ClosedConnection
from .faults import Faults
from .query import ACCEPTED
from .refusal import SLOW_BODY, UNKNOWN_PATH, RefusedError
from .sent_answer import SentAnswer
from .submission import Submission

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from .forwarder import Forwarder
    from .request_log import RequestLog
    from .responder import Responder

_OTHER_METHOD: Final = 405
_WRITING: Final = frozenset({"POST", "PUT", "PATCH"})
_CUT_SHORT: Final = "the client closed the connection before its request had come in full"


class Publishing:
    """Reads a request, answers it and logs it. `faults` may be replaced at any time."""

    def __init__(self, responder: Responder, log: RequestLog, seed: int, forwarder: Forwarder | None = None) -> None:
        self._responder = responder
        self._forwarder = forwarder
        self._log = log
        self.faults: Faults = Faults({}, seed)

    async def single(self, request: Request) -> ASGIApp:
        return await self._publish(request, is_bulk=False)

    async def bulk(self, request: Request) -> ASGIApp:
        return await self._publish(request, is_bulk=True)

    async def _publish(self, request: Request, *, is_bulk: bool) -> ASGIApp:
        faults = self.faults
        try:
            body = await read_body(request, most=self._responder.max_request_bytes)
        except ClientDisconnect:
            self._log.add(request, SentAnswer(0, b"", reason=_CUT_SHORT, is_lost=True))
            return ClosedConnection()
        except SlowBodyError as error:
            return self._answered(request, SentAnswer.refusal(408, RefusedError(SLOW_BODY, str(error))), 0)
        latency = faults.strikes("latency")
        if latency is not None:
            await asyncio.sleep(latency.get("ms", 100) / 1000)
        try:
            answer = self._responder.respond(Submission(body, request.headers, is_bulk), faults)
        except sqlite3.Error as error:
            answer = _not_stored(error)
        if self._forwarder is not None:
            accepted = [event for event in answer.stored if event.status == ACCEPTED]
            self._forwarder.pass_on(accepted, request.headers.get(IDEMPOTENCY_HEADER), request.headers)
        if latency is not None and answer.fault is None:
            answer = replace(answer, fault="latency")
        return self._answered(request, answer, len(body))

    def _answered(self, request: Request, answer: SentAnswer, size: int) -> ASGIApp:
        self._log.add(request, answer, size=size)
        if answer.is_lost:
            return ClosedConnection()
        headers = {} if answer.retry_after is None else {"Retry-After": str(answer.retry_after)}
        if answer.status == 408:  # noqa: PLR2004  the rest of the body would be taken for the next request
            headers["Connection"] = "close"
        return Response(answer.body, answer.status, headers, media_type="application/json")

    async def wrong_path(self, request: Request, error: Exception) -> Response:
        """Answers in place of Starlette's 404 and 405; says where events go, and keeps requests that publish."""
        status = int(getattr(error, "status_code", 404))
        path = request.scope["path"]
        allowed = _allowed(request) if status == _OTHER_METHOD else {}
        if path.startswith("/api/"):
            calls = ", ".join(_calls(request.app.routes))
            return JSONResponse({"error": f"there is no {request.method} {path}; there are {calls}"}, status, allowed)
        is_reading = request.method not in _WRITING
        refused = RefusedError(
            UNKNOWN_PATH,
            f"there is no {request.method} {path}; the api_url is http://{request.headers.get('host', '')}, directly "
            f"followed by {EVENTS_PATH} or {BULK_PATH}"
            + ("; received events are at /api/events" if is_reading else ""),
        )
        answer = SentAnswer.refusal(status, refused)
        if not is_reading:
            body = await read_body(request, most=self._responder.max_request_bytes)
            self._log.add(request, answer, size=len(body))
        return Response(answer.body, status, allowed, media_type="application/json")

    def turned_away(self, request: Request, status: int, reason: str) -> Response:
        """Answers a request to another host, or from a page of another origin."""
        if request.method in _WRITING:
            self._log.add(request, SentAnswer(status, b"", reason=reason))
        return JSONResponse({"error": reason, "errorMessage": reason}, status)


def _not_stored(error: sqlite3.Error) -> SentAnswer:
    """The answer if events cannot be stored. It has no error type, so the client sends the request again."""
    reason = f"the local Events API cannot store events: {error}; look at its file and its disk"
    return SentAnswer(500, orjson.dumps({"errorMessage": reason}), reason=reason)


def _allowed(request: Request) -> dict[str, str]:
    """The header that names the methods of a path."""
    routes = [
        one for one in request.app.routes if isinstance(one, Route) and one.path_regex.match(request.scope["path"])
    ]
    return {"Allow": ", ".join(sorted({method for route in routes for method in route.methods or ()}))}


def _calls(routes: Iterable[object]) -> Iterator[str]:
    for route in routes:
        if isinstance(route, Route) and route.path.startswith("/api/"):
            yield " ".join([*sorted((route.methods or set()) - {"HEAD"}), route.path])
