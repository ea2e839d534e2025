"""ReadRequest: the records of one request, from the first that is read until all of its events are settled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bc_events._delivery.request import Request, key_of_part

from .job_queue import name_of
from .positions import Place, place_of

if TYPE_CHECKING:
    from bc_events.outbox._store.row import Row

    from .job_queue import Name
    from .record import StreamRecord


@dataclass(slots=True)
class ReadRequest:
    """`places` are those of all its records, also of those that were read twice. `left` are the events to settle.

    Its records follow each other, so it is whole once the last has come.
    """

    places: list[Place] = field(default_factory=list)
    records: dict[Name, StreamRecord] = field(default_factory=dict)
    left: set[Name] = field(default_factory=set)
    is_whole: bool = False
    is_queued: bool = False
    _rows: dict[int, Row] = field(default_factory=dict)

    def add(self, row: Row, record: StreamRecord) -> None:
        self.places.append(place_of(record))
        if self.is_whole:
            return
        self._rows.setdefault(row.batch_first or 0, row)
        self.records.setdefault(name_of(row), record)
        self.is_whole = row.batch_first == row.batch_last
        self.left = {name_of(one) for one in self._rows.values()}

    @property
    def unreadable(self) -> list[Row]:
        return [row for row in self._rows.values() if row.fault is not None]

    @property
    def request(self) -> Request[Row] | None:
        """Its readable rows: the request that the publisher made, if they are all of its rows."""
        rows = [row for _, row in sorted(self._rows.items()) if row.fault is None]
        if not rows:
            return None
        key = str(rows[0].batch)
        if len(rows) < (rows[0].batch_last or 0):
            key = key_of_part(key, [(row.batch_first or 0) - 1 for row in rows])
        return Request.of(rows, key)
