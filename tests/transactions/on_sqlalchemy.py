"""Programs on SQLAlchemyOutbox: sessions of a factory and connections without a session, sync and async."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, event, text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from bc_events import EventClient
from bc_events.outbox import SQLAlchemyOutbox
from tests.outbox import streamed_rows

from .lanes import TOPICS
from .parts import Rules, last_that_writes
from .programs import BlockExit, Step

# Work is written to a temporary table: SQLite has one writer at a time, and programs have several transactions.
_WORK = "CREATE TEMPORARY TABLE IF NOT EXISTS work (id INTEGER)"
_WRITE = text("INSERT INTO work VALUES (1)")
_READ = text("SELECT * FROM work")


def _prepared(engine):
    """The engine, whose connections have the table of work."""

    @event.listens_for(engine, "connect")
    def create(connection, _record):
        cursor = connection.cursor()
        cursor.execute(_WORK)
        cursor.close()
        connection.commit()

    return engine


class _Transaction:
    """A database session, or a connection, with its transaction; closed with it."""

    def __init__(self, sessions: dict[str, Any], name: str, session: Session | Connection) -> None:
        self._sessions, self._name, self.session = sessions, name, session

    def leave(self, block_exit: BlockExit) -> None:
        del self._sessions[self._name]
        with self.session:
            self.session.rollback() if block_exit is BlockExit.FAILED else self.session.commit()


class _Savepoint:
    def __init__(self, savepoint: Any) -> None:
        self._savepoint = savepoint

    def leave(self, block_exit: BlockExit) -> Any:
        return self._savepoint.rollback() if block_exit is BlockExit.FAILED else self._savepoint.commit()


class Sessions:
    """Of one lane: each database of a program is a session here, or a connection, of one factory."""

    def __init__(self, factory: Callable[[], Any]) -> None:
        self._factory = factory
        self._open: dict[str, Any] = {}

    def begin(self, step: Step) -> Any:
        if step.database in self._open:
            return _Savepoint(self._open[step.database].begin_nested())
        session = self._open[step.database] = self._factory()
        session.execute(_WRITE if step.writes else _READ)
        return _Transaction(self._open, step.database, session)

    def close(self) -> None:
        assert not self._open


class _AsyncTransaction(_Transaction):
    async def leave(self, block_exit: BlockExit) -> None:
        del self._sessions[self._name]
        try:
            await (self.session.rollback() if block_exit is BlockExit.FAILED else self.session.commit())
        finally:
            await self.session.close()


class AsyncSessions(Sessions):
    async def begin(self, step: Step) -> Any:
        if step.database in self._open:
            return _Savepoint(await self._open[step.database].begin_nested())
        session = self._open[step.database] = self._factory()
        await session.execute(_WRITE if step.writes else _READ)
        return _AsyncTransaction(self._open, step.database, session)

    async def close(self) -> None:
        assert not self._open


class AsyncConnections(AsyncSessions):
    async def begin(self, step: Step) -> Any:
        if step.database in self._open:
            return _Savepoint(await self._open[step.database].begin_nested())
        connection = self._open[step.database] = await self._factory().start()
        await connection.execute(_WRITE if step.writes else _READ)
        return _AsyncTransaction(self._open, step.database, connection)


class Sync:
    """The outbox is in the database at `url`; `is_async` is of the sessions."""

    is_async = False
    rules = Rules(
        last_that_writes,
        stores_at_commit=("default", "other"),
        sends_late=True,
        entrusts_at_flush=True,
        sees_parents_transactions=True,
        withdraws_across_lanes=True,
        has_savepoints_of_readers=False,
    )

    def __init__(self, url: str) -> None:
        self._engine = _prepared(create_engine(url))
        self._outbox = self._made()

    def _made(self) -> SQLAlchemyOutbox:
        self._factory = sessionmaker(self._engine)
        outbox = SQLAlchemyOutbox(self._factory)
        outbox.create()
        return outbox

    def client(self) -> AbstractContextManager[EventClient]:
        return EventClient(None, "PolicyService", TOPICS, outbox=self._outbox)

    def databases(self) -> Sessions:
        return Sessions(self._factory)

    def arrived(self) -> list[int]:
        with self._engine.begin() as connection:
            rows = connection.execute(text("SELECT payload FROM bc_outbox ORDER BY seq")).scalars().all()
            connection.execute(text("DELETE FROM bc_outbox"))
        return [json.loads(payload)["data"]["id"] for payload in rows]

    def close(self) -> None:
        self._engine.dispose()


class Async(Sync):
    """`url` is that of the outbox itself, `async_url` the same database with an async driver."""

    is_async = True

    def __init__(self, url: str, async_url: str) -> None:
        self._async_engine = create_async_engine(async_url, poolclass=NullPool)  # each program has its own event loop
        _prepared(self._async_engine.sync_engine)
        super().__init__(url)

    def _made(self) -> SQLAlchemyOutbox:
        SQLAlchemyOutbox(self._engine).create()
        self._factory = async_sessionmaker(self._async_engine)
        return SQLAlchemyOutbox(self._factory, engine=self._engine)

    def databases(self) -> AsyncSessions:
        return AsyncSessions(self._factory)


class SyncCore(Sync):
    def databases(self) -> Sessions:
        return Sessions(self._engine.connect)


class Stream(Sync):
    """Rows are inserted and deleted by one transaction; a trigger has noted them."""

    def __init__(self, url: str) -> None:
        self._url = url
        super().__init__(url)

    def _made(self) -> SQLAlchemyOutbox:
        super()._made()
        streamed_rows.watch(self._url)
        return SQLAlchemyOutbox(self._factory, stream=True)

    def arrived(self) -> list[int]:
        return streamed_rows.taken(self._engine)


class StreamCore(Stream):
    def databases(self) -> Sessions:
        return Sessions(self._engine.connect)


class AsyncCore(Async):
    def databases(self) -> AsyncConnections:
        return AsyncConnections(self._async_engine.connect)
