"""`python -m tests.docs.command_line` writes docs/reference/command-line.md from the commands' own help."""

import click

from bc_events.cli.root import root
from tests.docs.pages import DOCS

PAGE = DOCS / "reference/command-line.md"
HEAD = """\
# The command line

`bc-events` comes with the extra `cli`; `demo`, `serve` and `run` need `local` too. `python -m bc_events` is the same
command, where its script is not on the path. [How to publish from the shell](../how-to/shell.md) shows more examples.

| exit code | meaning |
|---|---|
| 0 | Success. |
| 1 | Something was refused, did not arrive, or was stopped. The command says what, and why. |
| 2 | An option or argument is missing or wrong, or something is not installed. Nothing was sent. |

Results go to standard output, and errors to standard error. Control characters in text from outside are escaped.
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
