"""CommitWatch: calls back before a connection of Django commits. Django itself tells of a commit only afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from weakref import ref

from django.db import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper


class CommitListener(Protocol):
    def commits(self) -> None:
        """The transaction is about to be committed, and still takes statements. An exception rolls it back."""


class CommitWatch:
    """Stands in front of the `commit` of one connection, from the first event of a transaction to its end.

    It keeps only a weak reference to `told`, and ends when that is collected.
    """

    def __init__(self, connection: BaseDatabaseWrapper, told: CommitListener) -> None:
        self._connection = connection
        self._told: Callable[[], CommitListener | None] = ref(told)
        self._commit: Callable[[], None] = connection.commit
        connection.__dict__["commit"] = self

    def __call__(self) -> None:
        told = self._told()
        if told is not None:
            self._tell(told)
        self.end()
        self._commit()

    def _tell(self, told: CommitListener) -> None:
        try:
            told.commits()
        except DatabaseError:
            raise  # Django rolls back, as if the commit itself had failed
        except BaseException:
            self._connection.rollback()
            raise

    def end(self) -> None:
        """Where another one stands in front of this one, this one stays, and does nothing more."""
        self._told = _nobody
        if self._connection.__dict__.get("commit") is not self:
            return
        if isinstance(self._commit, CommitWatch):
            self._connection.__dict__["commit"] = self._commit
        else:
            del self._connection.__dict__["commit"]


def _nobody() -> None:
    """In place of the reference, once it has ended."""
