"""The ASGI application: which path leads where, and who may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from bc_events.constants import BULK_PATH, EVENTS_PATH

from .guard import SameOrigin
from .reading import REFUSED, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from .page import Page
    from .publishing import Publishing
    from .reading import Reading

    Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def make_app(publishing: Publishing, reading: Reading, page: Page, lifespan: Lifespan) -> Starlette:
    return Starlette(
        routes=[
            Route(EVENTS_PATH, publishing.single, methods=["POST"]),
            Route(BULK_PATH, publishing.bulk, methods=["POST"]),
            Route("/api/events", reading.events, methods=["GET"]),
            Route("/api/events", reading.delete, methods=["DELETE"]),
            Route("/api/events.jsonl", reading.lines, methods=["GET"]),
            Route("/api/events/wait", reading.wait, methods=["GET"]),
            Route("/api/requests", reading.requests, methods=["GET"]),
            Route("/api/requests", reading.forget_requests, methods=["DELETE"]),
            Route("/api/faults", reading.faults, methods=["GET"]),
            Route("/api/faults", reading.set_faults, methods=["PUT"]),
            Route("/api/faults", reading.clear_faults, methods=["DELETE"]),
            Route("/readyz", reading.ready, methods=["GET"]),
            Route("/page.css", page.style, methods=["GET"]),
            Route("/", page.events, methods=["GET"]),
        ],
        middleware=[Middleware(SameOrigin)],
        exception_handlers=dict.fromkeys(REFUSED, refused),
        lifespan=lifespan,
    )
