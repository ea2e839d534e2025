"""The query of the archive. One index leads to its rows, in their order, whatever the planner believes of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bc_events.outbox._store.columns import SENT_COLUMNS

from . import schema
from .row_reading import selection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from .dialect import Dialect

_FIRST: Final = 0.0
_LAST: Final = 1e11
"""Seconds of the Unix epoch, before and after all times at which something is sent."""
_NEWEST_FIRST: Final = "o.sent_at DESC, o.seq DESC"


@dataclass(slots=True)
class HistoryQuery:
    """Conditions, with their parameters, on a way through one `index` that has the rows in the `order`."""

    dialect: Dialect
    first: float
    last: float
    index: str = "PRIMARY"
    order: str = _NEWEST_FIRST
    conditions: list[str] = field(default_factory=list)
    parameters: list[object] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        dialect: Dialect,
        *,
        ids: Sequence[UUID],
        job_id: str | None,
        topic: str | None,
        since: float | None,
        until: float | None,
    ) -> HistoryQuery:
        query = cls(dialect, _FIRST if since is None else since, _LAST if until is None else until)
        query.add("o.sent_at >= ? AND o.sent_at < ?", query.first, query.last)
        wanted = {
            name: value[: schema.LONGEST_KEY]
            for name, value in (("aggregateid", job_id), ("type", topic))
            if value is not None
        }
        if ids:
            query.go_by_ids(ids)
        elif wanted:
            column = next(iter(wanted))
            query.go_by(column, wanted.pop(column))
        for name, value in wanted.items():
            query.add(f"coalesce(o.{name}, '') = ?", value)  # no index serves an expression
        return query

    def add(self, condition: str, *parameters: object) -> None:
        self.conditions.append(condition)
        self.parameters += parameters

    def go_by_ids(self, ids: Sequence[UUID]) -> None:
        self.index = f"{schema.SENT}_id"
        self.order = "coalesce(o.sent_at, 0) DESC, o.seq DESC"
        self.add(self.dialect.among("o.id"), self.dialect.many(ids))

    def go_by(self, column: str, value: str) -> None:
        """Pairs are compared because only one index has them in order. MySQL uses no index for pairs, but a statement
        can name the index. It would sort, if the column that has one value were among those of the order.
        """
        self.index = next(name for name, columns in schema.SENT_INDEXES.items() if columns[0] == column)
        if self.dialect.with_index:
            self.add(f"o.{column} = ?", value)
            return
        self.order = f"o.{column} DESC, {_NEWEST_FIRST}"
        pair = f"(o.{column}, o.sent_at)"
        self.add(f"{pair} >= (?, ?) AND {pair} < (?, ?)", value, self.first, value, self.last)

    def statement(self) -> str:
        """Its last parameter is the number of rows."""
        with_index = self.dialect.with_index.format(index=self.index)
        return (
            f"SELECT {selection(self.dialect, SENT_COLUMNS)} FROM {schema.SENT} o{with_index} "
            f"WHERE {' AND '.join(self.conditions)} ORDER BY {self.order} LIMIT ?"
        )
