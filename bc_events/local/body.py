"""The body of a request, read up to a length and within a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.requests import Request

_LONGEST: Final = 60.0


class SlowBodyError(Exception):
    """The body did not come in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body did not come within {seconds:g} s")


async def read_body(request: Request, *, most: int, seconds: float = _LONGEST) -> bytes:
    """The body. All of it is read; of one that is longer than `most` bytes, the first `most` + 1 are returned.

    Raises `SlowBodyError` after `seconds`, and Starlette's `ClientDisconnect`.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                if len(body) <= most:
                    body += chunk
    except TimeoutError as error:
        raise SlowBodyError(seconds) from error
    return bytes(body[: most + 1])
