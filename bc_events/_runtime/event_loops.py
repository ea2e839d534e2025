"""Event loops: whether one runs on this thread, and the warning that a flush blocks it."""

from __future__ import annotations

import logging
import sys
from typing import Final

from . import logs

_BLOCKS: Final = (
    "a session is flushed on the event loop's own thread and blocks it; use async with, or await events.aflush()"
)
_has_warned = False


def warn_of_blocking() -> None:
    """A flush is about to block. It warns where an event loop runs here, once a process."""
    global _has_warned  # noqa: PLW0603  once a process
    if _has_warned:
        return
    # Where nobody has loaded an event loop's library, none can run.
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    runs_asyncio = asyncio is not None and asyncio._get_running_loop() is not None
    if runs_asyncio or (trio is not None and trio.lowlevel.in_trio_run()):
        _has_warned = True
        logs.write(logging.WARNING, _BLOCKS)
