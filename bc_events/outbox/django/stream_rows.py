"""StreamRows: the events of a stream in one transaction that the application has open."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bc_events._unit.pending import in_order
from bc_events.outbox._sql.stream_table import StreamTable
from bc_events.outbox._store.row import Row

from .commit_watch import CommitWatch
from .database import AmbientDatabase, DjangoTransaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from bc_events._delivery.request import Limits
    from bc_events._unit.held import Held
    from bc_events.event import Event
    from bc_events.outbox._sql.dialect import Dialect


class StreamRows:
    """Written right before the commit, and no earlier: a row that was inserted is in the log of the database, also if
    it is deleted since, so it could not be taken back when the scope of its event fails.
    """

    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        service_name: str,
        limits: Limits,
        *,
        held: Callable[[], Sequence[Event]],
        send: Callable[[Sequence[Event]], None],
    ) -> None:
        """`held` are the events that this transaction alone decides about. `send` stores events after the commit."""
        self._table = StreamTable(_CommittingDatabase(connection), limits)
        self._service_name = service_name
        self._held = held
        self._send = send
        self._written: set[Event] = set()
        self._watch = CommitWatch(connection, self)

    def commits(self) -> None:
        """Raises Django's `DatabaseError`. The transaction is then rolled back, and its events are dropped."""
        events = in_order(list(self._held()))
        if events:
            self._table.add([Row.of(event, self._service_name) for event in events])
            self._written.update(events)

    def committed(self, held: Held) -> None:
        self._watch.end()
        late = [event for event in held.events if event not in self._written]
        held.confirm()
        if late:  # in a test, whose transaction never commits
            self._send(late)

    def store(self, event: Event) -> None:
        """Nothing: it is written right before the commit."""

    def store_late(self) -> None:
        """Nothing, for the same reason."""

    def withdraw(self, events: Iterable[Event]) -> None:
        """Nothing: they have not been written."""

    def savepoint_rolled_back(self) -> None:
        """Nothing."""

    def rolled_back(self) -> None:
        self._watch.end()


class _CommittingDatabase:
    """A connection that is about to commit. Its errors are Django's own, because Django rolls back for no others."""

    placeholder = "%s"

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self.dialect: Dialect = AmbientDatabase(connection.alias).dialect

    @contextmanager
    def transaction(self) -> Iterator[DjangoTransaction]:
        with self._connection.cursor() as cursor:
            yield DjangoTransaction(cursor)

    reading = transaction

    def close(self) -> None:
        """Nothing: the connection is Django's."""
