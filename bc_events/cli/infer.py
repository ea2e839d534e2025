"""`bc-events topics infer`: a draft of definitions from observed events."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import click

from bc_events.contract.infer.draft import draft

_OUT = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--out", type=_OUT, help="The file to write; else it is printed. An existing file is kept.")
def infer(file: IO[bytes], out: Path | None) -> None:
    """Draft a definitions file from events that were observed.

    FILE has lines of JSON with action, entity, data and perhaps category, as an export of the local Events API; - is
    standard input. The draft is marked as one: it says what these events had in common.

    \b
    Example:
      bc-events topics infer events.jsonl --out topics.yaml
    """
    text = draft(file)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        with out.open("x", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
    except FileExistsError as error:
        raise click.UsageError(f"{out} exists already; write the draft to another file") from error
