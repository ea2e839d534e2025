"""Overview: events in numbers, and the catalogue of topics."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool

from . import facets, parameters
from .json_response import json_response
from .query import moment_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from bc_events.topics.topic import Topic

    from .catalogue import Catalogue
    from .event_store import EventStore

_BY_TOPIC: Final = "SELECT topic, status, count(*), max(seq) FROM events GROUP BY topic, status"


class Overview:
    """The endpoints that sum up."""

    def __init__(self, store: EventStore, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    async def facets(self, request: Request) -> Response:
        q = parameters.filter_of(request, "limit")
        limit = parameters.whole(request, "limit", 20, least=1, most=1000)
        return json_response(await run_in_threadpool(facets.facets, self._store, q, limit=limit))

    async def histogram(self, request: Request) -> Response:
        q = parameters.filter_of(request, "buckets")
        buckets = parameters.whole(request, "buckets", 60, least=1, most=1000)
        return json_response(await run_in_threadpool(facets.histogram, self._store, q, buckets=buckets))

    async def topics(self, request: Request) -> Response:
        """Every topic that is defined or has been seen."""
        parameters.refuse_others(request)
        return json_response({"topics": await run_in_threadpool(self._topics)})

    def _topics(self) -> list[dict[str, Any]]:
        counts: dict[str, Counter[str]] = {}
        latest: dict[str, int] = {}
        for topic, status, count, seq in self._store.rows((_BY_TOPIC, ())):
            if topic:
                counts.setdefault(topic, Counter())[status] += count
                latest[topic] = max(seq, latest.get(topic, 0))
        seen = self._moments(latest)
        names = sorted({*self._catalogue.topics, *counts})
        return [
            {
                "topic": name,
                **_described(self._catalogue.topics.get(name)),
                "counts": counts.get(name, {}),
                "lastSeen": seen.get(name),
            }
            for name in names
        ]

    def _moments(self, latest: dict[str, int]) -> dict[str, str]:
        marks = ", ".join("?" * len(latest))
        statement = f"SELECT seq, received FROM events WHERE seq IN ({marks})"  # noqa: S608  question marks
        moments = dict(self._store.rows((statement, tuple(latest.values()))))
        return {topic: moment_of(moments[seq]).isoformat() for topic, seq in latest.items() if seq in moments}


def _described(topic: Topic | None) -> dict[str, Any]:
    if topic is None:
        return {"isDocumented": False, "description": None, "schema": None, "calls": []}
    return {
        "isDocumented": True,
        "description": topic.description,
        "schema": topic.schema,
        "calls": list(topic.magic_names),
    }
