"""Observers of an event's life, such as metrics and tests.

An observer is other people's code: what it raises is logged, and never decides what becomes of an event.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bc_events._runtime import logs
from bc_events._runtime.interrupts import isolated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bc_events.errors import InvalidEventError, Undelivered
    from bc_events.event import Event, Origin

    from .request import Request
    from .wire import Answer


@dataclass(frozen=True, slots=True)
class Rollback:
    """Why events were dropped, in words fit for a log.

    `origin` is the session, or joined scope, that was rolled back; None where a database decided. `exception` is the
    name of the class of the exception that ended the scope.
    """

    reason: str
    origin: Origin | None = None
    exception: str | None = None


class Observer(Protocol):
    """Told what becomes of each event of this process, on the thread on which it happens.

    Every published event is later dropped or confirmed, exactly once.
    """

    @property
    def published(self) -> Callable[[Event], None] | None:
        """Called as an event is published: valid, frozen, and part of a unit of work. None saves the call."""

    def refused(self, error: InvalidEventError, origin: Origin) -> None:
        """An event was refused at the call."""

    def dropped(self, events: Sequence[Event], rollback: Rollback) -> None:
        """They were rolled back."""

    def confirmed(self, events: Sequence[Event]) -> None:
        """The work around them has succeeded, and so has its database transaction where one decides."""

    def attempted(self, size: int, *, is_retry: bool) -> None:
        """A request with so many events goes out."""

    def posting(self, url: str, request: Request[Any]) -> None:
        """A request goes out to the Events API at `url`, from a flush or a relay."""

    def answered(self, url: str, request: Request[Any], answer: Answer) -> None:
        """The result of a request that went out: `wire.taken` has those of its events that the Events API has."""

    def sent(self, events: Sequence[Any]) -> None:
        """These events count as sent, although there is no Events API: a client without one has logged them."""

    def settled(self, delivered: int, undelivered: Sequence[Undelivered]) -> None:
        """A flush has ended: so many events were delivered, and these were not."""

    def undelivered(self, undelivered: Sequence[Undelivered]) -> None:
        """A flush, also one into an outbox, gives up these events; a `DeliveryError` names them."""

    def dead(self, url: str, row: Any, reason: str) -> None:
        """The row of an outbox is a dead letter, which its relay sends to `url` no more."""


_changing = threading.RLock()
_observers: tuple[Observer, ...] = ()
follows_each = False
"""Whether an observer is told of each event as it is published: publishers read it, because a call costs more."""


def add(observer: Observer) -> None:
    """From here on `observer` is told of every event, until `remove`."""
    _replace(lambda present: (*present, observer))


def remove(observer: Observer) -> None:
    _replace(lambda present: tuple(one for one in present if one is not observer))


def _replace(change: Callable[[tuple[Observer, ...]], tuple[Observer, ...]]) -> None:
    global _observers, follows_each  # noqa: PLW0603  a process has one set of observers
    with _changing:
        _observers = change(_observers)
        follows_each = any(one.published is not None for one in _observers)


def published(event: Event) -> None:
    for observer in _observers:
        if observer.published is not None:
            _tell(observer.published, event)


def refused(error: InvalidEventError, origin: Origin) -> None:
    for observer in _observers:
        _tell(observer.refused, error, origin)


def dropped(events: Sequence[Event], rollback: Rollback) -> None:
    if events:
        for observer in _observers:
            _tell(observer.dropped, events, rollback)


def confirmed(events: Sequence[Event]) -> None:
    if events:
        for observer in _observers:
            _tell(observer.confirmed, events)


def attempted(size: int, *, is_retry: bool) -> None:
    for observer in _observers:
        _tell(observer.attempted, size, is_retry=is_retry)


def posting(url: str, request: Request[Any]) -> None:
    for observer in _observers:
        _tell(observer.posting, url, request)


def answered(url: str, request: Request[Any], answer: Answer) -> None:
    for observer in _observers:
        _tell(observer.answered, url, request, answer)


def sent(events: Sequence[Any]) -> None:
    if events:
        for observer in _observers:
            _tell(observer.sent, events)


def settled(delivered: int, undelivered: Sequence[Undelivered]) -> None:
    for observer in _observers:
        _tell(observer.settled, delivered, undelivered)


def undelivered(undelivered: Sequence[Undelivered]) -> None:
    for observer in _observers:
        _tell(observer.undelivered, undelivered)


def dead(url: str, row: Any, reason: str) -> None:
    for observer in _observers:
        _tell(observer.dead, url, row, reason)


def _tell(method: Callable[..., None], *arguments: Any, **options: Any) -> None:
    isolated(_report, method, *arguments, **options)


def _report() -> None:
    logs.write(logging.ERROR, "an observer of events failed; the events are not affected", exc_info=True)
