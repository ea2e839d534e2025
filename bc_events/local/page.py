"""The page: the latest events that match a filter, and refused requests; rendered here, with no script."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from bc_events.errors import counted, printable

from .query import QueryError
from .unsent_sections import UnsentSections, link_to

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

    from .event_store import EventStore
    from .lines import Lines
    from .received_event import ReceivedEvent
    from .received_request import ReceivedRequest
    from .report_store import ReportStore
    from .request_log import RequestLog

_SHOWN: Final = 200
_REFUSED_SHOWN: Final = 5
_MOST_DATA: Final = 20_000
"""The most characters of an event's data: a browser shows 200 such events with ease."""
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><link rel="stylesheet" href="/page.css"></head>
<body><header><h1>Local Events API</h1><p>{summary}</p></header>
<form role="search"><input type="search" name="q" value="{q}" aria-label="Filter"
 placeholder="topic:policies.PolicyCreated job:… actor:… or any text"><button>Filter</button></form>
<main>{main}</main></body></html>
"""
_TABLE: Final = """<h2>Events</h2><table><thead><tr><th>#<th>Received<th>Topic<th>Actor<th>Job<th>Data</tr></thead>
<tbody>{rows}</tbody></table>"""
_REFUSED: Final = """<section aria-labelledby="refused"><h2 id="refused">Refused requests</h2>
<table><thead><tr><th>#<th>Received<th>Status<th>Why<th>Job</tr></thead><tbody>{rows}</tbody></table>
<p class="more">{more}</p></section>"""
_REFUSED_ROW: Final = """<tr><td class="number">{number}<td><time datetime="{moment}">{clock}</time><td>{status}
<td class="why">{why}<td>{job}</tr>
"""
_ROW: Final = """<tr><td class="number">{seq}<td><time datetime="{moment}">{clock}</time>
<td><a href="{by_topic}">{topic}</a><td>{actor} <small>{actor_type}</small>
<td><a href="{by_job}"><code>{job}</code></a>
<td class="data"><details><summary><code>{line}</code></summary><pre>{data}</pre></details></tr>
"""


class Page:
    """The endpoints of the page and its style sheet."""

    def __init__(self, store: EventStore, log: RequestLog, lines: Lines, reports: ReportStore) -> None:
        self._store = store
        self._log = log
        self._sections = UnsentSections(lines, reports)
        self._style = files("bc_events.local").joinpath("page.css").read_bytes()

    async def style(self, _request: Request) -> Response:
        return Response(self._style, headers=_HEADERS, media_type="text/css")

    async def events(self, request: Request) -> Response:
        q = request.query_params.get("q", "")
        try:
            found = await run_in_threadpool(self._store.latest, q, _SHOWN, most_data=_MOST_DATA + 1)
        except QueryError as error:
            return _page(q, "", f'<p class="error" role="alert">{escape(str(error))}</p>', 400)
        matching = await run_in_threadpool(self._store.count, q)
        refused = await run_in_threadpool(self._sections.of, q) + _refused(self._log)
        if not found:
            return _page(q, "0 events", f'{refused}<p class="empty">{_nothing(q)}</p>')
        shown = f", the latest {len(found)} shown" if matching > len(found) else ""
        return _page(q, f"{counted(matching, 'event')}{shown}", refused + _TABLE.format(rows="".join(map(_row, found))))


def _page(q: str, summary: str, main: str, status: int = 200) -> HTMLResponse:
    title = f"{q} - Local Events API" if q else "Local Events API"
    content = _PAGE.format(title=escape(title), summary=summary, q=escape(q), main=main)
    return HTMLResponse(content, status, _HEADERS)


def _nothing(q: str) -> str:
    return "No event matches this filter." if q else "No event has arrived yet."


def _refused(log: RequestLog) -> str:
    """The latest requests that were refused, as a whole or in part, newest first. Empty if there are none."""
    refused = log.refused()
    if not refused:
        return ""
    latest = refused[: -_REFUSED_SHOWN - 1 : -1]
    count = f"The latest {len(latest)} of {len(refused)}; all" if len(refused) > len(latest) else "All"
    more = f'{count} requests are at <a href="/api/requests">/api/requests</a>.'
    return _REFUSED.format(rows="".join(map(_refused_row, latest)), more=more)


def _refused_row(request: ReceivedRequest) -> str:
    job = "" if request.job_id is None else f"<code>{escape(printable(request.job_id))}</code>"
    part = f"{request.refused_records} of {request.records} events: " if request.records > 1 else ""
    return _REFUSED_ROW.format(
        number=request.number,
        moment=request.received.isoformat(),
        clock=_clock(request.received),
        status=request.status or "none",
        why=escape(part + (request.reason or "")),
        job=job,
    )


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]


def _row(event: ReceivedEvent) -> str:
    return _ROW.format(
        seq=event.seq,
        moment=event.received.isoformat(),
        clock=_clock(event.received),
        by_topic=link_to("topic", event.topic),
        topic=escape(event.topic),
        actor=escape(event.actor.id),
        actor_type=escape(event.actor.type),
        by_job=link_to("job", event.job_id),
        job=escape(event.job_id),
        line=escape(event.raw.decode()[:200]),
        data=escape(_shown(event.raw.decode())),
    )


def _shown(data: str) -> str:
    """The data, indented. If it is too long or too deep for that, as it came."""
    if len(data) > _MOST_DATA:
        return f"{data[:_MOST_DATA]}\n… and more; /api/events has it in full"
    try:
        return orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return data
