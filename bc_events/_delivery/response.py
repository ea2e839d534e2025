"""Reply: a response as it is read from a connection, within the limits of its attempt and without guesses."""

from __future__ import annotations

import io
from contextlib import suppress
from http.client import HTTPException, HTTPResponse, parse_headers
from http.cookiejar import parse_ns_headers  # type: ignore[attr-defined]  # the stubs leave it out
from typing import TYPE_CHECKING, Any, Final

from .attempt import Attempt, ResponseTooLong, current
from .redirects import is_redirect

if TYPE_CHECKING:
    import socket

_LONGEST_LENGTH: Final = 20  # digits


class UnreadableResponse(HTTPException):
    """Nobody can tell where this response ends, so nobody can tell what follows it."""


class Reply(HTTPResponse):
    """Waits for the final response, whatever interim ones come before it (RFC 9110, 15.2).

    It refuses a response that programs read differently (RFC 9112, 6.3), where `http.client` would guess. On a thread
    that makes no attempt, it does what `http.client` does.
    """

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._attempt = current()
        self._received: _Received | None = None
        if self._attempt is not None:
            self._received = _Received(self.fp.detach(), sock, self._attempt)
            self.fp = _WholeLines(self._received)

    def _read_status(self) -> tuple[str, int, str]:
        found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # the stubs leave it out
        while self._attempt is not None and found[1] < 200:  # noqa: PLR2004
            if found[1] == 101:  # noqa: PLR2004
                raise UnreadableResponse("the server switched protocols unasked")
            parse_headers(self.fp)
            found = super()._read_status()  # type: ignore[misc]  # as above
        if self._attempt is not None and is_redirect(found[1]):
            self.fp = io.BufferedReader(io.BytesIO(b"\r\n"))  # the headers of such a response are not even read
        return found

    def begin(self) -> None:
        super().begin()
        if self._attempt is None:
            return
        self._drop_broken_cookies()
        if is_redirect(self.status):
            self._leave_body()
        else:
            self._check_framing()
            self._take_coding()

    def _take_coding(self) -> None:
        """Unpacks the body only when it is whole: urllib3 does not notice a compressed body that was cut off."""
        if self._attempt is not None:
            self._attempt.coding = ", ".join(self.headers.get_all("Content-Encoding", ()))
            del self.headers["Content-Encoding"]

    def _drop_broken_cookies(self) -> None:
        """Removes cookies that cannot be read. The cookie jar would warn of them, and a warning may be an error."""
        cookies = self.headers.get_all("Set-Cookie", ())
        del self.headers["Set-Cookie"]
        for cookie in cookies:
            with suppress(Exception):
                parse_ns_headers([cookie])
                self.headers["Set-Cookie"] = cookie

    def _leave_body(self) -> None:
        """A redirect is final whatever its headers say. Its body is not read, so its connection ends with it."""
        for name in ("Content-Length", "Transfer-Encoding", "Content-Encoding"):
            del self.headers[name]
        self.chunked, self.length, self.will_close = False, 0, True

    def _check_framing(self) -> None:
        lengths = {one.strip(" \t") for value in self.headers.get_all("Content-Length", ()) for one in value.split(",")}
        codings = [value.strip(" \t").lower() for value in self.headers.get_all("Transfer-Encoding", ())]
        if self.headers.defects or self.headers.get_payload():
            raise UnreadableResponse("the headers are broken")
        if len(lengths) > 1 or (lengths and codings) or codings not in ([], ["chunked"]):
            raise UnreadableResponse("the headers give more than one length")
        if codings and self.version == 10:  # noqa: PLR2004
            raise UnreadableResponse("HTTP/1.0 has no chunks")
        for length in lengths:
            if not (length.isascii() and length.isdecimal() and len(length) <= _LONGEST_LENGTH):
                raise UnreadableResponse("Content-Length is not a number")
            if self.length is None:  # the same length twice, which `http.client` does not read
                self.length = int(length)

    def _close_conn(self) -> None:
        """Notes what the server sent beyond the end of its response."""
        if self._received is not None and self.fp is not None:
            self._received.stop()
            if self._attempt is not None and self.fp.peek(1):
                self._attempt.has_leftover = True
        super()._close_conn()  # type: ignore[misc]  # the stubs leave it out


class _WholeLines(io.BufferedReader):
    """Refuses a line that the connection's end cut off: `http.client` takes that for the end of the headers."""

    _has_begun = False

    def readline(self, limit: int | None = -1, /) -> bytes:
        line = super().readline(limit)
        is_whole = line.endswith(b"\n") or len(line) == limit
        if not is_whole and (line or self._has_begun):
            raise UnreadableResponse("the response was cut off")
        self._has_begun = True
        return line


class _Received(io.RawIOBase):
    """The bytes of one response. No read waits longer than the time that is left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, attempt: Attempt) -> None:
        self._raw = raw
        self._sock = sock
        self._attempt = attempt
        self._timeout = sock.gettimeout()
        self._left = attempt.max_bytes
        self._is_stopped = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self._is_stopped:
            return None
        if self._left <= 0:
            raise ResponseTooLong
        self._sock.settimeout(self._attempt.left(self._timeout))
        count = self._raw.readinto(buffer)
        self._left -= count or 0
        return count

    def stop(self) -> None:
        """From here on there is nothing more to read."""
        self._is_stopped = True

    def close(self) -> None:
        super().close()
        self._raw.close()
