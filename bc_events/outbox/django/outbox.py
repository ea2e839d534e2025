"""DjangoOutbox: what `EventClient(outbox=…)` is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bc_events.outbox.table import TableStore

from .database import AmbientDatabase, OwnDatabase
from .delivery import DjangoDelivery

if TYPE_CHECKING:
    from bc_events.api import EventsAPI
    from bc_events.outbox.store import Store
    from bc_events.wire import Limits


class DjangoOutbox:
    """Events become rows of the database `using`, in the transaction in which they are published.

    They are committed if, and only if, that commits; a relay (`manage.py bc_events_relay`) then delivers them.
    """

    def __init__(self, using: str = "default") -> None:
        self.using = using

    def store(self) -> Store:
        """For a relay. Raises `ConfigurationError` where Django's database is neither PostgreSQL nor SQLite."""
        return TableStore(OwnDatabase(self.using))

    def delivery(self, service_name: str, _api: EventsAPI | None, _limits: Limits) -> DjangoDelivery:
        return DjangoDelivery(AmbientDatabase(self.using), self.using, service_name)

    def __repr__(self) -> str:
        return f"<DjangoOutbox {self.using}>"
