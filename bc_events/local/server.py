"""LocalEventsAPI: an Events API of one's own, in this process, on 127.0.0.1."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Self

import uvicorn

from bc_events.constants import MAX_REQUEST_BYTES
from bc_events.errors import ConfigurationError

from .app import make_app
from .catalogue import Catalogue
from .connection import hangable
from .faults import Faults
from .intake import Intake
from .page import Page
from .publishing import Publishing
from .reading import Reading
from .seen import SeenRequest, SeenRequests
from .store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from os import PathLike
    from typing import Unpack

    from bc_events.definitions import Definitions
    from bc_events.topics import TopicTable

    from .faults import FaultPlan
    from .received import ReceivedEvent

_ADDRESS: Final = "127.0.0.1"
_BACKLOG: Final = 1024
# Longer than any pooled connection of a client idles in a test: closing one under it looks like an outage.
_KEEP_ALIVE: Final = 300
_GRACE: Final = 2


class LocalEventsAPI:
    """Serves from `start` (or `with`) to `stop`, on a thread of its own. Threads share it; usable once."""

    def __init__(
        self,
        port: int = 0,
        *,
        db: str | PathLike[str] | None = None,
        topics: Definitions | TopicTable | Sequence[Definitions | TopicTable] = (),
        seed: int = 0,
        max_request_bytes: int = MAX_REQUEST_BYTES,
    ) -> None:
        """Nothing is opened yet.

        Args:
            port: 0 for any that is free.
            db: a file that keeps events from one start to the next; None keeps them in memory.
            topics: topic definitions, one or a list, that data is checked against; none takes everything.
            seed: of the faults, until `faults` gives another.
            max_request_bytes: a larger request is answered with 413.

        Raises `TopicDefinitionError` and, where two files define a topic differently, `ConfigurationError`.
        """
        self._port = port
        self._db = None if db is None else str(db)
        self._catalogue = Catalogue(topics if isinstance(topics, list | tuple) else [topics])  # type: ignore[list-item]  # a str is a Sequence too, but of no definitions
        self._seed = seed
        self._max_request_bytes = max_request_bytes
        self._seen = SeenRequests()
        self._is_up = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Returns when requests are answered. Raises `ConfigurationError` for a port or file that cannot be had."""
        listener = _listening(self._port)
        try:
            self._store = Store(self._db)
        except BaseException:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        self._publishing = Publishing(
            Intake(self._store, self._catalogue, max_request_bytes=self._max_request_bytes), self._seen, self._seed
        )
        self._reading = Reading(self._store, self._seen, self._publishing)
        self._serve(listener)
        return self

    def _serve(self, listener: socket.socket) -> None:
        app = make_app(self._publishing, self._reading, Page(self._store), self._lifespan)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=hangable,  # type: ignore[arg-type]  # called as the class it stands for
                loop="asyncio",
                ws="none",
                lifespan="on",
                log_config=None,
                server_header=False,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="bc-events-local", daemon=True
        )
        self._thread.start()
        self._is_up.wait()

    @asynccontextmanager
    async def _lifespan(self, _app: object) -> AsyncIterator[None]:
        self._is_up.set()
        yield

    def stop(self) -> None:
        """Ends every wait, answers what is being asked, and closes. May be called again."""
        if self._thread is None:
            return
        self._reading.is_closing = True
        self._store.wake()
        self._server.should_exit = True
        self._thread.join()
        self._thread = None
        self._store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """What an `EventClient` takes as `api_url`; its page is there too."""
        return f"http://{_ADDRESS}:{self._port}"

    def events(self, q: str = "", *, after: int = 0, limit: int | None = None) -> list[ReceivedEvent]:
        """The events that match a filter such as `"topic:policies.PolicyCreated job:4711"`, in the order of receipt.

        `after` leaves out those up to that `seq`. Raises `QueryError`, a ValueError, for a filter that cannot be read.
        """
        return self._store.events(q, after=after, limit=limit)

    def wait(self, q: str = "", count: int = 1, timeout: float = 5.0) -> list[ReceivedEvent]:
        """The events that match once there are `count`; raises `TimeoutError` after `timeout` seconds without them."""
        news = threading.Event()
        deadline = time.monotonic() + timeout
        with self._store.listening(news.set):
            while self._store.count(q) < count:
                if not news.wait(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(f"{self._store.count(q)} of {count} events for {q!r} came in {timeout} s")
                news.clear()
        return self._store.events(q)

    def requests(self) -> list[SeenRequest]:
        """Every POST to the contract's two paths, oldest first, refused ones and lost answers included."""
        return list(self._seen)

    def faults(self, *, seed: int | None = None, **plan: Unpack[FaultPlan]) -> None:
        """Misbehaves from now on: `api.faults(unavailable={"count": 3}, latency={"ms": 20})`; none where none is given.

        See `Fault` for what each kind takes. Raises `FaultError`, a ValueError.
        """
        self._publishing.faults = Faults(plan, self._seed if seed is None else seed)

    def fired(self) -> dict[str, int]:
        """How often each kind of fault has happened since `faults` was called."""
        return self._publishing.faults.fired

    def delete(self, q: str = "") -> int:
        """Forgets the events that match, and returns how many. Answers stay known: a repeat is still a repeat."""
        return self._store.delete(q)

    def clear(self) -> None:
        """As if it were new: no events, no requests, no answers remembered, no faults."""
        self.faults()
        self._seen.clear()
        self._store.clear()

    def __repr__(self) -> str:
        return f"<LocalEventsAPI {self.url} {'stopped' if self._thread is None else 'serving'}>"


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((_ADDRESS, port), backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"port {port} of {_ADDRESS} cannot be listened on ({error}); choose another, or 0 for any that is free"
        ) from error
