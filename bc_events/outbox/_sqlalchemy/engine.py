"""EngineDatabase: the database behind a SQLAlchemy engine, as a store uses it."""

from __future__ import annotations

import sqlite3
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.pool import StaticPool

from bc_events._runtime import forks
from bc_events.errors import ConfigurationError, OutboxError
from bc_events.outbox._sql import dialect, schema
from bc_events.outbox._sql.conflicts import (
    LostConnectionError,
    refusal_of,
    tells_of_closed_connection,
    tells_of_read_only,
)
from bc_events.outbox._sql.server_version import refuse_old_mysql

from .relay_engine import USED, is_in_memory, twin_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.pool import Pool

STORE_OPTION: Final = "bc_events_store"
"""The execution option of a connection with which a store works in transactions of its own."""

_LEVEL: Final = "READ COMMITTED"
"""Under a stricter level two relays would fail each other's claims."""
_GONE: Final = "see that it is up, and that `bc-events outbox sql` has been applied to it"
_LOCKED: Final = (
    "a transaction keeps it locked, perhaps one that has only read; commit or close it before the events are flushed, "
    "or open events.session() around it"
)

_ours: Final[weakref.WeakSet[Engine]] = weakref.WeakSet()
_abandoned: Final[list[Pool]] = []


def engine_at(url: str | URL) -> Engine:
    """An engine of our own. Its statements are not prepared: a pooler between may give each transaction another server.
    Its connections are tried before they are used, so that a restart of the database fails no flush after it.

    Raises what SQLAlchemy does for a URL that leads nowhere.
    """
    found = make_url(url)
    known = found.get_dialect()
    return create_engine(found, **_options(is_psycopg=known.driver == "psycopg", is_sqlite=known.name == "sqlite"))


def _options(*, is_psycopg: bool, is_sqlite: bool) -> dict[str, Any]:
    """The level is set once for each connection, because on MySQL each change of it costs two statements."""
    return {
        "connect_args": {"prepare_threshold": None} if is_psycopg else {},
        "pool_pre_ping": True,
        **({} if is_sqlite else {"isolation_level": _LEVEL}),
    }


