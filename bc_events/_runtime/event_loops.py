"""Event loops: whether one runs on this thread, and the warning that a flush blocks it."""

from __future__ import annotations

import logging
import sys
from typing import Final

from . import logs

_BLOCKS: Final = (
    "a session is flushed on the event loop's own thread and blocks it; use async with, or await events.aflush(), as "
    "flush() cannot be awaited"
)
_has_warned = False


def warn_of_blocking() -> None:
    """Warns, once per process, that the flush that begins now blocks the event loop which runs on this thread."""
    global _has_warned  # noqa: PLW0603  once a process
    if _has_warned:
        return
    # Without a loaded event-loop library no loop can run.
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    runs_asyncio = asyncio is not None and asyncio._get_running_loop() is not None
    if runs_asyncio or (trio is not None and trio.lowlevel.in_trio_run()):
        _has_warned = True
        logs.write(logging.WARNING, _BLOCKS)
