"""EmbeddedRelay: a relay in the process that publishes. The first event starts it."""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from bc_events._runtime import forks, logs
from bc_events.errors import ConfigurationError, counted

from .exits import Exits
from .relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bc_events._delivery.api import EventsAPI
    from bc_events._delivery.request import Limits
    from bc_events.outbox._store.store import Order, Store

    from .settings import RelaySettings

_AT_EXIT: Final = 2.0
_FOR_THE_REST: Final = 0.25
"""The share of that time in which the relay finishes the request in hand, releases the other rows and counts them."""


class EmbeddedRelay:
    """Starts no thread before something is stored in the present process, so no thread has to cross a fork.

    At exit, all embedded relays together have two seconds to send their events. The log says how many still wait.
    """

    def __init__(self, store: Store, make: Callable[[], Relay]) -> None:
        self._store = store
        self._make = make
        self._begin_anew()
        _warn_where_threads_are_off()

    @classmethod
    def of(
        cls, store: Store, api: EventsAPI | None, limits: Limits, *, order: Order, settings: RelaySettings | None
    ) -> EmbeddedRelay:
        """Raises `ConfigurationError` if there is no API, or if a relay cannot work with these arguments."""
        if api is None:
            raise ConfigurationError(
                "an outbox's relay needs an api_url to send to; give the client one, or the outbox relay=False"
            )

        def make() -> Relay:
            return Relay(store, api, order=order, limits=limits, settings=settings)

        make()  # otherwise the first event would find settings that cannot work
        return cls(store, make)

    def wake(self) -> None:
        """Tells the relay that something was stored. Never raises: the event is safe without a thread too."""
        forks.notice()
        if self._born is not forks.generation:
            self._begin_anew()
        if self._relay is None:
            self._start()
        else:
            self._relay.wake()

    def _begin_anew(self) -> None:
        self._lock = threading.RLock()
        self._is_starting = False
        self._relay: Relay | None = None
        self._born = forks.generation
        self._has_warned = False

    def _start(self) -> None:
        if _exit.has_come:
            self._warn("this process is about to exit")
            return
        with self._lock:
            if self._relay is not None or self._is_starting:  # a signal handler may publish meanwhile
                return
            relay, self._is_starting = self._make(), True
            try:
                relay.start()
            except Exception as error:  # noqa: BLE001  the events are stored, and the next one tries again
                fault = error
            else:
                self._relay, self._has_warned = relay, False
                _exit.is_due_to(self)
                return
            finally:
                self._is_starting = False
        self._warn(f"{type(fault).__name__}: {fault}")

    def _warn(self, reason: str) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        logs.write(
            logging.WARNING,
            "the relay of %s cannot be started (%s); its events are stored, not lost, and the next one tries again",
            self._store,
            reason,
            bc_reason=reason,
            bc_outbox=repr(self._store),
        )

    def stop(self, timeout: float = _AT_EXIT) -> None:
        """Sends events for at most so many seconds, then ends. The next event starts another relay."""
        _end([self], timeout)

    def taken(self) -> Relay | None:
        """The relay that runs in this process, if any. The caller has to end it."""
        if self._born is not forks.generation:
            return None
        with self._lock:
            relay, self._relay = self._relay, None
        return relay

    def report(self, left: int | None) -> None:
        """Logs how many events still wait. The number is unknown if the outbox did not answer in time."""
        if left == 0:
            return
        logs.write(
            logging.WARNING,
            "%s waiting in %s for the next relay: stored, not lost",
            "an unknown number of events" if left is None else counted(left, "event"),
            self._store,
            bc_pending=left,
            bc_outbox=repr(self._store),
        )


class _Exit:
    """The process owns its relays until they are stopped. The holder of a client does not."""

    def __init__(self) -> None:
        self._relays: set[EmbeddedRelay] = set()
        self._exits = Exits(self._leave)
        self.has_come = False
        forks.after_fork(self._begin_anew)

    def _begin_anew(self) -> None:
        self._relays = set()
        self.has_come = False

    def is_due_to(self, relay: EmbeddedRelay) -> None:
        self._relays.add(relay)
        self._exits.expect()

    def is_not_due_to(self, relay: EmbeddedRelay) -> None:
        self._relays.discard(relay)

    def _leave(self) -> None:
        self.has_come = True
        _end(list(self._relays), _AT_EXIT)


_exit: Final = _Exit()


def _end(embedded: Sequence[EmbeddedRelay], seconds: float) -> None:
    """Ends relays at the same time: all of them together have so many seconds."""
    deadline = time.monotonic() + seconds
    running = [(one, relay) for one in embedded if (relay := one.taken()) is not None]
    for one, relay in running:
        _exit.is_not_due_to(one)
        relay.look_again()
    for _, relay in running:
        relay.wait_until_idle(deadline - _FOR_THE_REST - time.monotonic())
    for _, relay in running:
        relay.stop()
    for one, relay in running:
        relay.join(max(0.0, deadline - time.monotonic()))
        one.report(relay.left)


def _warn_where_threads_are_off() -> None:
    """uWSGI without `--enable-threads` runs no thread other than that of the request."""
    uwsgi = sys.modules.get("uwsgi")
    options = getattr(uwsgi, "opt", None)
    if options is not None and not {"enable-threads", "threads"} & {_text(name) for name in options}:
        logs.write(
            logging.WARNING,
            "uWSGI runs without --enable-threads, so the embedded relay cannot send; "
            "add the option, or run `bc-events outbox relay` beside it",
        )


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
