"""Work of a SQLAlchemy session that it has not sent to the database yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def has_unflushed(session: Session | Connection | None) -> bool:
    """False for a session that has been collected, and for a connection, which sends at once what it is given."""
    if session is None or isinstance(session, Connection):
        return False
    try:
        return bool(session.new or session.deleted or session.dirty)
    except RuntimeError:  # another thread is changing it at this moment
        return True
