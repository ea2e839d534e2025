"""`bc-events outbox relay`: sends the events of an outbox until it is stopped."""

from __future__ import annotations

import logging
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import click
from rich.text import Text

from bc_events import outbox as outboxes
from bc_events._ambient.default_client import API_URL, OUTBOX
from bc_events._config import arguments
from bc_events._delivery.api import EventsAPI
from bc_events._runtime import logs
from bc_events._runtime.numbers import Seconds
from bc_events.constants import LOG_ONLY, LOGGER_NAME
from bc_events.errors import OutboxError
from bc_events.outbox._relay import command
from bc_events.outbox._store.keep import Ages

from . import django, option_types
from .client import loaded
from .escaping import escaped
from .json_log import JSONLines
from .number_type import NumberType
from .screen import screen
from .shared_options import shared_options
from .value_type import ValueType

if TYPE_CHECKING:
    from datetime import timedelta

    from bc_events.outbox import Relay
    from bc_events.outbox._store.store import Order

_LONGEST_TIMEOUT: Final = 3600
_NEW_FILE: Final = "the outbox's file %s did not exist yet, so nothing waits in it; does your service publish to it?"


@click.command()
@click.option("--client", metavar="MODULE:ATTR", help="An EventClient in your code: its outbox, API and auth are used.")
@click.option(
    "--outbox",
    "where",
    envvar=OUTBOX,
    show_envvar=True,
    metavar="WHERE",
    help="The outbox: a file, a URL with postgresql:// or sqlite:///, or django.",
)
@click.option("--api-url", envvar=API_URL, show_envvar=True, type=option_types.API_URL, help="The Events API.")
@click.option(
    "--keep",
    type=ValueType(Ages()),
    metavar="AGE",
    help="Keep sent events for so long: 90d, 12h. With --client, its outbox has it.",
)
@click.option(
    "--timeout",
    type=NumberType(Seconds(_LONGEST_TIMEOUT)),
    nargs=2,
    default=(3.05, 10),
    show_default=True,
    metavar="CONNECT ANSWER",
    help="Seconds. With --client, its own timeout counts.",
)
@shared_options(command.OPTIONS)
def relay(
    client: str | None,
    where: str | None,
    api_url: str | None,
    keep: timedelta | None,
    timeout: tuple[float, float],
    workers: int,
    order: Order,
    lease: float | None,
    within: float | None,
    *,
    drain: bool,
) -> None:
    """Send the events of an outbox until Ctrl-C or SIGTERM, then finish the requests in hand and exit with 0.

    Any number of relays may share an outbox. At a terminal, one line shows the progress. Elsewhere, the log goes to
    standard error as one JSON object a line.

    \b
    Example:
      bc-events outbox relay --outbox events.db --api-url https://api.mysite.britecore.com
      bc-events outbox relay --client myservice.events:client --workers 4
    """
    settings = command.settings_of(lease)
    outbox: Any = None
    if client is not None and keep is not None:
        raise click.UsageError("--keep is for --outbox; the outbox of --client has a keep of its own")
    if client is not None:
        made = outboxes.Relay.of(loaded(client), workers=workers, order=order, settings=settings)
    else:
        outbox = _outbox(where, keep)
        made = outboxes.Relay(outbox.store, _api(api_url, timeout), workers=workers, order=order, settings=settings)
    console = screen(is_error=True)
    if not console.is_terminal:
        _log_as_json()
    path = getattr(outbox, "path", None)
    if path is not None and not path.exists():
        logs.write(logging.WARNING, _NEW_FILE, path, bc_outbox=str(path))
    with console.status("starting") if console.is_terminal else nullcontext() as line:
        done = command.run(
            made,
            drain=drain,
            within=within,
            on_look=lambda: None if line is None else line.update(_progress(made)),
        )
    if console.is_terminal:
        console.print(done)


def _log_as_json() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONLines())
    logger = logging.getLogger(LOGGER_NAME)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _progress(made: Relay) -> Text:
    """A `Text` of rich, which takes brackets in a plain string for markup."""
    try:
        stats = made.store.stats()
    except OutboxError:
        return Text("the outbox cannot be read")
    line = f"{made.counts.sent} sent, {stats.pending} waiting, {stats.dead} dead"
    return Text(escaped(f"{line}; paused: {made.counts.pause_reason}" if made.counts.pause_reason else line))


def _outbox(where: str | None, keep: timedelta | None) -> Any:
    if not where:
        raise click.UsageError(f"no outbox is named; give --outbox or {OUTBOX}, or --client")
    return opened(where, keep)


def opened(where: str, keep: timedelta | None = None) -> Any:
    """The outbox of that name. The end of the command closes its connections. Raises `ConfigurationError`."""
    django.set_up_for(where)
    found: Any = outboxes.named(where, keep=keep)
    click.get_current_context().call_on_close(found.store.close)
    return found


def _api(url: str | None, timeout: tuple[float, float]) -> EventsAPI:
    if not url:
        raise click.UsageError(f"no Events API is named; give --api-url or {API_URL}, or --client")
    if url == LOG_ONLY:
        raise click.UsageError(f"--api-url {LOG_ONLY} sends nothing; give the URL of an Events API")
    return EventsAPI(arguments.url(url, has_auth=False), auth=None, timeout=timeout, http=None)
