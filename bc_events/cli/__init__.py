"""The `bc-events` command. Needs the extra `cli`."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, NoReturn

from bc_events.errors import ConfigurationError, EventsError, InvalidActorError, InvalidJobIdError

from .error_text import text_of
from .escaping import escaped
from .exit_codes import FAILED, MISUSED

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command, by default with the process's arguments, and exits with a code of `exit_codes`."""
    _escape_what_cannot_be_encoded()
    try:
        import click  # noqa: PLC0415  an extra; without it the command says so, with no traceback

        from .root import root  # noqa: PLC0415
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in {"click", "genson", "rich", "rstr"}:
            raise
        _leave(f'the bc-events command needs {missing}, which is not installed; run pip install "bc_events[cli]"')
    try:
        code = root.main(arguments, prog_name="bc-events", standalone_mode=False)
    except click.Abort:
        _leave("the command was stopped", FAILED)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(MISUSED)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        if context is not None:
            print(f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n", file=sys.stderr)
        _leave(escaped(error.format_message()), error.exit_code)
    except (ConfigurationError, InvalidActorError, InvalidJobIdError) as error:
        _leave(text_of(error))
    except EventsError as error:
        _leave(text_of(error), FAILED)
    sys.exit(code or 0)


def _escape_what_cannot_be_encoded() -> None:
    """Escapes characters that the output cannot encode: a terminal or a pipe may take only ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _leave(reason: str, code: int = MISUSED) -> NoReturn:
    print(f"Error: {reason}", file=sys.stderr)
    sys.exit(code)
