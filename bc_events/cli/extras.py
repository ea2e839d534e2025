"""The extras that some commands need beyond `cli`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .exit_codes import MISUSED

if TYPE_CHECKING:
    from bc_events.local import LocalEventsAPI


class MissingExtraError(click.ClickException):
    """A command needs an extra that is not installed."""

    exit_code = MISUSED


def local_events_api() -> type[LocalEventsAPI]:
    """The class, imported when a command needs it. Raises `MissingExtraError`, which says how to get it."""
    try:
        from bc_events.local import LocalEventsAPI  # noqa: PLC0415  an extra of its own
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error)) from error
    return LocalEventsAPI
