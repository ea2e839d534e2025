"""ReportObserver: what observers are told becomes reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bc_events._delivery.by_job import by_job
from bc_events._delivery.wire import Verdict

from .followed_unit import FollowedUnit
from .report import MOST_DATA, about, actor_of, made, text, violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bc_events._delivery.observers import Rollback
    from bc_events._delivery.request import Request
    from bc_events._delivery.wire import Answer
    from bc_events.errors import InvalidEventError, Undelivered
    from bc_events.event import Event, Origin

    from .channel import Channel


class ReportObserver:
    """Reports what becomes of the events of followed units, and of requests to the URLs that have a channel."""

    def __init__(self, channel_to: Callable[[str], Channel | None]) -> None:
        self._channel_to = channel_to

    def published(self, event: Event) -> None:
        unit = event.origin
        if isinstance(unit, FollowedUnit):
            size = len(event.half) - len(event.topic.head)
            unit.report(
                "published",
                event=str(event.id),
                topic=text(event.topic.name),
                service=unit.client.service_actor.id,
                actor=actor_of(event.known_actor),
                data=event.half[-size:] if size <= MOST_DATA else None,
            )

    def refused(self, error: InvalidEventError, origin: Origin) -> None:
        if isinstance(origin, FollowedUnit):
            origin.report_refusal(error.topic, violations=violations(error.violations))

    def dropped(self, events: Sequence[Event], rollback: Rollback) -> None:
        by = rollback.origin.number if isinstance(rollback.origin, FollowedUnit) else None
        exception = rollback.exception and text(rollback.exception)
        _report(events, "rolled back", session=by, exception=exception, reason=text(rollback.reason))

    def confirmed(self, events: Sequence[Event]) -> None:
        _report(events, "confirmed")

    def attempted(self, size: int, *, is_retry: bool) -> None:
        """Does nothing: `posting` has the request."""

    def posting(self, url: str, request: Request[Any]) -> None:
        self._tell(url, request, "posting")

    def answered(self, url: str, request: Request[Any], answer: Answer) -> None:
        results = list(answer.results) if answer.verdict is Verdict.SETTLED else None
        self._tell(url, request, "answered", status=answer.status, reason=text(answer.reason), results=results)

    def _tell(self, url: str, request: Request[Any], kind: str, **fields: Any) -> None:
        channel = self._channel_to(url)
        if channel is not None:
            ids = [str(event.id) for event in request.events]
            channel.put(made(kind, request.events[0].job_id, key=request.key, events=ids, **fields))

    def sent(self, events: Sequence[Any]) -> None:
        """Does nothing: `answered` has the request."""

    def settled(self, delivered: int, undelivered: Sequence[Undelivered]) -> None:
        """Does nothing: `answered` and `undelivered` have the events."""

    def undelivered(self, undelivered: Sequence[Undelivered]) -> None:
        for outcome, reason in dict.fromkeys((item.outcome, item.reason) for item in undelivered):
            meant = [item.event for item in undelivered if (item.outcome, item.reason) == (outcome, reason)]
            _report(meant, "undelivered", outcome=outcome, reason=text(reason))

    def dead(self, url: str, row: Any, reason: str) -> None:
        channel = self._channel_to(url)
        if channel is not None:
            for report in about("dead", row.job_id, [row], service=text(row.service), reason=text(reason)):
                channel.put(report)


def _report(events: Iterable[Event], kind: str, **fields: Any) -> None:
    """To the channel of each event, in reports of one job each."""
    followed = [event for event in events if isinstance(event.origin, FollowedUnit)]
    for job_id, of_job in by_job(followed).items():
        units = {id(event.origin.channel): event.origin for event in of_job if isinstance(event.origin, FollowedUnit)}
        for unit in units.values():
            meant = [event for event in of_job if getattr(event.origin, "channel", None) is unit.channel]
            for report in about(kind, job_id, meant, service=unit.client.service_actor.id, **fields):
                unit.channel.put(report)
