"""`bc-events publish`: one event, or many from lines of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
from click.core import ParameterSource

from bc_events import DeliveryError
from bc_events._ambient.default_client import API_URL, OUTBOX, SERVICE_NAME, TOPICS
from bc_events._runtime import job_ids
from bc_events.constants import LOG_ONLY
from bc_events.errors import Undelivered

from . import option_types
from .client import loaded, made
from .delivery_report import STOPPED, done_with
from .escaping import escaped
from .lines import LineError, publish_named, read_data
from .once import once
from .publish_lines import publish_lines

if TYPE_CHECKING:
    from bc_events import EventSession
    from bc_events.errors import Outcome


@click.command(short_help="Publish one event, or many from a file.")
@click.argument("name", required=False)
@click.argument("data", required=False)
@click.option("-f", "--file", type=click.File("rb"), help="Lines of JSON to publish; - is standard input.")
@click.option("--skip-bad", is_flag=True, help="With --file: leave out the bad lines and send the others.")
@click.option(
    "--job-id",
    type=option_types.JOB_ID,
    multiple=True,
    callback=once,
    metavar="ID",
    help="The job of all these events. By default it is a new one.",
)
@click.option(
    "--user",
    type=option_types.USER_ID,
    multiple=True,
    callback=once,
    metavar="ID",
    help="The Cognito id of the user who acts. By default the service acts.",
)
@click.option(
    "--client",
    metavar="MODULE:ATTR",
    help="An EventClient in your code, with its auth. It takes the place of the options below.",
)
@click.option(
    "--api-url",
    type=option_types.API_URL,
    envvar=API_URL,
    show_envvar=True,
    metavar="URL",
    help=f"Where events are sent. {LOG_ONLY} only checks them: none is sent or stored.",
)
@click.option(
    "--service",
    type=option_types.SERVICE_NAME,
    envvar=SERVICE_NAME,
    show_envvar=True,
    metavar="NAME",
    help="The name of the service.",
)
@click.option(
    "--topics",
    envvar=TOPICS,
    show_envvar=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The service's topic definitions.",
)
@click.option(
    "--outbox",
    envvar=OUTBOX,
    show_envvar=True,
    metavar="WHERE",
    help="Where events are stored first: a file, a URL with postgresql:// or sqlite:///, or django.",
)
def publish(
    name: str | None,
    data: str | None,
    file: IO[bytes] | None,
    *,
    skip_bad: bool,
    job_id: str | None,
    user: str | None,
    client: str | None,
    api_url: str | None,
    service: str | None,
    topics: Path | None,
    outbox: str | None,
) -> None:
    """Publish the event NAME with the JSON object DATA, or one event for each line of a file.

    A line is {"name": "created_policy", "data": {…}} or {"action": "Created", "entity": "Policy", "data": {…}}. The
    latter has a "category" too, where that is not the default one. All lines are checked before the first event is
    sent. If lines are bad, the command names them and sends nothing. With --skip-bad it sends the others.

    With an outbox, events are stored there, and a relay delivers them. If the outbox is a file, this command is itself
    a relay for two seconds.

    Exits with 0 when every event was delivered, or stored. Exits with 1 when a line was bad or an event was not
    delivered, and says of each what is known. Exits with 2 when an option is missing or wrong; nothing was sent then.

    \b
    Example:
      bc-events publish created_policy '{"id": "POL-1"}' --user 5c1d7e0a
      bc-events publish --file events.jsonl --job-id import-2026-11
    """
    if (name is None) == (file is None) or (name is None) != (data is None):
        raise click.UsageError("give either NAME and DATA, or --file")
    if client:
        _refuse_beside_client("api_url", "service", "topics", "outbox")
    found = loaded(client) if client else made(api_url=api_url, service=service, topics=topics, outbox=outbox)
    with found as used:
        job = job_id or job_ids.generated()

        def session() -> EventSession:
            return used.service_session(job) if user is None else used.user_session(user, job)

        if file is None:
            _publish_one(session(), name or "", data or "")
        else:
            publish_lines(session, file, skip_bad=skip_bad)


def _refuse_beside_client(*names: str) -> None:
    """Refuses options beside --client, because they would be ignored. The environment may serve other commands."""
    context = click.get_current_context()
    given = [name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise click.UsageError(f"give --client without {options}: the client has its own")


def _publish_one(session: EventSession, name: str, data: str) -> None:
    try:
        found = read_data(data)
    except LineError as error:
        raise click.BadParameter(str(error), param_hint="DATA") from error
    event = publish_named(session, name, found)
    try:
        session.flush()
    except KeyboardInterrupt:
        outcome: Outcome = "unsent" if event.last_request is None else "unknown"
        raise DeliveryError([Undelivered(event, STOPPED, outcome)]) from None
    click.echo(escaped(f"{event} {done_with(session)}, job {session.job_id}"))
