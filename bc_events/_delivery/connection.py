"""Connections that keep to the attempt of their thread: its deadline as a whole, and what it may read."""

from __future__ import annotations

import functools
import socket
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

from urllib3.connection import HTTPConnection
from urllib3.connectionpool import ConnectionPool, HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

from .attempt import Attempt, current
from .loopback import is_address, is_loopback
from .response import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable

_PIECE: Final = (
    1 << 14
)  # the size of a TLS record: each piece that is sent has one deadline, and TLS sends no larger piece
_HOW_POOLS_CONNECT: Final = (HTTPConnectionPool._new_conn, HTTPSConnectionPool._new_conn)


def bound(pool: ConnectionPool) -> bool:
    """Makes the connections of a pool keep to attempts; False where the pool does not connect through urllib3.

    Connections that it has open already are closed. Without an attempt they work as they did.
    """
    if not isinstance(pool, HTTPConnectionPool) or type(pool)._new_conn not in _HOW_POOLS_CONNECT:
        return False
    if not issubclass(pool.ConnectionCls, _Bounded):
        pool.ConnectionCls = _bounded(pool.ConnectionCls)
        _close_idle(pool)
    return True


def _close_idle(pool: HTTPConnectionPool) -> None:
    waiting = pool.pool
    for _ in range(waiting.qsize() if waiting is not None else 0):
        connection = pool._get_conn(timeout=0)  # this is the only way to take a connection out of a pool
        if isinstance(connection, _Bounded):
            pool._put_conn(connection)
            return
        connection.close()
        pool._put_conn(None)


@functools.cache
def _bounded(kind: Any) -> Any:
    return type(f"Bounded{kind.__name__}", (_Bounded, kind), {})


class _Bounded(HTTPConnection):
    """A mixin: it comes before a connection class of urllib3 in the bases."""

    response_class = Reply
    _attempt: Attempt | None = None  # the last attempt that used this connection
    _is_connecting = False

    @property
    def is_connected(self) -> bool:
        """Also False if the last response was not understood, because the next bytes may belong to it."""
        last = self._attempt
        return super().is_connected and (last is None or last.is_understood or last is current())

    def connect(self) -> None:
        attempt = current()
        if attempt is None:
            super().connect()
            return
        self._is_connecting = True
        try:
            self.timeout = attempt.left(self.timeout)
            super().connect()
        finally:
            self._is_connecting = False

    def _new_conn(self) -> socket.socket:
        attempt = current()
        if attempt is None or not self._connects_by_address():
            return super()._new_conn()
        name, timeout = self._dns_host, self.timeout
        failure: Exception | None = None
        try:
            for address in self._addresses(name, attempt):
                self._dns_host, self.timeout = address, attempt.left(timeout)
                try:
                    return super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError) as error:
                    failure = error
        finally:
            self._dns_host = name
        raise failure or NewConnectionError(self, "the name has no address")

    def _connects_by_address(self) -> bool:
        """False for a class with another way to connect, such as SOCKS."""
        return next(kind for kind in type(self).__mro__[2:] if "_new_conn" in vars(kind)) is HTTPConnection

    def _addresses(self, name: str, attempt: Attempt) -> Iterable[str]:
        if is_address(name):
            return [name]
        try:
            return _looked_up(name, self.port, attempt.left())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error

    def _tunnel(self) -> None:
        super()._tunnel()
        attempt = current()
        if attempt is not None and self.sock is not None:
            self.sock.settimeout(attempt.left(self.timeout))  # the TLS handshake comes next

    def send(self, data: Any) -> None:
        attempt = current()
        if attempt is None:
            self._attempt = None
            super().send(data)
            return
        if self.sock is None:
            self.connect()
        if not self._is_connecting:
            attempt.was_sent = True
            self._attempt, attempt.sock = attempt, self.sock
        self._send_in_time(data, attempt)

    def _send_in_time(self, data: Any, attempt: Attempt) -> None:
        whole = memoryview(data)
        for start in range(0, len(whole), _PIECE):
            self.sock.settimeout(attempt.left())
            super().send(whole[start : start + _PIECE])


def _looked_up(name: str, port: int, seconds: float) -> list[str]:
    """The addresses of a name. The system's look-up cannot be stopped. So it runs on a thread, which is left alone if
    it takes too long.

    If no thread can be started, the look-up takes as long as the system's resolver does.
    """
    if is_loopback(name):
        return _resolved(name, port)
    future: Future[list[str]] = Future()
    try:
        threading.Thread(target=_resolve, args=(future, name, port), name="bc-events-dns", daemon=True).start()
    except RuntimeError:  # a limit on threads, or the interpreter is shutting down
        return _resolved(name, port)
    return future.result(seconds)


def _resolve(future: Future[list[str]], name: str, port: int) -> None:
    try:
        future.set_result(_resolved(name, port))
    except Exception as error:  # noqa: BLE001  it is raised where the result is awaited
        future.set_exception(error)


def _resolved(name: str, port: int) -> list[str]:
    found = socket.getaddrinfo(name, port, allowed_gai_family(), socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
