"""How events become rows: rows that stay for a relay, or rows of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bc_events.errors import ConfigurationError
from bc_events.outbox._sql.stream_table import StreamTable
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._store.delivery import StoredDelivery

from .ambient import AmbientOutbox
from .database import AmbientDatabase, OwnDatabase
from .rows import Rows
from .stream_rows import StreamRows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from bc_events._delivery.request import Limits
    from bc_events.event import Event
    from bc_events.outbox._relay.embedded import EmbeddedRelay
    from bc_events.outbox._store.sealing import Sealing

    Held = Callable[[], Sequence[Event]]
    Taker = Callable[[Sequence[Event]], None]


class RowForm:
    """Rows are inserted as events are published.

    `here` stores events on the thread's own connection, `apart` on another one.
    """

    def __init__(self, using: str, service_name: str, relay: EmbeddedRelay | None, sealing: Sealing) -> None:
        """Without a `relay` here one must run elsewhere. Raises `ConfigurationError`."""
        database = AmbientDatabase(using)
        self.has_one_writer: bool = database.dialect.has_one_writer
        self.here: StoredDelivery = StoredDelivery(TableStore(database, sealing=sealing), service_name, relay)
        self.apart: StoredDelivery = StoredDelivery(
            TableStore(OwnDatabase(using), sealing=sealing), service_name, relay
        )
        self._outbox = AmbientOutbox(using, service_name, self.here.wake, sealing)

    def rows(self, connection: BaseDatabaseWrapper, *, held: Held, undone: Taker, send: Taker) -> Rows:  # noqa: ARG002  only a stream sends after the commit
        return Rows(connection, self._outbox, held=held, undone=undone)


class StreamForm:
    """Rows are inserted and deleted right before the commit."""

    def __init__(self, using: str, service_name: str, limits: Limits) -> None:
        """Raises `ConfigurationError`."""
        database = AmbientDatabase(using)
        if database.dialect.has_one_writer:
            raise ConfigurationError("SQLite has no log that change data capture could read; leave out stream=True")
        self.has_one_writer = False
        self.here: StoredDelivery = StoredDelivery(StreamTable(database, limits), service_name, None)
        self.apart: StoredDelivery = StoredDelivery(StreamTable(OwnDatabase(using), limits), service_name, None)
        self._service_name = service_name
        self._limits = limits

    def rows(self, connection: BaseDatabaseWrapper, *, held: Held, undone: Taker, send: Taker) -> StreamRows:  # noqa: ARG002  nothing is undone that was flushed
        return StreamRows(connection, self._service_name, self._limits, held=held, send=send)
