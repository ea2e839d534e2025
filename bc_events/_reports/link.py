"""Link: a connection to what listens at `api_url`, after that has said that it is a local Events API.

Each connection asks anew. So nothing is reported to another program that listens on the same port later.
"""

from __future__ import annotations

import http.client
import socket
from typing import Final
from urllib.parse import urlsplit

import orjson

from bc_events._delivery.loopback import is_loopback
from bc_events.constants import REPORTS_PATH, REPORTS_SERVER

_TIMEOUT: Final = 1.0
"""Seconds to connect, and to wait for each part of a response."""
_LONGEST_ANSWER: Final = 4096
_HEADERS: Final = {"Content-Type": "application/json"}
_OK: Final = range(200, 300)


class OtherServerError(Exception):
    """Something listens there, and is no local Events API."""


class Link:
    """One connection. Its methods raise OSError and `http.client.HTTPException`."""

    def __init__(self, url: str) -> None:
        """Connects, and asks. Raises `OtherServerError` too."""
        parts = urlsplit(url)
        self._path = f"{parts.path.rstrip('/')}{REPORTS_PATH}"
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_TIMEOUT)
        self._connection.connect()
        self._connection.auto_open = 0  # a new connection may lead to another program
        try:
            self._ask()
        except BaseException:
            self.close()
            raise

    def _ask(self) -> None:
        if not is_loopback(self._socket.getpeername()[0]):
            raise OtherServerError
        try:
            status, body = self._answer("GET", None)
            answer = orjson.loads(body)
        except (http.client.HTTPException, TimeoutError, ValueError) as error:
            raise OtherServerError from error
        if status not in _OK or not isinstance(answer, dict) or answer.get("server") != REPORTS_SERVER:
            raise OtherServerError

    def post(self, body: bytes) -> bool:
        """Whether the server has taken these reports."""
        status, _ = self._answer("POST", body)
        return status in _OK

    def _answer(self, method: str, body: bytes | None) -> tuple[int, bytes]:
        self._connection.request(method, self._path, body, _HEADERS if body else {})
        response = self._connection.getresponse()
        answer = response.read(_LONGEST_ANSWER)
        if not response.isclosed():
            raise http.client.HTTPException("the response is too long")
        return response.status, answer

    @property
    def _socket(self) -> socket.socket:
        sock: socket.socket | None = self._connection.sock
        if sock is None:
            raise http.client.NotConnected
        return sock

    @property
    def is_usable(self) -> bool:
        """Whether it is still connected, as far as this side knows. A server may end an idle connection."""
        try:
            sock = self._socket
            sock.settimeout(0.0)
            try:
                sock.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return True
            finally:
                sock.settimeout(_TIMEOUT)
        except (OSError, http.client.HTTPException):
            return False
        return False  # the end of the stream, or bytes that nothing has asked for

    def close(self) -> None:
        self._connection.close()
