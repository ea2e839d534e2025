"""What becomes of an event that returns to its unit of work from a database transaction, or leaves it for one."""

from __future__ import annotations

import logging
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from bc_events._delivery.by_job import by_job
from bc_events._runtime import logs
from bc_events._unit.held import unentrusted
from bc_events.errors import DeliveryError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events.event import Event

_UNSENT: Final = (
    "%s of job %s could not be stored: their scope had ended before a database transaction that had only read: %s"
)


def send(events: Sequence[Event]) -> None:
    """Their scope has ended well. Nothing is raised: that would fail the end of a transaction which has no say."""
    for client, of_client in groupby(events, key=lambda event: _unit(event).client):
        several = unentrusted(list(of_client), client.delivery)
        try:
            client.send(several)
        except DeliveryError as error:
            report([item.event for item in error.undelivered], error)


def report(events: Sequence[Event], error: BaseException | None = None) -> None:
    reason = type(error).__name__ if error is not None else "the database session was never closed"
    for job_id, of_job in by_job(events).items():
        logs.write(
            logging.ERROR,
            _UNSENT,
            *(counted(len(of_job), "event"), job_id, reason),
            bc_job_id=job_id,
            bc_events=[str(event.id) for event in of_job],
            bc_reason=reason,
        )


def let_go(event: Event) -> bool:
    """Whether it waited in its unit of work, and no longer does."""
    return bool(_unit(event).let_go([event]))


def _unit(event: Event) -> Any:
    return event.origin
