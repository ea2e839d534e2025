"""Unsent: one or more events that a client has reported as not sent, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from .report import Report

Why = Literal["refused", "rolled back", "undelivered", "dead"]


@dataclass(frozen=True, slots=True)
class Unsent:
    """Events that were refused at the call, rolled back, given up by a flush, or made dead letters by a relay.

    `count` is their number, `topics` are their names, each once. `reason` says why, in words. `exception` is the name
    of the class of the exception that ended the scope.
    """

    received: datetime
    job_id: str
    why: Why
    count: int
    topics: tuple[str, ...]
    service: str
    reason: str
    exception: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Its fields, as `GET /api/unsent` shows them."""
        return asdict(self)


def unsent_of(report: Report, received: datetime) -> Unsent | None:
    """None for a report of something else."""
    kind = report["kind"]
    if kind == "refused":
        broken = "; ".join(f"{one['path'] or '(data)'}: {one['message']}" for one in report["violations"])
        reason = report["reason"] or broken
        return Unsent(received, report["job"], kind, 1, (report["topic"],), report["service"], reason)
    if kind not in ("rolled back", "undelivered", "dead"):
        return None
    return Unsent(
        received,
        report["job"],
        kind,
        len(report["events"]),
        tuple(report["topics"]),
        report["service"],
        reason_of(report),
        report.get("exception"),
    )


def reason_of(report: Report) -> str:
    reason = report["reason"] or "no reason is known"
    return f"{report['outcome']}: {reason}" if report["kind"] == "undelivered" else str(reason)
