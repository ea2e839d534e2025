"""TransactionLevels: the outermost transaction that a SQLAlchemy session has open, and the savepoints in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import SessionTransaction

    from .transaction_level import TransactionLevel


class TransactionLevels:
    """The outermost first. Without any, no transaction is open."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: list[TransactionLevel] = []

    def __len__(self) -> int:
        return len(self._levels)

    def __iter__(self) -> Iterator[TransactionLevel]:
        return iter(list(self._levels))

    @property
    def outermost(self) -> TransactionLevel:
        return self._levels[0]

    @property
    def innermost(self) -> TransactionLevel:
        return self._levels[-1]

    @property
    def around(self) -> TransactionLevel:
        """The innermost that was begun around this code: a sibling's savepoint has no say over its events."""
        return next((one for one in reversed(self._levels[1:]) if one.is_around), self._levels[0])

    @property
    def has_written(self) -> bool:
        return any(level.has_written for level in self._levels)

    def add(self, level: TransactionLevel) -> None:
        self._levels.append(level)

    def find(self, transaction: SessionTransaction) -> TransactionLevel | None:
        return next((one for one in self._levels if one.transaction() is transaction), None)

    def undo(self) -> None:
        for level in self._levels:
            level.is_undone = True

    def end_savepoint(self, level: TransactionLevel) -> None:
        """Its events are dropped with its work, or belong to the level around it from here on."""
        outer = self._levels[self._levels.index(level) - 1]
        is_dropped = not level.is_committed and (level.has_ended_by_word or self.has_written)
        self._levels.remove(level)
        if is_dropped:
            level.held.drop()
        else:
            level.held.move_to(outer.held)
            outer.has_written |= level.has_written
