"""SavepointStack: those set by a statement, past the database session in whose transaction they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast

from bc_events._ambient import transactions
from bc_events._unit.held import Held

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bc_events.event import Event

_COMMAND: Final = re.compile(
    r"(?:\s|/\*.*?\*/|--[^\n]*\n)*+"  # comments, as of tracing; never gone through twice
    r"(SAVEPOINT|RELEASE(?:\s+SAVEPOINT)?|ROLLBACK(?:\s+(?:WORK|TRANSACTION))?\s+TO(?:\s+SAVEPOINT)?)\s+([^\s;]+)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class SavepointCommand:
    kind: Literal["SAVEPOINT", "RELEASE", "ROLLBACK"]
    name: str

    @classmethod
    def of(cls, statement: str) -> SavepointCommand | None:
        found = _COMMAND.match(statement)
        if found is None:
            return None
        word = found.group(1).split()[0].upper()
        return cls(cast("Literal['SAVEPOINT', 'RELEASE', 'ROLLBACK']", word), found.group(2).strip('"`').lower())


class NamedSavepoint:
    """`kept` are the events that its rollback leaves: those of before, and those of code that it is not around."""

    __slots__ = ("__weakref__", "kept", "name")

    outbox = None
    is_open = True
    """As long as it is there: the stack lets go of it at its end."""

    def __init__(self, name: str, kept: Iterable[Event]) -> None:
        self.name = name
        self.kept = set(kept)
        transactions.note(self)

    @property
    def is_around(self) -> bool:
        """Whether it was set by this task or thread, or by one that started it."""
        return any(one.subject is self for one in transactions.around())


class SavepointStack:
    """Of one transaction."""

    __slots__ = ("_set",)

    def __init__(self) -> None:
        self._set: list[NamedSavepoint] = []

    def note(self, event: Event) -> None:
        """One that was published here. A savepoint of a sibling has no say over it."""
        for one in self._set:
            if not one.is_around:
                one.kept.add(event)

    def run(self, command: SavepointCommand, held: Sequence[Event]) -> set[Event] | None:
        """The events that a rollback leaves; None where nothing is rolled back."""
        if command.kind == "SAVEPOINT":
            self._set.append(NamedSavepoint(command.name, held))
            return None
        place = next((at for at in reversed(range(len(self._set))) if self._set[at].name == command.name), None)
        if place is None:
            return None
        kept = self._set[place].kept
        if command.kind == "RELEASE":
            del self._set[place:]
            return None
        del self._set[place + 1 :]
        return kept

    def undone(self, command: SavepointCommand, levels: Sequence[Held]) -> Held | None:
        """The events that a command takes out of the transactions that held them; None where it undoes nothing."""
        kept = self.run(command, [event for held in levels for event in held.events])
        if kept is None:
            return None
        undone = Held()
        for held in levels:
            for event in held.withdraw(lambda one: one not in kept):
                undone.add(event)
        return undone

    def forget_last(self) -> None:
        del self._set[-1:]
