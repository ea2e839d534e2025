"""Commands that run until they are told to stop."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def stoppable() -> Iterator[None]:
    """A block that Ctrl-C and SIGTERM end, both quietly and in order."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def wait_to_be_stopped() -> None:
    """Returns never; use it within `stoppable`."""
    while True:
        time.sleep(60)
