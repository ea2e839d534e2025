"""RunningCommit: the commit of a transaction, from its first hook until it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .execution_place import execution_place

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session


class RunningCommit:
    """It takes only what its own hooks publish. What others publish while it runs stays with its unit of work."""

    __slots__ = ("_place",)

    def __init__(self) -> None:
        self._place = execution_place()

    def takes_more(self, session: Session | Connection | None) -> bool:
        """Whether it is published into by its own hooks, and before it is done."""
        outermost = session.get_transaction() if session is not None else None
        return self._place == execution_place() and outermost is not None and outermost.is_active
