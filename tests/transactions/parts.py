"""The parts of the oracle's world: units of work, scopes, transactions and savepoints, events, lanes and rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False)
class Unit:
    """The events that are sent together. `is_open` until its outermost scope has been left."""

    job: str
    is_open: bool = True


@dataclass(eq=False)
class Scope:
    """`parent` is the scope that this one has joined; None for the outermost of a unit."""

    unit: Unit
    parent: Scope | None
    is_open: bool = True

    def is_within(self, other: Scope) -> bool:
        return self is other or (self.parent is not None and self.parent.is_within(other))


@dataclass(eq=False)
class Level:
    """A transaction (`outer` None) or a savepoint in it. A flat one has no savepoint of its own in the database."""

    lane: int
    database: str
    outer: Level | None
    writes: bool
    is_flat: bool = False
    is_low_level: bool = False
    is_doomed: bool = False


@dataclass(eq=False)
class Published:
    """`holders` are the levels that have yet to commit. `outcome` is None until it is certain: "sent" or "dropped".

    `is_due`: its scope is past its flush, so that nothing more is waited for once the transaction has committed.
    """

    number: int
    scope: Scope
    lane: int
    holders: list[Level]
    is_committed: bool = False
    is_due: bool = False
    outcome: str | None = None


@dataclass
class Rules:
    """The abilities of a kind of database integration, and the transactions that decide about an event.

    `deciding` chooses among the innermost levels of the transactions that are open, the one begun last being the last.
    """

    deciding: Callable[[list[Level]], list[Level]]
    databases: tuple[str, ...] = ("default", "other")
    has_low_level_savepoints: bool = False
    has_flat_blocks: bool = False
    has_lanes: bool = True
    stores_at_commit: tuple[str, ...] = ()  # databases that have the outbox
    writes_block: bool = False  # only one transaction at a time can be open, as on SQLite if publishing writes
    sends_late: bool = False  # a session may list an event after its flush: Django stores it again after a rollback; a
    # transaction of SQLAlchemy that only reads gives it back at its end
    entrusts_at_flush: bool = False  # a flush inside a transaction that writes leaves its events to that
    sees_parents_transactions: bool = False
    withdraws_across_lanes: bool = False
    has_savepoints_of_readers: bool = (
        True  # if False, left out: such a savepoint decides about events, and its transaction does not
    )


def all_of_them(levels: list[Level]) -> list[Level]:
    return levels


def last_that_writes(levels: list[Level]) -> list[Level]:
    return [level for level in levels if level.writes][-1:]


def none_of_them(_levels: list[Level]) -> list[Level]:
    return []


@dataclass
class Lane:
    """`blocks` are the scopes and levels that it has open, the innermost last; `inherited` is where it was started."""

    blocks: list[Scope | Level] = field(default_factory=list)
    inherited: Scope | None = None
    inherited_levels: list[Level] = field(default_factory=list)

    @property
    def scope(self) -> Scope | None:
        return next((block for block in reversed(self.blocks) if isinstance(block, Scope)), self.inherited)

    @property
    def levels(self) -> list[Level]:
        return [block for block in self.blocks if isinstance(block, Level)]

    def innermost(self, database: str) -> Level | None:
        return next((level for level in reversed(self.levels) if level.database == database), None)
