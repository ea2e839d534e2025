"""Held: the events that a database transaction holds until it ends."""

from __future__ import annotations

import logging
import threading
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

from bc_events._delivery import observers
from bc_events._delivery.by_job import by_job
from bc_events._delivery.observers import Rollback
from bc_events._runtime import logs
from bc_events.errors import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bc_events._delivery.delivery import Delivery
    from bc_events.event import Event


_DROPPED: Final = "%s of job %s dropped: %s"
_ROLLED_BACK: Final = "the database transaction was rolled back"
_SCOPE_FAILED: Final = "its scope failed, and the database transaction around it has only read"


class ScopeState(Enum):
    """The state of a held event's scope. It matters only if the transaction turns out to have only read."""

    OPEN = "still open"
    FLUSHED = "ended well, or flushed by hand"
    FAILED = "failed, or rolled back by hand"


class Buffer(Protocol):
    """The methods of `Pending` through which a unit of work and a transaction hand events to each other."""

    scoped_in: object

    def is_held_by(self, held: Held) -> None: ...
    def commit(self, event: Event) -> bool: ...
    def take_back(self, event: Event) -> bool: ...
    def take_out_committed(self, event: Event) -> bool: ...


class Held:
    """The events of one database transaction, or of one savepoint in it. It is their only owner.

    A delivery makes it, adds the events that are published in the transaction, and ends it once: with `confirm`,
    `commit_to_scopes`, `drop` or `give_back`. If its connection is lost, it is collected without an end. Then its
    events are dropped.
    """

    __slots__ = ("__weakref__", "_can_withdraw", "_entries", "_has_say", "_lock")

    def __init__(
        self, can_withdraw: Callable[[], bool] = lambda: True, *, has_say: Callable[[], bool] = lambda: True
    ) -> None:
        """`can_withdraw` returns whether a scope that fails may still take its events out of the transaction.

        `has_say` returns False while the transaction has only read: then it makes no difference whether it commits.
        """
        self._can_withdraw = can_withdraw
        self._has_say = has_say
        self._entries: dict[Event, ScopeState] = {}
        self._lock = threading.RLock()  # the garbage collector may end another one in the middle of a change

    def __del__(self) -> None:
        self.drop()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def events(self) -> list[Event]:
        with self._lock:
            return list(self._entries)

    def add(self, event: Event) -> None:
        with self._lock:
            self._entries[event] = ScopeState.OPEN
        _pending_of(event).is_held_by(self)

    def withdraw(self, is_withdrawn: Callable[[Event], bool]) -> list[Event]:
        """Takes out, if possible, the events of a scope that has failed while the transaction goes on. Returns them.

        If it is not possible, they stay, and are noted as events of a failed scope.
        """
        with self._lock:
            if not self._can_withdraw():
                self.note(is_withdrawn, ScopeState.FAILED)
                return []
            return self._take([event for event in self._entries if is_withdrawn(event)])

    def take_undecided(self, is_meant: Callable[[Event], bool]) -> list[Event]:
        """Takes out the events of a flush, if the transaction has only read so far. Returns them."""
        with self._lock:
            if self._has_say():
                return []
            return self._take(
                [one for one, state in self._entries.items() if state is ScopeState.OPEN and is_meant(one)]
            )

    def note(self, is_meant: Callable[[Event], bool], state: ScopeState) -> None:
        """Notes that the scope of some events has ended, or was flushed. The first note about an event counts."""
        with self._lock:
            for event, known in self._entries.items():
                if known is ScopeState.OPEN and is_meant(event):
                    self._entries[event] = state

    def move_to(self, outer: Held) -> None:
        """Moves all events to `outer`, because this savepoint was released."""
        with self._lock, outer._lock:
            outer._entries |= self._entries
            self._entries = {}
        for event in outer.events:
            _pending_of(event).is_held_by(outer)

    def confirm(self) -> list[Event]:
        """The end: the transaction has committed, and stored the events durably. Returns them."""
        events = list(self._end())
        observers.confirmed(events)
        return events

    def commit_to_scopes(self) -> list[Event]:
        """The end: the transaction has committed, but not stored the events. Scopes that are still open send theirs.

        Those events can no longer be rolled back. Returns the others, which the caller sends now.
        """
        entries = self._end()
        observers.confirmed(list(entries))
        return [
            event
            for event, state in entries.items()
            if state is not ScopeState.OPEN or not _pending_of(event).commit(event)
        ]

    def drop(self, reason: str = _ROLLED_BACK) -> list[Event]:
        """The end: the transaction, or this savepoint, was rolled back.

        Logs `reason` for each job. Returns the events.
        """
        events = list(self._end())
        if events:
            observers.dropped(events, Rollback(reason))
        for job_id, of_job in by_job(events).items():
            logs.write(
                logging.WARNING,
                _DROPPED,
                *(counted(len(of_job), "event"), job_id, reason),
                bc_job_id=job_id,
                bc_dropped=len(of_job),
            )
        return events

    def give_back(self) -> list[Event]:
        """The end: the transaction has only read. Each event goes back to its scope, or is dropped if that has failed.

        Returns those that the caller sends now, because their scope has already flushed.
        """
        late: list[Event] = []
        failed: list[Event] = []
        for event, state in self._end().items():
            if state is ScopeState.FAILED or (state is ScopeState.OPEN and _has_failed(event)):
                failed.append(event)
            elif state is ScopeState.FLUSHED or not _pending_of(event).take_back(event):
                late.append(event)
        observers.dropped(failed, Rollback(_SCOPE_FAILED))
        return late

    def _end(self) -> dict[Event, ScopeState]:
        with self._lock:
            entries, self._entries = self._entries, {}
        return entries

    def _take(self, events: Sequence[Event]) -> list[Event]:
        for event in events:
            del self._entries[event]
        return list(events)


def return_to_scope(event: Event) -> bool:
    """Gives an event that can no longer be rolled back to its unit of work. False where that has ended."""
    pending: Buffer | None = getattr(event.origin, "pending", None)
    return pending is not None and pending.commit(event)


def unentrusted(events: list[Event], delivery: Delivery) -> list[Event]:
    """The events of a flush that no database transaction takes over. One takes them if it is open and has written."""
    entrust: Callable[[Event], bool] | None = getattr(delivery, "entrust", None)
    return events if entrust is None else [event for event in events if not entrust(event)]


def has_scope(event: Event) -> bool:
    """Whether a scope ends its unit of work. Nothing guarantees another flush of a session made by hand."""
    return _pending_of(event).scoped_in is not None


def take_from_unit(event: Event) -> bool:
    """Undoes `return_to_scope`. False where the unit of work has sent the event meanwhile."""
    return _pending_of(event).take_out_committed(event)


def _pending_of(event: Event) -> Buffer:
    unit: Any = event.origin
    pending: Buffer = unit.pending
    return pending


def _has_failed(event: Event) -> bool:
    unit: Any = event.origin
    while unit is not None:
        if unit.is_dropped:
            return True
        unit = unit.parent
    return False
