"""Exits: calls a function when this process ends, also in children in which `atexit` does not."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Any

from bc_events._runtime import forks

if TYPE_CHECKING:
    from collections.abc import Callable


class Exits:
    """Calls `leave` at the end of the process that made this object, and of each forked child that calls `expect`."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave
        self._expected = forks.generation
        atexit.register(leave)

    def expect(self) -> None:
        """Call it in each process that has something to do at its end. Further calls change nothing."""
        if self._expected is forks.generation:
            return
        self._expected = forks.generation
        self._expect_in_multiprocessing()
        self._expect_in_celery()

    def _expect_in_multiprocessing(self) -> None:
        """Children of multiprocessing do not run the functions that their parent has registered with `atexit`."""
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            from multiprocessing.util import Finalize  # noqa: PLC0415  loaded already where there is such a child

            Finalize(None, self._leave, exitpriority=0)

    def _expect_in_celery(self) -> None:
        """Celery's prefork children send this signal, then end by `os._exit`."""
        signals = sys.modules.get("celery.signals")
        if signals is not None:
            signals.worker_process_shutdown.connect(
                self._on_shutdown, weak=False, dispatch_uid=f"{__name__}.{id(self)}"
            )

    def _on_shutdown(self, **_details: Any) -> None:
        self._leave()
