"""Unfollowed: a transaction on the outbox's database that the outbox does not follow, and the warning about it."""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine, event as listening

from bc_events._runtime import logs

from .effect import Effect

if TYPE_CHECKING:
    from typing import Any, Protocol

    from sqlalchemy import Connection

    from bc_events._unit.unit_of_work import UnitOfWork

    class Watcher(Protocol):
        def connection_begins(self, connection: Connection) -> None: ...
        def connection_runs(self, connection: Connection, statement: str) -> None: ...
        def connection_rolls_back(self, connection: Connection) -> None: ...


_BESIDE: Final = (
    "an event was published while a transaction is open on the outbox's database that the outbox does not follow; a "
    "rollback of it does not take the event back: work with a Session on this database, or call outbox.bind(session) "
    "before you publish"
)


class Unfollowed:
    """A transaction of a connection that has no session, or of a session that nobody bound."""

    def __init__(self, connection: Connection, outbox: object) -> None:
        self.outbox = outbox
        self._connection = weakref.ref(connection)
        self._has_run = False
        self.has_written: bool = False
        self.has_events = False
        """Whether one was published meanwhile."""

    @property
    def is_open(self) -> bool:
        connection = self._connection()
        if connection is None or connection.closed:
            return False
        return connection.in_transaction() or not self._has_run  # it is noted just before it is in a transaction

    def ran(self, statement: str) -> bool:
        """Whether it writes for the first time."""
        self._has_run = True
        if self.has_written or Effect.of(statement) is not Effect.WRITE:
            return False
        self.has_written = True
        return True


class Waiting:
    """The events of a unit of work that were published in this context while no transaction was open.

    A session that nobody bound shows its transaction only with its first statement, which may come after them.
    """

    def __init__(self, unit: UnitOfWork, outbox: object) -> None:
        self.outbox = outbox
        self._unit = weakref.ref(unit)

    @property
    def is_open(self) -> bool:
        unit = self._unit()
        return unit is not None and not unit.is_closed and bool(unit.pending.entries)


def warn() -> None:
    logs.write(logging.WARNING, _BESIDE)


_watchers: Final[weakref.WeakSet[Any]] = weakref.WeakSet()


def watch(watcher: Watcher) -> None:
    """Tells `watcher`, for as long as it lives, of the transactions and statements of every engine."""
    if not _watchers and not listening.contains(Engine, "begin", _begins):
        listening.listen(Engine, "begin", _begins)
        listening.listen(Engine, "before_cursor_execute", _runs)
        listening.listen(Engine, "rollback", _rolls_back)
    _watchers.add(watcher)


def _begins(connection: Connection) -> None:
    for watcher in list(_watchers):
        watcher.connection_begins(connection)


def _runs(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
    for watcher in list(_watchers):
        watcher.connection_runs(connection, statement)


def _rolls_back(connection: Connection) -> None:
    for watcher in list(_watchers):
        watcher.connection_rolls_back(connection)
