"""`manage.py bc_events_relay`: sends what waits in the outbox until told to stop."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import BaseCommand, CommandError

from bc_events.configuration import default_client
from bc_events.errors import ConfigurationError, EventsError
from bc_events.outbox.django.delivery import DjangoDelivery
from bc_events.outbox.django.outbox import DjangoOutbox
from bc_events.outbox.pace import Pace
from bc_events.outbox.relay import Relay

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from bc_events.client import EventClient
    from bc_events.outbox.store import Order, Store

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
        parser.add_argument("--database", help="the outbox's database alias (default: the one in BC_EVENTS)")
        parser.add_argument("--drain", action="store_true", help="exit once nothing waits")

    def handle(self, *, database: str | None, drain: bool, **options: Any) -> None:
        try:
            client = default_client()
            store = DjangoOutbox(database or _alias_of(client)).store
            store.check()
            relay = _relay(client, store, **options)
        except EventsError as error:
            raise CommandError(str(error)) from error
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: relay.stop())
        if drain:
            _drain(relay, store)
        else:
            relay.run()
        store.close()
        self.stdout.write(f"{relay.tally.sent} events sent")


def _alias_of(client: EventClient) -> str:
    if isinstance(client.delivery, DjangoDelivery):
        return client.delivery.using
    raise ConfigurationError(
        'the default client has no outbox in a Django database; set BC_EVENTS["OUTBOX"] to "django", or give --database'
    )


def _relay(client: EventClient, store: Store, *, workers: int, order: Order, lease: float, **_common: Any) -> Relay:
    if client._api is None:
        raise ConfigurationError("the default client has no api_url to send to; set BC_EVENTS['API_URL']")
    return Relay(store, client._api, workers=workers, order=order, pace=Pace(lease=lease))


def _drain(relay: Relay, store: Store) -> None:
    with relay:
        while store.stats().pending:
            time.sleep(_GLANCE)
