"""The line of `bc-events serve` for a request: when, the status, what became of it, and what or why.

Events that a client did not send have a line of the same form, without a status.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from rich.text import Text

from bc_events.errors import counted
from bc_events.local import Unsent

from .escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bc_events.local import ReceivedRequest

    Told = ReceivedRequest | Unsent

_STYLES: Final = {
    "accepted": "green",
    "partly refused": "red",
    "refused": "red",
    "repeated": "cyan",
    "faulted": "yellow",
    "not sent": "magenta",
}
_MOST_NAMED: Final = 3
_NARROWEST: Final = 20
_REPEATED: Final = "Idempotency-Key known: same response, nothing stored"
_LOST: Final = "lost_answer: handled, and then closed with no response"


def plain_line(told: Told) -> str:
    """On one line, however long."""
    return escaped(f"{_head(told)}  {'; '.join(_details(told))}")


def coloured_line(told: Told, width: int) -> Text:
    """For a terminal that is `width` characters wide: details that do not fit stand below, in a column of their own."""
    head = f"{_head(told)}  "
    details = [escaped(detail) for detail in _details(told)]
    lines = list(_filled(details, max(width - len(head), _NARROWEST)))
    return Text.assemble((head, _STYLES[_outcome(told)]), f"\n{' ' * len(head)}".join(lines))


def _filled(details: Iterable[str], width: int) -> Iterator[str]:
    """As many details to a line as fit; one that is too long for a line is wrapped."""
    line = ""
    for detail in details:
        joined = f"{line}; {detail}" if line else detail
        if len(joined) <= width:
            line = joined
            continue
        if line:
            yield line
        *full, line = textwrap.wrap(detail, width, break_on_hyphens=False)
        yield from full
    if line:
        yield line


def _outcome(told: Told) -> str:
    return "not sent" if isinstance(told, Unsent) else told.outcome


def _head(told: Told) -> str:
    clock = told.received.astimezone().strftime("%H:%M:%S")
    outcome = _outcome(told)
    word = "refused" if outcome == "partly refused" else outcome
    status = None if isinstance(told, Unsent) else told.status
    return f"{clock} {status or '---'} {word:<8}"


def _details(told: Told) -> Iterable[str]:
    return _details_of_unsent(told) if isinstance(told, Unsent) else _details_of_request(told)


def _details_of_unsent(unsent: Unsent) -> Iterable[str]:
    yield f"{counted(unsent.count, 'event')}: {_named(unsent.topics)}"
    yield f"{unsent.why}: {unsent.reason}"
    yield unsent.service
    yield f"job {unsent.job_id}"


def _details_of_request(request: ReceivedRequest) -> Iterable[str]:
    if request.outcome == "repeated":
        yield _REPEATED
    if request.outcome == "faulted":
        yield _fault(request)
    if request.reason is not None:
        yield _why(request)
    elif request.records:
        yield f"{counted(request.records, 'event')}: {_named(request.topics)}"
    if request.fault == "latency":
        yield "answered late (latency)"
    if request.actors:
        yield _named(request.actors)
    if request.job_id is not None:
        yield f"job {request.job_id}"


def _why(request: ReceivedRequest) -> str:
    if request.outcome == "partly refused":
        return f"{request.refused_records} of {counted(request.records, 'event')}: {request.reason}"
    return str(request.reason)


def _fault(request: ReceivedRequest) -> str:
    if request.fault == "lost_answer":
        return _LOST
    if request.fault == "partial_failure":
        return "partial_failure: some records failed, to be sent again"
    return f"{request.fault}: nothing stored"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
