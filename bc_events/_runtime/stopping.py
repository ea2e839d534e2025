"""Commands that run until they are told to stop."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stoppable() -> Iterator[None]:
    """A block that Ctrl-C and SIGTERM end quietly. A second signal, after the block, has its usual effect."""
    if threading.current_thread() is not threading.main_thread():  # no other thread gets signals
        yield
        return
    before = [signal.signal(one, signal.default_int_handler) for one in _SIGNALS]
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for one, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(one, handler)


def wait_to_be_stopped() -> None:
    """Never returns; use it within `stoppable`."""
    while True:
        time.sleep(60)
