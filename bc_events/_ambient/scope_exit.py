"""Scope exit: flush, roll back, or hand events to the outer scope."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context, attach, get_current

from bc_events._runtime import event_loops, forks, logs
from bc_events.errors import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events._unit.client import UnitClient
    from bc_events._unit.unit_of_work import UnitOfWork
    from bc_events.event import Event

    from .frames import Frame

Exceptions = tuple[type[BaseException], ...]

_logger = logs.logger
_ROLLED_BACK: Final = "%s of job %s dropped: the scope ended with %s"
_EXITED: Final = (
    "%s of job %s dropped: the scope ended with %s, although its exit status is 0; "
    "where that is how the work succeeds, open the scope with commit_on=(%s,)"
)


def close(frame: Frame, error: BaseException | None, commit_on: Exceptions) -> None:
    """Ends the scope of this frame: flushes, or rolls back where `error` is a failure. Raises `DeliveryError`."""
    unit = frame.unit
    assert unit is not None  # noqa: S101  the frame of a SessionScope has one
    failure = None if error is None or isinstance(error, commit_on) else error
    events, context = _end(unit, frame, failure)
    if events:
        event_loops.warn_of_blocking()
        (_deliver if failure is None else _deliver_quietly)(unit.client, events, context)


async def aclose(frame: Frame, error: BaseException | None, commit_on: Exceptions) -> None:
    """`close`, but the events are sent on another thread."""
    unit = frame.unit
    assert unit is not None  # noqa: S101  the frame of a SessionScope has one
    failure = None if error is None or isinstance(error, commit_on) else error
    events, context = _end(unit, frame, failure)
    if events:
        from bc_events._delivery import threads  # noqa: PLC0415  loads asyncio, which a service without it does not pay for

        deliver = partial(_deliver if failure is None else _deliver_quietly, unit.client, events, context)
        await threads.run(deliver, runner=unit.client.delivery.runner)


def _end(unit: UnitOfWork, frame: Frame, failure: BaseException | None) -> tuple[Sequence[Event], Context]:
    """Closes the unit of work, then leaves its frame. Returns the events to send, and the OpenTelemetry context to use.

    In a forked child that inherited the open scope, it only leaves the frame.
    """
    if unit.born is not forks.generation:
        return [], frame.leave()
    try:
        events = unit.end() if failure is None else _abort(unit, failure)
    finally:
        context = frame.leave()
    return events, context


def _abort(unit: UnitOfWork, error: BaseException) -> Sequence[Event]:
    """Rolls back. Returns the events to send all the same: their database transactions have committed."""
    dropped, kept = unit.abort(error)
    if dropped:
        name = type(error).__name__
        facts = (counted(dropped, "event"), unit.job_id, name)
        logs.write(
            logging.WARNING,
            *((_EXITED, *facts, name) if _is_clean_exit(error) else (_ROLLED_BACK, *facts)),
            bc_job_id=unit.job_id,
            bc_dropped=dropped,
            bc_exception=name,
        )
    return kept


def _is_clean_exit(error: BaseException) -> bool:
    """Whether it ends a program with status 0: SystemExit, or an exception of click, typer or another framework."""
    if isinstance(error, SystemExit):
        return error.code in (0, None)
    return any(_is_zero(error, name) for name in ("exit_code", "code"))


def _is_zero(error: BaseException, name: str) -> bool:
    try:
        status = getattr(error, name, None)
    except Exception:  # noqa: BLE001  a failing property must not mask the body's exception
        return False
    return type(status) is int and status == 0


def _deliver_quietly(client: UnitClient, events: Sequence[Event], context: Context) -> None:
    """After a failed body: sends the events that cannot be rolled back. Errors are logged and not raised.

    Raised, they would mask the exception of the body.
    """
    try:
        _deliver(client, events, context)
    except Exception:
        _logger.exception(
            "%s of job %s, whose transaction has committed, could not be sent",
            counted(len(events), "event"),
            events[0].job_id,
            extra={"bc_job_id": events[0].job_id, "bc_events": [str(event.id) for event in events]},
        )


def _deliver(client: UnitClient, events: Sequence[Event], context: Context) -> None:
    """Sends with the OpenTelemetry context of the scope, from which the headers of the requests come."""
    before = get_current()
    attach(context)
    try:
        client.send(events)
    finally:
        attach(before)
