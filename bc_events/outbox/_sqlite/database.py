"""SQLiteDatabase: one file that threads, processes and forks of one machine write to."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from bc_events._runtime import forks, logs
from bc_events._runtime.private_file import make_private
from bc_events.errors import OutboxError, printable
from bc_events.outbox._sql.dialect import SQLITE

from .connection import OpenConnection, SQLiteTransaction
from .table_file import make_table, reader_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_IDLE_CONNECTIONS: Final = 8
_PAGE: Final = 4096
_MOVED: Final = (
    "the outbox's file %s was removed or replaced while it was open; events that it held are not in the file there now"
)
_logger = logs.logger
_abandoned: Final[list[OpenConnection]] = []
_open: Final[list[weakref.ref[SQLiteDatabase]]] = []  # copying a list is one step, whatever another thread adds


class SQLiteDatabase:
    """Durable after the commit (write-ahead log, `synchronous=FULL`). The table is made if it is missing.

    No connection and no lock may cross a fork. SQLite's locks belong to the whole process, and the child would wait for
    threads that it does not have. So a fork first waits for open transactions, which are short, and closes every
    connection.
    """

    dialect = SQLITE
    placeholder = "?"

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int, busy_timeout: float) -> None:
        self._path = Path(path).absolute()
        self._max_pages = max(1, max_bytes // _PAGE)
        self._busy_timeout = busy_timeout
        self._has_inherited = False
        self._begin_anew()
        _open.append(weakref.ref(self, _open.remove))

    def _begin_anew(self) -> None:
        self._idle: list[OpenConnection] = []
        self._gate = threading.Condition()
        self._busy = 0
        self._forks = 0  # the number of forks under way: several threads may fork at the same time

    def transaction(self) -> AbstractContextManager[SQLiteTransaction]:
        return self._open("BEGIN IMMEDIATE", self._connected)

    def reading(self) -> AbstractContextManager[SQLiteTransaction]:
        """A reader does not wait for a writer. A missing file is read as an empty outbox."""
        return self._open("BEGIN", self._looking)

    @contextmanager
    def _open(self, begin: str, connect: Callable[[], OpenConnection]) -> Iterator[SQLiteTransaction]:
        try:
            opened = self._take(connect)
            connection = opened.connection
            try:
                connection.execute(begin)
                yield SQLiteTransaction(opened, self._max_pages)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # the database may have rolled back by itself, as it does when full
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._leave(opened)
        except sqlite3.Error as error:
            raise OutboxError(
                f"the outbox {self._path} refused ({error}); see that its folder can be written to, that its disk "
                "and the outbox's max_bytes are not used up, and that no other program keeps it locked"
            ) from error

    def _take(self, connect: Callable[[], OpenConnection]) -> OpenConnection:
        forks.notice()
        if self._has_inherited:
            raise OutboxError(
                f"the outbox {self._path} was open when this process was forked, and Python was not told of the fork, "
                "so it cannot be written to safely from here; publish nothing before the server forks, "
                "or have each worker load the application (uWSGI: --lazy-apps)"
            )
        with self._gate:
            self._gate.wait_for(lambda: not self._forks)
            self._close_moved()
            self._busy += 1
            if self._idle:
                return self._idle.pop()
        try:
            return connect()
        except BaseException:
            self._leave(None)
            raise

    def _close_moved(self) -> None:
        """Events that are committed to a file without a name are lost silently: no other process finds the file."""
        file = self._found()
        moved = [opened for opened in self._idle if opened.file != file]
        if not moved:
            return
        _logger.error(_MOVED, self._path, extra={"bc_outbox": str(self._path)})
        self._idle = [opened for opened in self._idle if opened.file == file]
        for opened in moved:
            opened.connection.close()

    def _found(self) -> tuple[int, int] | None:
        """The file that has the name at present."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _looking(self) -> OpenConnection:
        return OpenConnection(reader_of(self._path, self._busy_timeout), self._found(), is_writable=False)

    def _connected(self) -> OpenConnection:
        make_private(self._path)
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout, isolation_level=None, check_same_thread=False
        )
        try:
            self._log_ahead(connection)
            connection.execute("PRAGMA synchronous=FULL")
            make_table(connection, self._path)
        except BaseException:
            connection.close()
            raise
        return OpenConnection(connection, self._found())

    def _log_ahead(self, connection: sqlite3.Connection) -> None:
        """Switches the file to a write-ahead log. SQLite does not wait for a lock here, so this repeats it."""
        Retrying(
            retry=retry_if_exception_type(sqlite3.OperationalError),
            stop=stop_after_delay(self._busy_timeout),
            wait=wait_random(0.005, 0.05),
            reraise=True,
        )(
            lambda: connection.execute("PRAGMA journal_mode=WAL").fetchall()
        )  # if its row were not read, the first commit would fail

    def _leave(self, opened: OpenConnection | None) -> None:
        with self._gate:
            self._busy -= 1
            self._gate.notify_all()
            if opened is None:
                return
            is_clean = opened.is_writable and not opened.connection.in_transaction
            if is_clean and len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(opened)
            else:
                opened.connection.close()

    def close(self) -> None:
        with self._gate:
            self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().connection.close()

    def before_fork(self) -> None:
        with self._gate:
            self._forks += 1
            self._gate.wait_for(lambda: self._busy == 0, self._busy_timeout)
            self._close_idle()

    def after_fork_in_parent(self) -> None:
        with self._gate:
            self._forks -= 1
            self._gate.notify_all()

    def after_fork_in_child(self) -> None:
        """If a connection was open in the parent, SQLite believes that this process has its locks.

        Other processes could then overwrite what this one writes. So it must not write.
        """
        self._has_inherited |= bool(self._idle or self._busy)
        _abandoned.extend(self._idle)
        self._begin_anew()

    def __repr__(self) -> str:
        return f"<SQLiteDatabase {self._path}>"

    def __str__(self) -> str:
        return printable(str(self._path))


def _alive() -> list[SQLiteDatabase]:
    return [database for reference in tuple(_open) if (database := reference()) is not None]


def _before_fork() -> None:
    for database in _alive():
        database.before_fork()


def _after_fork_in_parent() -> None:
    for database in _alive():
        database.after_fork_in_parent()


def _after_fork_in_child() -> None:
    for database in _alive():
        database.after_fork_in_child()


forks.around_fork(_before_fork, _after_fork_in_parent, _after_fork_in_child)
