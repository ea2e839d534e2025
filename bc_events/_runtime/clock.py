"""What no code decides, the time and new ids, in one place: a test may put fixed ones here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import uuid_utils
from uuid_utils import compat  # now: where files run out, an error that names events could not load it

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
"""A time-ordered id (UUIDv7, RFC 9562) of an event that was published at such a time in nanoseconds."""

job_id: Callable[[], str] = _uuid7_text
"""A new job id: a UUIDv7."""
