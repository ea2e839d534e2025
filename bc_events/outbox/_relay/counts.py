"""RelayCounts: the work of a relay since it started."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import metrics

if TYPE_CHECKING:
    from bc_events.outbox._store.store import Settlement


@dataclass(slots=True)
class RelayCounts:
    """Numbers of events `sent`, `retried` and `dead`. `lost_leases` counts events whose lease ended too early.

    `pause_reason` is the reason for which the relay pauses, or None.
    """

    sent: int = 0
    retried: int = 0
    dead: int = 0
    lost_leases: int = 0
    requests: int = 0
    pause_reason: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def asked(self) -> None:
        with self._lock:
            self.requests += 1

    def settled(self, settlement: Settlement, fenced: int) -> None:
        retried = sum(failure.delay is not None for failure in settlement.failed)
        dead = len(settlement.failed) - retried
        with self._lock:
            self.sent += len(settlement.delivered)
            self.retried += retried
            self.dead += dead
            self.lost_leases += fenced
        metrics.settled(len(settlement.delivered), retried, dead)
