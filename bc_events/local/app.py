"""The ASGI application: which path leads where, and who may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from bc_events.constants import BULK_PATH, EVENTS_PATH

from .inspection import REFUSED, refused
from .same_origin import SameOrigin

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from .inspection import Inspection
    from .page import Page
    from .publishing import Publishing

    Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def make_app(publishing: Publishing, inspection: Inspection, page: Page, lifespan: Lifespan) -> Starlette:
    app = Starlette(
        routes=[
            Route(EVENTS_PATH, publishing.single, methods=["POST"]),
            Route(BULK_PATH, publishing.bulk, methods=["POST"]),
            Route("/api/events", inspection.events, methods=["GET"]),
            Route("/api/events", inspection.delete, methods=["DELETE"]),
            Route("/api/events.jsonl", inspection.lines, methods=["GET"]),
            Route("/api/events/wait", inspection.wait, methods=["GET"]),
            Route("/api/requests", inspection.requests, methods=["GET"]),
            Route("/api/requests", inspection.forget_requests, methods=["DELETE"]),
            Route("/api/faults", inspection.faults, methods=["GET"]),
            Route("/api/faults", inspection.set_faults, methods=["PUT"]),
            Route("/api/faults", inspection.clear_faults, methods=["DELETE"]),
            Route("/readyz", inspection.ready, methods=["GET"]),
            Route("/page.css", page.style, methods=["GET"]),
            Route("/", page.events, methods=["GET"]),
        ],
        middleware=[Middleware(SameOrigin, publishing.turned_away)],
        exception_handlers={
            **dict.fromkeys(REFUSED, refused),
            **dict.fromkeys((404, 405), publishing.wrong_path),
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect is never followed, and would hide that the path is wrong
    return app
