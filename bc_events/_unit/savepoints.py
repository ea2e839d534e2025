"""Savepoints: units of work that joined another. They form a tree; closing one closes those within it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from bc_events._runtime import logs
from bc_events.errors import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bc_events.event import Event

    from .pending import Pending


class Savepoint(Protocol):
    """A unit of work as a node of the tree."""

    job_id: str
    is_closed: bool
    is_dropped: bool
    children: set[Any] | None
    pending: Pending

    @property
    def parent(self) -> Savepoint | None: ...


def close(unit: Savepoint) -> list[Any]:
    """Marks it, and every open savepoint within it, as ended. Returns these savepoints."""
    unit.is_closed = True
    if unit.parent is not None and unit.parent.children is not None:
        unit.parent.children.discard(unit)
    children, unit.children = unit.children or (), None
    return [closed for child in children for closed in (child, *close(child))]


def mark_dropped(units: Sequence[Savepoint]) -> None:
    """Marks the units as rolled back. Events that other threads are publishing in them are then dropped, too."""
    for unit in units:
        unit.is_dropped = unit.pending.has_dropped = True


def holds(unit: object, event: Event) -> bool:
    """Whether the event was published in this unit of work, or in a savepoint within it."""
    return any(one is unit for one in _units_around(event))


def is_dropped(event: Event) -> bool:
    """Whether the unit of work of the event, or one around it, was rolled back."""
    return any(one.is_dropped for one in _units_around(event))


def _units_around(event: Event) -> Iterator[Any]:
    """The units of work around the event, innermost first; none for an unpickled event."""
    unit: Any = event.origin
    while unit is not None and hasattr(unit, "is_dropped"):
        yield unit
        unit = unit.parent


def warn_of_orphans(unit: Savepoint, orphans: Sequence[object], dropped: Sequence[Event]) -> None:
    """Warns of savepoints that were still open when the unit around them ended."""
    logs.write(
        logging.WARNING,
        "%s of job %s dropped: the session ended before %s that had joined it",
        *(counted(len(dropped), "event"), unit.job_id, counted(len(orphans), "scope")),
        bc_job_id=unit.job_id,
        bc_dropped=len(dropped),
        bc_scopes=len(orphans),
    )
