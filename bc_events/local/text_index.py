"""TextIndex: the full-text index over received events. It lags behind them until somebody searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

_TEXT: Final = "searchable(topic, job_id, actor_id, reason, data)"
_INDEX: Final = f"INSERT INTO texts (rowid, text) SELECT seq, {_TEXT} FROM events WHERE seq > ?"  # noqa: S608  a constant
_FORGET: Final = (
    "INSERT INTO texts (texts, rowid, text) SELECT 'delete', seq, {text} FROM events WHERE {which} AND seq <= ?"
)
_LONGEST_LAG: Final = 5_000
"""Events. Each statement that adds to the index writes a segment, which is merged with others: few are best."""


class TextIndex:
    """Its owner holds the lock and has begun a transaction, which also covers the mark of how far it has come."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def follow(self, last_seq: int) -> None:
        """Indexes the events up to the last one if they have become many."""
        if last_seq - self._mark() >= _LONGEST_LAG:
            self._advance(last_seq)

    def catch_up(self, last_seq: int) -> None:
        """Indexes every event up to the last one."""
        if last_seq > self._mark():
            self._advance(last_seq)

    def forget(self, which: str) -> None:
        """Removes the events that a condition chooses, before they are deleted."""
        statement = _FORGET.format(text=_TEXT, which=which)
        self._database.execute(statement, (self._mark(),))

    def _mark(self) -> int:
        found: int = self._database.execute("SELECT seq FROM indexed").fetchone()[0]
        return found

    def _advance(self, last_seq: int) -> None:
        self._database.execute(_INDEX, (self._mark(),))
        self._database.execute("UPDATE indexed SET seq = ?", (last_seq,))
