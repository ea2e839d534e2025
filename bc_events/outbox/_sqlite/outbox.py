"""SQLiteOutbox: each flush stores its events in a file with one commit, and a relay sends them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bc_events._runtime import argument_checks as check, keywords
from bc_events.errors import ConfigurationError
from bc_events.outbox._relay.embedded import EmbeddedRelay
from bc_events.outbox._relay.settings import check_relay_options
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._store.delivery import StoredDelivery
from bc_events.outbox._store.keep import seconds_of
from bc_events.outbox._store.rehearsal import Rehearsal
from bc_events.outbox._store.sealing import Sealing

from .database import SQLiteDatabase
from .table_file import has_table

if TYPE_CHECKING:
    from bc_events._delivery.api import EventsAPI
    from bc_events._delivery.request import Limits
    from bc_events.outbox._relay.settings import RelaySettings
    from bc_events.outbox._store.keep import Keep
    from bc_events.outbox._store.sealing import Transform
    from bc_events.outbox._store.store import Order


_IN_MEMORY: Final = ":memory:"
_LONGEST_WAIT: Final = 86_400  # SQLite counts milliseconds in 32 bits, and waits for none if there are more
_URI: Final = "file:"  # a URI of SQLite, whose options an outbox does not take


class SQLiteOutbox:
    """A file on a local disk. Threads, processes and forks of one machine may share it."""

    @keywords.checked
    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        relay: bool = True,
        order: Order = "time",
        settings: RelaySettings | None = None,
        keep: Keep | None = None,
        seal: Transform | None = None,
        open: Transform | None = None,  # noqa: A002  the counterpart of seal
        max_bytes: int = 1 << 30,
        busy_timeout: float = 5.0,
    ) -> None:
        """Opens nothing yet. Raises `ConfigurationError` if the path names no file.

        Args:
            path: the file. It is made if it is missing; its folder is not.
            relay: whether a relay in this process sends the events. If not, run `bc-events outbox relay` beside it.
            order: `"time"` or `"job"`, for the relay in this process: see `Order`.
            settings: for the relay in this process.
            keep: for how long delivered events stay in the archive, such as `"90d"`. Without it, none go there.
            seal: encrypts payloads, bytes to bytes, before they are stored. Topics and job ids stay readable.
            open: decrypts them, for a relay and for whoever asks to see them.
            max_bytes: the most bytes of the file, its archive included; relays may go beyond, to settle what they have
                sent. While the file is full, each flush raises.
            busy_timeout: seconds that a flush waits for another writer.
        """
        check.instance("path", path, (str, os.PathLike), example="the name of a file, such as events.db")
        check_relay_options(relay=relay, order=order, settings=settings)
        check.whole("max_bytes", max_bytes, least=1)
        check.seconds("busy_timeout", busy_timeout)
        if busy_timeout > _LONGEST_WAIT:
            raise check.wrong("busy_timeout", busy_timeout, f"at most {_LONGEST_WAIT} seconds")
        if str(path) in ("", ".", _IN_MEMORY) or str(path).startswith(_URI):
            raise ConfigurationError(
                f"an outbox keeps events in a file, and {str(path)!r} names none; give one such as events.db"
            )
        if str(path) != str(path).strip():
            raise ConfigurationError(
                f"the name of an outbox's file is {str(path)!r} with white space around it, and so another file than "
                f"{str(path).strip()!r}; remove the white space, also from the environment variable that it comes from"
            )
        self.path: Path = Path(path).absolute()
        database = SQLiteDatabase(path, max_bytes=max_bytes, busy_timeout=busy_timeout)
        self.store: TableStore = TableStore(database, keep=seconds_of("keep", keep), sealing=Sealing.of(seal, open))
        self._has_relay = relay
        self._order: Order = order
        self._settings = settings

    def is_made(self) -> bool:
        """Whether its file exists and has an outbox in it. This makes nothing."""
        return has_table(self.path)

    def delivery(self, service_name: str, api: EventsAPI | None, limits: Limits) -> StoredDelivery:
        """Raises `ConfigurationError` if a relay in this process would have no API."""
        relay = None
        if self._has_relay:
            relay = EmbeddedRelay.of(self.store, api, limits, order=self._order, settings=self._settings)
        return StoredDelivery(self.store, service_name, relay, rehearsal=Rehearsal(api, limits))
