"""`manage.py bc_events_relay`: sends what waits in the outbox until told to stop."""

from __future__ import annotations

import signal
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import BaseCommand, CommandError

from bc_events._ambient.default_client import default_client
from bc_events.errors import ConfigurationError, EventsError
from bc_events.outbox._relay.relay import Relay
from bc_events.outbox._relay.settings import RelaySettings
from bc_events.outbox.django.outbox import DjangoOutbox

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

    from bc_events.client import EventClient
    from bc_events.outbox._store.store import Store

_GLANCE: Final = 0.1


class Command(BaseCommand):
    """SIGTERM and Ctrl-C let it finish the requests in hand and release the rest; it then exits with 0."""

    help = (
        "Sends the events that wait in the outbox to the Events API, until SIGTERM or Ctrl-C. "
        "Any number of relays may share an outbox. Example: manage.py bc_events_relay --workers 4"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workers", type=int, default=1, help="requests under way at once (default: 1)")
        parser.add_argument(
            "--order",
            choices=["time", "job"],
            default="time",
            help="job: one event of a job at a time, strictly in order (default: time)",
        )
        parser.add_argument("--lease", type=float, default=60.0, help="seconds that rows are one relay's (default: 60)")
        parser.add_argument("--drain", action="store_true", help="exit once nothing waits")

    def handle(self, **options: Any) -> None:
        try:
            client = default_client()
            with closing(_outbox_of(client).store) as store:
                sent = _run(client, store, **options)
        except EventsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{sent} events sent")


def _outbox_of(client: EventClient) -> DjangoOutbox:
    if isinstance(client.outbox, DjangoOutbox):
        return client.outbox
    raise ConfigurationError(
        'the default client has no outbox in a Django database; set BC_EVENTS["OUTBOX"] to "django"'
    )


def _run(
    client: EventClient, store: Store, *, workers: int, order: Any, lease: float, drain: bool, **_common: Any
) -> int:
    """Until it is stopped; returns how many events it has sent."""
    relay = Relay.of(client, workers=workers, order=order, settings=RelaySettings(lease=lease))
    store.check()
    with _stoppable():
        if drain:
            _drain(relay)
        else:
            relay.run()
    return relay.counts.sent


@contextmanager
def _stoppable() -> Iterator[None]:
    """A block that Ctrl-C and SIGTERM end, both quietly and in order."""
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(one, signal.default_int_handler) for one in signals]
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)


def _drain(relay: Relay) -> None:
    with relay:
        while not relay.is_done():
            time.sleep(_GLANCE)
