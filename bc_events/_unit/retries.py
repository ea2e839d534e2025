"""Retries: events that a flush of a session made by hand could not deliver. Its next flush sends them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from bc_events._runtime import argument_checks as check
from bc_events.errors import DeliveryError
from bc_events.event import LastRequest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import RLock

    from bc_events._delivery.request import Request
    from bc_events.event import Event


class Retries:
    """Events that were neither delivered nor refused. Each has one owner at any moment.

    After `keep` the session owns an event, until one of these takes it: a later flush (`take`), `EventClient.resend`
    (`claim`), or a rollback (`release`). After a rollback it belongs to the `DeliveryError`, and a resend takes it from
    there.
    """

    __slots__ = ("_lock", "_taken", "_waiting")

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._waiting: dict[Event, None] = {}
        self._taken: WeakSet[Event] | None = None
        """Those that a later attempt has taken. An earlier `DeliveryError` about them is out of date."""

    @property
    def waiting(self) -> list[Event]:
        return list(self._waiting)

    def keep(self, events: Sequence[Event]) -> None:
        """Keeps events that no attempt has delivered, or is delivering now. The oldest come first."""
        with self._lock:
            self._waiting = dict.fromkeys([*events, *self._waiting])
            self.return_to_error(events)

    def take(self) -> list[Event]:
        """Takes all of them, for a flush."""
        with self._lock:
            taken, self._waiting = list(self._waiting), {}
            self._note_taken(taken)
        return taken

    def release(self) -> list[Event]:
        """Gives up all of them: from now on they belong to their `DeliveryError` alone. Returns them."""
        with self._lock:
            released, self._waiting = list(self._waiting), {}
        return released

    def claim(self, events: Sequence[Event]) -> tuple[list[Event], list[Event]]:
        """For a resend: returns the events that it takes from the session, and those that belong to the error."""
        with self._lock:
            claimed = [event for event in events if event in self._waiting]
            own = [event for event in events if event not in self._waiting and event not in (self._taken or ())]
            for event in claimed:
                del self._waiting[event]
            self._note_taken([*claimed, *own])
        return claimed, own

    def return_to_error(self, events: Sequence[Event]) -> None:
        """A resend has failed: the events belong to their error again, so another resend may send them."""
        with self._lock:
            if self._taken is not None:
                self._taken.difference_update(events)

    def _note_taken(self, events: Sequence[Event]) -> None:
        if events:
            self._taken = WeakSet() if self._taken is None else self._taken
            self._taken.update(events)


class Resend:
    """The requests and events that `EventClient.resend` sends for an error.

    `requests` are requests of the error, unchanged. `events` are those of sessions made by hand. They are sent in the
    requests in which they were sent last, which may differ from those of the error.
    """

    __slots__ = ("_claimed", "_own", "events", "requests")

    def __init__(self, error: DeliveryError) -> None:
        """Takes events from the sessions that keep them. Leaves out events that a later attempt has taken."""
        check.instance("error", error, DeliveryError, example="the DeliveryError that a flush has raised")
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
        """The resend has failed: undelivered events go back to the session, or to the error, that had them."""
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
    """The retries of the session that published it. None if that keeps none, or belongs to another process."""
    unit: Any = event.origin
    retries: Retries | None = getattr(unit, "retries", None)
    return None if retries is None or unit.is_from_before_fork else retries


def unsettled(stop: BaseException, events: Sequence[Event], *, sent: Sequence[Event] | None = None) -> Sequence[Event]:
    """Those of the events that were neither delivered nor refused by the flush that `stop` ended.

    `sent` are all events of that flush, if they are more: its error may name only the others. Each event that is
    returned gets its `last_request`, because the next attempt repeats that request.
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
    """The error of this flush. A signal handler that stops it may raise a DeliveryError about other events."""
    sent = set(events)
    for error in (stop, stop.__cause__):
        if isinstance(error, DeliveryError) and any(item.event in sent for item in error.undelivered):
            return error
    return None
