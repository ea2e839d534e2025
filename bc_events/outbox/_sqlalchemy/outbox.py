"""SQLAlchemyOutbox: events are rows in the application's own transactions, on PostgreSQL, MariaDB, MySQL or SQLite."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    URL,
    Engine,
    MetaData,
)
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import scoped_session, sessionmaker

from bc_events._ambient import frames
from bc_events._runtime import argument_checks as check, keywords
from bc_events.errors import ConfigurationError
from bc_events.outbox._relay.embedded import EmbeddedRelay
from bc_events.outbox._relay.settings import check_relay_options
from bc_events.outbox._sql.stream_table import StreamTable
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._store.keep import seconds_of
from bc_events.outbox._store.no_relay import check_stream, no_store
from bc_events.outbox._store.sealing import Sealing
from bc_events.session import EventSession

from .bindable import session_of
from .bindings import Bindings
from .delivery import SQLAlchemyDelivery, rehearsal_apart
from .engine import EngineDatabase, engine_at, refuse_old
from .row_statements import stored_rows, streamed_rows
from .row_writer import RowWriter
from .table import outbox_table

if TYPE_CHECKING:
    from bc_events._delivery.api import EventsAPI
    from bc_events._delivery.request import Limits
    from bc_events.outbox._relay.settings import RelaySettings
    from bc_events.outbox._store.keep import Keep
    from bc_events.outbox._store.sealing import Transform
    from bc_events.outbox._store.store import Order

    from .bindable import Bindable

    Factory = sessionmaker[Any] | async_sessionmaker[Any] | scoped_session[Any] | async_scoped_session[Any]
    Target = str | URL | Engine | AsyncEngine | Factory


class SQLAlchemyOutbox:
    """The table is in the database that `target` leads to: what a transaction commits arrives, and nothing else does.

    Sessions of its database are followed, and connections that work there without a session. An event belongs to the
    transaction that is open in the task or thread that publishes it, or in one that started it. If several have
    written, it belongs to the one begun last. A transaction that has only read decides about nothing, nor does one
    under AUTOCOMMIT. Events published while no transaction is open are stored at the flush: by a transaction that has
    written by then, if one is open there, or else by one of their own.
    """

    @keywords.checked
    def __init__(
        self,
        target: Target,
        *,
        engine: Engine | AsyncEngine | None = None,
        relay: bool = False,
        order: Order = "time",
        settings: RelaySettings | None = None,
        stream: bool = False,
        keep: Keep | None = None,
        seal: Transform | None = None,
        open: Transform | None = None,  # noqa: A002  the counterpart of seal
    ) -> None:
        """Nothing is opened yet.

        Args:
            target: a URL, an engine or a session factory, sync or async.
            engine: of the outbox, where a factory has several engines or none of its own.
            relay: whether this process also sends; if not, run `bc-events outbox relay`.
            order: see `Order`; of the relay in this process.
            settings: of the relay in this process.
            stream: whether change data capture reads the events in place of a relay: the transaction that inserts their
                rows deletes them too. Not on SQLite.
            keep: for how long delivered events stay in the archive, such as `"90d"`. Without it, none go there.
            seal: encrypts payloads, bytes to bytes, before they are stored. Topics and job ids stay readable.
            open: decrypts them, for a relay and for whoever asks to see them.

        Raises `ConfigurationError`.
        """
        check_relay_options(relay=relay, order=order, settings=settings)
        check_stream(stream=stream, relay=relay, keep=keep, seal=seal)
        if engine is not None:
            check.instance("engine", engine, (Engine, AsyncEngine), example="an Engine or an AsyncEngine")
        self.engine: Engine = _sync(engine or _engine_of(target))
        is_ours = engine is None and isinstance(target, str | URL)
        self._database = EngineDatabase(self.engine, is_ours=is_ours)
        if stream and self._database.dialect.has_one_writer:
            raise ConfigurationError("SQLite has no log that change data capture could read; leave out stream=True")
        self._is_stream = stream
        self._has_relay = relay
        self._order: Order = order
        self._settings = settings
        self._keep = seconds_of("keep", keep)
        self._sealing = Sealing.of(seal, open)
        statements = streamed_rows if stream else partial(stored_rows, sealing=self._sealing)
        self._bindings = Bindings(RowWriter(self.engine, outbox_table(MetaData()), statements))
        listened = _session_class_of(target)
        if listened is not None:
            self._bindings.follow(listened)
        self._bindings.follow_all()

    @cached_property
    def store(self) -> TableStore:
        """The store for relays and operators. Raises `ConfigurationError` for a stream, which has none."""
        if self._is_stream:
            raise no_store()
        return TableStore(self._database, keep=self._keep, sealing=self._sealing)

    def bind(self, db: Bindable, session: EventSession | None = None) -> None:
        """Makes events of `session`, the live one by default, part of the transactions of `db`.

        `db` is a Session or AsyncSession, or a scoped_session, of which the current session is bound. It comes before
        all others. Events published while it has no transaction open belong to its next one, or to their scope if that
        ends first. Each task or thread of one scope may bind its own.
        Raises `ConfigurationError` where `db` is something else, and `NoActiveSessionError`.
        """
        found = session_of(db)
        if session is not None:
            check.instance("session", session, EventSession, example="an EventSession, or None for the live one")
        self._bindings.bind((session or frames.current_session()).unit, found)

    def create(self) -> None:
        """Makes the table where it is missing: for tests and first steps; migrations do it better.

        Raises `ConfigurationError` for an async engine, and `OutboxError` for a server that is too old.
        """
        outbox_table(metadata := MetaData())
        if self.engine.dialect.is_async:
            raise ConfigurationError(
                "create() cannot wait for an async engine; put outbox_table(metadata) into your metadata and "
                "`await connection.run_sync(metadata.create_all)`"
            )
        with self.engine.begin() as connection:
            refuse_old(connection)
            metadata.create_all(connection)

    def delivery(self, service_name: str, api: EventsAPI | None, limits: Limits) -> SQLAlchemyDelivery:
        """Raises `ConfigurationError` where a relay in this process would have no API to send to."""
        relay = None
        if self._has_relay:
            relay = EmbeddedRelay.of(self.store, api, limits, order=self._order, settings=self._settings)
        rows = StreamTable(self._database, limits) if self._is_stream else self.store
        return SQLAlchemyDelivery(rows, service_name, relay, self._bindings, rehearsal=rehearsal_apart(api, limits))


def _engine_of(target: Target) -> Engine | AsyncEngine:
    if isinstance(target, Engine | AsyncEngine):
        return target
    if isinstance(target, scoped_session | async_scoped_session):
        target = target.session_factory
    if isinstance(target, sessionmaker | async_sessionmaker):
        bind = target.kw.get("bind")
        if bind is None:
            raise ConfigurationError(
                "this session factory has no engine of its own; tell the outbox which: SQLAlchemyOutbox(…, engine=…)"
            )
        found: Engine | AsyncEngine = bind.engine
        return found
    check.instance(
        "target",
        target,
        (str, URL),
        example="a URL, an engine, or a session factory such as sessionmaker(engine)",
    )
    try:
        return engine_at(target)
    except (ArgumentError, ImportError, ValueError) as error:
        raise ConfigurationError(
            f"SQLAlchemy makes no engine of the outbox's URL ({_cause(error)}); give one whose driver is "
            "installed, such as postgresql+psycopg://app@db/app or sqlite:///events.db"
        ) from error


def _cause(error: Exception) -> str:
    """Without the text of other errors, which may have the URL with its password."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"the driver {error.name} is not installed"
    return type(error).__name__


def _sync(engine: Engine | AsyncEngine) -> Engine:
    """An async engine's own sync half: what its sessions work with, in their greenlets."""
    return engine.sync_engine if isinstance(engine, AsyncEngine) else engine


def _session_class_of(target: Target) -> Any:
    """The class of the sessions of a factory, and of no others; None where there is no factory."""
    if isinstance(target, scoped_session | async_scoped_session):
        target = target.session_factory
    if isinstance(target, sessionmaker):
        return target.class_
    if not isinstance(target, async_sessionmaker):
        return None
    given = target.kw.get("sync_session_class") or target.class_.sync_session_class
    if isinstance(given, sessionmaker):
        return given.class_
    own = type(given.__name__, (given,), {})
    target.configure(sync_session_class=own)
    return own
