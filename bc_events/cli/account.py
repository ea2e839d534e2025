"""Account: what became of each event of a `bc-events publish`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bc_events.errors import Undelivered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bc_events import Event


@dataclass(slots=True)
class Account:
    """`places` says where each event came from, as a line number."""

    places: Mapping[Event, int]
    undelivered: list[Undelivered] = field(default_factory=list)

    @property
    def delivered(self) -> int:
        return len(self.places) - len(self.undelivered)

    def leave(self, events: Sequence[Event], reason: str, outcome: Literal["unknown", "unsent"]) -> None:
        """These were not sent, or nobody knows whether they arrived."""
        self.undelivered += [Undelivered(event, reason, outcome) for event in events]

    def report(self) -> Iterator[str]:
        """One line of text for each fate, naming the lines that met it."""
        fates: dict[tuple[str, str], list[int]] = {}
        for item in self.undelivered:
            fates.setdefault((item.outcome, item.reason), []).append(self.places[item.event])
        for (outcome, reason), lines in fates.items():
            yield f"{'line' if len(lines) == 1 else 'lines'} {_ranges(sorted(lines))}: {outcome}: {reason}"


def _ranges(numbers: Sequence[int]) -> str:
    """`3, 7-9` of 3, 7, 8 and 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)
