"""What the exit code of a command says."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
"""Something was refused or did not arrive."""
MISUSED: Final = 2
"""The command was called with wrong arguments."""
