"""`bc-events gen`: writes typed calls for the topics of a definitions file."""

from __future__ import annotations

from pathlib import Path

import click

from bc_events import TopicTable
from bc_events.contract.typed.stub_overlay import PACKAGE, stub_overlay
from bc_events.contract.typed.typed_module import typed_module
from bc_events.errors import counted

from .escaping import escaped
from .exit_codes import FAILED

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MODULE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(short_help="Write typed calls for your topics.")
@click.argument("definitions", metavar="FILE", type=_FILE)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="The module to write, such as myservice/events.py."
)
@click.option(
    "--stubs", type=click.Path(file_okay=False, path_type=Path), help=f"A folder, for the stub package {PACKAGE}."
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is missing or not up to date.")
@click.pass_context
def gen(context: click.Context, definitions: Path, out: Path | None, stubs: Path | None, *, check: bool) -> None:
    """Write a module in which each topic of FILE is a typed call.

    Use it in the place of the ambient API: from myservice import events. Editors then complete the names of events and
    the keys of their data, and type checkers report mistakes. At run time the module is the ambient API. With --stubs,
    it is the ambient API itself that is typed, and imports stay as they are.

    Exits with 0, 1 if --check finds a difference, or 2 if the definitions have mistakes.

    \b
    Example:
      bc-events gen topics.yaml --out myservice/events.py
      bc-events gen topics.yaml --out myservice/events.py --check
    """
    if out is None and stubs is None:
        raise click.UsageError("give --out FILE for a module, --stubs FOLDER for stubs, or both")
    table = TopicTable.read(definitions)
    described = (table, definitions.name, definitions.read_bytes())
    files: dict[Path, str] = {}
    if out is not None:
        files[out] = typed_module(*described)
    if stubs is not None:
        files.update({stubs / PACKAGE / name: text for name, text in stub_overlay(*described).items()})
    if check:
        different = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
        for path in different:
            click.echo(escaped(f"{path} is not up to date with {definitions}; run this command without --check"))
        context.exit(FAILED if different else 0)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    click.echo(escaped(f"{', '.join(map(str, files))}: {counted(len(table), 'topic')}"))
