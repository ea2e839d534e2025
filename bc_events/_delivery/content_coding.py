"""Unpacking: the body of a response as it was before its server compressed it (RFC 9110, 8.4)."""

from __future__ import annotations

import zlib
from typing import Final

from .attempt import ResponseTooLong

ACCEPT_ENCODING: Final = "gzip, deflate"
_ZLIB_OR_GZIP: Final = 32 + zlib.MAX_WBITS
_MOST_MEMBERS: Final = 100  # the most members of a gzip body (RFC 1952, 2.2); most servers send one
_NO_HEADER: Final = -zlib.MAX_WBITS
_HOW_IT_IS_READ: Final = {
    "gzip": (_ZLIB_OR_GZIP,),
    "x-gzip": (_ZLIB_OR_GZIP,),
    "deflate": (_ZLIB_OR_GZIP, _NO_HEADER),  # some servers leave out the header that the RFC asks for
}


class UnpackingError(Exception):
    """The body is not what its `Content-Encoding` says, or it was cut off: what is missing may change its meaning."""


def unpacked(body: bytes, coding: str, max_bytes: int) -> bytes:
    """The whole body. Raises `UnpackingError`, and `ResponseTooLong` where it has more bytes than `max_bytes`."""
    name = coding.strip().lower()
    if name in ("", "identity") or not body:
        return body
    failure: zlib.error | None = None
    for wbits in _HOW_IT_IS_READ.get(name, ()):
        try:
            return _inflated(body, wbits, max_bytes)
        except zlib.error as error:
            failure = failure or error
    raise UnpackingError(f"the body cannot be unpacked from {name}") from failure


def _inflated(body: bytes, wbits: int, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    left = max_bytes
    for _ in range(_MOST_MEMBERS):
        decoder = zlib.decompressobj(wbits)
        piece = decoder.decompress(body, left + 1)
        left -= len(piece)
        if left < 0:
            raise ResponseTooLong
        if not decoder.eof:
            raise UnpackingError("the body was cut off")
        pieces.append(piece)
        body = decoder.unused_data
        if not body:
            return b"".join(pieces)
    raise UnpackingError("the body has too many members")
