"""`bc-events serve`: a local Events API until it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from .extras import local_events_api
from .stopping import stoppable, wait_to_be_stopped

_SEED: Final = click.IntRange(0, 2**31 - 1)


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8026, show_default=True, help="0 for any that is free.")
@click.option("--db", type=click.Path(dir_okay=False, path_type=Path), help="Keep events in this file.")
@click.option(
    "--topics",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Check data against this definitions file; may be given several times.",
)
@click.option("--seed", type=_SEED, default=0, show_default=True, help="Seed of the injected faults.")
def serve(port: int, db: Path | None, topics: tuple[Path, ...], seed: int) -> None:
    """Run a local Events API on 127.0.0.1 until Ctrl-C.

    It answers as the real one does, shows what it received on a page, as JSON under /api/events and as lines under
    /api/events.jsonl, and misbehaves on request (PUT /api/faults).

    \b
    Example:
      bc-events serve --topics topics.yaml --db events.db
    """
    local = local_events_api()
    with stoppable(), local(port, db=db, topics=topics, seed=seed) as api:
        click.echo(f"Local Events API at {api.url} (open it in a browser to see its events)")
        click.echo(f"Send to it with BC_EVENTS_API_URL={api.url}; stop it with Ctrl-C.")
        wait_to_be_stopped()
