"""`manage.py bc_events_history`: prints what was sent."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from bc_events._ambient.default_client import default_client
from bc_events.errors import ConfigurationError, EventsError
from bc_events.outbox._store import history
from bc_events.outbox.django.management.default_outbox import outbox_of
from bc_events.outbox.django.management.options import add_options

if TYPE_CHECKING:
    from argparse import ArgumentParser

_MISUSED: Final = 2


class Command(BaseCommand):
    help = (
        "Prints events that were sent, the newest first. An outbox with a keep has them. "
        "Example: manage.py bc_events_history --job import-2026-11 --since 90d"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", metavar="ID", nargs="*", type=UUID, help="Events with these ids alone.")
        add_options(parser, history.OPTIONS)

    def handle(self, *, ids: list[UUID], **search: Any) -> None:
        try:
            with closing(outbox_of(default_client()).store) as store:
                for line in history.lines(store, ids, cast("history.Search", search)):
                    self.stdout.write(line)
        except ConfigurationError as error:
            raise CommandError(str(error), returncode=_MISUSED) from error
        except EventsError as error:
            raise CommandError(str(error)) from error
