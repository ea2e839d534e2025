"""Transactions of the outbox that failed for a passing reason, and are repeated: conflicts, and lost connections."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_random

from bc_events.errors import OutboxError

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_T = TypeVar("_T")

_CONFLICTS: Final = frozenset({1205, 1213})
"""Errors of MySQL: a lock could not be had in time, and a deadlock."""
_CONNECTION_ENDED: Final = frozenset({0, 2006, 2013, 2014, 2045, 2055, 4031})
"""Errors of MySQL's drivers: the server has closed the connection, or they have."""
_READ_ONLY: Final = frozenset({1290, 1792, 1836})
"""Errors of MySQL: the server, or the session, only reads."""
_POSTGRESQL_READ_ONLY: Final = "25006"


class PassingError(OutboxError):
    """The transaction has changed nothing, and can be repeated."""


class ConflictError(PassingError):
    """The database has rolled back the transaction for the sake of others."""


class LostConnectionError(PassingError):
    """The connection is of no use: it was closed, or its server only reads since another has taken over.

    It is not used again, so a repetition has another one.
    """


def refusal_of(error: BaseException) -> type[OutboxError]:
    """The class of error to raise for what a driver has raised."""
    return ConflictError if _code_of(error) in _CONFLICTS else OutboxError


def tells_of_closed_connection(error: BaseException) -> bool:
    """Whether a driver of MySQL says so. Those of PostgreSQL keep it in the connection."""
    return _code_of(error) in _CONNECTION_ENDED


def tells_of_read_only(error: BaseException) -> bool:
    """Whether the server refuses to write. After a failover, old connections may lead to the former primary."""
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return state == _POSTGRESQL_READ_ONLY or _code_of(error) in _READ_ONLY


def _code_of(error: BaseException) -> object:
    return error.args[0] if error.args else None


def repeated(work: Callable[_P, _T]) -> Callable[_P, _T]:
    """Repeats a transaction of the outbox that failed for a passing reason, up to four times."""

    @wraps(work)
    def work_again(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return Retrying(
            retry=retry_if_exception_type(PassingError),
            stop=stop_after_attempt(5) | stop_after_delay(30),
            wait=wait_random(0, 0.1),
            reraise=True,
        )(work, *args, **kwargs)

    return work_again
