"""Conflicts: transactions that the database has rolled back for the sake of others, and that are repeated."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_random

from bc_events.errors import OutboxError

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_T = TypeVar("_T")

_CODES: Final = frozenset({1205, 1213})
"""Errors of MySQL: a lock could not be had in time, and a deadlock."""


class ConflictError(OutboxError):
    """The transaction was rolled back, and can be repeated."""


def refusal_of(error: BaseException) -> type[OutboxError]:
    """The class of error to raise for what a driver has raised."""
    is_conflict = bool(error.args) and error.args[0] in _CODES
    return ConflictError if is_conflict else OutboxError


def repeated(work: Callable[_P, _T]) -> Callable[_P, _T]:
    """Repeats a transaction of the outbox that met a conflict, up to four times."""

    @wraps(work)
    def work_again(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return Retrying(
            retry=retry_if_exception_type(ConflictError),
            stop=stop_after_attempt(5) | stop_after_delay(30),
            wait=wait_random(0, 0.1),
            reraise=True,
        )(work, *args, **kwargs)

    return work_again
