"""The line of `bc-events tail` for an event: for people, as JSON, or as logfmt."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click
import orjson
from rich.text import Text

from .escaping import escaped, json_line
from .screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable

HUMAN: Final = "human"
OUTPUTS: Final = (HUMAN, "json", "logfmt")
_bare: Final = re.compile(r'[^\s"=]+').fullmatch
_DATA: Final = re.compile(rb'"data":(.*),"idempotencyKey":')
_ELLIPSIS: Final = "…"


def printer(output: str, *, is_error: bool = False) -> Callable[[bytes], None]:
    """A function that prints an event, which it is given as the API's JSON."""
    if output == "json":
        return lambda event: click.echo(json_line(event.decode()), err=is_error)
    if output == "logfmt":
        return lambda event: click.echo(logfmt(event), err=is_error)
    console = screen(is_error=is_error)
    width = console.width if console.is_terminal else None
    return lambda event: console.print(human(event, width), soft_wrap=True)


def human(event: bytes, width: int | None) -> Text:
    """On one line. In a terminal that is `width` characters wide, what does not fit is cut off."""
    found = orjson.loads(event)
    head = f"{clock(found['received'])} "
    topic = escaped(found["topic"])
    details = [_actor(found), f"job {found['jobId']}", data_of(event)]
    if found["status"] != "accepted":
        details.insert(0, f"{found['status']}: {found['reason']}" if found["reason"] else found["status"])
    rest = f"  {'; '.join(details)}"
    line = Text.assemble((head, "dim"), (topic, "bold" if found["status"] == "accepted" else "bold red"), escaped(rest))
    if width is not None and len(line) > width:
        line.truncate(width - 1)
        line.append(_ELLIPSIS)
    return line


def logfmt(event: bytes) -> str:
    found = orjson.loads(event)
    fields = {
        "time": found["received"],
        "status": found["status"],
        "topic": found["topic"],
        "job": found["jobId"],
        "actor_type": found["actor"]["type"],
        "actor": found["actor"]["id"],
        "event_id": found["eventId"],
        "reason": found["reason"],
        "data": data_of(event),
    }
    return " ".join(f"{name}={_value(value)}" for name, value in fields.items() if value is not None)


def data_of(event: bytes) -> str:
    """The data as it was sent."""
    found = _DATA.search(event)
    return found[1].decode() if found else ""


def clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S.%f")[:-3]


def _actor(found: dict[str, Any]) -> str:
    return f"{found['actor']['type']} {found['actor']['id']}"


def _value(text: str) -> str:
    return text if _bare(text) and text.isprintable() else json_line(json.dumps(text, ensure_ascii=False))
