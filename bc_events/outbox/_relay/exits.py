"""Exits: a function that is called when this process ends, also where `atexit` calls none."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Any

from bc_events._runtime import forks

if TYPE_CHECKING:
    from collections.abc import Callable


class Exits:
    """Calls `leave` at the end of the process that imported this library, and of each child that says `expect`."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave
        self._expected = forks.generation
        atexit.register(leave)

    def expect(self) -> None:
        """To be called in each process that has something to do at its end; more than once is as good as once."""
        if self._expected is forks.generation:
            return
        self._expected = forks.generation
        self._expect_in_multiprocessing()
        self._expect_in_celery()

    def _expect_in_multiprocessing(self) -> None:
        """Its forked children run none of the functions that their parent has registered with `atexit`."""
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            from multiprocessing.util import Finalize  # noqa: PLC0415  loaded already where there is such a child

            Finalize(None, self._leave, exitpriority=0)

    def _expect_in_celery(self) -> None:
        """Its prefork children end by `os._exit`, after this signal."""
        signals = sys.modules.get("celery.signals")
        if signals is not None:
            signals.worker_process_shutdown.connect(
                self._on_shutdown, weak=False, dispatch_uid=f"{__name__}.{id(self)}"
            )

    def _on_shutdown(self, **_details: Any) -> None:
        self._leave()
