"""Events in groups of one job each: a log record names one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bc_events.event import Event


def by_job(events: Iterable[Event]) -> dict[str, list[Event]]:
    """The events of each job in their order, and the jobs in the order of their first events."""
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.job_id, []).append(event)
    return found
