"""deterministic_events: the same times and ids in each run."""

from __future__ import annotations

import itertools
import threading
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from bc_events._runtime import argument_checks as check, clock, keywords
from bc_events.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)
_TICK_NS: Final = 1_000_000
_VERSION_7: Final = 0x7000_8000_0000_0000_0000  # with the variant of RFC 9562


@keywords.checked
def deterministic_events(start: datetime = _START) -> AbstractContextManager[None]:
    """Events are published a millisecond apart from `start` on, and their ids follow from their times.

    Job ids that would be made up are numbered instead. Counting starts anew each time this is opened.
    """
    check.instance(
        "start", start, datetime, example="a datetime with a time zone, such as datetime(2000, 1, 1, tzinfo=UTC)"
    )
    if start.utcoffset() is None:
        raise ConfigurationError("start has no time zone; give one, such as datetime(2000, 1, 1, tzinfo=UTC)")
    return _deterministic(start)


@contextmanager
def _deterministic(start: datetime) -> Iterator[None]:
    before = clock.time_ns, clock.event_id, clock.job_id
    start_ns = (start - _EPOCH) // timedelta(microseconds=1) * 1_000
    ticks, jobs = _Numbers(), _Numbers()
    clock.time_ns = lambda: start_ns + (next(ticks) - 1) * _TICK_NS
    clock.event_id = lambda time_ns: _uuid7(time_ns, 0)
    clock.job_id = lambda: str(_uuid7(start_ns, next(jobs)))
    try:
        yield
    finally:
        clock.time_ns, clock.event_id, clock.job_id = before


class _Numbers:
    """1, 2, 3 …, for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def __next__(self) -> int:
        with self._lock:
            return next(self._numbers)


def _uuid7(time_ns: int, number: int) -> UUID:
    """The layout of a UUIDv7 with a number where the random bits are."""
    return UUID(int=(time_ns // 1_000_000 << 80) | _VERSION_7 | number)
