"""`python -m tests.docs.command_line` writes docs/reference/command-line.md from the commands' own help."""

import click

from bc_events.cli.root import root
from tests.docs.pages import DOCS

PAGE = DOCS / "reference/command-line.md"
HEAD = """\
# The command line

`bc-events` comes with the extra `cli`; `demo` and `serve` need `local` too. Each command exits with 0 for success, 1
where something was refused or did not arrive, and 2 where it was asked for wrongly. [How to publish from the
shell](../how-to/shell.md) shows more examples.
"""


def page():
    return HEAD + "".join(_section(*found) for found in _commands(root, "bc-events"))


def _commands(command, name):
    yield command, name
    for word, inner in sorted(getattr(command, "commands", {}).items()):
        yield from _commands(inner, f"{name} {word}")


def _section(command, name):
    context = click.Context(command, info_name=name, terminal_width=80, help_option_names=["-h", "--help"])
    return f"\n## `{name}`\n\n```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
