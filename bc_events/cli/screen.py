"""The console on which commands print tables, colours and progress."""

from __future__ import annotations

import sys
from typing import Final

from rich.console import Console

_WIDTH_OF_A_PIPE: Final = 120


def screen(*, is_error: bool = False) -> Console:
    """A console that is as wide as its terminal, and 120 columns wide in a pipe. It reads no markup."""
    stream = sys.stderr if is_error else sys.stdout
    return Console(
        stderr=is_error,
        width=None if stream.isatty() else _WIDTH_OF_A_PIPE,
        markup=False,
        highlight=False,
        emoji=False,
    )
