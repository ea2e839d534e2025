"""Observers of an event's life, such as metrics and tests.

An observer is other people's code: what it raises is logged, and never decides what becomes of an event.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol

from bc_events._runtime import logs
from bc_events._runtime.interrupts import isolated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bc_events.errors import Undelivered
    from bc_events.event import Event


class Observer(Protocol):
    """Told what becomes of each event of this process, on the thread on which it happens.

    Every published event is later dropped or confirmed, exactly once.
    """

    @property
    def published(self) -> Callable[[Event], None] | None:
        """Called as an event is published: valid, frozen, and part of a unit of work. None saves the call."""

    def refused(self, topic: str) -> None:
        """An event of this topic was refused at the call."""

    def dropped(self, events: Sequence[Event]) -> None:
        """They were rolled back."""

    def confirmed(self, events: Sequence[Event]) -> None:
        """The work around them has succeeded, and so has its database transaction where one decides."""

    def attempted(self, size: int, *, is_retry: bool) -> None:
        """A request with so many events goes out."""

    def sent(self, events: Sequence[Any]) -> None:
        """The Events API has taken these events. A relay tells of rows of an outbox instead."""

    def settled(self, delivered: int, undelivered: Sequence[Undelivered]) -> None:
        """A flush has ended: so many events were delivered, and these were not."""


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


def refused(topic: str) -> None:
    for observer in _observers:
        _tell(observer.refused, topic)


def dropped(events: Sequence[Event]) -> None:
    if events:
        for observer in _observers:
            _tell(observer.dropped, events)


def confirmed(events: Sequence[Event]) -> None:
    if events:
        for observer in _observers:
            _tell(observer.confirmed, events)


def attempted(size: int, *, is_retry: bool) -> None:
    for observer in _observers:
        _tell(observer.attempted, size, is_retry=is_retry)


def sent(events: Sequence[Any]) -> None:
    if events:
        for observer in _observers:
            _tell(observer.sent, events)


def settled(delivered: int, undelivered: Sequence[Undelivered]) -> None:
    for observer in _observers:
        _tell(observer.settled, delivered, undelivered)


def _tell(method: Callable[..., None], *arguments: Any, **options: Any) -> None:
    isolated(_report, method, *arguments, **options)


def _report() -> None:
    logs.write(logging.ERROR, "an observer of events failed; the events are not affected", exc_info=True)
