"""Selection: the events that a filter chooses, as statements of SQL. Pages are cut by key, never by counting rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from .event_row import COLUMNS
from .query import ACCEPTED, read_query

if TYPE_CHECKING:
    from .query import Query

Statement = tuple[str, tuple[Any, ...]]
_BY_TEXT: Final = "texts AS t CROSS JOIN events AS e ON e.seq = t.rowid"
_BY_TABLE: Final = "events AS e"
_CUT: Final = COLUMNS.replace(" data,", " substr(data, 1, ?),")
_EVERYTHING: Final = -1


@dataclass(frozen=True, slots=True)
class Selection:
    """A query, bounds of `seq`, and the status that is meant if the query names none. None is every status."""

    query: Query
    after: int | None = None
    before: int | None = None
    status: str | None = ACCEPTED

    @classmethod
    def of(
        cls,
        q: str,
        *,
        after: int | None = None,
        before: int | None = None,
        status: str | None = ACCEPTED,
        by_table: bool = False,
    ) -> Selection:
        """`by_table` leaves the full-text index aside. Raises `QueryError`."""
        query = read_query(q)
        return cls(replace(query, words="") if by_table else query, after or None, before, status)

    def page(self, limit: int | None, *, is_newest_first: bool = False, cut: int | None = None) -> Statement:
        """`seq` and the columns of the first `limit` events, data cut to so many characters."""
        order = " DESC" if is_newest_first else ""
        inner, parameters = self.columns("e.seq", limit, is_newest_first=is_newest_first)
        columns, first = (COLUMNS, ()) if cut is None else (_CUT, (cut,))
        return f"SELECT seq, {columns} FROM events WHERE seq IN ({inner}) ORDER BY seq{order}", (*first, *parameters)  # noqa: S608  constants

    def columns(self, columns: str, limit: int | None, *, is_newest_first: bool = True) -> Statement:
        """Some columns of `events AS e`, of the first `limit` events."""
        source, where, parameters = self._found()
        key = "t.rowid" if self.query.words else "e.seq"
        order = f"{key}{' DESC' if is_newest_first else ''}"
        statement = f"SELECT {columns} FROM {source} WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608  constants
        return statement, (*parameters, _EVERYTHING if limit is None else limit)

    def count(self, most: int | None = None) -> Statement:
        source, where, parameters = self._found()
        if most is None:
            return f"SELECT count(*) FROM {source} WHERE {where}", parameters  # noqa: S608  constants
        return f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {where} LIMIT ?)", (*parameters, most)  # noqa: S608

    def _found(self) -> tuple[str, str, tuple[Any, ...]]:
        """Where the events are, the condition that they meet, and its parameters."""
        key = "t.rowid" if self.query.words else "e.seq"
        conditions: list[tuple[str, tuple[Any, ...]]] = []
        if self.query.words:
            conditions.append(("t.texts MATCH ?", (self.query.words,)))
        if self.after is not None:
            conditions.append((f"{key} > ?", (self.after,)))
        if self.before is not None:
            conditions.append((f"{key} < ?", (self.before,)))
        if self.status is not None and not self.query.has_status:
            conditions.append(("e.status = ?", (self.status,)))
        conditions.append((self.query.condition, self.query.parameters))
        parameters = tuple(one for _, some in conditions for one in some)
        source = _BY_TEXT if self.query.words else _BY_TABLE
        return source, " AND ".join(condition for condition, _ in conditions), parameters
