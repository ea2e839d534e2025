"""Without an outbox in the database: an event is sent if, and only if, the transaction it was published in commits."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from django.db import connections, transaction

from bc_events import observers
from bc_events.constants import LOGGER_NAME
from bc_events.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from bc_events.client import EventClient
    from bc_events.delivery import Delivery, Runner
    from bc_events.event import Event

_logger = logging.getLogger(LOGGER_NAME)
_wrapping: Final = threading.Lock()


def follow_transactions(client: EventClient) -> EventClient:
    """Makes the client wait for Django's transactions; returns it. One whose outbox already does is left alone."""
    if client.delivery.record is None:
        with _wrapping:
            if client.delivery.record is None:
                client.delivery = TransactionalDelivery(client.delivery)
    return client


class _Ticket:
    """One event published in a transaction.

    `open_count` transactions have yet to commit. `batch` is what its session left it to when it ended; without one the
    session is still open, or has dropped it.
    """

    __slots__ = ("batch", "blocks", "open_count", "thread")

    def __init__(self, blocks: dict[str, frozenset[Any]]) -> None:
        """`blocks` are the savepoints that were open, by database alias."""
        self.blocks = blocks
        self.open_count = len(blocks)
        self.thread = threading.get_ident()
        self.batch: _Batch | None = None


class _Batch:
    """Events to be sent once their transaction has committed: each on its own, or all by the last `on_commit`."""

    __slots__ = ("committed", "is_sent_at_once")

    def __init__(self, *, is_sent_at_once: bool) -> None:
        self.committed: list[Event] = []
        self.is_sent_at_once = is_sent_at_once


class TransactionalDelivery:
    """Around another delivery: holds back what was published in `atomic` until that has committed.

    A rolled-back transaction, or savepoint, never calls `on_commit`, so its events are never sent.
    """

    def __init__(self, inner: Delivery) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._tickets: WeakKeyDictionary[Event, _Ticket] = WeakKeyDictionary()

    @property
    def runner(self) -> Runner | None:
        return self._inner.runner

    def record(self, event: Event) -> None:
        blocks = {one.alias: _savepoints(one) for one in _connections_in_atomic()}
        if not blocks:
            return
        ticket = _Ticket(blocks)
        with self._lock:
            self._tickets[event] = ticket
        for alias in blocks:
            _when_committed(alias, _Hook(self._committed, event, ticket))

    def discard(self, events: Sequence[Event]) -> Sequence[Event]:
        """Returns those that are committed. What another thread has yet to commit is its transaction's to decide."""
        here = threading.get_ident()
        with self._lock:
            kept = [event for event in events if event in self._tickets and not self._tickets[event].open_count]
            for event in set(events).difference(kept):
                ticket = self._tickets.pop(event, None)
                if ticket is not None and ticket.thread != here:
                    ticket.batch = _Batch(is_sent_at_once=True)
        return kept

    def send(self, events: Sequence[Event]) -> None:
        """Sends what is certain now. The rest is sent from `on_commit`, if its transaction commits."""
        with self._lock:
            tickets = {event: self._tickets.pop(event, None) for event in events}
            held = {event: ticket for event, ticket in tickets.items() if ticket is not None and ticket.open_count}
            batches = _batched(held.values())
        for alias, batch in batches.items():
            _when_committed(alias, _Hook(self._send_late, batch.committed))
        _report([event for event, ticket in held.items() if _is_rolled_back(ticket)])
        certain = [event for event in events if event not in held]
        if certain:
            observers.confirmed([event for event in certain if tickets[event] is None and event.attempt is None])
            self._inner.send(certain)

    def close(self) -> None:
        self._inner.close()

    def _committed(self, event: Event, ticket: _Ticket) -> None:
        with self._lock:
            ticket.open_count -= 1
            batch = ticket.batch
            is_wanted = not ticket.open_count and (batch is not None or self._tickets.get(event) is ticket)
            if is_wanted and batch is not None:
                batch.committed.append(event)
        if is_wanted:
            observers.confirmed([event])
        if is_wanted and batch is not None and batch.is_sent_at_once:
            self._send_late([event])

    def _send_late(self, events: Sequence[Event]) -> None:
        """From `on_commit`, where an exception would reach nobody: it is logged with what was not delivered."""
        if not events:
            return
        try:
            self._inner.send(events)
        except DeliveryError as error:
            _logger.exception(
                "events of a committed transaction were not delivered",
                extra={
                    "bc_job_id": events[0].job_id,
                    "bc_undelivered": [f"{item.event} {item.event.id} {item.outcome}" for item in error.undelivered],
                },
            )


class _Hook(partial[None]):
    """What we have to do once a transaction has committed. Django names a hook that fails."""

    def __init__(self, *_arguments: object) -> None:
        self.__qualname__ = self.func.__qualname__


def _when_committed(alias: str, hook: _Hook) -> None:
    """Before the application's own hooks: one that raises keeps Django from calling those after it.

    Not in a TestCase, whose transaction never commits: `captureOnCommitCallbacks` knows new hooks by their place.
    """
    transaction.on_commit(hook, using=alias, robust=True)
    connection = connections[alias]
    if any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        return
    hooks = connection.run_on_commit
    ours = sum(any(isinstance(part, _Hook) for part in entry) for entry in hooks[:-1])
    hooks.insert(ours, hooks.pop())


def _connections_in_atomic() -> list[BaseDatabaseWrapper]:
    return [one for one in connections.all(initialized_only=True) if one.in_atomic_block]


def _savepoints(connection: BaseDatabaseWrapper) -> frozenset[Any]:
    return frozenset(connection.savepoint_ids)


def _is_rolled_back(ticket: _Ticket) -> bool:
    """Whether this is certain: it has not committed, and none of its transactions is open any more."""
    open_here = {one.alias for one in _connections_in_atomic()}
    return ticket.thread == threading.get_ident() and open_here.isdisjoint(ticket.blocks)


def _report(dropped: Sequence[Event]) -> None:
    if not dropped:
        return
    observers.dropped(dropped)
    _logger.warning(
        "a transaction was rolled back; the events published in it were dropped",
        extra={"bc_job_id": dropped[0].job_id, "bc_dropped": len(dropped)},
    )


def _batched(tickets: Iterable[_Ticket]) -> dict[str, _Batch]:
    """Gives each ticket a batch; returns those, by alias, that an `on_commit` registered now is to send.

    It comes after the tickets' own. Where it might be dropped though a ticket's own is not (the ticket is of another
    thread, of several databases, or of an outer savepoint), the event is sent on its own.
    """
    here = threading.get_ident()
    open_here = {one.alias: _savepoints(one) for one in _connections_in_atomic()}
    batches: dict[str, _Batch] = {}
    for ticket in tickets:
        alias, blocks = next(iter(ticket.blocks.items()))
        if ticket.thread == here and len(ticket.blocks) == 1 and alias in open_here and open_here[alias] <= blocks:
            ticket.batch = batches.setdefault(alias, _Batch(is_sent_at_once=False))
        else:
            ticket.batch = _Batch(is_sent_at_once=True)
    return batches
