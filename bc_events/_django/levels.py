"""Levels: a transaction and the savepoints in it, and the events that each of them holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bc_events._unit.held import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bc_events.event import Event


class Group:
    """Events that the same levels hold: one level of each database that had a transaction open at the publish call."""

    __slots__ = ("held", "levels")

    def __init__(self, levels: frozenset[Level], can_withdraw: Callable[[], bool]) -> None:
        self.levels = levels
        self.held = Held(can_withdraw)
        for level in levels:
            level.groups.append(self)

    def dissolve(self) -> None:
        """Its events are elsewhere."""
        for level in self.levels:
            level.groups.remove(self)
        self.levels = frozenset()

    def replace(self, level: Level, outer: Level | None) -> None:
        """`level` has ended well; what it held is its outer level's, where there is one."""
        level.groups.remove(self)
        self.levels = (self.levels - {level}) | (frozenset() if outer is None else {outer})
        if outer is None:
            return
        same = outer.group(self.levels)
        outer.groups.append(self)
        if same is not None:
            self.held.move_to(same.held)
            self.dissolve()


class Level:
    """`name` is that of the savepoint; None for the transaction."""

    __slots__ = ("groups", "name")

    def __init__(self, name: str | None) -> None:
        self.name: Final = name
        self.groups: list[Group] = []

    def group(self, levels: frozenset[Level]) -> Group | None:
        """The events that exactly these levels hold."""
        return next((group for group in self.groups if group.levels == levels), None)

    def release_into(self, outer: Level | None, *, only: Group | None = None) -> None:
        """It has ended well. `outer` is None for a transaction, `only` for all of its groups."""
        for group in [group for group in self.groups if only in (None, group)]:
            group.replace(self, outer)


def drop(levels: Iterable[Level]) -> Sequence[Event]:
    """These levels were rolled back: drops all that they held, with one warning."""
    dropped = Held()
    for level in levels:
        for group in list(level.groups):
            group.held.move_to(dropped)
            group.dissolve()
    return dropped.drop()
