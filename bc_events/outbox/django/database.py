"""A database of Django's, for a store: on the thread's own connection, or on separate connections."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.utils.connection import ConnectionDoesNotExist

from bc_events._django.transactions import refuse_manual_transactions
from bc_events.errors import ConfigurationError, OutboxError
from bc_events.outbox._sql import dialect
from bc_events.outbox._sql.conflicts import (
    LostConnectionError,
    refusal_of,
    tells_of_closed_connection,
    tells_of_read_only,
)
from bc_events.outbox._sql.server_version import refuse_old_mysql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

    from bc_events.outbox._sql.dialect import Dialect

_ERRORS: Final = (DatabaseError, InterfaceError)
_IDLE_CONNECTIONS: Final = 8
_abandoned: Final[list[BaseDatabaseWrapper]] = []


class AmbientDatabase:
    """The calling thread's own connection. Inside `atomic`, the store's work is part of that transaction."""

    placeholder = "%s"

    def __init__(self, using: str) -> None:
        """Raises `ConfigurationError` for a database that cannot hold an outbox."""
        self._using = using
        self.dialect: Dialect = _dialect_of(using)

    @contextmanager
    def transaction(self) -> Iterator[DjangoTransaction]:
        connection = connections[self._using]
        _refuse_manual_transactions(connection)
        is_separate = not connection.in_atomic_block
        if is_separate:
            _close_unusable(connection)
        try:
            with transaction.atomic(self._using, savepoint=False), connection.cursor() as cursor:
                _refuse_old(connection)
                yield DjangoTransaction(cursor)
        except _ERRORS as error:  # not repeated where the transaction is the application's
            if is_separate and tells_of_read_only(error.__cause__ or error):
                _close(connection)
                raise LostConnectionError(_reason(self._using, error)) from error
            raise OutboxError(_reason(self._using, error)) from error

    @contextmanager
    def reading(self) -> Iterator[DjangoTransaction]:
        try:
            with connections[self._using].cursor() as cursor:
                yield DjangoTransaction(cursor)
        except _ERRORS as error:
            raise _refusal(self._using, error) from error

    def close(self) -> None:
        """Nothing: the connection is Django's."""


class OwnDatabase:
    """Separate connections, for relays on any thread. Django's own connections belong to requests."""

    placeholder = "%s"

    def __init__(self, using: str) -> None:
        """Raises `ConfigurationError` for a database that cannot hold an outbox."""
        self._using = using
        self.dialect: Dialect = _dialect_of(using)
        self._lock = threading.RLock()
        self._idle: list[BaseDatabaseWrapper] = []
        self._process = os.getpid()

    @contextmanager
    def transaction(self) -> Iterator[DjangoTransaction]:
        with self._connection() as connection, connection.cursor() as cursor:
            with self._usable(connection):
                for statement in self.dialect.begin:
                    cursor.execute(statement)
                yield DjangoTransaction(cursor)
            cursor.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[DjangoTransaction]:
        """These connections commit each statement, so a SELECT leaves no transaction open."""
        with self._connection() as connection, connection.cursor() as cursor, self._usable(connection):
            yield DjangoTransaction(cursor)

    @contextmanager
    def _connection(self) -> Iterator[BaseDatabaseWrapper]:
        connection = self._take()
        try:
            yield connection
        except BaseException as error:
            _close(connection)  # the database rolls back its transaction
            if isinstance(error, _ERRORS):
                raise _refusal(self._using, error) from error
            raise
        self._put_back(connection)

    @contextmanager
    def _usable(self, connection: BaseDatabaseWrapper) -> Iterator[None]:
        """Raises `LostConnectionError` where the connection is of no use: nothing has been committed."""
        try:
            _refuse_old(connection)
            yield
        except _ERRORS as error:
            if _is_of_no_use(connection, error):
                raise LostConnectionError(_reason(self._using, error)) from error
            raise

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> BaseDatabaseWrapper:
        with self._lock:
            if self._process != os.getpid():  # a connection must not cross a fork, not even to be closed
                _abandoned.extend(self._idle)
                self._idle, self._process = [], os.getpid()
            if self._idle:
                return self._idle.pop()
        connection: BaseDatabaseWrapper = connections[self._using].copy()
        connection.inc_thread_sharing()
        return connection

    def _put_back(self, connection: BaseDatabaseWrapper) -> None:
        with self._lock:
            if len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def __repr__(self) -> str:
        return f"<OwnDatabase {self._using}>"


def _dialect_of(using: str) -> Dialect:
    try:
        return dialect.named(connections[using].vendor)
    except (ImproperlyConfigured, ImportError, ConnectionDoesNotExist) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise ConfigurationError(
            f"Django's settings do not lead to the outbox's database {using!r} ({type(error).__name__}: {reason}); "
            "correct DJANGO_SETTINGS_MODULE or DATABASES"
        ) from error


def _is_of_no_use(connection: BaseDatabaseWrapper, error: Exception) -> bool:
    """Whether its server has closed it, or only reads."""
    cause = error.__cause__ or error
    if tells_of_read_only(cause):
        return True
    if connection.vendor == "mysql":
        return tells_of_closed_connection(cause)
    opened: Any = connection.connection
    return connection.vendor == "postgresql" and opened is not None and bool(opened.closed)


def _close_unusable(connection: BaseDatabaseWrapper) -> None:
    """The server may have closed it: a request would have noticed, but an event may come long after the last query."""
    if connection.vendor != "sqlite" and connection.connection is not None and not connection.is_usable():
        _close(connection)


def _close(connection: BaseDatabaseWrapper) -> None:
    with suppress(*_ERRORS):
        connection.close()


def _refuse_manual_transactions(connection: BaseDatabaseWrapper) -> None:
    try:
        refuse_manual_transactions(connection)
    except ConfigurationError as error:
        raise OutboxError(str(error)) from error


def _refuse_old(connection: BaseDatabaseWrapper) -> None:
    if connection.vendor == "mysql":
        found: Any = connection
        refuse_old_mysql(found.mysql_version, is_mariadb=found.mysql_is_mariadb)


def _refusal(using: str, error: Exception) -> OutboxError:
    return refusal_of(error)(_reason(using, error))


def _reason(using: str, error: Exception) -> str:
    """The first line of the database's reason. Other lines may show parameters, which are personal data."""
    reason = (str(error).splitlines() or [""])[0]
    return (
        f"the outbox in the database {using!r} refused ({type(error).__name__}: {reason}); "
        'check that it is up, and that "manage.py migrate" was run on it'
    )


class DjangoTransaction:
    def __init__(self, cursor: CursorWrapper) -> None:
        self._cursor = cursor

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self._cursor.execute(sql, parameters)
        return list(self._cursor.fetchall()) if self._cursor.description else []

    def count(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        self._cursor.execute(sql, parameters)
        count: int = self._cursor.rowcount
        return count

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._cursor.executemany(sql, rows)
