"""OpenTransaction: follows a transaction of Django from its first event to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from django.db import transaction

from bc_events._unit.held import Held

from .levels import Group, Level, drop
from .savepoints import SavepointWatch
from .testcases import is_a_test_s, savepoints_of_tests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from bc_events.event import Event


class Follower(Protocol):
    """Called when a transaction ends, or is rolled back to a savepoint."""

    def committed(self, held: Held) -> None:
        """It has committed, and no other open transaction holds the events in `held`, which may be empty."""

    def savepoint_rolled_back(self) -> None:
        """The database has rolled back to a savepoint. The transaction goes on."""

    def rolled_back(self) -> None:
        """It was rolled back, and its events were dropped. The method must not run a statement."""


class OpenTransaction:
    """A transaction from its first event to its end. Django tells about the end, and about savepoints, like this:

    - After a commit it calls the `on_commit` hooks.
    - After a rollback, or when the connection is closed, it drops the hooks. They hold the only reference to an
      OpenTransaction, which is therefore collected.
    - It runs the statements of savepoints through a wrapper.
    """

    def __init__(
        self, connection: BaseDatabaseWrapper, owner: object, follower: Follower, *, changed: Callable[[], None]
    ) -> None:
        """`owner` is the delivery's `Transactions`; another client has others. `changed` is called after the commit."""
        self.owner = owner
        self.follower = follower
        self.is_a_test_s = is_a_test_s(connection)
        self._connection = connection
        self._changed = changed
        self._levels = [Level(None)]
        self._has_ended = False
        self._savepoints_of_tests: set[str] = set()
        self._watch = SavepointWatch(connection, self)
        if not self.is_a_test_s:
            _call_first(_CommitHook(self), connection)

    def __del__(self) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        self._watch.end()
        if self.is_a_test_s:
            _forget(self._levels)  # this is how every TestCase ends
            return
        drop(self._levels)
        self.follower.rolled_back()

    @property
    def innermost(self) -> Level:
        return self._levels[-1]

    @property
    def alone_holds(self) -> list[Event]:
        """The events that no other transaction holds as well."""
        return [event for group in self._groups(None) if len(group.levels) == 1 for event in group.held.events]

    def follow(self, group: Group) -> None:
        """In a TestCase, adds a hook for each event, because its transaction never commits.

        A test captures the hooks and calls them; their order shows which hooks belong to it.
        """
        if self.is_a_test_s:
            transaction.on_commit(_CommitHook(self, group), using=self._connection.alias, robust=True)
            self._savepoints_of_tests |= savepoints_of_tests(self._connection)

    def commit(self, only: Group | None) -> None:
        """`only` is the group whose hook a test has captured and called; None for all groups."""
        if only is None:
            self._has_ended = True
            self._watch.end()
        for level in reversed(self._levels[1:] if only is None else ()):
            level.release_into(self._levels[0])
        finished = [group for group in self._groups(only) if len(group.levels) == 1]
        for level in self._levels:
            level.release_into(None, only=only)
        self.follower.committed(_merged(finished))
        self._changed()

    def _groups(self, only: Group | None) -> list[Group]:
        return [group for level in self._levels for group in level.groups if only in (None, group)]

    def savepoint_opened(self, name: str) -> None:
        self._levels.append(Level(name))

    def savepoint_released(self, name: str) -> None:
        for level in self._since(name):
            self._levels.remove(level)
            level.release_into(self._levels[-1])

    def savepoint_rolled_back(self, name: str) -> None:
        """The savepoint itself stays open. A savepoint that is older than this object is unknown, and contains all
        events.
        """
        gone = self._since(name) or self._levels[::-1]
        end = (
            _forget if name in self._savepoints_of_tests else drop
        )  # a TestCase rolls back its savepoint when a test ends
        end(gone)
        for level in gone[:-1]:
            self._levels.remove(level)
        self.follower.savepoint_rolled_back()

    def _since(self, name: str) -> list[Level]:
        """The levels from that savepoint inwards, innermost first; none if the savepoint is older than this object."""
        names = [level.name for level in self._levels]
        first = len(names) - 1 - names[::-1].index(name) if name in names else len(names)
        return self._levels[first:][::-1]


class _CommitHook:
    """The `on_commit` hook. Django keeps it until the transaction ends."""

    def __init__(self, transaction: OpenTransaction, group: Group | None = None) -> None:
        self.transaction = transaction
        self._group = group
        self.__qualname__ = "bc_events"  # Django logs this name if the hook fails

    def __call__(self) -> None:
        self.transaction.commit(self._group)


def _call_first(hook: _CommitHook, connection: BaseDatabaseWrapper) -> None:
    """Puts the hook before those of the application: if one of these raises, Django does not call those after it.

    The hook belongs to the transaction, not to the savepoint that is open now.
    """
    transaction.on_commit(hook, using=connection.alias, robust=True)
    entries = _entries(connection)
    entries.pop()
    ours = sum(isinstance(other, _CommitHook) for _, other, _ in entries)
    entries.insert(ours, (set(), hook, True))


def followed_by(owner: object, connection: BaseDatabaseWrapper) -> OpenTransaction | None:
    """The open transaction of this connection, if `owner` follows it already."""
    for _, hook, _ in _entries(connection):
        if isinstance(hook, _CommitHook) and hook.transaction.owner is owner:
            return hook.transaction
    return None


def _entries(connection: BaseDatabaseWrapper) -> list[tuple[set[Any], Callable[[], Any], bool]]:
    """Django's list of hooks: for each the savepoints around it, the hook, and whether it may fail."""
    entries: Any = connection.run_on_commit
    return cast("list[tuple[set[Any], Callable[[], Any], bool]]", entries)


def _merged(groups: Sequence[Group]) -> Held:
    merged = Held()
    for group in groups:
        group.held.move_to(merged)
    return merged


def _forget(levels: Sequence[Level]) -> None:
    for level in levels:
        for group in list(level.groups):
            group.held.withdraw(lambda _event: True)
            group.dissolve()
