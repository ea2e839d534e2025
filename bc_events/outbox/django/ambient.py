"""AmbientOutbox: the outbox's table in the transaction that the application has open on this thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bc_events.outbox._sql import schema
from bc_events.outbox._sql.conflicts import repeated
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._store.row import Row

from .database import AmbientDatabase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bc_events.event import Event
    from bc_events.outbox._store.sealing import Sealing


class AmbientOutbox:
    """Its methods raise `OutboxError`; the transaction is then to be rolled back, as after any failed statement."""

    def __init__(self, using: str, service_name: str, wake: Callable[[], None], sealing: Sealing) -> None:
        """`wake` tells the relay in this process that something was committed."""
        self._database = AmbientDatabase(using)
        self._store = TableStore(self._database, sealing=sealing)
        self._service_name = service_name
        self.wake = wake

    def add(self, events: Sequence[Event]) -> None:
        """An event that is a row already stays as it is."""
        self._store.add([Row.of(event, self._service_name) for event in events])

    @repeated
    def delete(self, events: Sequence[Event]) -> None:
        """Deletes their rows, which this transaction has inserted, if they are there.

        It locks no other rows: other transactions that publish would wait for it, and it for them.
        """
        if not events:
            return
        dialect, ids = self._database.dialect, [event.id for event in events]
        named = f"FROM {schema.TABLE} WHERE {dialect.among('id')}".replace("?", self._database.placeholder)
        with self._database.transaction() as opened:
            if not dialect.locks_neighbours:
                opened.run(f"DELETE {named}", [dialect.many(ids)])
            elif found := opened.run(f"SELECT seq {named}", [dialect.many(ids)]):
                opened.run_many(f"DELETE FROM {schema.TABLE} WHERE seq = {self._database.placeholder}", found)
