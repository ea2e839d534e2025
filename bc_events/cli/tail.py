"""`bc-events tail`: the events of a local Events API as they come, or the line of one job."""

from __future__ import annotations

import sys
import time
from queue import Empty
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import click
import orjson

from bc_events._runtime.numbers import Seconds, WholeNumbers
from bc_events._runtime.stopping import stoppable
from bc_events.local.filter_grammar import term

from .escaping import json_line
from .event_line import HUMAN, OUTPUTS, printer
from .exit_codes import FAILED
from .job_timeline import print_timeline
from .local_api import LocalAPI
from .local_api_url import local_api_url
from .number_type import NumberType
from .option_types import JOB_ID
from .screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from .local_api import EventStream

_COUNT: Final = NumberType(WholeNumbers(1, 2**31 - 1))
_LAST: Final = NumberType(WholeNumbers(0, 10_000))
_TIMEOUT: Final = NumberType(Seconds(31_536_000.0))


@click.command(short_help="Print the events of a local Events API as they come.")
@click.argument("terms", nargs=-1, metavar="[TERM]...")
@click.option("--job", type=JOB_ID, metavar="ID", help="Print the line of this job, and exit.")
@click.option("--output", type=click.Choice(OUTPUTS), default=HUMAN, show_default=True, help="The form of a line.")
@click.option("--last", type=_LAST, default=0, show_default=True, metavar="COUNT", help="Begin with the latest events.")
@click.option("--exit-after", type=_COUNT, metavar="COUNT", help="Exit after so many lines.")
@click.option("--timeout", type=_TIMEOUT, metavar="SECONDS", help="Exit after so long.")
@local_api_url
def tail(
    terms: tuple[str, ...],
    *,
    job: str | None,
    output: str,
    last: int,
    exit_after: int | None,
    timeout: float | None,
    api_url: str,
) -> None:
    """Print the events of a local Events API as they come. TERMs choose among them, as on its page.

    Put -- before a term that begins with a minus.

    Exits with 0 after Ctrl-C, --exit-after or --timeout. Exits with 1 if --timeout comes before --exit-after, and
    with 2 if no local Events API answers, or a term cannot be read.

    \b
    Example:
      bc-events tail topic:policies.* data.premium:300
      bc-events tail --exit-after 1 --timeout 30 topic:policies.PolicyCreated
      bc-events tail --job 4711
    """
    api = LocalAPI(api_url.rstrip("/"))
    if job is not None:
        _print_job(api, job, output)
        return
    q = " ".join(terms)
    with stoppable():
        stream = api.stream(q, _before_the_latest(api, q, last) if last else None)
        try:
            printed = _follow(stream, printer(output), exit_after or sys.maxsize, timeout)
        finally:
            stream.close()
        if exit_after is not None and printed < exit_after:
            click.echo(f"Error: {printed} of {exit_after} events came in {timeout:g} s", err=True)
            sys.exit(FAILED)


def _before_the_latest(api: LocalAPI, q: str, count: int) -> int | None:
    """The `seq` behind which the latest events begin."""
    latest = orjson.loads(api.ask("/api/events", {"q": q, "order": "newest", "limit": count}))["events"]
    return int(latest[-1]["seq"]) - 1 if latest else None


def _follow(stream: EventStream, show: Callable[[bytes], None], most: int, timeout: float | None) -> int:
    """Prints events until there are `most`, or the time is over. Returns how many it has printed."""
    ends = None if timeout is None else time.monotonic() + timeout
    for printed in range(most):
        left = None if ends is None else max(0.0, ends - time.monotonic())
        try:
            show(stream.events.get(timeout=left))
        except Empty:
            return printed
    return most


def _print_job(api: LocalAPI, job: str, output: str) -> None:
    answer = api.ask(f"/api/jobs/{quote(job, safe='')}", {})
    if output == "json":
        click.echo(json_line(answer.decode()))
        return
    if output == HUMAN:
        print_timeline(screen(), orjson.loads(answer))
        return
    show = printer(output)
    for event in api.ask("/api/events.jsonl", {"q": f"status:* {term('job', job)}"}).splitlines():
        show(event)
