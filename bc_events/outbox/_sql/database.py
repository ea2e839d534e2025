"""The Database protocol: all that a store needs of the database its table is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from .dialect import Dialect


class Transaction(Protocol):
    """One open transaction. Parameters stand in the SQL as the database's `placeholder`."""

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs a statement; returns its rows, none where it has none."""
        ...

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement once for each row of parameters."""


class Database(Protocol):
    """Threads share it."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def placeholder(self) -> str:
        """What stands for a parameter: `?` or `%s`."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A write transaction of its own: committed at the end, rolled back by an exception.

        What the database itself refuses, at any point, is raised as an `OutboxError` from the cause.
        """
        ...

    def reading(self) -> AbstractContextManager[Transaction]:
        """To look only: it takes no lock that a writer would wait for, and makes nothing that is not there."""
        ...

    def close(self) -> None:
        """Lets go of the connections."""
