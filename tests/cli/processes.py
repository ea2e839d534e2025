"""The command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def started(*arguments: str, stderr: Any, stdout: Any = subprocess.PIPE, **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "bc_events.cli", *arguments],
        stdout=stdout,
        stderr=stderr,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"},
        **more,
    )


def output(terminal: int) -> Iterator[bytes]:
    """The output that arrives at our side of a terminal until the other side is closed."""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # how Linux reports that the other side is closed
            chunk = b""
        if not chunk:
            os.close(terminal)
            return
        yield chunk
