"""What leaving a scope means for its events: they are sent, dropped, or the outer scope's from here on."""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, TypeGuard

from opentelemetry.context import Context, attach, get_current

from . import logs
from .constants import LOGGER_NAME
from .errors import FailedWorkError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .client import EventClient
    from .event import Event
    from .frames import Frame
    from .session import EventSession
    from .unit import UnitOfWork

Exceptions = tuple[type[BaseException], ...]

_logger = logging.getLogger(LOGGER_NAME)
_ROLLED_BACK: Final = "a scope ended with an exception; its events were dropped"
_EXITED: Final = (
    "a scope ended with SystemExit(0); its events were dropped, "
    "as for any exception; where that is how work succeeds, open it with commit_on=(SystemExit,)"
)
_BLOCKS: Final = "leaving a session flushes on the event loop's own thread and blocks it; use async with"


def session_of(frame: Frame) -> EventSession:
    """The session that a scope has opened."""
    assert frame.session is not None  # noqa: S101  the frame of a SessionScope has one
    return frame.session


def close(frame: Frame, error: BaseException | None, commit_on: Exceptions) -> None:
    """Ends what it opened, as `error` says, and sends what is to be sent. Raises `DeliveryError`."""
    unit = session_of(frame).unit
    events, context = _end(unit, frame, error, commit_on)
    if events:
        _warn_where_a_loop_runs()
        _delivery(error, commit_on)(unit.client, events, context)


async def aclose(frame: Frame, error: BaseException | None, commit_on: Exceptions) -> None:
    """`close`, with the sending on another thread."""
    unit = session_of(frame).unit
    events, context = _end(unit, frame, error, commit_on)
    if events:
        from . import workers  # noqa: PLC0415  loads asyncio, which a service without it does not pay for

        run = unit.client.delivery.runner or workers.run
        await run(partial(_delivery(error, commit_on), unit.client, events, context))


def _end(
    unit: UnitOfWork, frame: Frame, error: BaseException | None, commit_on: Exceptions
) -> tuple[Sequence[Event], Context]:
    """Closes the unit of work, then leaves its frame; returns what is to be sent and under which context.

    An exit that a forked child inherited sends and drops nothing.
    """
    if unit.is_from_before_fork:
        return [], frame.leave()
    try:
        events = _abort(unit, error) if _has_failed(error, commit_on) else unit.end()
    finally:
        context = frame.leave()
    return events, context


def _has_failed(error: BaseException | None, commit_on: Exceptions) -> TypeGuard[BaseException]:
    return error is not None and not isinstance(error, commit_on)


def _abort(unit: UnitOfWork, error: BaseException) -> Sequence[Event]:
    """Rolls back; returns what is to be sent all the same."""
    dropped, kept = unit.abort(spares_held=isinstance(error, FailedWorkError))
    if dropped:
        has_exited_well = isinstance(error, SystemExit) and error.code in (0, None)
        logs.write(
            logging.WARNING,
            _EXITED if has_exited_well else _ROLLED_BACK,
            bc_job_id=unit.job_id,
            bc_dropped=dropped,
            bc_exception=type(error).__name__,
        )
    return kept


def _delivery(
    error: BaseException | None, commit_on: Exceptions
) -> Callable[[EventClient, Sequence[Event], Context], None]:
    return _deliver_quietly if _has_failed(error, commit_on) else _deliver


def _deliver_quietly(client: EventClient, events: Sequence[Event], context: Context) -> None:
    """What was beyond rollback when the body failed: the body's own exception must not be masked."""
    try:
        _deliver(client, events, context)
    except Exception:
        _logger.exception(
            "events that a committed transaction had made true could not be sent",
            extra={"bc_job_id": events[0].job_id, "bc_events": [str(event.id) for event in events]},
        )


def _deliver(client: EventClient, events: Sequence[Event], context: Context) -> None:
    """Sends under the OpenTelemetry context that the scope had: the requests' headers come from it."""
    before = get_current()
    attach(context)
    try:
        client.send(events)
    finally:
        attach(before)


_has_warned = False


def _warn_where_a_loop_runs() -> None:
    global _has_warned  # noqa: PLW0603  once a process
    if not _has_warned and _is_in_a_loop():
        _has_warned = True
        _logger.warning(_BLOCKS)


def _is_in_a_loop() -> bool:
    """Whether an event loop runs on this thread; where nobody has loaded its library, none can."""
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    runs_asyncio = asyncio is not None and asyncio._get_running_loop() is not None
    return runs_asyncio or (trio is not None and bool(trio.lowlevel.in_trio_run()))
