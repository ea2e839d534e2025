"""TransactionRows: the events whose rows are in an application's transaction already."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from bc_events.event import Event

    from .row_writer import RowWriter


class TransactionRows:
    """Each event is inserted once, however many hooks of the commit ask for it."""

    __slots__ = ("_events", "_writer")

    def __init__(self, writer: RowWriter) -> None:
        self._writer = writer
        self._events: set[Event] = set()

    def lack(self, event: Event) -> bool:
        return event not in self._events

    def note(self, events: Sequence[Event]) -> list[Event]:
        """Those that `insert` has not been given yet; no other thread is given them."""
        missing = [event for event in events if event not in self._events]
        self._events.update(missing)
        return missing

    def insert(self, session: Session | Connection, missing: Sequence[Event]) -> None:
        """Raises what the database refuses. Then they are missing still, for a commit that is tried once more."""
        try:
            if missing:
                self._writer.insert(session, missing)
        except BaseException:
            self._events.difference_update(missing)
            raise

    def of_next(self) -> TransactionRows:
        """Those of the next transaction: none yet."""
        return TransactionRows(self._writer)
