"""`manage.py bc_events_relay`: sends what waits in the outbox until told to stop."""

from __future__ import annotations

from argparse import ArgumentTypeError
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import BaseCommand, CommandError

from bc_events._ambient.default_client import default_client
from bc_events.errors import ConfigurationError, EventsError
from bc_events.outbox._relay import command
from bc_events.outbox._relay.relay import Relay
from bc_events.outbox.django.outbox import DjangoOutbox

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    from bc_events._runtime.numbers import NumberRange
    from bc_events.client import EventClient
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
        for option in command.OPTIONS:
            if option.numbers is None and not option.choices:
                parser.add_argument(f"--{option.name}", help=option.help, action="store_true")
                continue
            parser.add_argument(
                f"--{option.name}",
                help=option.help if option.default is None else f"{option.help} [default: {option.default}]",
                default=option.default,
                metavar=option.metavar,
                choices=option.choices or None,
                type=str if option.numbers is None else _number_type(option.numbers),
            )

    def handle(
        self, *, workers: int, order: Order, lease: float | None, drain: bool, within: float | None, **_common: Any
    ) -> None:
        try:
            client = default_client()
            with closing(_outbox_of(client).store):
                relay = Relay.of(client, workers=workers, order=order, settings=command.settings_of(lease))
                done = command.run(relay, drain=drain, within=within)
        except ConfigurationError as error:
            raise CommandError(str(error), returncode=_MISUSED) from error
        except EventsError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("the command was stopped", returncode=_FAILED) from error
        self.stdout.write(done)


def _outbox_of(client: EventClient) -> DjangoOutbox:
    if isinstance(client.outbox, DjangoOutbox):
        return client.outbox
    raise ConfigurationError(
        'the default client has no outbox in a Django database; set BC_EVENTS["OUTBOX"] to "django"'
    )


def _number_type(numbers: NumberRange) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            return numbers.read(text)
        except ConfigurationError as error:
            raise ArgumentTypeError(str(error)) from error

    return number
