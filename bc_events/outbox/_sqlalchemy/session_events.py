"""Which SQLAlchemy sessions tell an outbox of their transactions: those of a factory, one, or all on its database."""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import event as listening
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from collections.abc import Callable

_METHODS: Final = {
    "after_transaction_create": "begins",
    "after_begin": "connects",
    "transient_to_pending": "changes",
    "persistent_to_detached": "detaches",
    "before_commit": "commits",
    "after_flush": "flushed",
    "after_commit": "committed",
    "after_rollback": "rolls_back",
    "after_transaction_end": "ended",
}
"""Each event of SQLAlchemy's with the method that is told of it."""
_FIRST: Final = _METHODS["after_transaction_create"]


class SessionFollower(Protocol):
    """It has a method for each of these events; see `Bindings`."""

    def is_bound(self, session: Session) -> bool:
        """Whether a session works on its database."""
        ...


def listen(target: Any, follower: SessionFollower) -> None:
    """To one session, or to all of one class."""
    for name, method in _METHODS.items():
        listening.listen(target, name, getattr(follower, method))


def listen_to_all(follower: SessionFollower) -> None:
    """To every session of the process that works on its database, for as long as the follower lives."""
    _listen_once()
    _followers.add(follower)


_followers: Final[weakref.WeakSet[Any]] = weakref.WeakSet()


@functools.cache
def _listen_once() -> None:
    """SQLAlchemy's listeners are never removed: so there is one of each, whatever the number of outboxes."""
    for name, method in _METHODS.items():
        listening.listen(Session, name, _telling(method))


def _telling(method: str) -> Callable[..., None]:
    def tell(session: Session, *arguments: Any) -> None:
        for follower in list(_followers):
            # A session that was in a transaction before the follower was there is followed from its next one on.
            if (method == _FIRST or follower in session.info) and follower.is_bound(session):
                getattr(follower, method)(session, *arguments)

    return tell
