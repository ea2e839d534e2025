"""SeenRequest and the log of them: every POST that came, whatever became of it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_MOST_KEPT: Final = 100_000


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One POST. `status` is None where no answer was sent; `records` are the events in it, 0 where it was unreadable.

    `fault` is the injected fault that decided its answer, `is_replay` whether a remembered answer was given.
    `connection` tells connections apart.
    """

    number: int
    received: datetime
    path: str
    status: int | None
    records: int
    size: int
    job_id: str | None
    idempotency_key: str | None
    fault: str | None
    is_replay: bool
    has_authorization: bool
    connection: str


class SeenRequests:
    """The latest 100,000 requests, oldest first. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[SeenRequest] = deque(maxlen=_MOST_KEPT)
        self.total: int = 0

    def next_number(self) -> int:
        with self._lock:
            self.total += 1
            return self.total

    def add(self, request: SeenRequest) -> None:
        with self._lock:
            self._kept.append(request)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self.total = 0

    def __iter__(self) -> Iterator[SeenRequest]:
        with self._lock:
            return iter(tuple(self._kept))
