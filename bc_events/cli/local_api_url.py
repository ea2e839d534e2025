"""The option of commands that ask a local Events API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .option_types import API_URL

if TYPE_CHECKING:
    from collections.abc import Callable


def local_api_url(function: Callable[..., None]) -> Callable[..., None]:
    """Adds `--api-url`."""
    return click.option(
        "--api-url",
        type=API_URL,
        envvar="BC_EVENTS_API_URL",
        show_envvar=True,
        default="http://127.0.0.1:8026",
        show_default=True,
        metavar="URL",
        help="The local Events API, with its token if it has one.",
    )(function)
