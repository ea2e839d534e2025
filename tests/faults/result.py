"""Result: one row of the matrix."""

from __future__ import annotations

from dataclasses import dataclass, field

HEADINGS = ("row", "sent", "faults", "delivered", "lost", "ghosts", "dup. sent", "dup. kept", "verdict")


@dataclass(slots=True)
class Result:
    """`repeated` counts records that were sent more than once, `doubled` those that the server has twice."""

    sent: int = 0
    faults: str = ""
    delivered: int = 0
    lost: int = 0
    ghosts: int = 0
    repeated: int = 0
    doubled: int = 0
    misses: list[str] = field(default_factory=list)

    def demand(self, is_so: bool, miss: str) -> None:
        if not is_so:
            self.misses.append(miss)

    def cells(self, name: str) -> tuple[str, ...]:
        counts = (self.delivered, self.lost, self.ghosts, self.repeated, self.doubled)
        verdict = "MISS: " + "; ".join(self.misses) if self.misses else "held"
        return name, str(self.sent), self.faults, *map(str, counts), verdict


def judged(expected: set[str], received: list[str], replayed: int, *, may_double: bool = False) -> Result:
    """What became of each event, by its key alone: nothing of the library is asked."""
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
