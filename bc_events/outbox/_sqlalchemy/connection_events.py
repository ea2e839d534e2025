"""Connections of every engine tell the outboxes of their transactions and statements, with a session or without."""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, event as listening
from sqlalchemy.pool import Pool

if TYPE_CHECKING:
    from typing import Protocol

    from sqlalchemy import Connection, ExceptionContext

    class ConnectionFollower(Protocol):
        def connection_begins(self, connection: Connection) -> None: ...
        def connection_runs(self, connection: Connection, statement: str) -> None: ...
        def connection_commits(self, connection: Connection) -> None: ...
        def connection_rolls_back(self, connection: Connection) -> None: ...
        def connection_fails(self, connection: Connection) -> None: ...
        def returns_to_pool(self, driver_connection: object) -> None: ...


def listen_to_all(follower: ConnectionFollower) -> None:
    """To every connection of the process, for as long as the follower lives."""
    _listen_once()
    _followers.add(follower)


_followers: Final[weakref.WeakSet[Any]] = weakref.WeakSet()


@functools.cache
def _listen_once() -> None:
    """SQLAlchemy's listeners are never removed: so there is one of each, whatever the number of outboxes."""
    listening.listen(Engine, "begin", _begins)
    listening.listen(Engine, "before_cursor_execute", _runs)
    listening.listen(Engine, "commit", _commits)
    listening.listen(Engine, "rollback", _rolls_back)
    listening.listen(Engine, "handle_error", _fails)
    listening.listen(Pool, "checkin", _returns)


def _begins(connection: Connection) -> None:
    for follower in list(_followers):
        follower.connection_begins(connection)


def _runs(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
    for follower in list(_followers):
        follower.connection_runs(connection, statement)


def _commits(connection: Connection) -> None:
    for follower in list(_followers):
        follower.connection_commits(connection)


def _rolls_back(connection: Connection) -> None:
    for follower in list(_followers):
        follower.connection_rolls_back(connection)


def _fails(context: ExceptionContext) -> None:
    if context.connection is not None:
        for follower in list(_followers):
            follower.connection_fails(context.connection)


def _returns(driver_connection: object, _record: object) -> None:
    for follower in list(_followers):
        follower.returns_to_pool(driver_connection)
