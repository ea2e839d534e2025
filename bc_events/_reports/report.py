"""Report: one thing that happened to a session or an event, as the local Events API gets it.

docs/reference/local.md lists the kinds and their fields. A report is made on the thread that publishes, so it only
collects values. The channel's own thread writes it as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from bc_events._runtime import clock
from bc_events._runtime.actor import Actor
from bc_events.constants import MAX_REQUEST_EVENTS
from bc_events.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Report = dict[str, Any]

MOST_DATA: Final = 10_000
"""The most bytes of an event's data in a report. Longer data is left out."""
_MOST_VIOLATIONS: Final = 20
_MOST_TOPICS: Final = 20
_LONGEST_TEXT: Final = 1000


def made(kind: str, job_id: str, **fields: Any) -> Report:
    return {"kind": kind, "job": job_id, "at": clock.time_ns(), **fields}


def about(kind: str, job_id: str, events: Sequence[Any], **fields: Any) -> Iterator[Report]:
    """Reports about events, or rows of an outbox: as many in each as a request may have."""
    for start in range(0, len(events), MAX_REQUEST_EVENTS):
        some = events[start : start + MAX_REQUEST_EVENTS]
        topics = sorted({text(str(one.topic)) for one in some})
        yield made(kind, job_id, events=[str(one.id) for one in some], topics=topics[:_MOST_TOPICS], **fields)


def actor_of(actor: object) -> dict[str, str] | None:
    """None for an actor that is not known yet: to look it up is not for a report."""
    return {"id": actor.id, "type": actor.type} if isinstance(actor, Actor) else None


def text(value: str) -> str:
    return printable(value, max_length=_LONGEST_TEXT)


def violations(found: Sequence[Any]) -> list[dict[str, str]]:
    return [
        {"path": text(one.path), "rule": text(one.rule), "message": text(one.message)}
        for one in found[:_MOST_VIOLATIONS]
    ]


def written(report: Report) -> bytes:
    """As JSON. `data` is bytes of JSON, and becomes a string, in which each number keeps its digits.

    Raises `orjson.JSONEncodeError`, and UnicodeDecodeError.
    """
    data = report.get("data")
    if data is not None:
        report = {**report, "data": data.decode()}
    return orjson.dumps(report)
