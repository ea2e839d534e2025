"""Connections of every engine tell the outboxes of their transactions and statements, with a session or without."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from sqlalchemy import Engine, event as listening

from .telling_transaction import followers

if TYPE_CHECKING:
    from typing import Protocol

    from sqlalchemy import Connection

    from .telling_transaction import TransactionFollower

    class ConnectionFollower(TransactionFollower, Protocol):
        def connection_begins(self, connection: Connection) -> None: ...
        def connection_runs(self, connection: Connection, statement: str) -> None: ...
        def connection_commits(self, connection: Connection) -> None: ...
        def connection_rolls_back(self, connection: Connection) -> None: ...


def listen_to_all(follower: ConnectionFollower) -> None:
    """To every connection of the process, for as long as the follower lives."""
    _listen_once()
    followers.add(follower)


@functools.cache
def _listen_once() -> None:
    """SQLAlchemy's listeners are never removed: so there is one of each, whatever the number of outboxes."""
    listening.listen(Engine, "begin", _begins)
    listening.listen(Engine, "before_cursor_execute", _runs)
    listening.listen(Engine, "commit", _commits)
    listening.listen(Engine, "rollback", _rolls_back)


def _begins(connection: Connection) -> None:
    for follower in list(followers):
        follower.connection_begins(connection)


def _runs(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
    for follower in list(followers):
        follower.connection_runs(connection, statement)


def _commits(connection: Connection) -> None:
    for follower in list(followers):
        follower.connection_commits(connection)


def _rolls_back(connection: Connection) -> None:
    for follower in list(followers):
        follower.connection_rolls_back(connection)
