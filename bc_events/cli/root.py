"""The group of all commands."""

from __future__ import annotations

import click

from bc_events import __version__

from .demo.command import demo
from .gen import gen
from .mcp import mcp
from .outbox import outbox
from .publish import publish
from .run import run
from .serve import serve
from .tail import tail
from .topics import topics


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bc-events")
def root() -> None:
    """Publish events, and look after them on their way to the Events API.

    \b
    Example:
      bc-events demo
    """


for _command in (demo, serve, tail, run, publish, topics, gen, outbox, mcp):
    root.add_command(_command)
