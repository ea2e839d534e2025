"""Where commands print what is more than a line."""

from __future__ import annotations

import sys
from typing import Final

from rich.console import Console

_WIDTH_OF_A_PIPE: Final = 120


def screen(*, is_error: bool = False) -> Console:
    """A console as wide as its terminal, or wide enough in a pipe. Nothing is taken for markup."""
    stream = sys.stderr if is_error else sys.stdout
    return Console(
        stderr=is_error,
        width=None if stream.isatty() else _WIDTH_OF_A_PIPE,
        markup=False,
        highlight=False,
        emoji=False,
    )
