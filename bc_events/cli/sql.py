"""`bc-events outbox sql`: prints the SQL of an outbox's tables."""

from __future__ import annotations

from typing import Final

import click

from bc_events._runtime.numbers import WholeNumbers
from bc_events.outbox._sql import dialect as dialects, schema

from .number_type import NumberType

_VERSION: Final = NumberType(WholeNumbers(1, 2**31 - 1))


@click.command()
@click.option(
    "--dialect",
    type=click.Choice(["postgresql", "mysql", "sqlite"]),
    default="postgresql",
    show_default=True,
    help="The kind of database; mysql is for MariaDB too.",
)
@click.option(
    "--from-version",
    type=_VERSION,
    metavar="VERSION",
    help="Print only the statements that lead from that version to this one.",
)
def sql(dialect: str, from_version: int | None) -> None:
    """Print the SQL that makes the outbox's table, or that brings a table up to date.

    \b
    Example:
      bc-events outbox sql | psql mydatabase
    """
    if from_version is not None and from_version > schema.VERSION:
        raise click.UsageError(
            f"this release knows versions up to {schema.VERSION}; install the one that made the table"
        )
    found = dialects.named(dialect)
    click.echo(f"-- bc_events outbox, version {schema.VERSION}, {dialect}")
    for statement in schema.creation(found) if from_version is None else schema.upgrade(found, from_version):
        click.echo(f"{statement};")
