"""ClaimSize: how many rows a worker claims at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bc_events.constants import MAX_REQUEST_EVENTS

if TYPE_CHECKING:
    from bc_events.outbox._store.store import Claim

_MOST: Final = 8 * MAX_REQUEST_EVENTS
_SOON: Final = 0.25
_LATE: Final = 1.0
"""Seconds."""


class ClaimSize:
    """A claim is a commit, which waits for the disk. So a worker that sends quickly claims more at once.

    One that sends slowly claims less again: what it has claimed, no other worker can send meanwhile.
    """

    def __init__(self) -> None:
        self.rows: int = MAX_REQUEST_EVENTS
        self._claimed = 0.0

    def begin(self) -> int:
        """Returns how many rows to claim now."""
        self._claimed = time.monotonic()
        return self.rows

    def served(self, claim: Claim) -> None:
        """Its requests have been sent."""
        seconds = time.monotonic() - self._claimed
        if seconds > _LATE:
            self.rows = max(self.rows // 2, MAX_REQUEST_EVENTS)
        elif seconds < _SOON and sum(len(request.events) for request in claim.requests) >= self.rows:
            self.rows = min(self.rows * 2, _MOST)
