"""`bc-events mcp`: tools by which an agent asks a local Events API, over the Model Context Protocol."""

from __future__ import annotations

import click

from .extras import MissingExtraError
from .local_api import LocalAPI
from .local_api_url import local_api_url


@click.command(short_help="Give an agent tools that ask a local Events API.")
@local_api_url
def mcp(api_url: str) -> None:
    """Serve the Model Context Protocol on standard input and output, for an agent that starts this command.

    Its tools search events, show the line of a job, tell what failed and why, list topics, publish an event, and wait
    for events. They ask a local Events API, which runs elsewhere.

    Exits with 0 when the agent closes the input, and with 2 if the extra `mcp` is not installed.

    \b
    Example:
      bc-events mcp --api-url http://127.0.0.1:8026
    """
    try:
        from .agent_tools import server  # noqa: PLC0415  an extra of its own
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        raise MissingExtraError(
            'bc-events mcp needs mcp, which is not installed; pip install "bc_events[mcp]"'
        ) from error
    server(LocalAPI(api_url.rstrip("/"))).run()
