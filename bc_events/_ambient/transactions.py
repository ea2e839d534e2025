"""The database transactions around this code: those of its task or thread, and of the tasks that started it.

A ContextVar holds a note about each. So a task inherits the notes of the task that starts it, and never sees those of a
sibling.
"""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from bc_events._runtime import forks

if TYPE_CHECKING:
    from bc_events._unit.unit_of_work import UnitOfWork


class Subject(Protocol):
    """Something that may have a transaction open, such as a database session."""

    @property
    def outbox(self) -> object:
        """The outbox that follows its transactions."""

    @property
    def is_open(self) -> bool: ...


@dataclass(frozen=True, slots=True, eq=False)
class Note:
    """Says that a context works with `subject`. `unit` is set if code has bound the subject to a unit of work."""

    _subject: weakref.ref[Any]
    _unit: weakref.ref[UnitOfWork] | None = None
    is_wanted: bool = False
    """If true, the context has no transaction of the subject yet, but has published events for the next one."""

    @property
    def subject(self) -> Any:
        """None once it has been collected."""
        return self._subject()

    @property
    def unit(self) -> UnitOfWork | None:
        return self._unit() if self._unit is not None else None

    @property
    def is_needed(self) -> bool:
        subject, unit = self.subject, self.unit
        if self._unit is not None:
            return subject is not None and unit is not None and not unit.is_closed
        return subject is not None and bool(subject.is_open) is not self.is_wanted


_notes: Final[ContextVar[tuple[Note, ...]]] = ContextVar("bc_events_transactions", default=())


def _clear() -> None:
    """A forked child works with none of its parent's transactions."""
    _notes.set(())


forks.after_fork(_clear)


def note(subject: Subject, unit: UnitOfWork | None = None) -> Note:
    """From now on this context works with `subject`, and so do the tasks that it starts."""
    made = Note(weakref.ref(subject), weakref.ref(unit) if unit is not None else None)
    _notes.set((*(one for one in _notes.get() if one.is_needed), made))
    return made


def want(subject: Subject) -> None:
    """This context has published events for the next transaction of `subject`, if that begins in this context."""
    if not is_wanted(subject):
        _notes.set((*_notes.get(), Note(weakref.ref(subject), is_wanted=True)))


def is_wanted(subject: Subject) -> bool:
    return any(one.is_wanted and one._subject() is subject for one in _notes.get())


def note_use(subject: Subject) -> None:
    """Like `note`, but does nothing if there is such a note already. A framework may begin a transaction in one context
    and use it in another.
    """
    if not any(one._subject() is subject and one._unit is None and not one.is_wanted for one in _notes.get()):
        note(subject)


def around() -> tuple[Note, ...]:
    """The notes of this context, oldest first."""
    return _notes.get()


def followed_by(outbox: object) -> list[Note]:
    """The notes of this context about subjects that this outbox follows, oldest first."""
    return [one for one in _notes.get() if not one.is_wanted and getattr(one.subject, "outbox", None) is outbox]


class Surroundings:
    """The transactions around bound work, which runs in another context: those where it was bound, or none."""

    __slots__ = ("_inside", "_outside")

    def __init__(self, inside: tuple[Note, ...]) -> None:
        self._inside = inside
        self._outside: tuple[Note, ...] = ()

    def enter(self) -> None:
        self._outside = _notes.get()
        _notes.set(self._inside)

    def leave(self) -> None:
        self._inside = _notes.get()
        _notes.set(self._outside)
