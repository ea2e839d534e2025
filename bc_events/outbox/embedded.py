"""EmbeddedRelay: a relay in the process that publishes, started by its first event."""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Final

from bc_events import forks
from bc_events.constants import LOGGER_NAME
from bc_events.errors import ConfigurationError, OutboxError

from .relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable

    from bc_events.api import EventsAPI
    from bc_events.wire import Limits

    from .pace import Pace
    from .store import Order, Store

_AT_EXIT: Final = 2.0
_logger = logging.getLogger(LOGGER_NAME)
_running: weakref.WeakSet[EmbeddedRelay] = weakref.WeakSet()


class EmbeddedRelay:
    """Starts no thread until something was stored in this very process, so it never crosses a fork.

    At exit it has two seconds to send what is left; the rest waits in the outbox, which is logged.
    """

    def __init__(self, store: Store, make: Callable[[], Relay]) -> None:
        self._store = store
        self._make = make
        self._begin_anew()
        _warn_where_threads_are_off()

    @classmethod
    def of(
        cls, store: Store, api: EventsAPI | None, limits: Limits, *, order: Order, pace: Pace | None
    ) -> EmbeddedRelay:
        """Raises `ConfigurationError` where it would have no API to send to."""
        if api is None:
            raise ConfigurationError(
                "an outbox's relay needs an api_url to send to; give the client one, or the outbox relay=False"
            )
        return cls(store, lambda: Relay(store, api, order=order, limits=limits, pace=pace))

    def wake(self) -> None:
        """Something was stored."""
        forks.notice()
        if self._born is not forks.generation:
            self._begin_anew()
        if self._relay is None:
            self._start()
        else:
            self._relay.wake()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._relay: Relay | None = None
        self._born = forks.generation

    def _start(self) -> None:
        with self._lock:
            if self._relay is not None:
                return
            relay = self._make()
            try:
                relay.start()
            except RuntimeError:  # no thread can be started while the interpreter shuts down
                self._report()
            else:
                self._relay = relay
                _running.add(self)

    def stop(self, timeout: float = _AT_EXIT) -> None:
        """Sends what it can in so many seconds, then ends. The next event starts another."""
        if self._born is not forks.generation:
            return
        with self._lock:
            relay, self._relay = self._relay, None
            _running.discard(self)
        if relay is not None:
            self._end(relay, timeout)

    def _end(self, relay: Relay, timeout: float) -> None:
        relay.drain(timeout)
        relay.stop()
        relay.join(timeout)
        self._report()

    def _report(self) -> None:
        try:
            pending = self._store.stats().pending
        except OutboxError as error:
            _logger.warning("the outbox could not be looked at when its relay ended", extra={"bc_reason": str(error)})
            return
        if pending:
            _logger.warning(
                "events wait in the outbox for the next relay; they are stored, not lost",
                extra={"bc_pending": pending, "bc_outbox": repr(self._store)},
            )


def _stop_all() -> None:
    for relay in list(_running):
        relay.stop()


def _forget() -> None:
    _running.clear()


atexit.register(_stop_all)
forks.after_fork(_forget)


def _warn_where_threads_are_off() -> None:
    """Under uWSGI without `--enable-threads` no thread but the request's ever runs."""
    uwsgi = sys.modules.get("uwsgi")
    options = getattr(uwsgi, "opt", None)
    if options is not None and not {"enable-threads", "threads"} & {_text(name) for name in options}:
        _logger.warning(
            "uWSGI runs without --enable-threads, so the embedded relay cannot send; "
            "add the option, or run `bc-events outbox relay` beside it"
        )


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
