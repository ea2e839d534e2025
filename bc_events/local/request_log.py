"""RequestLog: every request that meant to publish, with its outcome."""

from __future__ import annotations

import threading
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from bc_events._runtime import argument_checks as check
from bc_events.constants import IDEMPOTENCY_HEADER, JOB_ID_HEADER
from bc_events.errors import counted, printable

from .received_request import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

    from .sent_answer import SentAnswer


_MOST_KEPT: Final = 100_000


class RequestLog:
    """The latest 100,000 requests, oldest first. Threads share it. `on_request` is called with each."""

    def __init__(self, on_request: Callable[[ReceivedRequest], object] | None = None) -> None:
        if on_request is not None:
            check.function("on_request", on_request, example="a function that takes a ReceivedRequest")
        self._lock = threading.Lock()
        self._kept: deque[ReceivedRequest] = deque(maxlen=_MOST_KEPT)
        self._on_request = on_request
        self.total: int = 0

    def add(self, request: Request, answer: SentAnswer, *, size: int = 0) -> None:
        """Keeps a request, whose body had `size` bytes, and its answer."""
        client = request.client
        self._keep(
            method=request.method,
            path=request.scope["path"],
            status=None if answer.is_lost else answer.status,
            records=answer.records,
            refused_records=answer.refused_records,
            topics=answer.topics,
            actors=answer.actors,
            size=size,
            job_id=request.headers.get(JOB_ID_HEADER),
            idempotency_key=request.headers.get(IDEMPOTENCY_HEADER),
            reason=answer.reason,
            fault=answer.fault,
            is_replay=answer.is_replay,
            has_authorization="authorization" in request.headers,
            connection=f"{client.host}:{client.port}" if client else "",
        )

    def add_unreadable(self, connection: str, status: int | None, reason: str) -> None:
        """Keeps that something came that is not an HTTP request."""
        self._keep(status=status, reason=printable(reason), connection=connection)

    def _keep(self, **fields: Any) -> None:
        with self._lock:
            self.total += 1
            kept = ReceivedRequest(number=self.total, received=datetime.now(UTC), **fields)
            self._kept.append(kept)
        if self._on_request is not None:
            self._on_request(kept)

    def refused(self) -> list[ReceivedRequest]:
        """The requests that were refused, as a whole or in part, oldest first."""
        return [request for request in self if request.outcome in ("refused", "partly refused")]

    def hint(self) -> str:
        """The end of a message about events that have not come: why requests were refused. Empty if none was."""
        refused = self.refused()
        if not refused:
            return ""
        count = f"{counted(len(refused), 'request')} {'was' if len(refused) == 1 else 'were'} refused"
        return f"; {count}, the latest because of {refused[-1].reason}"

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self.total = 0

    def __iter__(self) -> Iterator[ReceivedRequest]:
        with self._lock:
            return iter(tuple(self._kept))
