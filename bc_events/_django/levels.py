"""Levels: a transaction and its savepoints, each with the events that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bc_events._unit.held import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bc_events.event import Event


class Group:
    """Events with the same levels: one of each database that had a transaction open when the event was published."""

    __slots__ = ("held", "levels")

    def __init__(self, levels: frozenset[Level], can_withdraw: Callable[[], bool]) -> None:
        self.levels = levels
        self.held = Held(can_withdraw)
        for level in levels:
            level.groups.append(self)

    def dissolve(self) -> None:
        """Removes the empty group from its levels."""
        for level in self.levels:
            level.groups.remove(self)
        self.levels = frozenset()

    def replace(self, level: Level, outer: Level | None) -> None:
        """`level` has ended well. Its outer level, if there is one, takes its place."""
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
    """A savepoint with its name, or the transaction itself, whose name is None."""

    __slots__ = ("groups", "name")

    def __init__(self, name: str | None) -> None:
        self.name: Final = name
        self.groups: list[Group] = []

    def group(self, levels: frozenset[Level]) -> Group | None:
        """The events that exactly these levels hold."""
        return next((group for group in self.groups if group.levels == levels), None)

    def release_into(self, outer: Level | None, *, only: Group | None = None) -> None:
        """This level has ended well: `outer` takes its groups, or only the group `only`.

        A transaction has no `outer`.
        """
        for group in [group for group in self.groups if only in (None, group)]:
            group.replace(self, outer)


def drop(levels: Iterable[Level]) -> Sequence[Event]:
    """These levels were rolled back: drops all their events, with one warning."""
    dropped = Held()
    for level in levels:
        for group in list(level.groups):
            group.held.move_to(dropped)
            group.dissolve()
    return dropped.drop()
