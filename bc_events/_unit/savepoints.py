"""Savepoints: units of work that joined another. They form a tree; closing one closes those within it.

`children` has the savepoints that are open within a unit. Who takes one out of this set decides about its end: its own
scope, or the end of the unit around it. Taking it out is one step, so a scope that ends well needs no lock for it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from bc_events._runtime import logs
from bc_events.errors import SessionClosedError, counted
from bc_events.event import Origin

from .discard import discard_quietly, orphaned
from .pending import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bc_events.event import Event

    from .client import UnitClient
    from .pending import Pending


class Savepoint(Origin, Protocol):
    """A unit of work as a node of the tree."""

    is_closed: bool
    is_dropped: bool
    children: set[Any] | None
    pending: Pending

    @property
    def client(self) -> UnitClient: ...
    @property
    def parent(self) -> Savepoint | None: ...


def claim(unit: Savepoint) -> bool:
    """Takes a savepoint out of the open ones. False where its end has been decided already."""
    parent = unit.parent
    if parent is None or parent.children is None:
        return False
    try:
        parent.children.remove(unit)
    except KeyError:
        return False
    return True


def close(unit: Savepoint) -> list[Any]:
    """Marks it, and every open savepoint within it, as ended. Returns these savepoints."""
    unit.is_closed = True
    closed: list[Any] = []
    while unit.children:
        try:
            child = unit.children.pop()
        except KeyError:  # its own scope has just ended it
            break
        closed += (child, *close(child))
    return closed


def end(unit: Savepoint) -> None:
    """Ends a savepoint well. Its events stay in the buffer, which it shares with the units around it."""
    siblings = unit.parent.children if unit.parent is not None else None
    try:
        (siblings or set()).remove(unit)  # `claim`, without another call
    except KeyError:
        raise SessionClosedError(ENDED) from None
    unit.is_closed = True
    if unit.children:
        _drop_orphans(unit)


def _drop_orphans(unit: Savepoint) -> None:
    """Drops the events of savepoints that are still open within one that ends."""
    pending = unit.pending
    with pending.lock:
        orphans = close(unit)
        mark_dropped(orphans)
        dropped = [*pending.drop(is_dropped), *pending.withdraw(is_dropped)] if orphans else []
    discard_quietly(unit.client.delivery, dropped, orphaned(unit))
    if orphans:
        warn_of_orphans(unit, orphans, dropped)


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
