"""The `bc-events` command. Needs the extra `cli`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

from bc_events.errors import ConfigurationError, EventsError, InvalidActorError, InvalidJobIdError

from .exit_codes import FAILED, MISUSED

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command, by default with the process's arguments.

    Exits 0 for success, 1 where something was refused or did not arrive, 2 where it was asked for wrongly.
    """
    try:
        from .root import root  # noqa: PLC0415  what is missing is said without a traceback
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in {"click", "rich"}:
            raise
        _leave(f'the bc-events command needs {missing}, which is not installed; run pip install "bc_events[cli]"')
    try:
        root(arguments, prog_name="bc-events")
    except (ConfigurationError, InvalidActorError, InvalidJobIdError) as error:
        _leave(str(error))
    except EventsError as error:
        _leave(str(error), FAILED)


def _leave(reason: str, code: int = MISUSED) -> NoReturn:
    print(f"Error: {reason}", file=sys.stderr)
    sys.exit(code)
