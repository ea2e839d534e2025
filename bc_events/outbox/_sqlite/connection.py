"""A connection to an outbox's file, and a transaction on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

_UNCAPPED: Final = 1 << 30  # pages: SQLite's own default


@dataclass(slots=True)
class OpenConnection:
    """A connection, and the file that it has open (device and inode), which may have lost its name meanwhile.

    The connection lets the file grow up to `cap` pages. A connection that is not `is_writable` is closed after its use.
    """

    connection: sqlite3.Connection
    file: tuple[int, int] | None
    cap: int | None = None
    is_writable: bool = True


class SQLiteTransaction:
    """The size of the file is capped for added rows alone. A claim makes rows longer, and must work on a full file."""

    def __init__(self, opened: OpenConnection, max_pages: int) -> None:
        self._opened = opened
        self._max_pages = max_pages

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._capped(_UNCAPPED).execute(sql, parameters).fetchall()

    def count(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self._capped(_UNCAPPED).execute(sql, parameters).rowcount

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._capped(self._max_pages).executemany(sql, rows)

    def _capped(self, pages: int) -> sqlite3.Connection:
        if self._opened.cap != pages:
            self._opened.connection.execute(f"PRAGMA max_page_count={pages}").fetchall()
            self._opened.cap = pages
        return self._opened.connection
