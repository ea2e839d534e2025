"""A streaming response's body: the session is ambient during each step, and ends when the body does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from bc_events._runtime import logs
from bc_events.errors import EventsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .exchange import Exchange

_logger = logs.logger


class _Ending:
    """The end of an exchange whose body streams: it comes once."""

    __slots__ = ("_exchange", "_has_ended")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._has_ended = False

    def is_due(self) -> bool:
        has_ended, self._has_ended = self._has_ended, True
        return not has_ended

    def close_late(self) -> None:
        """A body that was closed before its end: its client has left, which is no failure.

        Django swallows what `close()` raises, so it is logged.
        """
        if not self.is_due():
            return
        self._exchange.resume()
        try:
            self._exchange.close(None)
        except EventsError:
            _logger.exception("events of a streaming response whose client had left were not delivered")


class Stream:
    """A synchronous body. Servers may iterate and close it on any thread."""

    def __init__(self, exchange: Exchange, body: Iterator[bytes]) -> None:
        exchange.suspend()
        self._exchange = exchange
        self._body = body
        self._ending = _Ending(exchange)
        self.close: Callable[[], None] = self._ending.close_late

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        self._exchange.resume()
        try:
            chunk = next(self._body)
        except StopIteration:
            self._finish()
            raise
        except BaseException as error:
            self._exchange.error = error
            self._finish()
            raise
        self._exchange.suspend()
        return chunk

    def _finish(self) -> None:
        if self._ending.is_due():
            self._exchange.close(None)


class AsyncStream:
    """An asynchronous body. Where its client leaves, the server's task is cancelled: that is its end."""

    def __init__(self, exchange: Exchange, body: AsyncIterator[bytes]) -> None:
        exchange.suspend()
        self._exchange = exchange
        self._body = body
        self._ending = _Ending(exchange)
        self.close: Callable[[], None] = self._ending.close_late

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._exchange.resume()
        try:
            chunk = await anext(self._body)
        except (StopAsyncIteration, asyncio.CancelledError):
            await self._finish()
            raise
        except BaseException as error:
            self._exchange.error = error
            await self._finish()
            raise
        self._exchange.suspend()
        return chunk

    async def _finish(self) -> None:
        if self._ending.is_due():
            await self._exchange.aclose(None)
