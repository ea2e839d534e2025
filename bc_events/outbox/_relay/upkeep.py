"""ArchiveUpkeep: purges the archive of an outbox by age, on a thread of a relay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bc_events._runtime import logs
from bc_events.errors import OutboxError

if TYPE_CHECKING:
    import threading

    from bc_events.outbox._store.store import RelayStore

_BETWEEN: Final = 600.0
_BETWEEN_PARTS: Final = 0.05
"""Seconds. Many rows are purged in many short transactions, with time for others between them."""
_logger = logs.logger


class ArchiveUpkeep:
    """`run` works until it is `stopped`."""

    def __init__(self, store: RelayStore, stopped: threading.Event) -> None:
        self._store = store
        self._stopped = stopped
        self._has_failed = False

    def run(self) -> None:
        wait = 0.0
        while not self._stopped.wait(wait):
            wait = _BETWEEN_PARTS if self._purge() else _BETWEEN

    def _purge(self) -> bool:
        """Whether there is more to purge."""
        try:
            has_more = self._store.purge_sent()
        except OutboxError as error:
            if not self._has_failed:
                _logger.warning(
                    "the archive of the outbox could not be purged, and the relay tries again: %s",
                    error,
                    extra={"bc_reason": str(error)},
                )
            self._has_failed = True
            return False
        self._has_failed = False
        return has_more
