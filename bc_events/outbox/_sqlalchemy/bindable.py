"""What `bind` takes: a database session, sync or async, itself or through its registry."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from bc_events.errors import ConfigurationError

Bindable = Session | AsyncSession | scoped_session[Session] | async_scoped_session[AsyncSession]

_REMEDIES: Final[tuple[tuple[tuple[type, ...], str], ...]] = (
    ((sessionmaker, async_sessionmaker), "bind a session that it makes, or give the factory to SQLAlchemyOutbox(…)"),
    ((Connection, AsyncConnection), "work with Session(connection), and bind that session"),
    ((Engine, AsyncEngine), "work with Session(engine), and bind that session"),
)
_REMEDY: Final = "bind the session whose transaction you commit; with Flask-SQLAlchemy that is db.session"


def session_of(db: object) -> Session:
    """The sync session that does the work of `db`. Raises `ConfigurationError` where it is not a session."""
    found = db.registry() if isinstance(db, scoped_session | async_scoped_session) else db
    found = found.sync_session if isinstance(found, AsyncSession) else found
    if isinstance(found, Session):
        return found
    remedy = next((text for kinds, text in _REMEDIES if isinstance(db, kinds)), _REMEDY)
    raise ConfigurationError(
        f"outbox.bind() takes a Session, an AsyncSession or a scoped_session, got {_kind(db)}; {remedy}"
    )


def _kind(given: object) -> str:
    return f"the class {given.__name__}" if isinstance(given, type) else f"an object of type {type(given).__name__}"
