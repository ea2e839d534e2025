"""`bc-events demo`: runs a scenario over a local Events API, prints it, and checks what arrived."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bc_events._runtime.stopping import stoppable, wait_to_be_stopped
from bc_events.cli.exit_codes import FAILED
from bc_events.cli.extras import local_events_api
from bc_events.cli.number_type import PORT
from bc_events.cli.screen import screen

if TYPE_CHECKING:
    from bc_events.local import LocalEventsAPI, ReceivedEvent

    from .narrator import Narrator


@click.command(short_help="Watch three services say what happens.")
@click.option("--port", type=PORT, default=0, show_default=True, metavar="PORT", help="0 takes any that is free.")
def demo(port: int) -> None:
    """Watch three services of an insurer say what happens, over a local Events API.

    At a terminal the API goes on serving its page until Ctrl-C.

    Exits with 0 when every event arrived, and 1 when the events that arrived are not those of the scenario.

    \b
    Example:
      bc-events demo
    """
    local = local_events_api()
    with stoppable(), local(port) as api:
        _run(api)


def _run(api: LocalEventsAPI) -> None:
    from . import scenario  # noqa: PLC0415  other commands do not need what it imports
    from .narrator import Narrator  # noqa: PLC0415

    narrator = Narrator(screen(), api)
    narrator.say(f"A local Events API listens at {api.url}; three services of an insurer send to it.")
    with narrator.printing_the_log():
        scenario.run(narrator)
    jobs = _by_job(api.events())
    for job_id, received in jobs.items():
        narrator.timeline(job_id, received)
    arrived = [[(event.topic, event.actor.id) for event in received] for received in jobs.values()]
    if arrived != [list(scenario.PURCHASE), list(scenario.RENEWAL)]:
        narrator.say("\nThe events that arrived are not those of the scenario.", "bold red")
        sys.exit(FAILED)
    narrator.say("\nAll of it arrived, once, under its job and its actor.", "bold green")
    _stay(narrator, api)


def _by_job(received: list[ReceivedEvent]) -> dict[str, list[ReceivedEvent]]:
    jobs: dict[str, list[ReceivedEvent]] = {}
    for event in received:
        jobs.setdefault(event.job_id, []).append(event)
    return jobs


def _stay(narrator: Narrator, api: LocalEventsAPI) -> None:
    """At a terminal, serves the page until Ctrl-C."""
    if sys.stdout.isatty():
        narrator.say(f"See it at {api.url} - Ctrl-C ends it.")
        wait_to_be_stopped()
    narrator.say(f"Its page was at {api.url}; at a terminal it stays until Ctrl-C, as bc-events serve does.")
