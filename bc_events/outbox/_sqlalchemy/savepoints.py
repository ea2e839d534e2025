"""SavepointStack: those set by a statement, past the database session in whose transaction they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast

from bc_events._unit.held import Held

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events.event import Event

_COMMAND: Final = re.compile(
    r"\s*(SAVEPOINT|RELEASE(?:\s+SAVEPOINT)?|ROLLBACK(?:\s+(?:WORK|TRANSACTION))?\s+TO(?:\s+SAVEPOINT)?)\s+([^\s;]+)",
    re.IGNORECASE,
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


class SavepointStack:
    """Of one transaction, with the events that it held when each of them was set."""

    __slots__ = ("_set",)

    def __init__(self) -> None:
        self._set: list[tuple[str, frozenset[Event]]] = []

    def run(self, command: SavepointCommand, held: Sequence[Event]) -> frozenset[Event] | None:
        """The events that a rollback leaves; None where nothing is rolled back."""
        if command.kind == "SAVEPOINT":
            self._set.append((command.name, frozenset(held)))
            return None
        place = next((at for at in reversed(range(len(self._set))) if self._set[at][0] == command.name), None)
        if place is None:
            return None
        kept = self._set[place][1]
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
