"""Listing: received events over HTTP, as pages, as lines, one by one; and how they are deleted and brought in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from . import parameters
from .body import read_body
from .imported import read_lines
from .json_response import fragments, json_response, refusal
from .query import read_query, term

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from .event_store import EventStore

PAGE: Final = 500
MOST: Final = 10_000
MOST_MATCHING: Final = 10_000
"""Counting ends there: whoever looks at a page need not wait for the exact number."""
_LARGEST_IMPORT: Final = 256 << 20
_LONGEST_IMPORT: Final = 600.0


class Listing:
    """The endpoints of events."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def page(self, request: Request) -> Response:
        q = parameters.filter_of(request, "limit", "after", "before", "order")
        limit = parameters.whole(request, "limit", PAGE, most=MOST)
        return json_response(await run_in_threadpool(self._page, request, q, limit))

    def _page(self, request: Request, q: str, limit: int) -> dict[str, Any]:
        after = parameters.whole(request, "after", 0)
        before = parameters.whole(request, "before", parameters.LARGEST)
        is_newest_first = parameters.is_newest_first(request)
        found = self._store.page(q, limit + 1, after=after, before=before, is_newest_first=is_newest_first)
        shown = found[:limit]
        return {
            **self.matching(q),
            "events": fragments(shown),
            "next": shown[-1].seq if shown and len(found) > limit else None,
        }

    def matching(self, q: str) -> dict[str, Any]:
        """How many events match: exactly, unless there are more than `MOST_MATCHING`."""
        most = None if read_query(q).is_empty else MOST_MATCHING + 1
        count = self._store.count(q, most)
        if most is None or count < most:
            return {"matching": count, "isExact": True}
        return {"matching": MOST_MATCHING, "isExact": False}

    async def one(self, request: Request) -> Response:
        """An event, and the one of the same topic before it."""
        parameters.refuse_others(request)
        event_id = request.path_params["event_id"]
        found = await run_in_threadpool(self._store.latest, f"status:* {term('id', event_id)}", 1)
        if not found:
            return refusal("there is no event with this id; it may have been deleted, or dropped to keep others", 404)
        before = await run_in_threadpool(self._store.latest, term("topic", found[0].topic), 1, before=found[0].seq)
        return json_response({"event": fragments(found)[0], "previous": fragments(before)[0] if before else None})

    async def lines(self, request: Request) -> Response:
        q = parameters.filter_of(request)
        read_query(q)  # a wrong filter is refused before the response starts
        return StreamingResponse(self._lines(q), media_type="application/jsonl")

    def _lines(self, q: str) -> Iterator[bytes]:
        after = 0
        while page := self._store.events(q, after=after, limit=PAGE):
            yield b"".join(event.json + b"\n" for event in page)
            after = page[-1].seq

    async def take_in(self, request: Request) -> Response:
        """Stores the lines of an export. Raises `DocumentError` and `SlowBodyError`."""
        parameters.refuse_others(request)
        body = await read_body(request, most=_LARGEST_IMPORT, seconds=_LONGEST_IMPORT)
        if len(body) > _LARGEST_IMPORT:
            return refusal(f"the lines have more than {_LARGEST_IMPORT} bytes; bring them in as several files", 413)
        if not body.strip():
            return refusal("there are no lines; give those that GET /api/events.jsonl returns")
        events = await run_in_threadpool(read_lines, body)
        imported = await run_in_threadpool(self._store.add_missing, events)
        return json_response({"imported": imported, "known": len(events) - imported})

    async def delete(self, request: Request) -> Response:
        q = parameters.filter_of(request)
        return json_response({"deleted": await run_in_threadpool(self._store.delete, q)})
