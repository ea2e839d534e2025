"""DjangoDelivery: writes an event's row in the transaction that is open at the publish call, or at the flush."""

from __future__ import annotations

import logging
import threading
from asyncio import ensure_future
from typing import TYPE_CHECKING, cast

from asgiref.sync import sync_to_async
from django.db import connections

from bc_events._delivery import threads
from bc_events._delivery.by_job import by_job
from bc_events._django.testcases import is_a_test_s
from bc_events._django.transactions import Transactions
from bc_events._runtime import logs
from bc_events._unit.held import has_scope, return_to_scope, take_from_unit
from bc_events._unit.pending import in_order, part
from bc_events.errors import DeliveryError, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from bc_events._django.opened import Follower
    from bc_events._unit.held import Held
    from bc_events.event import Event

    from .row_form import RowForm, StreamForm
    from .rows import Rows
    from .stream_rows import StreamRows


class DjangoDelivery:
    """Django tells nobody before it commits, so a row is written at once where `atomic` is open.

    Where another database has a transaction open too, the event waits in memory for that one to commit.
    """

    def __init__(self, using: str, form: RowForm | StreamForm) -> None:
        """`form` says how events become rows."""
        self.using = using
        self._form = form
        self._has_one_writer = form.has_one_writer
        self._here = form.here
        self._apart = form.apart
        self._transactions = Transactions(self._follower_of, changed=self._store_late)
        self._lock = threading.RLock()  # the garbage collector may end a transaction in the middle of a change
        self._adrift: list[Event] = []
        """Events whose unit of work has ended."""
        self._unscoped: list[Event] = []
        """Events of sessions made by hand. Their unit of work has them too. The next flush takes them along."""

    async def runner(self, work: Callable[[], None]) -> None:
        """Runs a flush on the thread on which Django runs the transactions of async code."""
        await threads.finished(ensure_future(sync_to_async(work, thread_sensitive=True)()))

    def record(self, event: Event) -> bool:
        """Raises `OutboxError`; the transaction around it is then to be rolled back, as after any failed statement.

        Raises `ConfigurationError` where autocommit is off.
        """
        open_here = self._transactions.open_here()
        if [connection.alias for connection in open_here] == [self.using]:
            self._rows(open_here[0]).store(event)
        if open_here:
            self._transactions.hold(event, open_here)
        return bool(open_here)

    def discard(self, events: Sequence[Event]) -> None:
        """Deletes the rows of events that were withdrawn from an open transaction. Raises `OutboxError`."""
        transaction = self._transactions.of(connections[self.using])
        if transaction is not None:
            cast("Rows | StreamRows", transaction.follower).withdraw(events)

    def send(self, events: Sequence[Event]) -> None:
        """Stores them in a transaction of their own. Raises `DeliveryError`.

        SQLite has one writer at a time, so inside a transaction the rows become a part of it there. If it is rolled
        back, the next flush stores them again.
        """
        events = [*self._take_undone(), *events]
        if not events:
            return
        connection = connections[self.using]
        if not connection.in_atomic_block or is_a_test_s(connection):
            self._here.send(events)
        elif self._has_one_writer:
            cast("Rows", self._rows(connection)).join(events)
        else:
            self._apart.send(events)
        self._transactions.confirm(events)

    def close(self) -> None:
        if self._adrift or self._unscoped:
            self._send_quietly([])
        self._apart.close()

    def committed(self, held: Held) -> None:
        """The last transaction that decided about these events was one of another database, and has committed."""
        late = self._transactions.commit_to_scopes(held)
        if late:
            self._send_quietly(in_order(late))

    def savepoint_rolled_back(self) -> None:
        """Does nothing: the savepoint is of another database, which has no rows."""

    def rolled_back(self) -> None:
        """Does nothing, for the same reason."""

    def _follower_of(self, connection: BaseDatabaseWrapper) -> Follower:
        if connection.alias != self.using:
            return self
        return self._form.rows(
            connection, held=lambda: self._held_by(connection), undone=self._keep, send=self._send_quietly
        )

    def _rows(self, connection: BaseDatabaseWrapper) -> Rows | StreamRows:
        return cast("Rows | StreamRows", self._transactions.followed(connection).follower)

    def _held_by(self, connection: BaseDatabaseWrapper) -> list[Event]:
        transaction = self._transactions.of(connection)
        return transaction.alone_holds if transaction is not None else []

    def _store_late(self) -> None:
        transaction = self._transactions.of(connections[self.using])
        if transaction is not None:
            cast("Rows | StreamRows", transaction.follower).store_late()

    def _keep(self, events: Sequence[Event]) -> None:
        """Keeps events whose flush was rolled back with a transaction that does not decide about them. Open scopes
        flush them again.
        """
        returned, adrift = part(events, lambda event: not return_to_scope(event))
        with self._lock:
            self._adrift.extend(adrift)
            self._unscoped.extend(event for event in returned if not has_scope(event))

    def _take_undone(self) -> list[Event]:
        """Takes the events that no scope flushes again."""
        with self._lock:
            adrift, self._adrift = self._adrift, []
            unscoped, self._unscoped = self._unscoped, []
        return [*adrift, *(event for event in unscoped if take_from_unit(event))]

    def _send_quietly(self, events: Sequence[Event]) -> None:
        """Like `send`, for `on_commit` and the end of the client, where an exception would reach nobody."""
        try:
            self.send(events)
        except DeliveryError as error:
            outcomes = {item.event: item.outcome for item in error.undelivered}
            for job_id, undelivered in by_job(outcomes).items():
                logs.write(
                    logging.ERROR,
                    "%s of job %s, whose transaction has committed, could not be stored",
                    *(counted(len(undelivered), "event"), job_id),
                    exc_info=True,
                    bc_job_id=job_id,
                    bc_undelivered=[f"{event} {event.id} {outcomes[event]}" for event in undelivered],
                )
