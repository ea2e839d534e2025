"""DjangoDelivery: writes an event's row in the transaction that is open at the publish call, or at the flush."""

from __future__ import annotations

import threading
from asyncio import ensure_future
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import connections, transaction

from bc_events import observers, workers
from bc_events.outbox import schema
from bc_events.outbox.row import Row
from bc_events.outbox.stored import StoredDelivery
from bc_events.outbox.table import TableStore

from .database import AmbientDatabase, refuse_manual_transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from bc_events.event import Event
    from bc_events.outbox.embedded import EmbeddedRelay


class _Stored:
    """An event that is a row already: of which thread's transaction and savepoints, and whether that has committed."""

    __slots__ = ("blocks", "is_committed", "thread")

    def __init__(self, blocks: frozenset[Any]) -> None:
        self.blocks = blocks
        self.thread = threading.get_ident()
        self.is_committed = False


class DjangoDelivery:
    """Django tells nobody before it commits, so a row is written at once where `atomic` is open."""

    def __init__(self, using: str, service_name: str, relay: EmbeddedRelay | None) -> None:
        """Without a `relay` here one must run elsewhere. Raises `ConfigurationError`."""
        self.using = using
        self._database = AmbientDatabase(using)
        self._store = TableStore(self._database)
        self._apart = StoredDelivery(self._store, service_name, relay)
        self._service_name = service_name
        self._lock = threading.Lock()
        self._stored: WeakKeyDictionary[Event, _Stored] = WeakKeyDictionary()

    async def runner(self, work: Callable[[], None]) -> None:
        """Async code's transactions are on Django's thread for it, and so is a flush."""
        await workers.finished(ensure_future(sync_to_async(work, thread_sensitive=True)()))

    def record(self, event: Event) -> None:
        """Raises `OutboxError`; the transaction around it is then to be rolled back, as after any failed statement."""
        connection = connections[self.using]
        if not connection.in_atomic_block:
            refuse_manual_transactions(connection)
            return
        self._store.add([Row.of(event, self._service_name)])
        stored = _Stored(_savepoints(connection))
        with self._lock:
            self._stored[event] = stored
        transaction.on_commit(partial(self._committed, event, stored), using=self.using, robust=True)

    def discard(self, events: Sequence[Event]) -> Sequence[Event]:
        """Deletes rows that are not committed yet, and returns the events of those that are.

        What another thread has not committed is its transaction's to decide.
        """
        with self._lock:
            stored = {event: self._stored[event] for event in events if event in self._stored}
        self._delete([event for event, found in stored.items() if self._is_to_be_deleted(found)])
        return [event for event in events if event in stored and stored[event].is_committed]

    def send(self, events: Sequence[Event]) -> None:
        """Stores what is no row yet. Raises `DeliveryError`."""
        with self._lock:
            unstored = [event for event in events if event not in self._stored]
        if unstored:
            self._apart.send(unstored)
            observers.confirmed(unstored)

    def close(self) -> None:
        self._apart.close()

    def _committed(self, event: Event, stored: _Stored) -> None:
        stored.is_committed = True
        observers.confirmed([event])
        self._apart.wake()

    def _is_to_be_deleted(self, stored: _Stored) -> bool:
        """Whether a transaction that may commit holds it; one that must be rolled back takes no statements any more."""
        connection = connections[self.using]
        if stored.is_committed or stored.thread != threading.get_ident() or not connection.in_atomic_block:
            return False
        return not (connection.needs_rollback and _savepoints(connection) <= stored.blocks)

    def _delete(self, events: Sequence[Event]) -> None:
        if not events:
            return
        dialect = self._database.dialect
        delete = f"DELETE FROM {schema.TABLE} WHERE {dialect.among('id')}".replace("?", self._database.placeholder)
        with self._database.transaction() as opened:
            opened.run(delete, [dialect.many([event.id for event in events])])


def _savepoints(connection: BaseDatabaseWrapper) -> frozenset[Any]:
    return frozenset(connection.savepoint_ids)
