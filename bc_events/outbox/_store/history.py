"""The command that prints what was sent: `bc-events outbox history` and `manage.py bc_events_history`.

They share its options with their checks, and its lines.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, get_args

import orjson

from bc_events._runtime.json_text import json_text
from bc_events._runtime.numbers import WholeNumbers
from bc_events.errors import ConfigurationError, printable

from .command_option import CommandOption
from .keep import seconds_of
from .sealing import UnopenableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from .archived_row import ArchivedRow
    from .store import Store

Format = Literal["json", "table"]
_MOST: Final = 2**31 - 1
_LONGEST: Final = 500
_COLUMNS: Final = ("sent", "topic", "jobId", "id", "attempts", "apiEventId")


class _PrintableText:
    def read(self, text: str) -> str:
        if not text or not text.isprintable():
            raise ConfigurationError("it is empty, or has characters that cannot be printed")
        return text


class _Moments:
    """A date or time of ISO 8601, in UTC if it names no offset; or an age, such as 7d."""

    def read(self, text: str) -> float:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return time.time() - self._age(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()

    def _age(self, text: str) -> float:
        try:
            return seconds_of("it", text) or 0.0
        except ConfigurationError as error:
            raise ConfigurationError(
                f"'{printable(text, max_length=40)}' is not a time; give one such as 2026-11-01, 2026-11-01T12:00 or 7d"
            ) from error


OPTIONS: Final = (
    CommandOption(name="job", help="Events of this job alone.", metavar="ID", values=_PrintableText()),
    CommandOption(name="topic", help="Events of this topic alone.", metavar="NAME", values=_PrintableText()),
    CommandOption(
        name="since", help="Sent at this time (UTC) or later, or in the last 7d.", metavar="TIME", values=_Moments()
    ),
    CommandOption(name="until", help="Sent before this time.", metavar="TIME", values=_Moments()),
    CommandOption(name="limit", help="How many at most.", metavar="COUNT", default=100, values=WholeNumbers(1, _MOST)),
    CommandOption(name="format", help="Lines of JSON, or a table.", default="json", choices=get_args(Format)),
    CommandOption(name="payload", help="Print envelopes too, as JSON. They may contain personal data."),
)


class Search(TypedDict):
    """The values of the options."""

    job: str | None
    topic: str | None
    since: float | None
    until: float | None
    limit: int
    format: Format
    payload: bool


def lines(store: Store, ids: Sequence[UUID], search: Search) -> Iterator[str]:
    """The newest first. Raises `OutboxError`, and `ConfigurationError` for options that do not go together."""
    if search["payload"] and search["format"] == "table":
        raise ConfigurationError("a table has no column for envelopes; leave out --payload or --format table")
    store.check()
    rows = store.history(
        ids=ids,
        job_id=search["job"],
        topic=search["topic"],
        since=search["since"],
        until=search["until"],
        limit=search["limit"],
    )
    described = [_described(row) for row in rows]
    if search["format"] == "table":
        yield from _table(described)
        return
    for row, values in zip(rows, described, strict=True):
        yield json_text({**values, **envelope_of(store, row.payload)} if search["payload"] else values)


def envelope_of(store: Store, payload: str | None) -> dict[str, Any]:
    """The envelope in a payload; or None, and the reason if it cannot be opened. Raises `OutboxError` without a key."""
    if payload is None:
        return {"envelope": None}
    try:
        opened = store.opened(payload)
    except UnopenableError as error:
        return {"envelope": None, "fault": str(error)}
    try:
        orjson.loads(opened)
    except orjson.JSONDecodeError:
        return {"envelope": None, "fault": "the payload is not JSON"}
    return {"envelope": orjson.Fragment(opened)}


def _described(row: ArchivedRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "topic": row.topic,
        "jobId": row.job_id,
        "service": row.service,
        "created": datetime.fromtimestamp(row.created_at, UTC),
        "sent": datetime.fromtimestamp(row.sent_at, UTC),
        "attempts": row.attempts,
        "idempotencyKey": row.idempotency_key,
        "apiEventId": row.api_event_id,
    }


def _table(described: Sequence[dict[str, Any]]) -> Iterator[str]:
    cells = [list(_COLUMNS), *([_cell(values[name]) for name in _COLUMNS] for values in described)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return "-" if value is None else printable(str(value), max_length=_LONGEST)
