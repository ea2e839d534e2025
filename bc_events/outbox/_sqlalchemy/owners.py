"""Owners: the open transaction to which an event belongs that is published or flushed here."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from bc_events._ambient import frames, transactions
from bc_events._runtime import logs

from .followed import FollowedSession
from .owner_choice import OwnerChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
        self._has_warned_of_several = False

    def follow(self, session: FollowedSession, unit: UnitOfWork) -> None:
        """It was bound to this unit of work, or has begun a transaction in it."""
        session.scope = _innermost()
        with self._lock:
            self._of_unit.setdefault(root_of(unit), weakref.WeakSet()).add(session)

    def record(self, event: Event, wake: Callable[[], None], *, in_rehearsal: bool) -> bool:
        """Whether a transaction that is open here holds the event; `wake` follows its commit."""
        root = root_of(event.origin)
        sessions = self._sessions()
        named = [one for one, unit in sessions.items() if unit is root]
        if named:
            return self._record_named(event, named[-1], wake)
        open_ones = _open_ones(sessions, in_rehearsal=in_rehearsal)
        writers = [one for one in open_ones if one.has_written]
        if open_ones:
            return self._record_among(event, open_ones, writers, wake)
        return self._record_unseen(event, root, wake)

    def entrust(self, event: Event, wake: Callable[[], None], *, in_rehearsal: bool) -> bool:
        """At its flush: whether a transaction that is open here, and has written by now, holds the event from here."""
        root = root_of(event.origin)
        sessions = self._sessions()
        writers = [one for one in _open_ones(sessions, in_rehearsal=in_rehearsal) if one.has_written]
        named = [one for one in writers if sessions[one] is root]
        if not writers:
            return False
        if not named:
            self._note_several(writers)
        return (named or writers)[-1].add(event, wake)

    def _sessions(self) -> dict[FollowedSession, UnitOfWork | None]:
        """Those of this context, each with the unit of work for which it was bound by hand, if it was."""
        return {
            note.subject: note.unit
            for note in transactions.followed_by(self)
            if isinstance(note.subject, FollowedSession)
        }

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
        last_first = sorted(unseen, key=lambda one: one.transaction_number, reverse=True)
        return any(one.hold_for_now(event, wake) for one in last_first)


def _open_ones(sessions: Iterable[FollowedSession], *, in_rehearsal: bool) -> list[FollowedSession]:
    """Those with a transaction open; the one begun last at the end."""
    found = [one for one in sessions if one.may_hold(in_rehearsal=in_rehearsal)]
    return sorted(found, key=lambda one: one.transaction_number)


def _innermost() -> frames.Frame | None:
    frame = frames.innermost()
    return frame.opening if frame is not None else None


def root_of(origin: Any) -> UnitOfWork:
    """The unit of work of the outermost scope that this one joined."""
    unit: UnitOfWork = origin
    while unit.parent is not None:
        unit = unit.parent
    return unit
