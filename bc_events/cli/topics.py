"""`bc-events topics`: checks and lists the topics of definitions files. Other commands have their own modules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson
from rich.table import Table

from bc_events import TopicTable
from bc_events.errors import TopicDefinitionError, counted
from bc_events.topics.schemas import unknown_formats

from .diff import diff
from .escaping import escaped, json_text
from .exit_codes import FAILED
from .export import export
from .infer import infer
from .lint import lint
from .screen import screen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bc_events.topics.topic import Topic

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def topics() -> None:
    """Check, lint, compare, export, draft and list topic definitions.

    \b
    Example:
      bc-events topics check topics.yaml
    """


for _command in (lint, diff, export, infer):
    topics.add_command(_command)


@topics.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.pass_context
def check(context: click.Context, files: tuple[Path, ...]) -> None:
    """List every mistake in definitions files, with its line.

    A format that nothing checks is a warning. Exits with 0 if there is no mistake, and 1 if there is one.

    \b
    Example:
      bc-events topics check topics.yaml
    """
    if not all([_is_right(file) for file in files]):  # noqa: C419  each is to be reported
        context.exit(FAILED)


def _is_right(file: Path) -> bool:
    try:
        table = TopicTable.read(file)
    except TopicDefinitionError as error:
        for problem in error.problems:
            place = f"{file}:{problem.line}" if problem.line else str(file)
            click.echo(escaped(f"{place}: {problem.message}"))
        return False
    for topic in table.values():
        for path, named in unknown_formats(topic.schema):
            place = f"{file}: warning: {topic.name}: {path or 'its schema'}"
            click.echo(escaped(f"{place}: {named!r} is a format that is not checked"))
    click.echo(escaped(f"{file}: {counted(len(table), 'topic')}, no mistakes"))
    return True


@topics.command("list")
@click.argument("file", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the schemas.")
def list_(file: Path, *, as_json: bool) -> None:
    """List the topics of a definitions file, and the calls that publish them.

    Exits with 0, or 2 if the file has mistakes.

    \b
    Example:
      bc-events topics list topics.yaml
    """
    table = TopicTable.read(file)
    if as_json:
        click.echo(json_text([_described(topic) for topic in table.values()], option=orjson.OPT_INDENT_2))
    else:
        screen().print(_drawn(table.values()))


def _described(topic: Topic) -> dict[str, Any]:
    return {
        "name": topic.name,
        "category": topic.category,
        "entity": topic.entity,
        "action": topic.action,
        "description": topic.description,
        "calls": topic.magic_names,
        "schema": topic.schema,
    }


def _drawn(topics: Iterable[Topic]) -> Table:
    drawn = Table("Topic", "Call", "Description")
    for topic in topics:
        drawn.add_row(topic.name, f"events.{topic.magic_names[0]}(…)", escaped(topic.description))
    return drawn
