"""The handling of a `DeliveryError` after work that succeeded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from bc_events._runtime import argument_checks as check, logs
from bc_events.errors import DeliveryError

OnDeliveryError = Literal["raise", "log"] | Callable[[DeliveryError], object]
_logger = logs.logger


def check_rule(chosen: OnDeliveryError) -> None:
    if chosen == "raise" or chosen == "log":  # noqa: PLR1714  type checkers narrow by this alone
        return
    check.function("on_delivery_error", chosen, example='"raise", "log", or a callable that takes the DeliveryError')


def report(error: DeliveryError, chosen: OnDeliveryError) -> None:
    if chosen == "raise":
        raise error
    report_late(error, chosen)


def report_late(error: DeliveryError, chosen: OnDeliveryError) -> None:
    """`report`, where nobody would catch an exception: it is logged instead."""
    if callable(chosen):
        chosen(error)
        return
    job_id = error.undelivered[0].event.job_id if error.undelivered else None
    _logger.error(
        "the work of job %s succeeded, but %s",
        job_id,
        error,
        extra={
            "bc_job_id": job_id,
            "bc_undelivered": [f"{item.event} {item.event.id} {item.outcome}" for item in error.undelivered],
        },
    )
