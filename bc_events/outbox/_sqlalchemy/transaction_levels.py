"""TransactionLevels: the outermost transaction that a session or connection has open, and the savepoints in it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from .effect import Effect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import SessionTransaction

    from .transaction_level import TransactionLevel


_numbers: Final = itertools.count(1)


class TransactionLevels:
    """The outermost first. Without any, no transaction is open."""

    __slots__ = ("_has_autocommit", "_has_read", "_levels", "has_sent", "number")

    def __init__(self) -> None:
        self._levels: list[TransactionLevel] = []
        self.number = 0
        """Grows with each outermost transaction of the process; 0 while none is open."""
        self.has_sent = False
        """Whether a statement has written: objects of a session that it has not flushed have sent none."""
        self._has_read = False
        self._has_autocommit = False

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

    @property
    def is_untouched(self) -> bool:
        """Whether nothing at all has run in it."""
        return not self._has_read and not self.has_written

    def run(self, statement: str) -> None:
        effect = Effect.of(statement)
        self._has_read |= effect is Effect.READ
        if effect is Effect.WRITE:
            self.has_sent = True
            self.write()

    def read(self) -> None:
        self._has_read = True

    def write(self) -> None:
        """The innermost transaction has changed something."""
        if self._has_autocommit:
            self._has_read = True
        else:
            self.innermost.has_written = True

    def autocommit(self) -> None:
        """The database commits each statement by itself: the end of the transaction decides about nothing."""
        self._has_autocommit = self._has_read = True
        for level in self._levels:
            level.has_written = False

    def start_over(self) -> None:
        """All that has run in them was rolled back, and they are not told."""
        self.has_sent = self._has_read = False
        for level in self._levels:
            level.has_written = False

    def add(self, level: TransactionLevel) -> None:
        self.number = self.number or next(_numbers)
        self._levels.append(level)

    def find(self, transaction: SessionTransaction) -> TransactionLevel | None:
        return next((one for one in self._levels if one.transaction() is transaction), None)

    def undo(self) -> None:
        for level in self._levels:
            level.is_undone = True

    def end_savepoint(self, level: TransactionLevel) -> None:
        """Its events are dropped with its work, or belong to the level around it from here on."""
        outer = self._levels[self._levels.index(level) - 1]
        is_dropped = not level.is_committed and (level.has_explicit_rollback or self.has_written)
        self._levels.remove(level)
        if is_dropped:
            level.held.drop()
        else:
            level.held.move_to(outer.held)
            outer.has_written |= level.has_written
