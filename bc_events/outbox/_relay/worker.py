"""Worker: one thread of a relay. It claims, sends and settles. It waits if nothing is ready, or if the API is away."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from bc_events._runtime import logs
from bc_events._runtime.interrupts import raised_outside
from bc_events.errors import counted

from .claim_sender import ClaimSender, Interruption
from .claim_size import ClaimSize
from .outcome import RequestOutcome

if TYPE_CHECKING:
    from bc_events._delivery.api import EventsAPI
    from bc_events._delivery.request import Limits
    from bc_events.outbox._store.store import Claim, Order, RelayStore

    from .counts import RelayCounts
    from .settings import RelaySettings

_AWAY: Final = "the Events API takes no events; the relay pauses for %.1f s: %s"
_REFUSES: Final = "the Events API refuses this relay, which pauses for %.1f s; correct its address or credentials: %s"
_STOPPED: Final = "a relay was interrupted; the events that it had claimed are sent again later: %s"
_BROKEN: Final = "a relay cannot use its outbox and pauses: %s"
_logger = logs.logger


class Worker:
    """`wake` ends its wait for more rows. It never ends a pause, because the API may have asked for that."""

    def __init__(
        self,
        store: RelayStore,
        api: EventsAPI,
        *,
        settings: RelaySettings,
        limits: Limits,
        order: Order,
        counts: RelayCounts,
    ) -> None:
        self._store = store
        self._api = api
        self._settings = settings
        self._limits = limits
        self._order: Order = order
        self._counts = counts
        self._size = ClaimSize()
        self._stopping = threading.Event()
        self._idle_lock = threading.Lock()
        self._woken = threading.Event()
        self._idle = threading.Event()
        self._is_paused = False
        self._outages = 0
        self._faults = 0

    def run(self) -> None:
        """Works until `stop`. A turn that fails is reported, and the next turn follows."""
        wait, longest = self._settings.poll
        while not self._stopping.is_set():
            self._woken.clear()  # a `wake` from here on may be too late for this turn, and leads to another
            if self._turn():
                wait = self._settings.poll[0]
            elif not self._stopping.is_set():
                self._become_idle()
                self._woken.wait(wait)
                wait = min(2 * wait, longest)
        self._idle.set()

    def _become_idle(self) -> None:
        with self._idle_lock:
            if not self._woken.is_set():
                self._idle.set()

    def wake(self) -> None:
        self._woken.set()

    def look_again(self) -> None:
        """Asks for one more look at the outbox. `wait_until_idle` then waits for that look."""
        self._store.sweep()
        with self._idle_lock:
            if not self._is_paused:
                self._idle.clear()
            self._woken.set()

    def wait_until_idle(self, timeout: float) -> bool:
        """Whether, within so many seconds, it had nothing more to send, or could not send it."""
        return self._idle.wait(timeout)

    def stop(self) -> None:
        """Ends the worker after the request in hand. Other claimed rows are released."""
        self._stopping.set()
        self._woken.set()

    def _turn(self) -> bool:
        """Makes one claim and sends it. Returns whether there was something to do."""
        try:
            # While the API is away, one request is enough to find out whether it is back.
            limit = 1 if self._outages else self._size.begin()
            claim = self._store.claim(limit=limit, seconds=self._settings.lease, limits=self._limits, order=self._order)
            if self._faults and not self._outages:
                self._counts.pause_reason = None
            self._faults = 0
            if claim is not None:
                self._serve(claim)
                self._size.served(claim)
        except Exception as error:  # the rows are stored, and their leases end
            self._faults += 1
            self._counts.pause_reason = str(error)
            if raised_outside(error, handled=None) is not None:
                _logger.exception(_STOPPED, type(error).__name__)
            elif self._faults == 1:
                _logger.exception(_BROKEN, self._counts.pause_reason)
            self._pause(self._settings.pause_after(self._faults))
            return True
        return claim is not None

    def _serve(self, claim: Claim) -> None:
        sender = ClaimSender(
            claim,
            self._store,
            self._api,
            settings=self._settings,
            counts=self._counts,
            is_stopping=self._stopping.is_set,
            on_answer=self._recover,
        )
        interruption = sender.run()
        if interruption is not None:
            self._put_off(claim, interruption)

    def _put_off(self, claim: Claim, interruption: Interruption) -> None:
        """Puts these rows behind other ready rows, because the fault may lie in them alone.

        So they wait for longer than this worker pauses; but no longer than a lease, so that other relays can try them.
        """
        answer = interruption.answer
        self._outages += 1
        reason = self._counts.pause_reason = interruption.reason
        seconds = max(answer.pause or 0.0, self._settings.pause_after(self._outages))
        if self._outages == 1:
            is_refused = interruption.outcome is RequestOutcome.MISCONFIGURED
            _logger.log(
                logging.ERROR if is_refused else logging.WARNING,
                _REFUSES if is_refused else _AWAY,
                seconds,
                reason,
                extra={"bc_reason": reason, "bc_pause": round(seconds, 3)},
            )
        self._store.release(
            claim.lease,
            interruption.request.events,
            delay=min(seconds, self._settings.lease) + self._settings.poll[1],
            reason=reason,
        )
        self._pause(seconds)

    def _recover(self) -> None:
        if self._outages:
            _logger.info(
                "the Events API takes events again, after %s",
                counted(self._outages, "failed request"),
                extra={"bc_failed_requests": self._outages},
            )
        self._outages = 0
        self._counts.pause_reason = None

    def _pause(self, seconds: float) -> None:
        with self._idle_lock:
            self._is_paused = True
            self._idle.set()
        self._stopping.wait(seconds)
        self._is_paused = False
