"""Positions: up to which offset the records of each partition are settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from .record import StreamRecord

Place = tuple["Hashable", int]


def place_of(record: StreamRecord) -> Place:
    return record.partition, record.offset


class Positions:
    """A partition's position is the offset of its first record that is not settled, or the one after its last record.

    A client library commits this very number: the next record to be read.
    """

    def __init__(self) -> None:
        self._open: dict[Hashable, set[int]] = {}
        self._next: dict[Hashable, int] = {}
        self._told: dict[Hashable, int] = {}

    def add(self, place: Place) -> None:
        partition, offset = place
        self._open.setdefault(partition, set()).add(offset)
        self._next[partition] = max(offset + 1, self._next.get(partition, 0))

    def settle(self, places: Iterable[Place]) -> None:
        for partition, offset in places:
            self._open[partition].discard(offset)

    def news(self) -> dict[Hashable, int]:
        """The positions that have changed since the last call."""
        now = {partition: min(self._open[partition], default=end) for partition, end in self._next.items()}
        news = {partition: offset for partition, offset in now.items() if self._told.get(partition) != offset}
        self._told.update(news)
        return news
