"""Reconciliation: what arrived, held against what was published."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .publisher import Publisher


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, in the order of arrival."""

    job: str
    actor: str
    number: int
    event_id: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How many events were published and arrived, and what went wrong.

    `troubled` counts children that did not end well.
    """

    published: int
    arrived: int
    lost: int
    doubled: int
    misattributed: int
    out_of_order: int
    troubled: int = 0

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.misattributed or self.out_of_order or self.troubled)


def reconcile(publishers: Iterable[Publisher], arrivals: Iterable[Arrival], troubled: int = 0) -> Reconciliation:
    """An event that nobody published counts as misattributed; a second one with a known id as doubled."""
    owners = {number: publisher for publisher in publishers for number in publisher.numbers}
    arrived = list(arrivals)
    numbers = Counter(arrival.number for arrival in arrived)
    ids = Counter(arrival.event_id for arrival in arrived)
    return Reconciliation(
        published=len(owners),
        arrived=len(arrived),
        lost=len(owners.keys() - numbers.keys()),
        doubled=max(len(arrived) - len(numbers), len(arrived) - len(ids)),
        misattributed=sum(not _is_own(owners.get(arrival.number), arrival) for arrival in arrived),
        out_of_order=_out_of_order(arrived),
        troubled=troubled,
    )


def _is_own(owner: Publisher | None, arrival: Arrival) -> bool:
    return owner is not None and (owner.job, owner.actor) == (arrival.job, arrival.actor)


def _out_of_order(arrivals: Iterable[Arrival]) -> int:
    by_job = defaultdict(list)
    for arrival in arrivals:
        by_job[arrival.job].append(arrival.number)
    return sum(earlier > later for said in by_job.values() for earlier, later in pairwise(said))
