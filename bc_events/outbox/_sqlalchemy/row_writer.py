"""RowWriter: puts events into the outbox's table as part of a SQLAlchemy session's own transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bc_events.errors import counted

from .engine import hide_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine, Table
    from sqlalchemy.orm import Session

    from bc_events.event import Event

    from .row_statements import Statements


class RowWriter:
    """Of one outbox: its table, the engine of the database in which that is, and the statements that write rows."""

    def __init__(self, engine: Engine, table: Table, statements: Statements) -> None:
        self._engine = engine
        self._table = table
        self._statements = statements

    def insert(self, session: Session | Connection, events: Sequence[Event]) -> None:
        """Raises what the database refuses, without the events' data, and `OutboxError` if one cannot be sealed."""
        statements = self._statements(self._table, events)
        try:
            # The outbox is one table, wherever the session's engine has put those of a tenant.
            untranslated = {"schema_translate_map": None}
            connection = self._connection(session)
            for statement, rows in statements:
                connection.execute(statement, rows, execution_options=untranslated)
        except SQLAlchemyError as error:
            hide_values(error)
            error.add_note(
                f"{counted(len(events), 'event')} could not be stored in {self._table.name} with this transaction; "
                "see that `bc-events outbox sql` has been applied to its database"
            )
            raise

    def _connection(self, session: Session | Connection) -> Connection:
        """The session's own connection to the outbox's database, and with it its own transaction there."""
        if isinstance(session, Connection):
            return session
        own = session.bind
        is_same = own is not None and self.is_database_of(own.engine)
        return session.connection(bind_arguments={"bind": own if is_same else self._engine})

    def is_database_of(self, engine: Engine) -> bool:
        """Whether an engine leads to the outbox's database: its driver may be another, and async."""
        return engine is self._engine or _address(engine) == _address(self._engine)


def _address(engine: Engine) -> tuple[object, ...]:
    url = engine.url
    return engine.dialect.name, url.host, url.port, url.database, url.query.get("host")
