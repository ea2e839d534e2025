"""Commands of an operator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.world import World

ROOT = Path(__file__).parents[2]


def drain(world: World, file: str) -> None:
    """Runs a relay until nothing waits in the file."""
    _outbox("relay", "--drain", "--outbox", file, "--api-url", world.api.url)


def replay(outbox: str) -> None:
    """Makes all dead events wait again."""
    _outbox("replay", "--all", "--outbox", outbox)


def _outbox(*arguments: str) -> None:
    command = [sys.executable, "-m", "bc_events.cli", "outbox", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=180)
