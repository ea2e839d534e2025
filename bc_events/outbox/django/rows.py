"""Rows: the outbox's rows in one transaction that the application has open, until it commits or is rolled back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bc_events._delivery.by_job import by_job
from bc_events._runtime import logs
from bc_events.errors import OutboxError, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from bc_events._unit.held import Held
    from bc_events.event import Event

    from .ambient import AmbientOutbox


class Rows:
    """Inserted as an event is published, so that its savepoint has the row too.

    A row that is inserted or deleted later is part of the savepoint that is open then. If that one is rolled back, the
    same is done again.
    """

    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        outbox: AmbientOutbox,
        *,
        held: Callable[[], Sequence[Event]],
        undone: Callable[[Sequence[Event]], None],
    ) -> None:
        """`held` are the events that this transaction alone decides about.

        `undone` is called with events of a flush that were rolled back. They must be flushed again.
        """
        self._connection = connection
        self._outbox = outbox
        self._held = held
        self._undone = undone
        self._stored: set[Event] = set()
        self._late: set[Event] = set()
        self._withdrawn: dict[Event, None] = {}
        self._undeleted: dict[Event, None] = {}
        self._joined: dict[Event, None] = {}

    def store(self, event: Event) -> None:
        """Stores an event at its publish call. Raises `OutboxError`."""
        if self._takes_statements:
            self._outbox.add([event])
            self._stored.add(event)

    def store_late(self) -> None:
        """Stores events once the other transactions that decide about them have committed. Raises `OutboxError`."""
        late = [event for event in self._held() if event not in self._stored]
        if late and self._takes_statements:
            self._outbox.add(late)
            self._stored.update(late)
            self._late.update(late)

    def withdraw(self, events: Iterable[Event]) -> None:
        """Deletes the rows of events whose scope has failed. Raises `OutboxError`."""
        own = [event for event in events if event in self._stored]
        self._stored.difference_update(own)
        self._withdrawn.update(dict.fromkeys(own))
        if self._takes_statements:
            self._outbox.delete(own)
        else:
            self._undeleted.update(dict.fromkeys(own))

    def join(self, events: Sequence[Event]) -> None:
        """Stores the events of a flush inside this transaction, which does not decide about them.

        Raises `OutboxError`.
        """
        if self._takes_statements:
            self._outbox.add(events)
        self._joined.update(dict.fromkeys(events))

    def committed(self, held: Held) -> None:
        """Stores what could not be stored while a rollback seemed due."""
        self._joined.clear()
        missing = [event for event in held.events if event not in self._stored]
        try:
            self._outbox.delete(list(self._undeleted))
            self._outbox.add(missing)
        except OutboxError as error:
            _tell_not_stored(missing or list(self._undeleted), error)
        held.confirm()
        self._outbox.wake()

    def savepoint_rolled_back(self) -> None:
        """Repeats what was done in the savepoint on behalf of others. Raises `OutboxError`."""
        if not self._takes_statements:
            return
        self._outbox.delete(list(self._withdrawn))
        self._undeleted.clear()
        again = [event for event in self._held() if event in self._late or event not in self._stored]
        self._outbox.add([*again, *self._joined])
        self._stored.update(again)
        self._late.update(again)

    def rolled_back(self) -> None:
        """Leaves flushed events to the next flush, which stores them again. No statement may be sent from here."""
        undone = list(self._joined)
        if not undone:
            return
        self._undone(undone)
        for job_id, events in by_job(undone).items():
            logs.write(
                logging.WARNING,
                "%s of job %s flushed inside a database transaction that was rolled back; the next flush stores them "
                "again",
                *(counted(len(events), "event"), job_id),
                bc_job_id=job_id,
                bc_events=[str(event.id) for event in events],
            )

    @property
    def _takes_statements(self) -> bool:
        """Whether it takes statements. Once the transaction must be rolled back, Django refuses them."""
        return not self._connection.needs_rollback


def _tell_not_stored(events: Sequence[Event], error: OutboxError) -> None:
    """Logs the error, because an exception in `on_commit` would reach nobody."""
    for job_id, of_job in by_job(events).items():
        logs.write(
            logging.ERROR,
            "the outbox could not be told of a committed transaction, for %s of job %s: %s",
            *(counted(len(of_job), "event"), job_id, error),
            exc_info=error,
            bc_job_id=job_id,
            bc_events=[f"{event} {event.id}" for event in of_job],
        )
