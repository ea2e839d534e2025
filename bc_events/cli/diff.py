"""`bc-events topics diff`: whether a change of topics breaks those who read or replay their events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from bc_events import TopicTable
from bc_events.contract.diff.source import read_version
from bc_events.contract.diff.topic_changes import MODES, topic_changes

from .escaping import escaped, json_text
from .exit_codes import FAILED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events.contract.diff.topic_changes import Mode, TopicChange

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_LONGEST = 300


@click.command()
@click.argument("file", type=_FILE)
@click.option("--against", required=True, metavar="SOURCE", help="git:REVISION, another file, or a URL.")
@click.option("--mode", type=click.Choice(MODES), default="full", show_default=True, help="Whom to protect.")
@click.option("--strict", is_flag=True, help="Readers refuse keys that they do not know, and writers may send any.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with a whole document that shows each break.")
@click.pass_context
def diff(context: click.Context, file: Path, against: str, mode: Mode, *, strict: bool, as_json: bool) -> None:
    """Compare the topics of FILE with an older version of them.

    backward: new readers can read old events, as a replay needs. forward: those who read today can read new events.
    full, the default, is both. Each break is shown by an event's data that one version allows and the other refuses.

    Exits with 0, or 1 if there is a break, or a change that could not be decided.

    \b
    Example:
      bc-events topics diff topics.yaml --against git:main
    """
    changes = topic_changes(read_version(against, file), TopicTable.read(file), mode, is_lenient=not strict)
    if as_json:
        click.echo(json_text([_described(change) for change in changes], option=orjson.OPT_INDENT_2))
    else:
        _print(changes)
    context.exit(FAILED if any(change.status != "compatible" for change in changes) else 0)


def _described(change: TopicChange) -> dict[str, Any]:
    return {
        "topic": change.topic,
        "status": change.status,
        "rule": change.rule,
        "direction": change.direction,
        "path": change.found.path if change.found else "",
        "message": change.message,
        "example": change.found.example if change.found else None,
    }


def _print(changes: Sequence[TopicChange]) -> None:
    for change in changes:
        rule = ", ".join(part for part in (change.direction, change.rule) if part)
        path = f" {change.found.path}" if change.found and change.found.path else ""
        click.echo(escaped(f"{change.status}[{rule}] {change.topic}{path}: {change.message}"))
        if change.found is not None:
            example = json_text(change.found.example)
            shown = example if len(example) <= _LONGEST else f"{example[:_LONGEST]}… (--json has the whole)"
            click.echo(escaped(f"  for example {shown}"))
    if not changes:
        click.echo("no changes")
