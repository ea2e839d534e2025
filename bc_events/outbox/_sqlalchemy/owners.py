"""Owners: the open transaction to which an event belongs that is published or flushed here."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from bc_events._ambient import frames, transactions
from bc_events._runtime import logs

from . import unfollowed
from .followed import FollowedSession
from .owner_choice import OwnerChoice
from .unfollowed import Unfollowed, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bc_events._ambient.transactions import Note
    from bc_events._unit.unit_of_work import UnitOfWork
    from bc_events.event import Event

_SEVERAL: Final = (
    "%d database sessions have written in the transactions that they have open here; an event belongs to the one begun "
    "last: call outbox.bind(session) to name another"
)


class Owners:
    """Of one outbox. The notes of a context (`_ambient/transactions.py`) name the sessions that it works with.

    A session bound by hand to the event's unit of work comes first. Then, of those that have a transaction open, the
    one begun last that has written; if none has, the one begun last, until another writes. Without any, a transaction
    that was begun in the event's scope by another context may turn out to be the owner.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._of_unit: weakref.WeakKeyDictionary[UnitOfWork, weakref.WeakSet[FollowedSession]] = (
            weakref.WeakKeyDictionary()
        )
        self._waiting: weakref.WeakKeyDictionary[UnitOfWork, Waiting] = weakref.WeakKeyDictionary()
        self._has_warned_of_several = False
        self._has_warned_of_unfollowed = False

    def follow(self, session: FollowedSession, unit: UnitOfWork) -> None:
        """It was bound to this unit of work, or has begun a transaction in it."""
        session.scope = _innermost()
        with self._lock:
            self._of_unit.setdefault(root_of(unit), weakref.WeakSet()).add(session)

    def unfollowed_writes(self, found: Unfollowed) -> None:
        """A transaction that the outbox does not follow has written for the first time."""
        if found.has_events or self._is_waited_for():
            self._warn_of_unfollowed()

    def record(self, event: Event, wake: Callable[[], None]) -> bool:
        """Whether a transaction that is open here holds the event; `wake` follows its commit."""
        root = root_of(event.origin)
        notes = transactions.followed_by(self)
        sessions = _sessions_of(notes)
        named = [one for one, unit in sessions.items() if unit is root]
        if named:
            return self._record_named(event, named[-1], wake)
        open_ones = _open_ones(sessions)
        writers = [one for one in open_ones if one.has_written]
        subjects = [one.subject for one in notes]
        if not writers:
            self._note_beside(subjects)
        if open_ones:
            return self._record_among(event, open_ones, writers, wake)
        is_held = self._record_unseen(event, root, wake)
        if not is_held:
            self._note_waiting(root, subjects)
        return is_held

    def entrust(self, event: Event, wake: Callable[[], None]) -> bool:
        """At its flush: whether a transaction that is open here, and has written by now, holds the event from here."""
        root = root_of(event.origin)
        sessions = _sessions_of(transactions.followed_by(self))
        writers = [one for one in _open_ones(sessions) if one.has_written]
        named = [one for one in writers if sessions[one] is root]
        if not writers:
            return False
        if not named:
            self._note_several(writers)
        return (named or writers)[-1].add(event, wake)

    def _record_named(self, event: Event, session: FollowedSession, wake: Callable[[], None]) -> bool:
        if session.is_open:
            return session.add(event, wake)
        session.expect(event, wake)
        return False

    def _record_among(
        self, event: Event, sessions: list[FollowedSession], writers: list[FollowedSession], wake: Callable[[], None]
    ) -> bool:
        self._note_several(writers)
        if not (writers or sessions)[-1].add(event, wake):
            return False
        if not writers and len(sessions) > 1:
            OwnerChoice(event, sessions, wake)
        return True

    def _note_several(self, writers: list[FollowedSession]) -> None:
        if len(writers) > 1 and not self._has_warned_of_several:
            self._has_warned_of_several = True
            logs.write(logging.WARNING, _SEVERAL, len(writers))

    def _record_unseen(self, event: Event, root: UnitOfWork, wake: Callable[[], None]) -> bool:
        with self._lock:
            sessions = list(self._of_unit.get(root, ()))
        scopes = {frame.opening for frame in frames.chain()}
        unseen = [one for one in sessions if one.scope in scopes]
        return any(one.miss(event, wake) for one in sorted(unseen, key=lambda one: -one.transaction_number))

    def _note_beside(self, subjects: list[object]) -> None:
        beside = [one for one in subjects if isinstance(one, Unfollowed) and one.is_open]
        for one in beside:
            one.has_events = True
        if any(one.has_written for one in beside):
            self._warn_of_unfollowed()

    def _note_waiting(self, root: UnitOfWork, subjects: list[object]) -> None:
        waiting = self._waiting.get(root)
        if waiting is None:
            with self._lock:
                waiting = self._waiting.setdefault(root, Waiting(root, self))
        if waiting not in subjects:
            transactions.note(waiting)

    def _is_waited_for(self) -> bool:
        """Whether an event that was published here while nothing was open is still pending."""
        subjects = (one.subject for one in transactions.followed_by(self))
        return any(isinstance(one, Waiting) and one.is_open for one in subjects)

    def _warn_of_unfollowed(self) -> None:
        if not self._has_warned_of_unfollowed:
            self._has_warned_of_unfollowed = True
            unfollowed.warn()


def _sessions_of(notes: list[Note]) -> dict[FollowedSession, UnitOfWork | None]:
    """Each with the unit of work for which it was bound by hand, if it was."""
    return {one.subject: one.unit for one in notes if isinstance(one.subject, FollowedSession)}


def _open_ones(sessions: Iterable[FollowedSession]) -> list[FollowedSession]:
    """The one whose transaction was begun last at the end."""
    return sorted((one for one in sessions if one.is_open), key=lambda one: one.transaction_number)


def _innermost() -> frames.Frame | None:
    frame = frames.innermost()
    return frame.opening if frame is not None else None


def root_of(origin: Any) -> UnitOfWork:
    """The unit of work of the outermost scope that this one joined."""
    unit: UnitOfWork = origin
    while unit.parent is not None:
        unit = unit.parent
    return unit
