"""`bc-events outbox`: runs a relay, shows, replays and purges events, and prints what was sent."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from bc_events import outbox as outboxes
from bc_events._ambient.default_client import OUTBOX
from bc_events._runtime.numbers import Seconds, WholeNumbers
from bc_events.errors import ConfigurationError
from bc_events.outbox._store import history
from bc_events.outbox._store.history import envelope_of

from .client import loaded
from .escaping import json_text
from .exit_codes import FAILED
from .number_type import NumberType
from .relay import opened, relay
from .shared_options import shared_options
from .sql import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Unpack
    from uuid import UUID

    from bc_events.outbox import Store
    from bc_events.outbox._store.row import Row

_MOST: Final = 2**31 - 1
_AGE: Final = NumberType(Seconds(1e9, is_zero_taken=True))  # up to thirty years
_COUNT: Final = NumberType(WholeNumbers(1, _MOST))
_COUNT_OR_ZERO: Final = NumberType(WholeNumbers(0, _MOST))
_WHERE: Final = click.option(
    "--outbox",
    "where",
    envvar=OUTBOX,
    show_envvar=True,
    required=True,
    metavar="WHERE",
    help="A file, a URL with postgresql:// or sqlite:///, or django.",
)
_CLIENT: Final = click.option(
    "--client",
    metavar="MODULE:ATTR",
    help="In place of --outbox: an EventClient in your code, which opens sealed events.",
)
_WHERE_ELSE: Final = click.option(
    "--outbox",
    "where",
    envvar=OUTBOX,
    show_envvar=True,
    metavar="WHERE",
    help="A file, a URL with postgresql:// or sqlite:///, or django.",
)
_IDS: Final = click.argument("ids", metavar="[ID]...", nargs=-1, type=click.UUID)


@click.group()
def outbox() -> None:
    """Send the events of an outbox, show them, replay or purge them.

    \b
    Example:
      bc-events outbox status --outbox events.db
    """


outbox.add_command(relay)
outbox.add_command(sql)


@outbox.command()
@_WHERE
@click.option("--max-age", type=_AGE, metavar="SECONDS", help="Fail if an event waits for longer.")
@click.option("--max-dead", type=_COUNT_OR_ZERO, metavar="COUNT", help="Fail if more events are dead.")
@click.pass_context
def status(context: click.Context, where: str, max_age: float | None, max_dead: int | None) -> None:
    """Print how many events wait, as one JSON object, for monitoring.

    Exits with 0 if all is well, and with 1 if a limit is passed or the outbox cannot be read.

    \b
    Example:
      bc-events outbox status --max-age 60 --max-dead 0
    """
    stats = _store(where).stats()
    click.echo(json_text(dataclasses.asdict(stats)))
    if (max_age is not None and stats.oldest_age > max_age) or (max_dead is not None and stats.dead > max_dead):
        context.exit(FAILED)


@outbox.command()
@_WHERE_ELSE
@_CLIENT
@_IDS
@click.option("--dead", is_flag=True, help="Dead events, in place of those that wait.")
@click.option(
    "--limit",
    type=_COUNT,
    default=100,
    show_default=True,
    metavar="COUNT",
    help="How many at most.",
)
@click.option("--payload", is_flag=True, help="Print envelopes too. They may contain personal data.")
def show(
    where: str | None, client: str | None, ids: tuple[UUID, ...], *, dead: bool, limit: int, payload: bool
) -> None:
    """Print events of an outbox, the oldest first, each as one line of JSON.

    \b
    Example:
      bc-events outbox show --dead
    """
    store = _store_of(where, client)
    for row in store.find(ids) if ids else store.show(dead=dead, limit=limit):
        shown = _described(row)
        if payload:
            shown |= envelope_of(store, row.payload if row.fault is None else None)
        click.echo(json_text(shown))


@outbox.command("history")
@_WHERE_ELSE
@_CLIENT
@_IDS
@shared_options(history.OPTIONS)
def show_history(
    where: str | None, client: str | None, ids: tuple[UUID, ...], **search: Unpack[history.Search]
) -> None:
    """Print events that were sent, the newest first. An outbox with a keep has them.

    \b
    Example:
      bc-events outbox history --job import-2026-11 --since 90d
    """
    for line in history.lines(_store_of(where, client), ids, search):
        click.echo(line)


@outbox.command()
@_WHERE
@_IDS
@click.option("--all", "is_all", is_flag=True, help="Every dead event.")
def replay(where: str, ids: tuple[UUID, ...], *, is_all: bool) -> None:
    """Make dead events ready to be sent again, and print how many.

    \b
    Example:
      bc-events outbox replay --all
    """
    _change(_store(where).replay, "replayed", ids, is_all=is_all)


@outbox.command()
@_WHERE
@_IDS
@click.option("--dead", "is_all", is_flag=True, help="Every dead event.")
def purge(where: str, ids: tuple[UUID, ...], *, is_all: bool) -> None:
    """Delete dead events, and print how many. An event that waits is never deleted.

    \b
    Example:
      bc-events outbox purge --dead
    """
    _change(_store(where).purge, "purged", ids, is_all=is_all)


def _store_of(where: str | None, client: str | None) -> Store:
    if client is None and not where:
        raise click.UsageError(f"no outbox is named; give --outbox or {OUTBOX}, or --client")
    return _store(where or "") if client is None else _outbox_of(client).store


def _outbox_of(client: str) -> Any:
    found = loaded(client).outbox
    if getattr(found, "store", None) is None:
        raise ConfigurationError(f"--client {client} has no outbox; name it with --outbox")
    return found


def _store(where: str) -> Store:
    """The store of an outbox that exists: a mistyped name must not look like an empty outbox."""
    found = opened(where)
    if isinstance(found, outboxes.SQLiteOutbox) and not found.is_made():
        raise ConfigurationError(f"{_lack_of(found.path)}; name the file to which your service publishes")
    store: Store = found.store
    store.check()
    return store


def _lack_of(path: Path) -> str:
    if not path.exists():
        return f"the outbox file {path} does not exist"
    return f"{path} is a folder" if path.is_dir() else f"there is no outbox of this version in {path}"


def _change(change: Callable[[Sequence[UUID] | None], int], name: str, ids: tuple[UUID, ...], *, is_all: bool) -> None:
    if bool(ids) == is_all:
        raise click.UsageError("give the ids of events, or the option that means every dead event")
    click.echo(json_text({name: change(None if is_all else ids)}))


def _described(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "topic": row.topic,
        "jobId": row.job_id,
        "service": row.service,
        "created": _moment(row.created_at),
        "ready": _moment(row.available_at),
        "attempts": row.attempts,
        "isLeased": row.is_leased,
        "lastError": row.last_error,
        "died": _moment(row.dead_at),
    }


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
