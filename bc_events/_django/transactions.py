"""Transactions: the open transactions that hold events of one delivery."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakSet

from django.db import connections

from bc_events._delivery import observers
from bc_events.errors import ConfigurationError

from .levels import Group
from .opened import OpenTransaction, followed_by
from .testcases import is_a_test_s_alone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from bc_events._unit.held import Held
    from bc_events.event import Event

    from .opened import Follower


class Transactions:
    """The open transactions that hold events of one delivery. Threads share it; each has its own connections."""

    def __init__(self, follower_of: Callable[[BaseDatabaseWrapper], Follower], *, changed: Callable[[], None]) -> None:
        """`changed` is called after each commit, because events may now wait for only one other transaction."""
        self._follower_of = follower_of
        self._changed = changed
        self._confirmed: WeakSet[Event] = WeakSet()
        self._lock = threading.RLock()

    def open_here(self) -> list[BaseDatabaseWrapper]:
        """The connections that have a transaction open; those that only a TestCase has open, if there is no other.

        Raises `ConfigurationError` for a connection that cannot be followed.
        """
        found = connections.all(initialized_only=True)
        for connection in found:
            refuse_manual_transactions(connection)
        in_atomic = [connection for connection in found if connection.in_atomic_block]
        return [connection for connection in in_atomic if not is_a_test_s_alone(connection)] or in_atomic

    def of(self, connection: BaseDatabaseWrapper) -> OpenTransaction | None:
        """The open transaction of this connection, if it is followed already."""
        return followed_by(self, connection)

    def followed(self, connection: BaseDatabaseWrapper) -> OpenTransaction:
        found = self.of(connection)
        return found or OpenTransaction(connection, self, self._follower_of(connection), changed=self._changed)

    def hold(self, event: Event, open_here: Sequence[BaseDatabaseWrapper]) -> None:
        """The open transactions of all these connections hold the event together."""
        holders = [self.followed(connection) for connection in open_here]
        levels = frozenset(holder.innermost for holder in holders)
        is_a_test_s = any(holder.is_a_test_s for holder in holders)
        group = None if is_a_test_s else holders[0].innermost.group(levels)
        group = group or Group(levels, _on_this_thread())
        group.held.add(event)
        for holder in holders:
            holder.follow(group)

    def commit_to_scopes(self, held: Held) -> list[Event]:
        """Like `Held.commit_to_scopes`; remembers which events observers know to be confirmed."""
        self.remember_confirmed(held.events)
        return held.commit_to_scopes()

    def remember_confirmed(self, events: Sequence[Event]) -> None:
        with self._lock:
            self._confirmed.update(events)

    def confirm(self, events: Sequence[Event]) -> None:
        """Tells observers about the events, except those that they know already.

        An event may be flushed several times, if transactions around its flushes are rolled back.
        """
        with self._lock:
            new = [event for event in events if event.last_request is None and event not in self._confirmed]
            self._confirmed.update(new)
        observers.confirmed(new)


def _on_this_thread() -> Callable[[], bool]:
    """Returns a function that tells whether it runs on this thread. Other threads cannot use the connection."""
    thread = threading.get_ident()
    return lambda: threading.get_ident() == thread


def refuse_manual_transactions(connection: BaseDatabaseWrapper) -> None:
    """Raises `ConfigurationError` where autocommit is off, also inside `atomic`, which then commits nothing.

    The end of such a transaction cannot be noticed. It may be rolled back silently, when its connection is closed.
    """
    is_manual = not connection.commit_on_exit if connection.in_atomic_block else not connection.autocommit
    if connection.connection is not None and is_manual:
        raise ConfigurationError(
            f"the database {connection.alias!r} has autocommit off, so nobody can tell whether an event's transaction "
            "commits; leave autocommit on, and publish inside transaction.atomic"
        )
