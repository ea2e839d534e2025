"""JobLine: all that is known of one job, also the events that did not arrive."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import orjson

if TYPE_CHECKING:
    from datetime import datetime

    from bc_events.errors import Violation
    from bc_events.event import Actor

    from .received_request import ReceivedRequest

State = Literal["arrived", "waiting", "open", "refused", "rolled back", "undelivered", "dead", "lost"]


@dataclass(frozen=True, slots=True)
class LineRequest:
    """One attempt at a request that carried an event. `status` is None without a response so far."""

    at: datetime
    idempotency_key: str
    status: int | None = None
    reason: str = ""
    is_retry: bool = False


@dataclass(frozen=True, slots=True)
class LineEvent:
    """One event of a job, and what became of it.

    `state` is "arrived"; "waiting" (its work has succeeded, but the Events API does not have it yet); "open" (its
    session or transaction is); "refused" at the call; "rolled back"; "undelivered" (a flush has given it up); "dead"
    (a dead letter of an outbox); or "lost" (its process has ended before its session).

    `reason` says why it has not arrived. `session` is the id of the session that published it, `rolled_back_by` of the
    one whose failure dropped it. `seqs` are those of the received events: more than one if it arrived twice. `raw` is
    its data. `topic` is empty, and `service` and `session` are None, where no report tells them.
    """

    at: datetime
    topic: str
    state: State
    reason: str = ""
    service: str | None = None
    actor: Actor | None = None
    session: str | None = None
    event_id: str | None = None
    exception: str | None = None
    rolled_back_by: str | None = None
    violations: tuple[Violation, ...] = ()
    requests: tuple[LineRequest, ...] = ()
    seqs: tuple[int, ...] = ()
    raw: str | None = None

    @property
    def data(self) -> Any:
        """A fresh copy of the data; None where it is not known."""
        return None if self.raw is None else orjson.loads(self.raw)


@dataclass(frozen=True, slots=True)
class LineSession:
    """A session of the job, or a scope that joined one, its `parent`.

    `exception` is the name of the class of the exception that ended it. `ended` is None while it is open, and for a
    session made by hand.
    """

    id: str
    service: str
    pid: int
    opened: datetime
    parent: str | None = None
    actor: Actor | None = None
    ended: datetime | None = None
    exception: str | None = None


@dataclass(frozen=True, slots=True)
class JobLine:
    """The events, sessions and received requests of one job, across services, in the order of time.

    `lost_reports` is how many reports of its processes did not come, or were forgotten. Then more events than these may
    not have arrived.
    """

    job_id: str
    events: tuple[LineEvent, ...] = ()
    sessions: tuple[LineSession, ...] = ()
    requests: tuple[ReceivedRequest, ...] = ()
    lost_reports: int = 0
    counts: dict[State, int] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        counts: dict[State, int] = {}
        for event in self.events:
            counts[event.state] = counts.get(event.state, 0) + 1
        object.__setattr__(self, "counts", counts)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of the job."""
        return not (self.events or self.sessions or self.requests)

    @property
    def json(self) -> bytes:
        """As `GET /api/jobs/{job}` shows it."""
        moments = [
            *(one.at for one in self.events),
            *(one.opened for one in self.sessions),
            *(one.ended for one in self.sessions if one.ended is not None),
            *(one.received for one in self.requests),
        ]
        actors = Counter((one.actor.type, one.actor.id) for one in self.events if one.actor is not None)
        return orjson.dumps(
            {
                "jobId": self.job_id,
                "started": min(moments, default=None),
                "ended": max(moments, default=None),
                "counts": self.counts,
                "lostReports": self.lost_reports,
                "actors": [{"type": kind, "id": name, "events": count} for (kind, name), count in actors.items()],
                "events": [_event(one) for one in self.events],
                "sessions": [_session(one) for one in self.sessions],
                "requests": [one.as_dict() for one in self.requests],
            }
        )


def _event(event: LineEvent) -> dict[str, Any]:
    # In JSON a bare line break is white space between tokens.
    raw = None if event.raw is None else event.raw.replace("\n", " ").replace("\r", " ")
    return {
        "at": event.at,
        "topic": event.topic,
        "state": event.state,
        "reason": event.reason,
        "service": event.service,
        "actor": _actor(event.actor),
        "session": event.session,
        "eventId": event.event_id,
        "exception": event.exception,
        "rolledBackBy": event.rolled_back_by,
        "violations": [{"path": one.path, "rule": one.rule, "message": one.message} for one in event.violations],
        "requests": [
            {
                "at": one.at,
                "idempotencyKey": one.idempotency_key,
                "status": one.status,
                "reason": one.reason,
                "isRetry": one.is_retry,
            }
            for one in event.requests
        ],
        "seqs": event.seqs,
        "data": None if raw is None else orjson.Fragment(raw),
    }


def _session(session: LineSession) -> dict[str, Any]:
    return {
        "id": session.id,
        "parent": session.parent,
        "service": session.service,
        "pid": session.pid,
        "actor": _actor(session.actor),
        "opened": session.opened,
        "ended": session.ended,
        "exception": session.exception,
    }


def _actor(actor: Actor | None) -> dict[str, str] | None:
    return None if actor is None else {"id": actor.id, "type": actor.type}
