"""The exit codes of the command. 0 is success."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
"""Something was refused, did not arrive, or was stopped."""
MISUSED: Final = 2
"""The command was called with wrong arguments, or in a wrong environment. It has done nothing."""
