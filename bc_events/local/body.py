"""The body of a request, read within bounds: neither its length nor its slowness is the server's to bear."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.requests import Request

_LONGEST: Final = 60.0


class SlowBodyError(Exception):
    """A body that did not come in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body did not come within {seconds:g} s")


async def read_body(request: Request, *, most: int, seconds: float = _LONGEST) -> bytes:
    """The body; of one that is longer than `most` bytes no more than shows that, though all of it is read.

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
