"""The settings of relays here. Leases are short, because some rows wait for a lease to end."""

from __future__ import annotations

from tenacity import wait_random_exponential

from bc_events.outbox import RelaySettings

TIMEOUT = (0.5, 0.5)


def quick(lease: float = 3.0) -> RelaySettings:
    return RelaySettings(
        lease=lease,
        poll=(0.02, 0.2),
        retry=wait_random_exponential(multiplier=0.05, max=1),
        pause=wait_random_exponential(multiplier=0.05, max=0.5),
    )
