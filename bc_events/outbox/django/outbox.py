"""DjangoOutbox: what `EventClient(outbox=…)` is given, or `BC_EVENTS["OUTBOX"]`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from bc_events._runtime import argument_checks as check, keywords
from bc_events.outbox._relay.embedded import EmbeddedRelay
from bc_events.outbox._relay.settings import check_relay_options
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._store.keep import seconds_of
from bc_events.outbox._store.no_relay import check_stream, no_store
from bc_events.outbox._store.sealing import Sealing

from .database import OwnDatabase
from .delivery import DjangoDelivery
from .row_form import RowForm, StreamForm

if TYPE_CHECKING:
    from bc_events._delivery.api import EventsAPI
    from bc_events._delivery.request import Limits
    from bc_events.outbox._relay.settings import RelaySettings
    from bc_events.outbox._store.keep import Keep
    from bc_events.outbox._store.sealing import Transform
    from bc_events.outbox._store.store import Order, Store


class DjangoOutbox:
    """Events become rows of the database `using`, in the transaction in which they are published.

    They are committed if, and only if, that commits; a relay then delivers them.
    """

    @keywords.checked
    def __init__(
        self,
        using: str = "default",
        *,
        relay: bool = False,
        order: Order = "time",
        settings: RelaySettings | None = None,
        stream: bool = False,
        keep: Keep | None = None,
        seal: Transform | None = None,
        open: Transform | None = None,  # noqa: A002  the counterpart of seal
    ) -> None:
        """Nothing is opened yet, so settings may hold it.

        Args:
            using: a database alias, on PostgreSQL, MariaDB, MySQL or SQLite.
            relay: whether this process also sends; if not, run `manage.py bc_events_relay`.
            order: see `Order`; of the relay in this process.
            settings: of the relay in this process.
            stream: whether change data capture reads the events in place of a relay: the transaction that inserts their
                rows deletes them too. Not on SQLite.
            keep: for how long delivered events stay in the archive, such as `"90d"`. Without it, none go there.
            seal: encrypts payloads, bytes to bytes, before they are stored. Topics and job ids stay readable.
            open: decrypts them, for a relay and for whoever asks to see them.
        """
        check_relay_options(relay=relay, order=order, settings=settings)
        check_stream(stream=stream, relay=relay, keep=keep, seal=seal)
        self._is_stream = stream
        self.using: str = check.text("using", using, example='the alias "default"')
        self._has_relay = relay
        self._order: Order = order
        self._settings = settings
        self._keep = seconds_of("keep", keep)
        self._sealing = Sealing.of(seal, open)

    @cached_property
    def store(self) -> Store:
        """The store for relays and operators.

        Raises `ConfigurationError` for a database that it cannot live in, and for a stream, which has none.
        """
        if self._is_stream:
            raise no_store()
        return TableStore(OwnDatabase(self.using), keep=self._keep, sealing=self._sealing)

    def delivery(self, service_name: str, api: EventsAPI | None, limits: Limits) -> DjangoDelivery:
        """Raises `ConfigurationError` where a relay in this process would have no API to send to, and for a stream on
        SQLite.
        """
        relay = None
        if self._has_relay:
            relay = EmbeddedRelay.of(self.store, api, limits, order=self._order, settings=self._settings)
        if self._is_stream:
            return DjangoDelivery(self.using, StreamForm(self.using, service_name, limits))
        return DjangoDelivery(self.using, RowForm(self.using, service_name, relay, self._sealing))

    def __repr__(self) -> str:
        return f"<DjangoOutbox {self.using}>"
