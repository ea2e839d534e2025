"""Discard: tell a delivery that events were rolled back."""

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
    """Tells the delivery and the observers. Raises the delivery's exception where it cannot take an event back."""
    if events:
        delivery.discard(events)
        observers.dropped(events)


def discard_quietly(delivery: Delivery, events: Sequence[Event]) -> None:
    """`discard`, but exceptions are logged. Other events are still to be sent, or another exception is on its way."""
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
