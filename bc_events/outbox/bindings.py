"""Bindings: which units of work are tied to which database sessions, and which events to which transactions."""

from __future__ import annotations

import asyncio
import logging
import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import event as listening

from bc_events import frames
from bc_events.constants import LOGGER_NAME
from bc_events.errors import ConfigurationError
from bc_events.event import PastOrigin

from .binding import Binding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Engine, Table
    from sqlalchemy.orm import Session, SessionTransaction

    from bc_events.event import Event
    from bc_events.unit import UnitOfWork

_logger = logging.getLogger(LOGGER_NAME)


@dataclass(frozen=True, slots=True)
class _Named:
    """A database session that was bound by hand, and the task or thread that did it; not kept alive."""

    owner: weakref.ref[object]
    session: weakref.ref[Session]


class Bindings:
    """Of one outbox. Threads share it; a database session, as always, belongs to one at a time."""

    def __init__(self, engine: Engine, table: Table) -> None:
        self._engine = engine
        self._table = table
        self._lock = threading.RLock()
        self._named: weakref.WeakKeyDictionary[UnitOfWork, list[_Named]] = weakref.WeakKeyDictionary()
        self._begun: weakref.WeakKeyDictionary[UnitOfWork, weakref.WeakSet[Session]] = weakref.WeakKeyDictionary()
        self._settled: weakref.WeakKeyDictionary[UnitOfWork, set[Event]] = weakref.WeakKeyDictionary()
        self._holders: weakref.WeakKeyDictionary[UnitOfWork, weakref.WeakSet[Binding]] = weakref.WeakKeyDictionary()
        self._used: weakref.WeakKeyDictionary[object, weakref.WeakSet[Session]] = weakref.WeakKeyDictionary()
        self._has_warned = False

    def bind(self, unit: UnitOfWork, session: Session) -> None:
        """By hand: it takes precedence, also while no transaction is open; in this task or thread, over all others."""
        self._binding_of(session)
        here = _task_or_thread()
        named = _Named(weakref.ref(here), weakref.ref(session))
        with self._lock:
            alive = [one for one in self._named.get(_root(unit), ()) if one.session() is not None]
            self._named[_root(unit)] = [*(one for one in alive if one.owner() is not here), named]

    def follow(self, factory: Any) -> None:
        """Binds each session of a factory to the unit of work in which one of its transactions begins."""
        listening.listen(factory, "after_transaction_create", self._begins)
        listening.listen(factory, "after_begin", self._connects)

    def _begins(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:
            self._has_begun(session)

    def _connects(self, session: Session, _transaction: SessionTransaction, _connection: object) -> None:
        self._has_begun(session)

    def _has_begun(self, session: Session) -> None:
        with self._lock:
            self._used.setdefault(_task_or_thread(), weakref.WeakSet()).add(session)
        unit = frames.unit_to_join()
        if unit is not None:
            self._binding_of(session)
            with self._lock:
                self._begun.setdefault(_root(unit), weakref.WeakSet()).add(session)

    def record(self, event: Event, wake: Callable[[], None]) -> None:
        """Ties an event to the transaction that is open in its unit of work, if one is: `wake` follows its commit."""
        root = _root(event.origin)
        session = self._session_for(root)
        if session is None:
            self._warn_of_a_transaction_around(event)
            return
        binding = self._binding_of(session)
        with self._lock:
            binding.add(root, event, session, wake)
            self._holders.setdefault(root, weakref.WeakSet()).add(binding)

    def _session_for(self, root: UnitOfWork) -> Session | None:
        with self._lock:  # another thread of this scope may be adding one
            named = list(self._named.get(root, ()))
            begun = list(self._begun.get(root, ()))
        here = _task_or_thread()
        own = next((one.session() for one in named if one.owner() is here), None)
        if own is not None:
            return own
        bound = [session for one in named if (session := one.session()) is not None]
        return _open_one([*bound, *begun]) or (bound[-1] if bound else None)

    def _warn_of_a_transaction_around(self, event: Event) -> None:
        """Says once that the event would outlive the rollback of what looks like its transaction."""
        with self._lock:
            if self._has_warned or not any(one.in_transaction() for one in self._used.get(_task_or_thread(), ())):
                return
            self._has_warned = True
        _logger.warning(
            "an event is not part of the database transaction that is open here, because that began outside of the "
            "event's scope; its rollback would not take the event back: call outbox.bind(db) in the scope, or begin "
            "the transaction there",
            extra={"bc_topic": event.topic.name, "bc_job_id": event.job_id},
        )

    def _binding_of(self, session: Session) -> Binding:
        key = f"bc_events.outbox.{id(self)}"
        with self._lock:
            binding = session.info.get(key)
            if binding is None:
                binding = session.info[key] = Binding(session, self._engine, self._table, self)
            return binding

    def discard(self, events: Sequence[Event]) -> None:
        """These were rolled back by their scope; they leave the transaction they were tied to."""
        with self._lock:
            for event in events:
                for binding in list(self._holders.get(_root(event.origin), ())):
                    binding.remove(event)

    def keep(self, events: Sequence[Event]) -> list[Event]:
        """Their scope has ended: those tied to an open transaction stay with it; returns the others."""
        with self._lock:
            return [event for event in events if not self._is_kept(event)]

    def _is_kept(self, event: Event) -> bool:
        if isinstance(event.origin, PastOrigin):
            return False
        root = _root(event.origin)
        settled = self._settled.get(root, set())
        if event in settled:
            settled.discard(event)
            return True
        return any(binding.hand_over(event) for binding in list(self._holders.get(root, ())))

    def settle(self, root: UnitOfWork, events: Sequence[Event]) -> None:
        """Their transaction has ended, and they with it: their unit of work need not send them any more."""
        missed = set(events).difference(root.let_go(set(events)))
        if missed:  # published by another thread, and not pending yet
            self._settled.setdefault(root, set()).update(missed)


def _open_one(sessions: Iterable[Session]) -> Session | None:
    """The one that has a transaction open. Raises `ConfigurationError` where several have."""
    open_ones = {one for one in sessions if one.in_transaction()}
    if len(open_ones) > 1:
        raise ConfigurationError(
            f"{len(open_ones)} database sessions have a transaction open in this scope, and it cannot be told "
            "with which of them the event belongs; name it: outbox.bind(db)"
        )
    return next(iter(open_ones), None)


def _root(origin: Any) -> UnitOfWork:
    unit: UnitOfWork = origin
    while unit.parent is not None:
        unit = unit.parent
    return unit


def _task_or_thread() -> object:
    """Where a database session is worked with: nobody else's is looked at."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs here
        task = None
    return task or threading.current_thread()
