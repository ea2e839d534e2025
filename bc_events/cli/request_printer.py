"""RequestPrinter: prints each request of a local Events API, and what clients did not send, on a thread of its own."""

from __future__ import annotations

import os
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from bc_events.local import ReceivedRequest, Unsent

_LONGEST_END: Final = 1.0
"""Seconds that a terminal may take for the lines that are left, such as one that Ctrl-S has stopped."""


class RequestPrinter:
    """Neither a terminal that stands still nor Ctrl-C in the middle of a line gets in the way of a response."""

    def __init__(self, show: Callable[[ReceivedRequest | Unsent], object]) -> None:
        self._show = show
        self._requests: SimpleQueue[ReceivedRequest | Unsent | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="bc-events-printer", daemon=True)

    def add(self, request: ReceivedRequest | Unsent) -> None:
        self._requests.put(request)

    def start(self) -> None:
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Returns when every line is printed."""
        self._requests.put(None)
        if self._thread.is_alive():
            self._thread.join(_LONGEST_END)

    def _run(self) -> None:
        while (request := self._requests.get()) is not None:
            try:
                self._show(request)
            except OSError:  # nobody reads it any more, as in a pipe to head
                self._show = bool
                _discard_output()


def _discard_output() -> None:
    """Discards further output, so that the interpreter does not fail when it flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
