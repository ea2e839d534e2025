"""The Database protocol: what a store needs of the database that has its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from .dialect import Dialect


class Transaction(Protocol):
    """An open transaction. In its SQL, the database's `placeholder` stands for each parameter."""

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs a statement and returns its rows, if it has any."""
        ...

    def count(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Runs a statement and returns how many rows it has changed."""
        ...

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement once for each row of parameters."""


class Database(Protocol):
    """Threads share it."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def placeholder(self) -> str:
        """The mark that stands for a parameter in SQL: `?` or `%s`."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A separate write transaction. It commits at the end of the block; an exception rolls it back.

        An error of the database, at any point, is raised as an `OutboxError` from that error.
        """
        ...

    def reading(self) -> AbstractContextManager[Transaction]:
        """For reading only: no writer waits for it, and it creates nothing."""
        ...

    def close(self) -> None:
        """Closes the connections."""
