"""Facets: how many events have each topic, job, actor and status; and how many came in each span of time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from .query import moment_of
from .selection import Selection

if TYPE_CHECKING:
    from .event_store import EventStore

MOST_COUNTED: Final = 100_000
"""Events that are looked at: the latest that match. So the answer takes no longer where there are more."""
_FACETS: Final = {"topic": "e.topic", "job": "e.job_id", "actor": "e.actor_id", "status": "e.status"}


def facets(store: EventStore, q: str, *, limit: int = 20) -> dict[str, Any]:
    """The `limit` most frequent values of each field among the events that match. Raises `QueryError`."""
    rows = store.rows(Selection.of(q).columns(", ".join(_FACETS.values()), MOST_COUNTED))
    columns = list(zip(*rows, strict=True)) or [()] * len(_FACETS)
    return {
        "counted": len(rows),
        "facets": {
            name: [{"value": value, "count": count} for value, count in Counter(column).most_common(limit)]
            for name, column in zip(_FACETS, columns, strict=True)
        },
    }


def histogram(store: EventStore, q: str, *, buckets: int = 60) -> dict[str, Any]:
    """The events that match, by the time at which they came: at most `buckets` spans of equal length.

    Raises `QueryError`.
    """
    rows = store.rows(Selection.of(q).columns("e.received, e.status", MOST_COUNTED))
    if not rows:
        return {"counted": 0, "seconds": 0, "buckets": []}
    first, last = min(row[0] for row in rows), max(row[0] for row in rows)
    width = max(1, -(-(last - first + 1) // buckets))
    counts = Counter((row[0] - first) // width for row in rows)
    others = Counter((row[0] - first) // width for row in rows if row[1] != "accepted")
    return {
        "counted": len(rows),
        "seconds": width / 1_000_000,
        "buckets": [
            {"start": moment_of(first + at * width).isoformat(), "count": counts[at], "notAccepted": others[at]}
            for at in range((last - first) // width + 1)
        ],
    }
