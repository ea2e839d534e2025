"""JoiningSession: a followed session, whose work may be part of its connection's transaction: `Session(connection)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, NestedTransaction

from .followed import FollowedSession

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, SessionTransaction

    from .followed_connection import FollowedConnection


class JoiningSession(FollowedSession):
    """The end of the connection's transaction decides about the work of the session, and so about its events."""

    def joins(self, around: FollowedConnection) -> bool:
        """Hands its events over. False where it has only read, and decides about none."""
        if not self._levels or not (self.has_written or self._levels.is_untouched):
            return False
        level = self._levels.outermost
        self._guests.join_if_handed_over(level.held)
        with self._lock:
            level.is_committed = True
        around.take_over(level.held, self._wakes)
        return True

    def starts_over(self) -> None:
        """The connection's transaction was rolled back, with what the session had done in it so far."""
        if self._levels.has_sent:
            for level in self._levels:
                level.held.drop()
            self._levels.start_over()

    @property
    def is_committing(self) -> bool:
        """Whether it has begun to store its events, and settles them itself."""
        return self._committing is not None

    @property
    def is_closed_unfinished(self) -> bool:
        """Whether it is closed without a commit or a rollback, after a statement in it has written."""
        level = self._levels.outermost if self._levels else None
        return level is not None and not (level.is_committed or level.has_explicit_rollback) and self._levels.has_sent


def outlasts_commit(session: Session) -> bool:
    """Whether the transaction of its connection goes on when the session commits: that ends a savepoint, or nothing."""
    joined = _joined(session.get_transaction())
    return all(isinstance(one.transaction, NestedTransaction) or not one.ends_with_session for one in joined)


def outlasts_close(transaction: SessionTransaction) -> bool:
    """Whether the transaction of its connection goes on, with the session's work, when the session is closed."""
    joined = _joined(transaction)
    return bool(joined) and not any(one.ends_with_session for one in joined)


class _Joined(NamedTuple):
    """The transaction of a connection, as far as a session works in it."""

    transaction: object
    ends_with_session: bool


def _joined(transaction: SessionTransaction | None) -> list[_Joined]:
    """The transactions of connections in which the session works."""
    found = transaction._connections if transaction is not None else {}  # no public name says this
    return [_Joined(joined, ends) for key, (_, joined, ends, _) in found.items() if isinstance(key, Connection)]
