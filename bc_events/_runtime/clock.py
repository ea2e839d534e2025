"""The time and new ids, in one place: a test may replace them by fixed ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import uuid_utils
from uuid_utils import compat  # loaded now: later, a process without free file handles could not load it

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID


def _uuid7(time_ns: int) -> UUID:
    return compat.uuid7(nanoseconds=time_ns)


def _uuid7_text() -> str:
    return str(uuid_utils.uuid7())


time_ns: Callable[[], int] = time.time_ns
"""Now, in nanoseconds of the Unix epoch."""

event_id: Callable[[int], UUID] = _uuid7
"""An id (UUIDv7, RFC 9562) for an event that was published at this time, in nanoseconds of the Unix epoch."""

job_id: Callable[[], str] = _uuid7_text
"""A new job id: a UUIDv7."""
