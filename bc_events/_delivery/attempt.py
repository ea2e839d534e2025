"""Attempt: one attempt at a request, with the limits that it keeps and how far it has come."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class ResponseTooLong(Exception):  # noqa: N818  named as the other reasons for an unknown outcome are
    """The response has more bytes than the library reads of a response."""


class Attempt:
    """In a `with attempt:` block, the connections of this thread keep to it.

    They read its time and limits here, and note here whether the request was sent.
    """

    __slots__ = (
        "_ends",
        "_previous",
        "coding",
        "has_leftover",
        "is_understood",
        "max_bytes",
        "patience",
        "sock",
        "was_sent",
    )

    def __init__(self, patience: float | None = None) -> None:
        """`patience`: the most seconds that it may take, if that is less than its deadline."""
        self.patience: float | None = patience
        self.max_bytes: int = 0
        self.was_sent: bool = False
        self.is_understood: bool = False
        self.has_leftover: bool = False
        self.coding: str = ""
        self.sock: socket.socket | None = None
        self._ends = 0.0
        self._previous: Attempt | None = None

    def begin(self, seconds: float, *, max_bytes: int) -> None:
        """From here on it may take so many seconds, and each of its responses may have so many bytes."""
        self._ends = time.monotonic() + (seconds if self.patience is None else min(seconds, self.patience))
        self.max_bytes = max_bytes

    def left(self, at_most: float | None = None) -> float:
        """The seconds that its next step may take, up to `at_most`. Raises `TimeoutError` where none is left."""
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the attempt has used up its time")
        return seconds if at_most is None else min(seconds, at_most)

    def understood(self) -> None:
        """Its response was read and makes sense, so its connection may be used again, unless more bytes came."""
        self.is_understood = not self.has_leftover

    def cut(self) -> None:
        """Shuts its connection, so that what may still come on it is never taken for another response."""
        if self.sock is not None:
            with suppress(OSError):  # the connection may be closed already
                self.sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._previous = _current.attempt
        _current.attempt = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _current.attempt, self._previous = self._previous, None
        if not self.is_understood:
            self.cut()
        self.sock = None


class _Current(threading.local):
    attempt: Attempt | None = None


_current = _Current()


def current() -> Attempt | None:
    """The attempt that this thread is making."""
    return _current.attempt
