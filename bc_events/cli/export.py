"""`bc-events topics export`: topics in the forms of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson
import yaml

from bc_events import TopicTable
from bc_events.contract.export.asyncapi import asyncapi
from bc_events.contract.export.cloudevents import cloudevents
from bc_events.contract.export.cloudformation import cloudformation
from bc_events.contract.export.markdown import markdown
from bc_events.contract.export.metaschema import metaschema

from .escaping import json_text

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FORMS = ("asyncapi", "cloudformation", "cloudevents", "markdown", "metaschema")


@click.command()
@click.argument("form", metavar="FORM", type=click.Choice(_FORMS))
@click.argument("file", metavar="[FILE]", type=_FILE, required=False)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; else it is printed.")
@click.option("--title", default="Events", show_default=True, help="What the document is called.")
@click.option("--version", "version_", default="1.0.0", show_default=True, help="The version of an AsyncAPI document.")
@click.option("--source", default="/", show_default=True, help="The source of CloudEvents: a URI reference.")
def export(form: str, file: Path | None, out: Path | None, *, title: str, version_: str, source: str) -> None:
    """Write the topics of FILE in another form.

    FORM is asyncapi (3.1), cloudformation (an SNS topic for each), cloudevents (an example of each), markdown (a
    catalogue), or metaschema (the JSON Schema of definitions files, for editors; it needs no FILE).

    An --out that ends in .yaml or .yml is YAML; all else but the catalogue is JSON.

    \b
    Example:
      bc-events topics export asyncapi topics.yaml --out asyncapi.yaml
    """
    if form == "metaschema":
        _write(metaschema(), out)
        return
    if file is None:
        raise click.UsageError("give the definitions file whose topics are to be written")
    table = TopicTable.read(file)
    match form:
        case "asyncapi":
            _write(asyncapi(table, title, version_), out)
        case "cloudformation":
            _write(cloudformation(table, title), out)
        case "cloudevents":
            _write(cloudevents(table, source), out)
        case "markdown":
            _print(markdown(table, title), out)


def _write(document: Any, out: Path | None) -> None:
    if out is not None and out.suffix in (".yaml", ".yml"):
        plain = orjson.loads(orjson.dumps(document, default=dict))
        _print(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120), out)
    else:
        _print(json_text(document, option=orjson.OPT_INDENT_2) + "\n", out)


def _print(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8", newline="\n")