class EngineDatabase:
    """Transactions of a store's own, on a sync engine: the application's where its driver is the one used here."""

    def __init__(self, engine: Engine, *, is_ours: bool = False) -> None:
        """An engine that `is_ours` is disposed of by `close`.

        Raises `ConfigurationError` for a database that no outbox can live in, and for an engine that is neither used
        here nor can have a relay engine.
        """
        self.dialect = dialect.named(engine.dialect.name)
        _refuse_memory(engine)
        is_foreign = engine.dialect.is_async or engine.driver not in USED
        self._is_ours = is_ours or is_foreign
        if is_foreign:
            name = self.dialect.name
            engine = twin_of(engine, _options(is_psycopg=name == "postgresql", is_sqlite=name == "sqlite"))
        if self._is_ours:
            _ours.add(engine)
        is_sqlite = self.dialect.name == "sqlite"
        self.placeholder = "?" if is_sqlite else "%s"
        has_level = is_sqlite or (self._is_ours and "isolation_level" not in engine.get_execution_options())
        self._level: dict[str, Any] = {} if has_level else {"isolation_level": _LEVEL}
        self._engine = engine.execution_options(**{STORE_OPTION: True})

    @contextmanager
    def transaction(self) -> Iterator[SQLAlchemyTransaction]:
        with self._connected() as connection, connection.begin(), self._usable(connection):
            if self.dialect.name == "sqlite":
                _take_lock(connection)
            yield SQLAlchemyTransaction(connection)

    @contextmanager
    def reading(self) -> Iterator[SQLAlchemyTransaction]:
        with self._connected() as connection, self._usable(connection):
            yield SQLAlchemyTransaction(connection)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with self._translated(), self._engine.connect() as connection:
            with self._usable(connection):
                connection.execution_options(**self._level)
                refuse_old(connection)
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raises `OutboxError` from what SQLAlchemy raises."""
        forks.notice()
        try:
            yield
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            raise self._refusal(error, refusal_of(getattr(error, "orig", None) or error)) from error

    @contextmanager
    def _usable(self, connection: Connection) -> Iterator[None]:
        """Raises `LostConnectionError` where the connection is of no use: nothing has been committed, and the pool
        forgets its idle connections.

        SQLAlchemy sees to that itself where a statement finds the connection closed. But it does not notice that where
        it sets the isolation level. A connection that only reads passes each test.
        """
        try:
            yield
        except (DBAPIError, self._engine.dialect.loaded_dbapi.Error) as error:
            cause = getattr(error, "orig", None) or error
            is_noticed = isinstance(error, DBAPIError) and error.connection_invalidated
            if not is_noticed and not tells_of_closed_connection(cause) and not tells_of_read_only(cause):
                raise
            connection.invalidate()
            if not is_noticed:
                self._engine.dispose()
            raise self._refusal(error, LostConnectionError) from error

    def _refusal(self, error: Exception, kind: type[OutboxError]) -> OutboxError:
        hide_values(error)
        return kind(
            f"the outbox's database {self._engine.url.render_as_string()} refused "
            f"({type(error).__name__}: {reason_of(error)}); {_LOCKED if _is_lock(error) else _GONE}"
        )

    def close(self) -> None:
        if self._is_ours:
            self._engine.dispose()

    def __repr__(self) -> str:
        return f"<EngineDatabase {self._engine.url.render_as_string()}>"


def refuse_old(connection: Connection) -> None:
    """Raises `OutboxError` for a server that is too old."""
    found: Any = connection.dialect
    if found.name in ("mysql", "mariadb"):
        version = found._mariadb_normalized_version_info if found.is_mariadb else found.server_version_info
        refuse_old_mysql(version, is_mariadb=found.is_mariadb)


def _refuse_memory(engine: Engine) -> None:
    """Each connection to such a database has one of its own, unless all are one connection."""
    if engine.dialect.name == "sqlite" and is_in_memory(engine.url) and not isinstance(engine.pool, StaticPool):
        raise ConfigurationError(
            "the outbox's engine leads to a SQLite database in memory, which no other connection sees; "
            "give it a file, or in tests an engine with poolclass=StaticPool"
        )


def _leave_pools() -> None:
    """A connection must not cross a fork, not even to be closed. The application's engines are its own to care for."""
    for engine in list(_ours):
        _abandoned.append(engine.pool)
        engine.dispose(close=False)


forks.after_fork(_leave_pools)


def hide_values(error: Exception) -> None:
    """Its text, which every traceback with it shows, leaves the statement's parameters out: they are personal data."""
    if isinstance(error, StatementError):
        error.hide_parameters = True


def reason_of(error: Exception) -> str:
    """What the driver said, in one line."""
    return (str(getattr(error, "orig", None) or type(error).__name__).splitlines() or [""])[0]


def _is_lock(error: Exception) -> bool:
    return isinstance(cause := getattr(error, "orig", error), sqlite3.OperationalError) and "locked" in str(cause)


def _take_lock(connection: Connection) -> None:
    """A transaction that reads before it writes cannot wait for SQLite's lock; one that writes first can.

    A driver that commits by itself, as under AUTOCOMMIT, has begun none: two relays would claim the same rows.
    """
    driver: Any = connection.connection.driver_connection
    if driver.in_transaction:
        connection.exec_driver_sql(f"DELETE FROM {schema.TABLE} WHERE 0")
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


class SQLAlchemyTransaction:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        result = self._connection.exec_driver_sql(sql, tuple(parameters))
        return cast("list[tuple[Any, ...]]", result.all()) if result.returns_rows else []

    def count(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self._connection.exec_driver_sql(sql, tuple(parameters)).rowcount

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._connection.exec_driver_sql(sql, [tuple(row) for row in rows])
