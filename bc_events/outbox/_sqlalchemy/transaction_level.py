"""TransactionLevel: the outermost transaction of a SQLAlchemy session or connection, or a savepoint in it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Final

from bc_events._ambient import transactions

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import SessionTransaction

    from bc_events._unit.held import Held


_CLOSED: Final = "the database session was closed without a commit; commit, or publish once the work is committed"


class TransactionLevel:
    """It holds the events that its end decides about."""

    __slots__ = (
        *("__weakref__", "held", "transaction"),
        *("has_explicit_rollback", "has_written", "is_committed", "is_undone"),
    )

    outbox = None
    is_open = True
    """As long as it is there: its session lets go of it at its end. While it begins, SQLAlchemy calls it inactive."""

    def __init__(self, transaction: SessionTransaction | Connection, held: Held) -> None:
        self.transaction = weakref.ref(transaction)
        self.held = held
        self.has_written = False
        self.is_committed = False
        self.has_explicit_rollback = False
        """Whether a call of `rollback` has ended it, or a commit that failed. Not if its session was just closed."""
        self.is_undone = False
        """Whether the database has rolled it back. Events that hooks publish from then on are not about work in it."""

    @property
    def is_around(self) -> bool:
        """Whether it was begun by this task or thread, or by one that started it."""
        return any(one.subject is self for one in transactions.around())

    def drop(self, *, is_explicit: bool) -> None:
        """It was rolled back; `is_explicit` is False if only the close of its session did that."""
        self.held.drop(*(() if is_explicit else (_CLOSED,)))
