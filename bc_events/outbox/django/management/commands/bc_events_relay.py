"""`manage.py bc_events_relay`: sends what waits in the outbox until told to stop."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import BaseCommand, CommandError

from bc_events._ambient.default_client import default_client
from bc_events.errors import ConfigurationError, EventsError
from bc_events.outbox._relay import command
from bc_events.outbox._relay.relay import Relay
from bc_events.outbox.django.management.default_outbox import outbox_of
from bc_events.outbox.django.management.options import add_options

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from bc_events.outbox._store.store import Order

_MISUSED: Final = 2
_FAILED: Final = 1


class Command(BaseCommand):
    """SIGTERM and Ctrl-C let it finish the requests in hand and release the rest; it then exits with 0."""

    help = (
        "Sends the events that wait in the outbox to the Events API, until SIGTERM or Ctrl-C. "
        f"{command.HELP} Example: manage.py bc_events_relay --workers 4"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_options(parser, command.OPTIONS)

    def handle(
        self, *, workers: int, order: Order, lease: float | None, drain: bool, within: float | None, **_common: Any
    ) -> None:
        try:
            client = default_client()
            with closing(outbox_of(client).store):
                relay = Relay.of(client, workers=workers, order=order, settings=command.settings_of(lease))
                done = command.run(relay, drain=drain, within=within)
        except ConfigurationError as error:
            raise CommandError(str(error), returncode=_MISUSED) from error
        except EventsError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("the command was stopped", returncode=_FAILED) from error
        self.stdout.write(done)
