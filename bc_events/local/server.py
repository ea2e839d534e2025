"""LocalEventsAPI: an Events API in this process, on 127.0.0.1."""

from __future__ import annotations

import sys
import threading
import time
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

from bc_events._config import arguments
from bc_events._runtime import argument_checks as check, job_ids, keywords
from bc_events.constants import MAX_REQUEST_BYTES
from bc_events.errors import ConfigurationError, counted

from .catalogue import Catalogue
from .event_store import EventStore
from .faults import Faults
from .lines import Lines
from .listener import ADDRESS, listening
from .publishing import Publishing
from .reach import Reach
from .report_store import ReportStore
from .request_log import RequestLog
from .responder import Responder
from .retention import Retention
from .serving import Serving, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta
    from typing import Unpack

    from bc_events.topics.definitions import Definitions
    from bc_events.topics.table import TopicTable

    from .faults import FaultPlan
    from .forwarder import Forwarder
    from .job_line import JobLine
    from .received_event import ReceivedEvent
    from .received_request import ReceivedRequest
    from .unsent import Unsent


class LocalEventsAPI:
    """An Events API on 127.0.0.1, from `start` to `stop` or in a `with` block, on its own thread. Threads share it."""

    @keywords.checked
    def __init__(
        self,
        port: int = 0,
        *,
        host: str = ADDRESS,
        token: str | None = None,
        allowed_hosts: Sequence[str] = (),
        db: str | PathLike[str] | None = None,
        topics: Definitions | TopicTable | Sequence[Definitions | TopicTable] = (),
        keep: int | None = None,
        keep_for: timedelta | None = None,
        seed: int = 0,
        forward: str | None = None,
        replay_to: Sequence[str] = (),
        max_request_bytes: int = MAX_REQUEST_BYTES,
        on_request: Callable[[ReceivedRequest], object] | None = None,
        on_unsent: Callable[[Unsent], object] | None = None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            port: 0 for any that is free.
            host: the address to listen on. One other than loopback needs a token, which every request then carries.
            token: 16 characters or more; by default a new one if `host` needs it. It is a part of `url`.
            allowed_hosts: further names by which clients may call this server, such as that of a container.
            db: a file that keeps events from one start to the next; None keeps them in memory.
            topics: topic definitions, one or a list, that data is checked against; none takes everything.
            keep: the most events to keep; those that came first are dropped.
            keep_for: how long to keep an event.
            seed: of the faults, until `faults` gives another.
            forward: the URL of a real Events API, to which accepted events are passed on in the background.
            replay_to: URLs to which stored events may be sent again over HTTP, beside this API and `forward`.
            max_request_bytes: a larger request is answered with 413.
            on_request: called with each request as it is answered, on the server's thread; it must not raise.
            on_unsent: called in the same way with events that a client has reported as not sent.

        Raises `TopicDefinitionError` and, where two files define a topic differently, `ConfigurationError`.
        """
        check.whole("port", port, least=0, most=65_535)
        self._reach = Reach.of(host, token, allowed_hosts)
        self._forward = None if forward is None else arguments.url(forward, has_auth=False, name="forward")
        check.texts("replay_to", replay_to, example='a list of URLs, such as ["https://api.mysite.britecore.com"]')
        targets = [arguments.url(one, has_auth=False, name="replay_to") for one in replay_to]
        self._replay_to = (*targets, *([self._forward] if self._forward else []))
        self._retention = Retention.of(keep, keep_for)
        check.whole("seed", seed, least=-sys.maxsize)
        check.whole("max_request_bytes", max_request_bytes, least=1)
        if db is not None:
            check.instance("db", db, (str, PathLike), example="the name of a file, such as events.db")
        self._port = port
        self._db = None if db is None else str(db)
        self._catalogue = Catalogue(topics if isinstance(topics, list | tuple) else [topics])  # type: ignore[list-item]  # a str is a Sequence too, but of no definitions
        self._seed = seed
        self._max_request_bytes = max_request_bytes
        self._log = RequestLog(on_request)
        self._reports = ReportStore(on_unsent)
        self._live: Serving | None = None

    def start(self) -> Self:
        """Returns when requests are answered. Raises `ConfigurationError` if the port or the file cannot be used."""
        if self._live is not None:
            raise ConfigurationError(f"this local Events API serves already, at {self.url}; make another one")
        listener = listening(self._port, self._reach.host)
        try:
            store = EventStore(self._db, self._retention)
        except BaseException:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        responder = Responder(store, self._catalogue, max_request_bytes=self._max_request_bytes)
        try:
            forwarder = self._forwarder()
            self._live = serving(
                listener,
                store,
                publishing=Publishing(responder, self._log, self._seed, forwarder),
                log=self._log,
                catalogue=self._catalogue,
                reach=self._reach,
                replay_to=self._replay_to,
                forwarder=forwarder,
                reports=self._reports,
            )
        except BaseException:  # such as a RuntimeError where no thread can be started
            listener.close()
            store.close()
            raise
        return self

    def _forwarder(self) -> Forwarder | None:
        if self._forward is None:
            return None
        from .forwarder import Forwarder  # noqa: PLC0415  it loads the HTTP client

        return Forwarder(self._forward, passes_authorization=self._reach.token is None)

    def stop(self) -> None:
        """Ends every wait, answers the requests at hand, and closes. A second call does nothing."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The `api_url` for an `EventClient`, with the token if there is one. The page is at this address too."""
        if self._port == 0:
            raise ConfigurationError("this local Events API has no port yet; read its url after start, or in its with")
        return self._reach.url(self._port)

    def forwarding(self) -> dict[str, Any]:
        """How many events wait to be passed on, were passed on, and failed, with the latest failures."""
        forwarder = self._open.forwarder
        return {} if forwarder is None else forwarder.state()

    @property
    def _open(self) -> Serving:
        if self._live is None:
            raise ConfigurationError(
                "this local Events API does not serve; use it between start and stop, or in its with"
            )
        return self._live

    def events(self, q: str = "", *, after: int = 0, limit: int | None = None) -> list[ReceivedEvent]:
        """The events that match a filter such as `"topic:policies.PolicyCreated job:4711"`, in the order of receipt.

        `after` leaves out those up to that `seq`. Raises `QueryError`, a ValueError, for a filter that cannot be read.
        """
        check.whole("after", after, least=0)
        if limit is not None:
            check.whole("limit", limit, least=0)
        return self._open.store.events(q, after=after, limit=limit)

    def latest(self, q: str = "") -> ReceivedEvent:
        """The event that came last of those that match. Raises `LookupError` if there is none."""
        found = self._open.store.latest(q, 1)
        if not found:
            which = f"no event that has come matches {q!r}" if q else "no event has come"
            raise LookupError(which + self._log.hint())
        return found[0]

    def wait(self, q: str = "", count: int = 1, timeout: float = 5.0) -> list[ReceivedEvent]:
        """The events that match, as soon as there are `count`. Raises `TimeoutError` after `timeout` seconds."""
        check.whole("count", count, least=0)
        check.seconds("timeout", timeout)
        store, news = self._open.store, threading.Event()
        deadline = time.monotonic() + timeout
        with store.listening(news.set):
            while (there := store.count(q, count)) < count:
                if not news.wait(max(0.0, deadline - time.monotonic())):
                    came = f"{there} of {counted(count, 'event')} for {q!r} came in {timeout} s"
                    raise TimeoutError(came + self._log.hint())
                news.clear()
        return store.events(q)

    def requests(self) -> list[ReceivedRequest]:
        """Every request that meant to publish, oldest first: also refused ones, with the reason, and lost answers."""
        return list(self._log)

    def job(self, job_id: str) -> JobLine:
        """The line of a job: its events in the order of time, also those that did not arrive, with the reason.

        Only clients that run in development on this machine report events that did not arrive.
        """
        return Lines(self._open.store, self._reports, self._log).of(job_ids.validated(job_id))

    def unsent(self) -> list[Unsent]:
        """The latest 1,000 reports of events that were not sent, oldest first."""
        return self._reports.unsent()[::-1]

    def faults(self, *, seed: int | None = None, **plan: Unpack[FaultPlan]) -> None:
        """Injects faults: `api.faults(unavailable={"count": 3}, latency={"ms": 20})`. `api.faults()` ends them.

        See `Fault` for what each kind takes. Raises `FaultError`, a ValueError.
        """
        if seed is not None:
            check.whole("seed", seed, least=-sys.maxsize)
        self._open.publishing.faults = Faults(plan, self._seed if seed is None else seed)

    def fired(self) -> dict[str, int]:
        """How often each kind of fault has happened since `faults` was called."""
        return self._open.publishing.faults.fired

    def delete(self, q: str = "") -> int:
        """Deletes what matches, refused events too, and returns how many. A repeated request is still recognised."""
        return self._open.store.delete(q)

    def clear(self) -> None:
        """Deletes events, requests, reports and remembered answers, and ends faults."""
        self.faults()
        self._log.clear()
        self._reports.clear()
        self._open.store.clear()

    def __repr__(self) -> str:
        state = "stopped" if self._live is None else "serving"
        return f"<LocalEventsAPI http://{self._reach.host}:{self._port} {state}>"
