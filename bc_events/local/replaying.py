"""Replaying: sends stored events again, to this API or to another one that it may send to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool

from bc_events._delivery.api import EventsAPI
from bc_events._delivery.flush import Flush
from bc_events._delivery.request import Limits
from bc_events._delivery.wire import requests_for
from bc_events.errors import DeliveryError

from . import parameters
from .body import read_body
from .document import DocumentError, read_document, refuse_deep
from .json_response import json_response, refusal
from .outgoing import failures, outgoing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from .event_store import EventStore
    from .forwarder import Forwarder

_LARGEST: Final = 100_000
_MOST: Final = 10_000
_TIMEOUT: Final = (3.05, 10.0)
_RETRY_BUDGET: Final = 5.0
_SHAPE: Final = 'give {"q": "job:4711", "url": "http://127.0.0.1:8026"}; without a url, events come to this API again'


class Replaying:
    """The endpoints of what is sent on. Without a list of allowed URLs, any page could send events anywhere."""

    def __init__(self, store: EventStore, own: str, allowed: Sequence[str], forwarder: Forwarder | None) -> None:
        self._store = store
        self._own = own
        self._allowed = (own, *allowed)
        self._forwarder = forwarder

    async def replay(self, request: Request) -> Response:
        """Sends what a filter finds, under new keys, with the same jobs, actors and data."""
        parameters.refuse_others(request)
        q, url = _read(await read_body(request, most=_LARGEST), self._own)
        if url not in self._allowed:
            return refusal(
                "events may not be replayed to this URL; start the local Events API with --replay-to and the URL", 403
            )
        return json_response(await run_in_threadpool(self._replayed, q, url))

    def _replayed(self, q: str, url: str) -> dict[str, Any]:
        events = self._store.events(q, limit=_MOST)
        api = EventsAPI(url, auth=None, timeout=_TIMEOUT, http=None)
        failed: list[dict[str, str]] = []
        try:
            Flush(api, requests_for(outgoing(events), Limits()), _RETRY_BUDGET).run()
        except DeliveryError as error:
            failed = failures(error)
        finally:
            api.close()
        return {"url": url, "replayed": len(events) - len(failed), "failed": failed}

    async def targets(self, request: Request) -> Response:
        parameters.refuse_others(request)
        return json_response({"urls": list(self._allowed)})

    async def forwarding(self, request: Request) -> Response:
        parameters.refuse_others(request)
        nothing: dict[str, Any] = {"url": None, "waiting": 0, "forwarded": 0, "failed": 0, "failures": []}
        return json_response(nothing if self._forwarder is None else self._forwarder.state())


def _read(body: bytes, own: str) -> tuple[str, str]:
    """The filter and the URL. Raises `DocumentError`."""
    if len(body) > _LARGEST:
        raise DocumentError(f"the body has more than {_LARGEST} bytes; {_SHAPE}")
    found = read_document(body)
    refuse_deep(found)
    if not isinstance(found, dict) or found.keys() - {"q", "url"} or "q" not in found:
        raise DocumentError(f"the body is no replay; {_SHAPE}")
    q, url = found["q"], found.get("url", own)
    if not isinstance(q, str) or not isinstance(url, str):
        raise DocumentError(f"q and url are texts; {_SHAPE}")
    return q, url.rstrip("/")
