"""Retries: the events of a session made by hand that no flush has delivered. Its next flush sends them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from bc_events.errors import DeliveryError
from bc_events.event import LastRequest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import RLock

    from bc_events._delivery.request import Request
    from bc_events.event import Event


class Retries:
    """Events that were neither delivered nor refused. Each has one owner at any moment.

    The session owns it from `keep` on, until a later flush takes it (`take`), `EventClient.resend` does (`claim`), or a
    rollback leaves it to the error that names it (`release`). A resend takes it from the error, too.
    """

    __slots__ = ("_lock", "_taken", "_waiting")

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._waiting: dict[Event, None] = {}
        self._taken: WeakSet[Event] | None = None
        """Those that a later attempt has taken: what an earlier error says about them is out of date."""

    @property
    def waiting(self) -> list[Event]:
        return list(self._waiting)

    def keep(self, events: Sequence[Event]) -> None:
        """No attempt has delivered them, and none is at work on them now. The oldest come first."""
        with self._lock:
            self._waiting = dict.fromkeys([*events, *self._waiting])
            self.return_to_error(events)

    def take(self) -> list[Event]:
        """All of them, for a flush."""
        with self._lock:
            taken, self._waiting = list(self._waiting), {}
            self._note_taken(taken)
        return taken

    def release(self) -> list[Event]:
        """All of them, so that they belong to their error alone."""
        with self._lock:
            released, self._waiting = list(self._waiting), {}
        return released

    def claim(self, events: Sequence[Event]) -> tuple[list[Event], list[Event]]:
        """For a resend: those that it takes from the session, and those that belong to the error already."""
        with self._lock:
            claimed = [event for event in events if event in self._waiting]
            own = [event for event in events if event not in self._waiting and event not in (self._taken or ())]
            for event in claimed:
                del self._waiting[event]
            self._note_taken([*claimed, *own])
        return claimed, own

    def return_to_error(self, events: Sequence[Event]) -> None:
        """A resend failed: another one may send those that belong to the error."""
        with self._lock:
            if self._taken is not None:
                self._taken.difference_update(events)

    def _note_taken(self, events: Sequence[Event]) -> None:
        if events:
            self._taken = WeakSet() if self._taken is None else self._taken
            self._taken.update(events)


class Resend:
    """What `EventClient.resend` sends for an error.

    `requests` are the error's, as they are. `events` are those of sessions made by hand: they go out in the requests in
    which they were sent last, which may be others than the error's.
    """

    __slots__ = ("_claimed", "_own", "events", "requests")

    def __init__(self, error: DeliveryError) -> None:
        """Takes from their sessions the events that those keep. What a later attempt has taken is left out."""
        self.requests: list[Request[Event]] = []
        self.events: list[Event] = []
        self._claimed: list[Event] = []
        self._own: list[Event] = []
        refused = {item.event for item in error.undelivered if item.outcome == "refused"}
        for request in error.requests:
            retries = None if request.events[0] in refused else retries_of(request.events[0])
            if retries is None:
                self.requests.append(request)
            else:
                self._claim(retries, request)

    def _claim(self, retries: Retries, request: Request[Event]) -> None:
        claimed, own = retries.claim(request.events)
        self._claimed += claimed
        self._own += own
        self.events += [*claimed, *own]

    def give_back(self, stop: BaseException) -> None:
        """It failed: what it took and could not deliver belongs to the session, or else to the error, again."""
        sent = [*(event for request in self.requests for event in request.events), *self.events]
        for event in reversed(unsettled(stop, self._claimed, sent=sent)):
            retries = retries_of(event)
            if retries is not None:
                retries.keep([event])
        for event in unsettled(stop, self._own, sent=sent):
            retries = retries_of(event)
            if retries is not None:
                retries.return_to_error([event])


def retries_of(event: Event) -> Retries | None:
    """Those of the session that published it; None if that keeps none, or lives in another process."""
    unit: Any = event.origin
    retries: Retries | None = getattr(unit, "retries", None)
    return None if retries is None or unit.is_from_before_fork else retries


def unsettled(stop: BaseException, events: Sequence[Event], *, sent: Sequence[Event] | None = None) -> Sequence[Event]:
    """Those of the events, sent by a flush that `stop` ended, that were neither delivered nor refused.

    `sent` is all that the flush was to send, if that was more: its error may name events of the others alone.
    Each is marked with the request in which it was sent, because the next attempt repeats that.
    """
    error = _error_about(events if sent is None else sent, stop)
    if error is None:
        return events
    left = {item.event for item in error.undelivered if item.outcome != "refused"}.intersection(events)
    for request in error.requests:
        last_request = LastRequest(request.key, len(request.events))
        for event in left.intersection(request.events):
            event.last_request = last_request
    return [event for event in events if event in left]


def _error_about(events: Sequence[Event], stop: BaseException) -> DeliveryError | None:
    """The flush's own error. A signal handler that stops it may raise one about events of its own."""
    sent = set(events)
    for error in (stop, stop.__cause__):
        if isinstance(error, DeliveryError) and any(item.event in sent for item in error.undelivered):
            return error
    return None
