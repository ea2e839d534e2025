"""The ASGI application: which path leads where, and who may ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from bc_events.constants import BULK_PATH, EVENTS_PATH, REPORTS_PATH

from .access import Access
from .json_response import REFUSED, refused
from .openapi import document

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from .inspection import Inspection
    from .listing import Listing
    from .live import Live
    from .overview import Overview
    from .page import Page
    from .publishing import Publishing
    from .reach import Reach
    from .replaying import Replaying
    from .reporting import Reporting

    Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Who answers at which paths."""

    publishing: Publishing
    listing: Listing
    live: Live
    overview: Overview
    inspection: Inspection
    replaying: Replaying
    reporting: Reporting
    page: Page


def make_app(parts: Endpoints, reach: Reach, lifespan: Lifespan) -> Starlette:
    publishing, listing, live, overview = parts.publishing, parts.listing, parts.live, parts.overview
    inspection, replaying = parts.inspection, parts.replaying
    app = Starlette(
        routes=[
            Route(EVENTS_PATH, publishing.single, methods=["POST"]),
            Route(BULK_PATH, publishing.bulk, methods=["POST"]),
            Route("/api/events", listing.page, methods=["GET"]),
            Route("/api/events", listing.delete, methods=["DELETE"]),
            Route("/api/events.jsonl", listing.lines, methods=["GET"]),
            Route("/api/events.jsonl", listing.take_in, methods=["POST"]),
            Route("/api/events/wait", live.wait, methods=["GET"]),
            Route("/api/events/stream", live.stream, methods=["GET"]),
            Route("/api/events/{event_id}", listing.one, methods=["GET"]),
            Route("/api/facets", overview.facets, methods=["GET"]),
            Route("/api/histogram", overview.histogram, methods=["GET"]),
            Route("/api/topics", overview.topics, methods=["GET"]),
            Route("/api/jobs/{job_id:path}", parts.reporting.job, methods=["GET"]),
            Route("/api/unsent", parts.reporting.unsent, methods=["GET"]),
            Route(REPORTS_PATH, parts.reporting.identity, methods=["GET"]),
            Route(REPORTS_PATH, parts.reporting.take, methods=["POST"]),
            Route(REPORTS_PATH, parts.reporting.forget, methods=["DELETE"]),
            Route("/api/requests", inspection.requests, methods=["GET"]),
            Route("/api/requests", inspection.forget_requests, methods=["DELETE"]),
            Route("/api/faults", inspection.faults, methods=["GET"]),
            Route("/api/faults", inspection.set_faults, methods=["PUT"]),
            Route("/api/faults", inspection.clear_faults, methods=["DELETE"]),
            Route("/api/replay", replaying.replay, methods=["POST"]),
            Route("/api/replay", replaying.targets, methods=["GET"]),
            Route("/api/forwarding", replaying.forwarding, methods=["GET"]),
            Route("/readyz", inspection.ready, methods=["GET"]),
            Route("/openapi.json", document, methods=["GET"]),
            Route("/page.css", parts.page.style, methods=["GET"]),
            Route("/", parts.page.events, methods=["GET"]),
        ],
        middleware=[Middleware(Access, reach, publishing.turned_away)],
        exception_handlers={
            **dict.fromkeys(REFUSED, refused),
            **dict.fromkeys((404, 405), publishing.wrong_path),
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect is never followed, and would hide that the path is wrong
    return app
