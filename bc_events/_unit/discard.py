"""Discard: a delivery lets go of events that were rolled back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bc_events._delivery import observers
from bc_events._runtime import logs
from bc_events.errors import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events._delivery.delivery import Delivery
    from bc_events.event import Event


def discard(delivery: Delivery, events: Sequence[Event]) -> None:
    """Raises what the delivery raises where it cannot take an event back."""
    if events:
        delivery.discard(events)
        observers.dropped(events)


def discard_quietly(delivery: Delivery, events: Sequence[Event]) -> None:
    """The same where other events still have to be sent, or an exception must not be masked."""
    try:
        discard(delivery, events)
    except Exception:  # noqa: BLE001  a delivery may raise anything
        observers.dropped(events)
        job_id = events[0].job_id
        logs.write(
            logging.ERROR,
            "%s of job %s could not be rolled back",
            *(counted(len(events), "event"), job_id),
            exc_info=True,
            bc_job_id=job_id,
        )
