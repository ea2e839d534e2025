"""Options that are given once: click would take the last of two without a word."""

from __future__ import annotations

import click


def once(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> str | None:
    """The value of an option that is declared with `multiple=True`."""
    if len(values) > 1:
        raise click.BadParameter("given more than once")
    return values[0] if values else None
