"""The lines of `bc-events publish --file`: all are checked, then all are sent, in as few requests as they fit in."""

from __future__ import annotations

import sys
from collections import deque
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

import click
from rich.progress import track

from bc_events import DeliveryError
from bc_events.constants import MAX_REQUEST_EVENTS
from bc_events.errors import counted

from .delivery_report import STOPPED, DeliveryReport, done_with
from .exit_codes import FAILED
from .lines import LineError, publish_line
from .screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bc_events import Event, EventSession

_SILENT: Final = "the API gave no answer for events before these"


def publish_lines(session: Callable[[], EventSession], file: IO[bytes], *, skip_bad: bool) -> None:
    """Publishes the lines of a file in sessions of one job, and prints what became of them. Exits if a line fails."""
    line_numbers: dict[Event, int] = {}
    bad: dict[int, LineError] = {}
    sessions = list(_read(session, file, line_numbers, bad))
    for line, error in bad.items():
        click.echo(f"line {line}: {error}", err=True)
    if bad and not skip_bad:
        total = len(bad) + len(line_numbers)
        count = f"{len(bad)} of {counted(total, 'line')} {'is' if len(bad) == 1 else 'are'} bad"
        it = "it" if len(bad) == 1 else "them"
        click.echo(f"Error: nothing was sent: {count}; correct {it}, or leave {it} out with --skip-bad", err=True)
        sys.exit(FAILED)
    report = DeliveryReport(line_numbers)
    _send(sessions, report)
    for text in report.text():
        click.echo(text, err=True)
    sample = sessions[0] if sessions else session()
    events = counted(len(line_numbers) + len(bad), "event")
    click.echo(f"{report.delivered} of {events} {done_with(sample)}, job {sample.job_id}")
    if bad or report.undelivered:
        sys.exit(FAILED)


def _read(
    session: Callable[[], EventSession], file: IO[bytes], line_numbers: dict[Event, int], bad: dict[int, LineError]
) -> Iterator[EventSession]:
    """Sessions that each hold the events of one request. Fills in the line number of each event, and the bad lines."""
    current = session()
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            line_numbers[publish_line(current, line)] = number
        except LineError as error:
            bad[number] = error
            continue
        if len(line_numbers) % MAX_REQUEST_EVENTS == 0:
            yield current
            current = session()
    if current.events:
        yield current


def _send(sessions: list[EventSession], report: DeliveryReport) -> None:
    """Sends the events. If an outcome is unknown, or the command is stopped, the rest is not sent."""
    waiting = deque((session, session.events) for session in sessions)
    reason = STOPPED
    with suppress(KeyboardInterrupt):
        _flush_each(waiting, report)
        reason = _SILENT
    for session, events in waiting:
        is_untouched = any(event.last_request is None for event in session.events)
        report.add(events, reason, "unsent" if is_untouched else "unknown")


def _flush_each(waiting: deque[tuple[EventSession, Sequence[Event]]], report: DeliveryReport) -> None:
    """Flushes each session, and removes it once its outcome is known.

    Stops after the first whose outcome is unknown.
    """
    console = screen(is_error=True)
    for _ in track(range(len(waiting)), "Sending", console=console, transient=True, disable=not console.is_terminal):
        try:
            waiting[0][0].flush()
        except DeliveryError as error:
            report.undelivered += error.undelivered
            if any(item.outcome != "refused" for item in error.undelivered):
                waiting.popleft()
                return
        waiting.popleft()
