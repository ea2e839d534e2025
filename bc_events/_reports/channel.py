"""Channel: brings the reports of this process to one local Events API, on a thread of its own.

It never delays, breaks or outlives the work. `put` only appends to a queue. If the queue is full, or nothing takes the
reports, they are lost, and counted. No report is sent twice.
"""

from __future__ import annotations

import contextvars
import http.client
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import orjson
import uuid_utils

from .link import Link, OtherServerError
from .report import Report, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_QUEUED: Final = 10_000
_LARGEST_BODY: Final = 500_000
_BETWEEN_CONNECTS: Final = 1.0
_AT_EXIT: Final = 0.1
_STEP: Final = 0.002
_FAILURES: Final = (OSError, http.client.HTTPException)


class Channel:
    """Threads share it."""

    def __init__(self, url: str, *, on_off: Callable[[], object] = bool) -> None:
        """`on_off` is called when it turns itself off."""
        self.url = url
        self.is_off = False
        """Whether something else than a local Events API listens there. Then this process asks no more."""
        self._on_off = on_off
        self.begin()

    def begin(self) -> None:
        """In a new process, which has neither the thread nor the connection of its parent."""
        self._process = str(uuid_utils.uuid7())
        self._queue: deque[Report] = deque()
        self._wake = threading.Lock()  # held while the thread has nothing to do: released, it is a signal
        self._wake.acquire()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._link: Link | None = None
        self._connect_after = 0.0
        self._lost = 0
        self._is_busy = False
        self._has_exited = False

    def put(self, report: Report) -> None:
        """Never waits. A signal handler, or a finalizer, may call it in the middle of another call."""
        if self.is_off:
            return
        self._queue.append(report)
        if len(self._queue) > MOST_QUEUED:
            self._drop_oldest()
        if self._thread is None:
            self._start()
        self._notify()

    def _drop_oldest(self) -> None:
        try:
            self._queue.popleft()
        except IndexError:  # the thread has taken them meanwhile
            return
        self._lost += 1

    def _notify(self) -> None:
        if self._wake.locked():
            try:
                self._wake.release()
            except RuntimeError:  # another thread was first
                return

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return  # another thread starts it
        # An empty context: no session, and no span, of the thread that happens to be first.
        self._thread = threading.Thread(
            target=contextvars.Context().run, args=(self._run,), name="bc-events-reports", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # no thread can be started, or the interpreter is ending
            self._turn_off()

    def stop(self) -> None:
        """Reports nothing any more, and ends its thread."""
        self._turn_off()
        self._notify()

    def _turn_off(self) -> None:
        self.is_off = True
        self._queue.clear()
        self._on_off()

    def _run(self) -> None:
        while not self.is_off:
            self._wake.acquire()
            self._is_busy = True
            try:
                self._send_queued()
            finally:
                self._is_busy = False
        if self._link is not None:
            self._link.close()

    def _send_queued(self) -> None:
        is_last = self._has_exited
        for reports in self._bodies():
            self._send(reports, is_last=False)
        if is_last:
            self._send([], is_last=True)
            self._has_exited = False

    def _bodies(self) -> Iterator[list[bytes]]:
        """What is in the queue now, in parts that a request can carry."""
        reports: list[bytes] = []
        size = 0
        for _ in range(len(self._queue)):
            try:
                report = written(self._queue.popleft())
            except IndexError:  # `put` has dropped it
                break
            except (orjson.JSONEncodeError, UnicodeDecodeError):
                self._lost += 1
                continue
            if reports and size + len(report) > _LARGEST_BODY:
                yield reports
                reports, size = [], 0
            reports.append(report)
            size += len(report)
        if reports:
            yield reports

    def _send(self, reports: list[bytes], *, is_last: bool) -> None:
        link = self._connected()
        if link is None or not self._is_taken(link, self._body(reports, is_last=is_last)):
            self._lost += len(reports)

    def _body(self, reports: list[bytes], *, is_last: bool) -> bytes:
        head: dict[str, Any] = {"process": self._process, "pid": os.getpid(), "lost": self._lost, "exited": is_last}
        return orjson.dumps({**head, "reports": [orjson.Fragment(report) for report in reports]})

    def _connected(self) -> Link | None:
        if self._link is not None:
            if self._link.is_usable:
                return self._link
            self._disconnect(until=0.0)
        if self.is_off or time.monotonic() < self._connect_after:
            return None
        try:
            self._link = Link(self.url)
        except OtherServerError:
            self._turn_off()
        except _FAILURES:
            self._disconnect(until=time.monotonic() + _BETWEEN_CONNECTS)
        return self._link

    def _is_taken(self, link: Link, body: bytes) -> bool:
        try:
            is_taken = link.post(body)
        except _FAILURES:
            is_taken = False
        if not is_taken:
            self._disconnect(until=time.monotonic() + _BETWEEN_CONNECTS)
        return is_taken

    def _disconnect(self, *, until: float) -> None:
        """`until` is the moment before which it does not connect again."""
        link, self._link = self._link, None
        self._connect_after = until
        if link is not None:
            link.close()

    def finish(self, seconds: float = _AT_EXIT) -> None:
        """The process ends: gives the reports that are queued a moment to go out."""
        if self._thread is None:
            return
        self._has_exited = True
        self._notify()
        deadline = time.monotonic() + seconds
        while (self._queue or self._has_exited or self._is_busy) and not self.is_off and time.monotonic() < deadline:
            time.sleep(_STEP)

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether, within so many seconds, no report was left in the queue."""
        deadline = time.monotonic() + seconds
        while self._queue or self._is_busy or not self._wake.locked():
            if time.monotonic() > deadline:
                return False
            time.sleep(_STEP)
        return True
