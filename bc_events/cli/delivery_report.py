"""DeliveryReport: what became of each event of a `bc-events publish --file`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from bc_events.errors import Undelivered

from .error_text import remedies, with_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bc_events import Event, EventSession

STOPPED: Final = "the command was stopped"


def done_with(session: EventSession) -> str:
    """The word for what a flush of this session has done with its events: stored, checked or delivered."""
    if session.client.outbox is not None:
        return "stored"
    return "checked, none sent" if session.client.api_url is None else "delivered"


@dataclass(slots=True)
class DeliveryReport:
    """`line_numbers` says where in the file each event stands."""

    line_numbers: Mapping[Event, int]
    undelivered: list[Undelivered] = field(default_factory=list)

    @property
    def delivered(self) -> int:
        return len(self.line_numbers) - len(self.undelivered)

    def add(self, events: Sequence[Event], reason: str, outcome: Literal["unknown", "unsent"]) -> None:
        """These were not sent, or nobody knows whether they arrived."""
        self.undelivered += [Undelivered(event, reason, outcome) for event in events]

    def text(self) -> Iterator[str]:
        """A line for each outcome and reason, with the numbers of its lines in the file; then what to do."""
        groups: dict[tuple[str, str], list[int]] = {}
        for item in self.undelivered:
            groups.setdefault((item.outcome, item.reason), []).append(self.line_numbers[item.event])
        for (outcome, reason), lines in groups.items():
            noun = "line" if len(lines) == 1 else "lines"
            yield f"{noun} {_ranges(sorted(lines))}: {outcome}: {with_options(reason)}"
        yield from remedies(self.undelivered)


def _ranges(numbers: Sequence[int]) -> str:
    """`3, 7-9` of 3, 7, 8 and 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)
