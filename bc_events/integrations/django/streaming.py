"""A streaming response's body: the session is ambient during each step, and ends when the body does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from bc_events._runtime import logs
from bc_events.errors import EventsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .request_scope import RequestScope

_logger = logs.logger


class _StreamEnd:
    """Ends the scope of a request whose body streams. Only the first call counts."""

    __slots__ = ("_has_ended", "_request_scope")

    def __init__(self, request_scope: RequestScope) -> None:
        self._request_scope = request_scope
        self._has_ended = False

    def is_due(self) -> bool:
        has_ended, self._has_ended = self._has_ended, True
        return not has_ended

    def close_late(self) -> None:
        """Ends the scope of a body that was closed early: the client has left, which is no failure.

        Django swallows exceptions of `close()`, so they are logged.
        """
        if not self.is_due():
            return
        self._request_scope.resume()
        try:
            self._request_scope.close(None)
        except EventsError:
            _logger.exception("events of a streaming response whose client had left were not delivered")


class Stream:
    """A synchronous body. Servers may iterate and close it on any thread."""

    def __init__(self, request_scope: RequestScope, body: Iterator[bytes]) -> None:
        request_scope.suspend()
        self._request_scope = request_scope
        self._body = body
        self._stream_end = _StreamEnd(request_scope)
        self.close: Callable[[], None] = self._stream_end.close_late

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        self._request_scope.resume()
        try:
            chunk = next(self._body)
        except StopIteration:
            self._finish()
            raise
        except BaseException as error:
            self._request_scope.error = error
            self._finish()
            raise
        self._request_scope.suspend()
        return chunk

    def _finish(self) -> None:
        if self._stream_end.is_due():
            self._request_scope.close(None)


class AsyncStream:
    """An asynchronous body. Where its client leaves, the server's task is cancelled: that is its end."""

    def __init__(self, request_scope: RequestScope, body: AsyncIterator[bytes]) -> None:
        request_scope.suspend()
        self._request_scope = request_scope
        self._body = body
        self._stream_end = _StreamEnd(request_scope)
        self.close: Callable[[], None] = self._stream_end.close_late

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._request_scope.resume()
        try:
            chunk = await anext(self._body)
        except (StopAsyncIteration, asyncio.CancelledError):
            await self._finish()
            raise
        except BaseException as error:
            self._request_scope.error = error
            await self._finish()
            raise
        self._request_scope.suspend()
        return chunk

    async def _finish(self) -> None:
        if self._stream_end.is_due():
            await self._request_scope.aclose(None)
