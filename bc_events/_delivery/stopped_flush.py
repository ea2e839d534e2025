"""A flush that an exception from outside has stopped, such as KeyboardInterrupt."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bc_events._runtime import logs
from bc_events.errors import DeliveryError, Undelivered, counted

from . import observers
from .by_job import by_job
from .wire import requests_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events.event import Event

    from .request import Limits


def tell(error: DeliveryError) -> None:
    """Tells observers of the undelivered events. An exception from outside goes on from the error that names them."""
    try:
        observers.undelivered(error.undelivered)
    except BaseException as stop:
        raise stop from error


def error_of(stop: BaseException, events: Sequence[Event], limits: Limits) -> DeliveryError:
    """The error that becomes the cause of `stop`. It is logged, too: nobody may catch it.

    The outcome of all events is unknown, unless the delivery has told of them.
    """
    told = stop.__cause__
    if not isinstance(told, DeliveryError):
        reason = f"the flush was stopped by {type(stop).__name__}"
        undelivered = [Undelivered(event, reason, "unknown") for event in events]
        told = DeliveryError(undelivered, [*requests_for(events, limits)])
    for job_id, of_job in by_job(item.event for item in told.undelivered).items():
        logs.write(
            logging.ERROR,
            "a flush of %s of job %s was stopped by %s; it is unknown which of them arrived",
            *(counted(len(of_job), "event"), job_id, type(stop).__name__),
            bc_job_id=job_id,
            bc_events=[str(event.id) for event in of_job],
        )
    return told
