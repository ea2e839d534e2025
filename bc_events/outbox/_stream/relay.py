"""StreamRelay: sends the records of a stream to the Events API, and says which offsets may be committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from bc_events._ambient.default_client import checked_client
from bc_events._runtime import argument_checks as check, keywords
from bc_events.errors import ConfigurationError
from bc_events.outbox._relay.relay import Relay

from .record import StreamRecord
from .stream_store import StreamStore

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from types import TracebackType

    from bc_events.client import EventClient
    from bc_events.outbox._relay.counts import RelayCounts
    from bc_events.outbox._relay.settings import RelaySettings

    from .record import DeadRecord


class StreamRelay:
    """A relay whose events come from Kafka, by any client library. It sends on threads of its own, in a `with` block.

    The requests are those that the publisher's outbox has made, with their keys: one job each, and the events of one
    transaction. A record that is read again, here or by another consumer, is one event. The events of a job are sent
    in order, except one that the API asks for again. Retries and pauses are those of a `Relay`.
    """

    @keywords.checked
    def __init__(
        self,
        client: EventClient,
        *,
        on_dead: Callable[[DeadRecord], object],
        workers: int = 1,
        settings: RelaySettings | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            client: its API, credentials and timeouts are used; it needs no outbox.
            on_dead: called with each event that the API will never take, and with each record that cannot be read. It
                has to store them, because their offsets may be committed afterwards. If it raises, it is called again
                later. Threads of the relay call it, and `handle`.
            workers: requests under way at once; one for each job at most.
            settings: see `RelaySettings`.

        Raises `ConfigurationError`.
        """
        checked_client(client, "client")
        check.function("on_dead", on_dead, example="a function that takes a DeadRecord")
        if client._api is None:
            raise ConfigurationError("a relay of a stream needs a client that has an api_url")
        self._store = StreamStore(on_dead)
        self._relay = Relay(
            self._store, client._api, workers=workers, order="job", limits=client.limits, settings=settings
        )
        self._is_running = False

    @property
    def counts(self) -> RelayCounts:
        """The numbers of events sent, retried and dead, and the reason of a pause."""
        return self._relay.counts

    @property
    def waiting(self) -> int:
        """How many events were handed over, and are neither delivered nor dead."""
        return self._store.stats().pending

    def handle(self, records: Sequence[StreamRecord], *, timeout: float = 60.0) -> dict[Hashable, int]:
        """Sends the events of these records, and waits until all are settled, but at most `timeout` seconds.

        Returns, for each partition whose position has changed, the offset to commit: of the record to read first after
        a restart. Events that are not settled yet stay here, and are sent meanwhile; a later call returns their
        positions. The records of a request are settled together, so a position waits for the last of them.

        Raises `OutboxError` where `on_dead` fails for a record that cannot be read. End the consumer then: it reads
        again what was not committed.
        """
        check.seconds("timeout", timeout)
        for record in records:
            check.instance("records", record, StreamRecord, example="StreamRecord(key=…, payload=…, …)")
        if not self._is_running:
            raise ConfigurationError("this relay does not run; call handle inside `with relay:`")
        self._store.read(records)
        self._relay.wake()
        self._store.wait(timeout)
        return self._store.positions()

    def __enter__(self) -> Self:
        self._relay.start()
        self._is_running = True
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Finishes the requests in hand. What is left is read again after a restart."""
        self._is_running = False
        self._relay.stop()
        self._relay.join()
