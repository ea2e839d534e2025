"""`bc-events run`: a command over a local Events API, and what it has published."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bc_events.errors import counted

from .escaping import on_one_line
from .event_line import HUMAN, OUTPUTS, printer
from .extras import local_events_api
from .request_line import plain_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from bc_events.local import LocalEventsAPI

_NOT_FOUND: Final = 127
_NOT_RUN: Final = 126
_KILLED: Final = 128
_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
_PASSED_ON: Final = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]  # Windows has fewer


@click.command(
    short_help="Run a command over a local Events API, and print what it published.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option(
    "--topics",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Check data against this definitions file; may be given several times.",
)
@click.option("--output", type=click.Choice(OUTPUTS), default=HUMAN, show_default=True, help="The form of a line.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...")
def run(topics: tuple[Path, ...], output: str, command: tuple[str, ...]) -> None:
    """Run a command with BC_EVENTS_API_URL set to a local Events API, and print what it published.

    The API listens on a free port while the command runs. The report goes to standard error, after the output of the
    command. Signals are passed on to it.

    Exits with the exit code of the command, or with 128 and the number of the signal that ended it. Exits with 127 if
    there is no such command, and with 126 if it cannot be run.

    \b
    Example:
      bc-events run --topics topics.yaml -- python -m pytest -q
    """
    with local_events_api()(topics=topics) as api:
        code = _run(command, {**os.environ, "BC_EVENTS_API_URL": api.url})
        _report(api, output)
    sys.exit(code)


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    started: list[subprocess.Popen[bytes]] = []
    with _passing_on(started):
        try:
            process = subprocess.Popen(command, env=environment)  # noqa: S603  running it is what the user asks for
        except FileNotFoundError:
            click.echo(f"Error: there is no command {on_one_line(command[0])}", err=True)
            return _NOT_FOUND
        except OSError as error:
            click.echo(f"Error: {on_one_line(command[0])} cannot be run: {error.strerror}", err=True)
            return _NOT_RUN
        started.append(process)
        code = process.wait()
    return code if code >= 0 else _KILLED - code


@contextmanager
def _passing_on(started: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Signals go to the process that is started in this block."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        # Ctrl-C at a terminal reaches the process by itself.
        if started and not (number == signal.SIGINT and sys.stdin is not None and sys.stdin.isatty()):
            started[0].send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(api: LocalEventsAPI, output: str) -> None:
    show = printer(output, is_error=True)
    events = api.events()
    for event in events:
        show(event.json)
    wrong = [one for one in api.requests() if one.outcome != "accepted"]
    if output != HUMAN:
        return
    unsent = api.unsent()
    for line in (*map(plain_line, wrong), *map(plain_line, unsent)):
        click.echo(line, err=True)
    jobs = len({event.job_id for event in events})
    published = f"{counted(len(events), 'event')} of {counted(jobs, 'job')}" if events else "no event"
    missing = sum(one.count for one in unsent)
    more = f"; {counted(missing, 'event')} did not arrive" if missing else ""
    click.echo(f"The command published {published}; {counted(len(wrong), 'request')} did not go well{more}.", err=True)
