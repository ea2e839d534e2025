"""Result: one row of the matrix."""

from __future__ import annotations

from dataclasses import dataclass, field

HEADINGS = ("row", "sent", "injected", "faults", "delivered", "lost", "ghosts", "dup. sent", "dup. kept", "verdict")


@dataclass(slots=True)
class Result:
    """`repeated` counts records that were sent more than once, `doubled` those that the server has twice.

    A row whose fault has not been injected, or not often enough, is a miss: it has shown nothing.
    """

    sent: int = 0
    injected: int = 0
    faults: str = ""
    delivered: int = 0
    lost: int = 0
    ghosts: int = 0
    repeated: int = 0
    doubled: int = 0
    _misses: list[str] = field(default_factory=list)

    def demand(self, is_so: bool, miss: str) -> None:
        if not is_so:
            self._misses.append(miss)

    def inject(self, count: int, faults: str, *, least: int) -> None:
        """Notes what went wrong on purpose, how often it did, and how often it must for the row to count."""
        self.injected = count
        self.faults = faults
        self.demand(count >= least > 0, f"{count} faults injected in place of {least}")

    @property
    def misses(self) -> list[str]:
        return self._misses if self.injected else [*self._misses, "no fault was injected"]

    def cells(self, name: str) -> tuple[str, ...]:
        counts = (self.delivered, self.lost, self.ghosts, self.repeated, self.doubled)
        verdict = "MISS: " + "; ".join(self.misses) if self.misses else "held"
        return name, str(self.sent), str(self.injected), self.faults, *map(str, counts), verdict


def judged(expected: set[str], received: list[str], replayed: int, *, may_double: bool = False) -> Result:
    """The outcome of each event, by its key alone: the library itself is not asked."""
    kept = set(received)
    doubled = len(received) - len(kept)
    result = Result(
        sent=len(expected),
        delivered=len(kept & expected),
        lost=len(expected - kept),
        ghosts=len(kept - expected),
        repeated=doubled + replayed,
        doubled=doubled,
    )
    result.demand(result.sent > 0, "nothing was sent")
    result.demand(not result.lost, f"{result.lost} lost")
    result.demand(not result.ghosts, f"{result.ghosts} ghosts")
    result.demand(may_double or not doubled, f"{doubled} doubled")
    return result
