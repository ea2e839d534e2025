"""`bc-events outbox relay`: send what waits in an outbox until told to stop."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import click

from bc_events import outbox as outboxes
from bc_events._ambient.default_client import API_URL, OUTBOX
from bc_events._config import arguments
from bc_events._delivery.api import EventsAPI
from bc_events.constants import LOGGER_NAME
from bc_events.errors import ConfigurationError, OutboxError

from . import django
from .client import loaded
from .json_log import JSONLines
from .screen import screen
from .stopping import stoppable

if TYPE_CHECKING:
    from bc_events.outbox import Relay, Store
    from bc_events.outbox._store.store import Order

_GLANCE: Final = 0.5


@click.command()
@click.option("--client", metavar="MODULE:ATTR", help="An EventClient in your code: its outbox, API and auth are used.")
@click.option("--outbox", "where", envvar=OUTBOX, show_envvar=True, metavar="WHERE", help="Where the events are.")
@click.option("--api-url", envvar=API_URL, show_envvar=True, help="Where they go.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Requests under way at once.")
@click.option(
    "--order",
    type=click.Choice(["time", "job"]),
    default="time",
    show_default=True,
    help="job: one event of a job at a time, strictly in order.",
)
@click.option("--lease", type=click.FloatRange(0, min_open=True), default=60, show_default=True, metavar="SECONDS")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    nargs=2,
    default=(3.05, 10),
    show_default=True,
    metavar="CONNECT ANSWER",
    help="Seconds; those of --client where it is given.",
)
@click.option("--drain", is_flag=True, help="Exit once nothing waits.")
def relay(
    client: str | None,
    where: str | None,
    api_url: str | None,
    workers: int,
    order: Order,
    lease: float,
    timeout: tuple[float, float],
    *,
    drain: bool,
) -> None:
    """Send what waits in an outbox until Ctrl-C or SIGTERM: then requests in hand are finished, and it exits with 0.

    Any number of relays may share an outbox. What happens is a line at a terminal, and elsewhere a JSON object a line
    on standard error.

    \b
    Example:
      bc-events outbox relay --outbox events.db --api-url https://api.mysite.britecore.com
      bc-events outbox relay --client myservice.events:client --workers 4
    """
    settings = outboxes.RelaySettings(lease=lease)
    if client is not None:
        found = loaded(client)
        made = outboxes.Relay.of(found, workers=workers, order=order, settings=settings)
        store: Store = getattr(found.outbox, "store")  # noqa: B009  Relay.of has seen to it
    else:
        store = _store(where)
        made = outboxes.Relay(store, _api(api_url, timeout), workers=workers, order=order, settings=settings)
    store.check()
    _run(made, store, drain=drain)


def _run(made: Relay, store: Store, *, drain: bool) -> None:
    console = screen(is_error=True)
    if not console.is_terminal:
        _log_as_json()
    with stoppable(), console.status("starting") if console.is_terminal else nullcontext() as line:
        made.start()
        while not (drain and made.is_done()):
            time.sleep(_GLANCE)
            if line is not None:
                line.update(_progress(made, store))
    made.stop()
    made.join()
    logging.getLogger(LOGGER_NAME).info(
        "the relay has ended",
        extra={"bc_sent": made.counts.sent, "bc_retried": made.counts.retried, "bc_dead": made.counts.dead},
    )


def _log_as_json() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONLines())
    logger = logging.getLogger(LOGGER_NAME)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.info("the relay has started")


def _progress(made: Relay, store: Store) -> str:
    try:
        stats = store.stats()
    except OutboxError:
        return "the outbox cannot be read"
    line = f"{made.counts.sent} sent, {stats.pending} waiting, {stats.dead} dead"
    return f"{line}; paused: {made.counts.pause_reason}" if made.counts.pause_reason else line


def _store(where: str | None) -> Store:
    if not where:
        raise ConfigurationError(f"no outbox is named; give --outbox or {OUTBOX}, or --client")
    store: Store = opened(where).store
    return store


def opened(where: str) -> Any:
    """The outbox of that name. Its connections are closed when the command ends. Raises `ConfigurationError`."""
    django.set_up_for(where)
    found: Any = outboxes.named(where)
    click.get_current_context().call_on_close(found.store.close)
    return found


def _api(url: str | None, timeout: tuple[float, float]) -> EventsAPI:
    if not url:
        raise ConfigurationError(f"no Events API is named; give --api-url or {API_URL}, or --client")
    return EventsAPI(arguments.url(url, has_auth=False), auth=None, timeout=timeout, http=None)
