"""Narrator: prints the scenario of the demo as it runs, and what the API received."""

from __future__ import annotations

import inspect
import logging
import textwrap
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Column, Table
from rich.text import Text

from bc_events.cli.escaping import escaped
from bc_events.constants import LOGGER_NAME
from bc_events.errors import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from bc_events import InvalidEventError
    from bc_events.local import LocalEventsAPI, ReceivedEvent

_DIM: Final = "dim"


class Narrator:
    """Prints on one console what happens to one local Events API."""

    def __init__(self, console: Console, api: LocalEventsAPI) -> None:
        self.api = api
        self._console = console
        self._chapter = 0
        self._printed_events = 0
        self._printed_requests = 0

    def say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style))

    def chapter(self, title: str, *shown: Callable[..., Any]) -> None:
        """A heading, and the code that is about to run."""
        self._chapter += 1
        self.say(f"\n{self._chapter}. {title}", "bold")
        source = "\n\n".join(textwrap.dedent(inspect.getsource(inspect.unwrap(one))).rstrip() for one in shown)
        code = Syntax(source, "python", theme="ansi_dark", background_color="default", word_wrap=True)
        self._console.print(Padding(code, (0, 0, 0, 3)))

    def arrived(self, moral: str) -> None:
        """Prints what the API has received since the last call, and what that shows."""
        for request in self.api.requests()[self._printed_requests :]:
            self._printed_requests += 1
            what = counted(request.records, "event") if request.records else request.fault
            self.say(escaped(f"   {request.method} {request.path} -> {request.status} ({what})"), _DIM)
        for event in self.api.events(after=self._printed_events):
            self._printed_events = event.seq
            self.say(escaped(f"   arrived: {event.topic} by {event.actor.type} {event.actor.id}"), "green")
        self.say(f"   {moral}")

    def refused(self, error: InvalidEventError) -> None:
        """An error, and the line of the demo's code that caused it."""
        own = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(__file__).parent in Path(frame.filename).parents
        ]
        place = own[-1]
        self.say(f"   {Path(place.filename).name}:{place.lineno}: {place.line}", _DIM)
        self.say(textwrap.indent(f"{type(error).__name__}: {error}", "   "), "red")

    def timeline(self, job_id: str, received: list[ReceivedEvent]) -> None:
        """One job, as the API saw it."""
        table = Table(
            *("ms", "Topic", "Actor"),
            Column("Data", overflow="fold"),
            title=Text(f"Job {escaped(job_id)}"),
            title_justify="left",
            title_style="bold",
        )
        for event in received:
            since = (event.received - received[0].received).total_seconds() * 1000
            table.add_row(f"{since:.0f}", event.topic, escaped(event.actor.id), escaped(event.raw.decode()))
        self._console.print()
        self._console.print(table)

    @contextmanager
    def printing_the_log(self) -> Iterator[None]:
        """Prints what the library logs meanwhile."""
        logger, handler = logging.getLogger(LOGGER_NAME), _LogPrinter(self)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)


class _LogPrinter(logging.Handler):
    def __init__(self, narrator: Narrator) -> None:
        super().__init__(logging.WARNING)
        self._narrator = narrator

    def emit(self, record: logging.LogRecord) -> None:
        self._narrator.say(escaped(f"   log: {record.levelname} {record.getMessage()}"), "yellow")
