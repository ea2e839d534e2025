"""`bc-events serve`: a local Events API until it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bc_events._runtime.numbers import WholeNumbers
from bc_events._runtime.stopping import stoppable, wait_to_be_stopped

from .escaping import json_text
from .extras import local_events_api
from .kept import Kept, retention
from .number_type import PORT, NumberType
from .request_line import coloured_line, plain_line
from .request_printer import RequestPrinter
from .screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from bc_events.local import ReceivedRequest

_KEPT_IN_MEMORY: Final = "50000"
_SEED: Final = NumberType(WholeNumbers(0, 2**31 - 1))


@click.command()
@click.option("--port", type=PORT, default=8026, show_default=True, metavar="PORT", help="0 takes any that is free.")
@click.option("--db", type=click.Path(dir_okay=False, path_type=Path), help="Keep events in this file.")
@click.option(
    "--topics",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Check data against this definitions file; may be given several times.",
)
@click.option(
    "--keep",
    type=Kept(),
    multiple=True,
    metavar="COUNT|AGE",
    help="Keep so many events, or events of such an age: 50000, 7d; may be given twice. By default 50000 are kept in "
    "memory, and all in a file.",
)
@click.option("--seed", type=_SEED, default=0, show_default=True, metavar="NUMBER", help="Seed of the injected faults.")
@click.option("--quiet", is_flag=True, help="Print no line for a request.")
@click.option("--json", "as_json", is_flag=True, help="Print the address and each request as a line of JSON.")
def serve(
    port: int,
    db: Path | None,
    topics: tuple[Path, ...],
    keep: tuple[str, ...],
    seed: int,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run a local Events API on 127.0.0.1 until Ctrl-C.

    It answers as the real one does. It prints a line for each request: accepted, refused and why, repeated (its
    idempotency key is known), or faulted (an injected fault). It shows what it received on a page, as JSON under
    /api/events and /api/requests, and as lines under /api/events.jsonl. It misbehaves on request (PUT /api/faults).

    Exits with 0 when it is stopped, and 2 when it cannot serve.

    \b
    Example:
      bc-events serve --topics topics.yaml --db received.db
    """
    printer = RequestPrinter(_printed(as_json=as_json, quiet=quiet))
    api_class = local_events_api()
    kept = retention(keep or (() if db else (_KEPT_IN_MEMORY,)))
    api = api_class(port, db=db, topics=topics, **kept, seed=seed, on_request=printer.add)
    with stoppable(), printer, api:
        click.echo(_head(api.url, as_json=as_json, is_checked=bool(topics)))
        printer.start()
        wait_to_be_stopped()


def _head(url: str, *, as_json: bool, is_checked: bool) -> str:
    if as_json:
        return json_text({"url": url})
    lines = [
        f"Local Events API at {url} - open it in a browser.",
        f"Send to it with BC_EVENTS_API_URL={url}; stop it with Ctrl-C.",
    ]
    if not is_checked:
        lines.append("It accepts every topic and any data; give --topics FILE to have them checked.")
    return "\n".join(lines)


def _printed(*, as_json: bool, quiet: bool) -> Callable[[ReceivedRequest], object]:
    """The function that prints a request."""
    if quiet:
        return lambda _: None
    if as_json:
        return lambda request: click.echo(json_text(request.as_dict()))
    console = screen()
    if console.is_terminal:
        return lambda request: console.print(coloured_line(request, console.width), soft_wrap=True)
    return lambda request: click.echo(plain_line(request))
