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

    __slots__ = ("__weakref__", "has_ended_by_word", "has_written", "held", "is_committed", "is_undone", "transaction")

    outbox = None
    is_open = True
    """As long as it is there: its session lets go of it at its end. While it begins, SQLAlchemy calls it inactive."""

    def __init__(self, transaction: SessionTransaction | Connection, held: Held) -> None:
        self.transaction = weakref.ref(transaction)
        self.held = held
        self.has_written = False
        self.is_committed = False
        self.has_ended_by_word = False
        self.is_undone = False
        """The database has rolled it back. What hooks publish from then on speaks of no work in it."""

    @property
    def is_around(self) -> bool:
        """Whether it was begun by this task or thread, or by one that started it."""
        return any(one.subject is self for one in transactions.around())

    def drop(self, *, is_meant: bool) -> None:
        """It was rolled back; `is_meant` is False where nobody said so."""
        self.held.drop(*(() if is_meant else (_CLOSED,)))
