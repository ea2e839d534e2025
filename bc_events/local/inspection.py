"""Inspection: what people and tests ask of a local Events API, as JSON under `/api`: events, requests and faults."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, get_args

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from .body import SlowBodyError, read_body
from .connection import ClosedConnection, until_gone
from .document import DocumentError, read_document, refuse_deep
from .faults import FaultError, Faults
from .query import QueryError
from .received_request import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from .event_store import EventStore
    from .publishing import Publishing
    from .received_event import ReceivedEvent
    from .request_log import RequestLog

_PAGE: Final = 500
_MOST: Final = 10_000
_LONGEST_WAIT: Final = 600.0
_MOST_DIGITS: Final = 19
_LARGEST_PLAN: Final = 100_000
"""The most bytes of a plan of faults."""


class Inspection:
    """The endpoints under `/api`. `is_closing` ends every wait."""

    def __init__(self, store: EventStore, log: RequestLog, publishing: Publishing) -> None:
        self._store = store
        self._log = log
        self._publishing = publishing
        self.is_closing = False

    async def ready(self, _request: Request) -> Response:
        return _json({"status": "ready"})

    async def events(self, request: Request) -> Response:
        q = _filter(request, "limit", "after")
        limit, after = _whole(request, "limit", _PAGE, _MOST), _whole(request, "after", 0)
        found = await run_in_threadpool(self._store.events, q, after=after, limit=limit)
        return _listed(found, matching=await run_in_threadpool(self._store.count, q))

    async def lines(self, request: Request) -> Response:
        q = _filter(request)
        self._store.count(q)  # a wrong filter is refused before the response starts
        return StreamingResponse(self._lines(q), media_type="application/jsonl")

    def _lines(self, q: str) -> Iterator[bytes]:
        after = 0
        while page := self._store.events(q, after=after, limit=_PAGE):
            yield b"".join(event.json + b"\n" for event in page)
            after = page[-1].seq

    async def wait(self, request: Request) -> ASGIApp:
        q = _filter(request, "count", "timeout")
        count = _whole(request, "count", 1)
        timeout = _seconds(request, "timeout", 5.0)
        gone = asyncio.create_task(until_gone(request))
        try:
            is_there = await self._arrived(q, count, timeout, gone)
        finally:
            gone.cancel()
        if gone.done():
            return ClosedConnection()
        found = await run_in_threadpool(self._store.events, q, limit=_MOST)
        return _listed(found, matching=self._store.count(q), status=200 if is_there else 408)

    async def _arrived(self, q: str, count: int, timeout: float, gone: asyncio.Task[None]) -> bool:  # noqa: ASYNC109  the caller of the API gives it
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            loop.call_soon_threadsafe(news.set)

        gone.add_done_callback(lambda _: news.set())
        try:
            with self._store.listening(tell):
                async with asyncio.timeout(timeout):
                    while self._store.count(q) < count and not (self.is_closing or gone.done()):
                        await news.wait()
                        news.clear()
        except TimeoutError:
            pass
        return self._store.count(q) >= count

    async def delete(self, request: Request) -> Response:
        q = _filter(request)
        return _json({"deleted": await run_in_threadpool(self._store.delete, q)})

    async def requests(self, request: Request) -> Response:
        outcome = _outcome(request)
        kept = [one.as_dict() for one in self._log if outcome is None or one.outcome.endswith(outcome)]
        connections = len({one["connection"] for one in kept})
        return _json({"total": self._log.total, "connections": connections, "requests": kept})

    async def forget_requests(self, request: Request) -> Response:
        _refuse_others(request)
        self._log.clear()
        return Response(status_code=204)

    async def faults(self, _request: Request) -> Response:
        faults = self._publishing.faults
        return _json({"seed": faults.seed, "faults": faults.plan, "fired": faults.fired})

    async def set_faults(self, request: Request) -> Response:
        """The body is `{"faults": {kind: {…}}, "seed": n}`. It replaces the faults that were set before."""
        given = _mapping(await read_body(request, most=_LARGEST_PLAN))
        seed = given.get("seed", self._publishing.faults.seed)
        plan = given.get("faults")
        if not isinstance(plan, dict) or not isinstance(seed, int) or given.keys() - {"faults", "seed"}:
            raise FaultError('give {"faults": {"unavailable": {"count": 3}}, "seed": 7}; the seed may be left out')
        self._publishing.faults = Faults(plan, seed)
        return await self.faults(request)

    async def clear_faults(self, _request: Request) -> Response:
        self._publishing.faults = Faults({}, self._publishing.faults.seed)
        return Response(status_code=204)


class ParameterError(ValueError):
    """A wrong parameter in the query string."""


async def refused(_request: Request, error: Exception) -> Response:
    """The response to a request that is wrong: it says why."""
    if isinstance(error, SlowBodyError):
        return _json({"error": str(error)}, 408, {"Connection": "close"})
    return _json({"error": str(error)}, 400)


REFUSED: Final = (QueryError, FaultError, ParameterError, DocumentError, SlowBodyError)


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def _listed(events: list[ReceivedEvent], *, matching: int, status: int = 200) -> Response:
    return _json({"matching": matching, "events": [orjson.Fragment(event.json) for event in events]}, status)


def _filter(request: Request, *others: str) -> str:
    """The parameter q. Raises `ParameterError` for an unknown parameter, which may be meant as a filter."""
    _refuse_others(request, "q", *others, example="q=topic:policies.PolicyCreated")
    return request.query_params.get("q", "")


def _outcome(request: Request) -> str | None:
    """The parameter outcome; `refused` stands for `partly refused` too."""
    _refuse_others(request, "outcome", example="outcome=refused")
    outcome = request.query_params.get("outcome")
    if outcome is not None and outcome not in get_args(Outcome):
        raise ParameterError(f"outcome is not one of {', '.join(get_args(Outcome))}")
    return outcome


def _refuse_others(request: Request, *known: str, example: str = "") -> None:
    """Raises `ParameterError` for a parameter that is not known: it may be meant as a filter."""
    unknown = next((name for name in request.query_params if name not in known), None)
    if unknown is not None:
        remedy = f"use {', '.join(known)}, such as {example}" if known else "leave it out"
        raise ParameterError(f"there is no parameter {unknown}; {remedy}")


def _whole(request: Request, name: str, default: int, most: int = 2**62) -> int:
    value = request.query_params.get(name, str(default))
    is_number = value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS
    if not is_number or int(value) > most:
        raise ParameterError(f"{name} is not a whole number from 0 to {most}")
    return int(value)


def _seconds(request: Request, name: str, default: float) -> float:
    value = request.query_params.get(name, str(default))
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_WAIT:
        raise ParameterError(f"{name} is not a number of seconds from 0 to {_LONGEST_WAIT:.0f}")
    return seconds


def _mapping(body: bytes) -> dict[str, Any]:
    if len(body) > _LARGEST_PLAN:
        raise FaultError(f"a plan of faults has {_LARGEST_PLAN} bytes at most")
    found = read_document(body)
    refuse_deep(found)
    return found if isinstance(found, dict) else {}
