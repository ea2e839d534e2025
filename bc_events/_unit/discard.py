"""Discard: tell a delivery that events were rolled back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from bc_events._delivery import observers
from bc_events._delivery.observers import Rollback
from bc_events._runtime import logs
from bc_events.errors import FailedWorkError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events._delivery.delivery import Delivery
    from bc_events.event import Event, Origin

_ORPHANED: Final = "the session ended before a scope that had joined it"
_BY_HAND: Final = "it was rolled back by hand"


def rollback_of(origin: Origin, failure: BaseException | None) -> Rollback:
    """Why a unit of work was rolled back: by hand, or because of a failure. Texts of exceptions are not told."""
    if failure is None:
        return Rollback(_BY_HAND, origin)
    if isinstance(failure, FailedWorkError):
        return Rollback(str(failure), origin)
    name = type(failure).__name__
    return Rollback(f"the scope ended with {name}", origin, name)


def orphaned(origin: Origin) -> Rollback:
    """Why savepoints were rolled back that were still open when the unit of work around them ended."""
    return Rollback(_ORPHANED, origin)


def discard(delivery: Delivery, events: Sequence[Event], rollback: Rollback) -> None:
    """Tells the delivery and the observers. Raises the delivery's exception where it cannot take an event back."""
    if events:
        delivery.discard(events)
        observers.dropped(events, rollback)


def discard_quietly(delivery: Delivery, events: Sequence[Event], rollback: Rollback) -> None:
    """`discard`, but exceptions are logged. Other events are still to be sent, or another exception is on its way."""
    try:
        discard(delivery, events, rollback)
    except Exception:  # noqa: BLE001  a delivery may raise anything
        observers.dropped(events, rollback)
        job_id = events[0].job_id
        logs.write(
            logging.ERROR,
            "%s of job %s could not be rolled back",
            *(counted(len(events), "event"), job_id),
            exc_info=True,
            bc_job_id=job_id,
        )
