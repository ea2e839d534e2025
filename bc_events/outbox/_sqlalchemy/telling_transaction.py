"""TellingTransaction: one of a connection that tells the outboxes what has become of it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.engine import RootTransaction

if TYPE_CHECKING:
    from typing import Protocol

    from sqlalchemy import Connection

    class TransactionFollower(Protocol):
        def transaction_commits(self, connection: Connection) -> None: ...
        def transaction_committed(self, connection: Connection) -> None: ...
        def transaction_ended(self, connection: Connection) -> None: ...


followers: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
"""Those of connections: they are told of each transaction, for as long as they live."""


class TellingTransaction(RootTransaction):
    """SQLAlchemy tells of a commit and of a rollback of a connection before it is done, and not afterwards; nor does it
    tell of a commit that a listener has prevented: https://github.com/sqlalchemy/sqlalchemy/issues/4943.
    """

    __slots__ = ()

    def commit(self) -> None:
        """What the followers raise leaves it open: SQLAlchemy would not roll back a commit that a listener fails."""
        connection = self.connection
        if not self.is_active:
            super().commit()  # it refuses
        for follower in list(followers):
            follower.transaction_commits(connection)
        try:
            super().commit()
        finally:
            has_failed = connection.get_transaction() is self  # until it is rolled back
            for follower in list(followers):
                follower.transaction_ended(connection) if has_failed else follower.transaction_committed(connection)

    def rollback(self) -> None:
        is_current = self.connection.get_transaction() is self
        try:
            super().rollback()
        finally:
            self._tell_of_end(is_current=is_current)

    def close(self) -> None:
        is_current = self.connection.get_transaction() is self
        try:
            super().close()
        finally:
            self._tell_of_end(is_current=is_current)

    def _tell_of_end(self, *, is_current: bool) -> None:
        if is_current:
            for follower in list(followers):
                follower.transaction_ended(self.connection)


def tells(connection: Connection | None) -> bool:
    """Whether the transaction that the connection has open will tell of its end."""
    return connection is not None and isinstance(connection.get_transaction(), TellingTransaction)


def make_tell(connection: Connection | None) -> bool:
    """`tells`, after it has been made to."""
    transaction: Any = connection.get_transaction() if connection is not None else None
    if type(transaction) is RootTransaction:
        transaction.__class__ = TellingTransaction
    return tells(connection)
