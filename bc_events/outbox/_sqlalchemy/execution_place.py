"""Where code runs: the thread, and in it the greenlet or the event loop."""

from __future__ import annotations

import sys
import threading


def execution_place() -> object:
    """This thread, and in it the greenlet: that is where an AsyncSession works, and no other task does."""
    greenlet = sys.modules.get("greenlet")
    return threading.get_ident(), greenlet and greenlet.getcurrent()


def runs_a_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None
