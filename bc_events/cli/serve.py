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
from .option_types import FORWARD_URL
from .request_line import coloured_line, plain_line
from .request_printer import RequestPrinter
from .screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from bc_events.local import ReceivedRequest, Unsent

_KEPT_IN_MEMORY: Final = "50000"
_SEED: Final = NumberType(WholeNumbers(0, 2**31 - 1))


@click.command(short_help="Run a local Events API until Ctrl-C.")
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
@click.option("--forward", type=FORWARD_URL, metavar="URL", help="Pass accepted events on to this Events API.")
@click.option(
    "--replay-to",
    type=FORWARD_URL,
    multiple=True,
    metavar="URL",
    help="Let events be replayed to this URL too; may be given several times.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    help="Another name by which clients call this server, such as a container's; may be given several times.",
)
@click.option(
    "--token",
    envvar="BC_EVENTS_LOCAL_TOKEN",
    show_envvar=True,
    help="The token that requests need, if --host is not a loopback address. By default it is a new one.",
)
@click.option("--seed", type=_SEED, default=0, show_default=True, metavar="NUMBER", help="Seed of the injected faults.")
@click.option("--quiet", is_flag=True, help="Print no line for a request.")
@click.option("--json", "as_json", is_flag=True, help="Print the address and each request as a line of JSON.")
def serve(
    port: int,
    db: Path | None,
    topics: tuple[Path, ...],
    keep: tuple[str, ...],
    forward: str | None,
    replay_to: tuple[str, ...],
    host: str,
    allow_host: tuple[str, ...],
    token: str | None,
    seed: int,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run a local Events API until Ctrl-C, on 127.0.0.1 unless --host says otherwise.

    It answers as the real one does. It prints a line for each request: accepted, refused and why, repeated (its
    idempotency key is known), or faulted (an injected fault); and one for events that a client on this machine did not
    send, and why. It shows what it received on a page, as JSON under /api/events and /api/requests, and as lines under
    /api/events.jsonl; and all that became of a job under /api/jobs/. It misbehaves on request (PUT /api/faults).

    Exits with 0 when it is stopped, and 2 when it cannot serve.

    \b
    Example:
      bc-events serve --topics topics.yaml --db received.db
    """
    printer = RequestPrinter(_printed(as_json=as_json, quiet=quiet))
    api_class = local_events_api()
    kept = retention(keep or (() if db else (_KEPT_IN_MEMORY,)))
    api = api_class(
        port,
        host=host,
        token=token,
        allowed_hosts=allow_host,
        db=db,
        topics=topics,
        **kept,
        forward=forward,
        replay_to=replay_to,
        seed=seed,
        on_request=printer.add,
        on_unsent=printer.add,
    )
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


def _printed(*, as_json: bool, quiet: bool) -> Callable[[ReceivedRequest | Unsent], object]:
    """The function that prints a request, or events that were not sent."""
    if quiet:
        return lambda _: None
    if as_json:
        return lambda told: click.echo(json_text(told.as_dict()))
    console = screen()
    if console.is_terminal:
        return lambda told: console.print(coloured_line(told, console.width), soft_wrap=True)
    return lambda told: click.echo(plain_line(told))
