"""Live: what tells of events as they come: a stream of server-sent events, and a wait for a number of them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from . import parameters
from .connection import ClosedConnection, until_gone
from .json_response import fragments, json_response
from .listing import MOST
from .query import read_query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from .event_store import EventStore
    from .listing import Listing
    from .received_event import ReceivedEvent

_AT_ONCE: Final = 100
_HEARTBEAT: Final = 15.0
_PAUSE: Final = 0.05
"""Seconds between two looks. Events that come meanwhile are sent together."""
_BEGIN: Final = b"retry: 1000\nid: %d\n\n"
_MESSAGE: Final = b"id: %d\ndata: %s\n\n"
_CLEARED: Final = b"event: cleared\nid: 0\ndata: {}\n\n"
_NOTHING: Final = b": nothing new\n\n"
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Live:
    """The endpoints that stay open. `is_closing` ends each of them."""

    def __init__(self, store: EventStore, listing: Listing) -> None:
        self._store = store
        self._listing = listing
        self.is_closing = False

    async def stream(self, request: Request) -> Response:
        """Events from now on or, after a break, from the one behind the last that came."""
        q = parameters.filter_of(request, "after")
        read_query(q)  # a wrong filter is refused before the response starts
        after = parameters.whole(request, "after", self._store.last_seq)
        last = request.headers.get("last-event-id", "")
        if last.isascii() and last.isdecimal() and len(last) < 19:  # noqa: PLR2004
            after = int(last)
        return StreamingResponse(self._messages(q, after), headers=_HEADERS, media_type="text/event-stream")

    async def _messages(self, q: str, after: int) -> AsyncIterator[bytes]:
        with self._news() as news:
            yield _BEGIN % min(after, self._store.last_seq)
            generation = self._store.generation
            while not self.is_closing:
                news.clear()
                newest = self._store.last_seq
                if after > newest or generation != self._store.generation:  # cleared, or another server has counted
                    after, generation = 0, self._store.generation
                    yield _CLEARED
                found = await run_in_threadpool(self._found, q, after, newest)
                for event in found:
                    yield _MESSAGE % (event.seq, event.json)
                if len(found) == _AT_ONCE:
                    after = found[-1].seq
                    continue
                after = newest
                if not await _set_within(news, _HEARTBEAT):
                    yield _NOTHING
                await asyncio.sleep(_PAUSE)

    def _found(self, q: str, after: int, newest: int) -> list[ReceivedEvent]:
        return self._store.page(q, _AT_ONCE, after=after, before=newest + 1) if newest > after else []

    @contextmanager
    def _news(self) -> Iterator[asyncio.Event]:
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            loop.call_soon_threadsafe(news.set)

        with self._store.listening(tell):
            yield news

    async def wait(self, request: Request) -> ASGIApp:
        q = parameters.filter_of(request, "count", "timeout")
        count = parameters.whole(request, "count", 1)
        timeout = parameters.seconds(request, "timeout", 5.0)
        gone = asyncio.create_task(until_gone(request))
        try:
            is_there = await self._arrived(q, count, timeout, gone)
        finally:
            gone.cancel()
        if gone.done():
            return ClosedConnection()
        found = await run_in_threadpool(self._store.events, q, limit=MOST)
        matching = await run_in_threadpool(self._listing.matching, q)
        return json_response({**matching, "events": fragments(found)}, 200 if is_there else 408)

    async def _arrived(self, q: str, count: int, timeout: float, gone: asyncio.Task[None]) -> bool:  # noqa: ASYNC109  the caller of the API gives it
        with self._news() as news:
            gone.add_done_callback(lambda _: news.set())
            try:
                async with asyncio.timeout(timeout):
                    while self._store.count(q, count) < count and not (self.is_closing or gone.done()):
                        await news.wait()
                        news.clear()
            except TimeoutError:
                pass
        return self._store.count(q, count) >= count


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
