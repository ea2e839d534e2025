"""Relay: brings events from an outbox to the Events API, on threads of its own."""

from __future__ import annotations

import contextvars
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bc_events._ambient.default_client import checked_client
from bc_events._config import following
from bc_events._delivery.request import Limits
from bc_events._runtime import argument_checks as check, keywords, logs
from bc_events.errors import ConfigurationError, OutboxError, counted

from . import metrics
from .counts import RelayCounts
from .settings import RelaySettings, check_order, check_settings
from .upkeep import ArchiveUpkeep
from .worker import Worker

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from bc_events._delivery.api import EventsAPI
    from bc_events.client import EventClient
    from bc_events.outbox._store.store import Order, RelayStore

MOST_WORKERS: Final = 1000
"""Each is a thread, with a connection to the database and one to the API."""
_TO_WITHDRAW: Final = 1.0
_BETWEEN_COUNTS: Final = 0.1
_logger = logs.logger


class Relay:
    """Any number of relays, on any number of machines, may share a store. An object is started once.

    `with relay:` starts it and stops it. `run` works until another thread calls `stop`. A signal handler must not call
    `stop`, because the code that it interrupts may hold a lock that `stop` needs. It raises KeyboardInterrupt instead.
    """

    def __init__(
        self,
        store: RelayStore,
        api: EventsAPI,
        *,
        workers: int = 1,
        order: Order = "time",
        limits: Limits | None = None,
        settings: RelaySettings | None = None,
    ) -> None:
        """`workers` threads send at once. Raises `ConfigurationError`."""
        check_order(order)
        check_settings(settings)
        check.whole("workers", workers, least=1, most=MOST_WORKERS)
        self.store: RelayStore = store
        self._api = api
        self._settings = settings or RelaySettings.for_requests_of(api.deadline)
        self._settings.check(api.deadline)
        self.counts: RelayCounts = RelayCounts()
        self._workers = [
            Worker(store, api, settings=self._settings, limits=limits or Limits(), order=order, counts=self.counts)
            for _ in range(workers)
        ]
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()
        self.left: int | None = None
        """How many events waited when it ended. None if they could not be counted."""

    @classmethod
    @keywords.checked
    def of(
        cls, client: EventClient, *, workers: int = 1, order: Order = "time", settings: RelaySettings | None = None
    ) -> Relay:
        """The relay of a client's own outbox to its own API, with its auth. Raises `ConfigurationError`."""
        checked_client(client, "client")
        store = getattr(client.outbox, "store", None)
        if store is None or client._api is None:
            raise ConfigurationError("a relay needs a client that has both an outbox and an api_url")
        return cls(store, client._api, workers=workers, order=order, limits=client.limits, settings=settings)

    def start(self) -> None:
        """Starts its threads. They are daemons with an empty context, so no session of the caller is live there.

        Raises RuntimeError if a thread cannot be started. Then none is left running.
        """
        metrics.observe(self.store)
        self._api.prepare()
        following.follow(self._api.url)
        try:
            self._start_threads()
        except BaseException:
            self.stop()
            self.join(_TO_WITHDRAW)
            raise

    def _start_threads(self) -> None:
        """The workers come last: if a thread cannot be started, no row has been claimed."""
        targets = [(self._watch, "bc-events-relay-age"), *((worker.run, "bc-events-relay") for worker in self._workers)]
        if self.store.keep is not None:
            targets.insert(0, (ArchiveUpkeep(self.store, self._stopped).run, "bc-events-relay-archive"))
        for target, name in targets:
            thread = threading.Thread(target=contextvars.Context().run, args=(target,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def run(self) -> None:
        """Works until `stop` or an exception, then finishes the requests in hand and releases the rest."""
        with self:
            self._stopped.wait()

    def wake(self) -> None:
        """Looks for stored events now."""
        for worker in self._workers:
            worker.wake()

    def drain(self, timeout: float) -> None:
        """Looks once more, and waits until no event is ready or none can be sent; at most so many seconds."""
        self.look_again()
        self.wait_until_idle(timeout)

    def look_again(self) -> None:
        """Asks for one more look at the outbox. `wait_until_idle` then waits for that look."""
        for worker in self._workers:
            worker.look_again()

    def wait_until_idle(self, timeout: float) -> None:
        """Waits until no event is ready or none can be sent; at most so many seconds."""
        deadline = time.monotonic() + timeout
        for worker in self._workers:
            worker.wait_until_idle(max(0.0, deadline - time.monotonic()))

    def is_done(self) -> bool:
        """Whether nothing waits in its outbox. False if the database cannot be read, which the workers report."""
        try:
            return self.store.stats().pending == 0
        except OutboxError:
            return False

    def stop(self) -> None:
        """Asks the workers to end after the request in hand."""
        for worker in self._workers:
            worker.stop()
        self._stopped.set()

    def join(self, timeout: float | None = None) -> bool:
        """Waits for the workers to end. Returns False if some have not ended after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _watch(self) -> None:
        """Logs an error if events wait for too long: an API that is away must not fill the disk unseen."""
        self._look_out()
        self._take_stock()

    def _take_stock(self) -> None:
        """Counts the events that are left. This thread does it, so that a database that hangs does not hold up the code
        that stops the relay.
        """
        are_at_work = True
        while are_at_work:
            workers = [thread for thread in self._threads if thread is not threading.current_thread()]
            for thread in workers:
                thread.join(_BETWEEN_COUNTS)
            are_at_work = any(thread.is_alive() for thread in workers)
            with suppress(OutboxError):
                self.left = self.store.stats().pending

    def _look_out(self) -> None:
        while not self._stopped.wait(max(1.0, self._settings.alarm / 10)):
            try:
                stats = self.store.stats()
            except OutboxError:
                continue  # the workers report it
            if stats.oldest_age > self._settings.alarm:
                _logger.error(
                    "%s waiting in the outbox for too long, the oldest for %d s",
                    *(counted(stats.pending, "event"), stats.oldest_age),
                    extra={"bc_oldest_age": round(stats.oldest_age), "bc_pending": stats.pending},
                )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.stop()
        self.join()
