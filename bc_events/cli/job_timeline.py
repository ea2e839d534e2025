"""The line of one job, printed: its events, also those that were not sent, and the requests that did not go well."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.table import Column, Table
from rich.text import Text

from .escaping import escaped

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final = {
    "arrived": "green",
    "open": "yellow",
    "waiting": "yellow",
    "refused": "red",
    "faulted": "yellow",
    "repeated": "cyan",
}


def print_timeline(console: Console, line: dict[str, Any]) -> None:
    """`line` is the answer of `GET /api/jobs/JOB`."""
    table = Table(
        *("ms", "Status", "What", "By"),
        Column("Details", overflow="fold"),
        title=Text(f"Job {escaped(line['jobId'])}"),
        title_justify="left",
        title_style="bold",
    )
    started = datetime.fromisoformat(line["started"])
    rows = [*map(_event, line["events"]), *(_request(one) for one in line["requests"] if one["outcome"] != "accepted")]
    for moment, status, *texts in sorted(rows, key=lambda row: row[0]):
        since = (datetime.fromisoformat(moment) - started).total_seconds() * 1000
        style = _STYLES.get(status, "red")
        table.add_row(f"{since:.0f}", Text(escaped(status), style), *(Text(escaped(text)) for text in texts))
    console.print(table)


def _event(event: dict[str, Any]) -> tuple[str, str, str, str, str]:
    actor = event["actor"]
    by = event["service"] if actor is None else f"{actor['type']} {actor['id']}"
    return event["at"], event["state"], event["topic"], by or "", event["reason"]


def _request(request: dict[str, Any]) -> tuple[str, str, str, str, str]:
    what = f"{request['method']} {request['path']} -> {request['status'] or 'no response'}"
    details = request["reason"] or request["fault"] or ""
    return request["received"], request["outcome"], what, ", ".join(request["actors"]), details
