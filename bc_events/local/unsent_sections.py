"""The sections of the page about events that were not sent: the latest, and the line of one job."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from bc_events.errors import counted, printable

from .filter_grammar import Term, read_terms
from .query import term

if TYPE_CHECKING:
    from datetime import datetime

    from .job_line import JobLine, LineEvent
    from .lines import Lines
    from .report_store import ReportStore
    from .unsent import Unsent

_SHOWN: Final = 5
_MOST_LINE: Final = 500
_UNSENT: Final = """<section aria-labelledby="unsent"><h2 id="unsent">Not sent</h2>
<table><thead><tr><th>At<th>What<th>Why<th>Job</tr></thead><tbody>{rows}</tbody></table>
<p class="more">More are at <a href="/api/unsent">/api/unsent</a>.</p></section>"""
_UNSENT_ROW: Final = """<tr><td><time datetime="{moment}">{clock}</time><td>{what} <small>{service}</small>
<td class="why">{why}<td><a href="{by_job}"><code>{job}</code></a></tr>
"""
_LINE: Final = """<section class="line" aria-labelledby="line"><h2 id="line">The job, in the order of time</h2>
<table><thead><tr><th>At<th>State<th>Topic<th>Service<th>Why</tr></thead><tbody>{rows}</tbody></table>
<p class="more">{more}</p></section>"""
_LINE_ROW: Final = """<tr class="{kind}"><td><time datetime="{moment}">{clock}</time><td>{state}<td>{topic}
<td>{service}<td class="why">{why}</tr>
"""


class UnsentSections:
    """As HTML; empty where nothing was reported."""

    def __init__(self, lines: Lines, reports: ReportStore) -> None:
        self._lines = lines
        self._reports = reports

    def of(self, q: str) -> str:
        """The line of the job that the filter asks for; without a filter, the latest events that were not sent."""
        job_id = _job_of(q)
        if job_id is not None:
            return _line(self._lines.of(job_id))
        latest = self._reports.unsent(_SHOWN)
        return _UNSENT.format(rows="".join(map(_unsent_row, latest))) if latest and not q.strip() else ""


def link_to(field: str, value: str) -> str:
    """The address of the page with this filter."""
    return f"/?q={quote(term(field, value))}"


def _job_of(q: str) -> str | None:
    """The job of a filter that asks for one job and nothing else."""
    match read_terms(q):
        case [Term(field="job", path=(), is_negated=False, parts=(job_id,))]:
            return job_id
    return None


def _line(line: JobLine) -> str:
    if all(event.state == "arrived" for event in line.events):
        return ""
    shown = line.events[-_MOST_LINE:]
    counts = ", ".join(f"{count} {state}" for state, count in line.counts.items())
    lost = f"; {counted(line.lost_reports, 'report')} lost, so more may be missing" if line.lost_reports else ""
    address = f"/api/jobs/{quote(line.job_id, safe='')}"
    more = f'{counts}{lost}. As JSON: <a href="{escape(address)}">{escape(address)}</a>.'
    return _LINE.format(rows="".join(map(_line_row, shown)), more=more)


def _line_row(event: LineEvent) -> str:
    retries = sum(one.is_retry for one in event.requests)
    failed = next((one.reason for one in event.requests if one.reason), "")
    tried = f"sent {counted(retries + 1, 'time')}, after {failed}" if retries else ""
    return _LINE_ROW.format(
        kind="arrived" if event.state == "arrived" else "unsent",
        moment=event.at.isoformat(),
        clock=_clock(event.at),
        state=event.state,
        topic=escape(printable(event.topic)),
        service=escape(printable(event.service or "")),
        why=escape(printable(event.reason or tried, max_length=1000)),
    )


def _unsent_row(unsent: Unsent) -> str:
    topics = ", ".join(map(printable, unsent.topics))
    return _UNSENT_ROW.format(
        moment=unsent.received.isoformat(),
        clock=_clock(unsent.received),
        what=escape(topics if unsent.count == 1 else f"{counted(unsent.count, 'event')}: {topics}"),
        service=escape(printable(unsent.service)),
        why=escape(printable(f"{unsent.why}: {unsent.reason}", max_length=1000)),
        by_job=link_to("job", unsent.job_id),
        job=escape(unsent.job_id),
    )


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]
