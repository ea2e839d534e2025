"""The line of one job, printed: its events and the requests that did not go well, in the order in which they came."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.table import Column, Table
from rich.text import Text

from .escaping import escaped

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final = {"accepted": "green", "refused": "red", "faulted": "yellow", "repeated": "cyan"}


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
    by = f"{event['actor']['type']} {event['actor']['id']}"
    return event["received"], event["status"], event["topic"], by, event["reason"] or ""


def _request(request: dict[str, Any]) -> tuple[str, str, str, str, str]:
    what = f"{request['method']} {request['path']} -> {request['status'] or 'no response'}"
    details = request["reason"] or request["fault"] or ""
    return request["received"], request["outcome"], what, ", ".join(request["actors"]), details
