"""Serving: the parts of a local Events API that are open while it serves."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import uvicorn

from bc_events._delivery import networks

from .app import Endpoints, make_app
from .connection import connections
from .inspection import Inspection
from .lines import Lines
from .listener import BACKLOG
from .listing import Listing
from .live import Live
from .overview import Overview
from .page import Page
from .replaying import Replaying
from .reporting import Reporting

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Sequence

    from .catalogue import Catalogue
    from .event_store import EventStore
    from .forwarder import Forwarder
    from .publishing import Publishing
    from .reach import Reach
    from .report_store import ReportStore
    from .request_log import RequestLog

# Longer than a client's pooled connection is idle in a test. Closing it earlier would look like an outage.
_KEEP_ALIVE: Final = 300
_GRACE: Final = 2


@dataclass(frozen=True, slots=True)
class Serving:
    """The parts that are open while it serves."""

    store: EventStore
    publishing: Publishing
    live: Live
    forwarder: Forwarder | None
    server: uvicorn.Server
    thread: threading.Thread
    port: int

    def stop(self) -> None:
        networks.local_stops(self.port)
        self.live.is_closing = True
        self.store.wake()
        self.server.should_exit = True
        self.thread.join()
        if self.forwarder is not None:
            self.forwarder.close()
        self.store.close()


def serving(
    listener: socket.socket,
    store: EventStore,
    *,
    publishing: Publishing,
    log: RequestLog,
    catalogue: Catalogue,
    reach: Reach,
    replay_to: Sequence[str],
    forwarder: Forwarder | None,
    reports: ReportStore,
) -> Serving:
    """Returns when requests are answered."""
    port = listener.getsockname()[1]
    is_up = threading.Event()

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        is_up.set()
        yield

    listing = Listing(store)
    live = Live(store, listing)
    lines = Lines(store, reports, log)
    parts = Endpoints(
        publishing=publishing,
        listing=listing,
        live=live,
        overview=Overview(store, catalogue),
        inspection=Inspection(log, publishing),
        replaying=Replaying(store, reach.url(port), replay_to, forwarder),
        reporting=Reporting(reports, lines),
        page=Page(store, log, lines, reports),
    )
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(parts, reach, lifespan),
            http=connections(log.add_unreadable),  # type: ignore[arg-type]  # uvicorn calls it as it would call the class
            loop="asyncio",
            ws="none",
            lifespan="on",
            log_config=None,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],), name="bc-events-local", daemon=True)
    thread.start()
    is_up.wait()  # from here on the backlog of the listener holds requests that come early
    networks.local_starts(port)
    return Serving(store, publishing, live, forwarder, server, thread, port)
