"""Programs that listen on a loopback port and are no local Events API."""

import socket
import threading
from contextlib import contextmanager


class Listener:
    """Answers each connection by a function of its first bytes. `received` has these bytes."""

    def __init__(self, answer, port=0):
        self._answer = answer
        self.received = []
        self.socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self._open = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                while first := connection.recv(1 << 20):
                    self.received.append(first)
                    self._answer(connection, first)
            except OSError:
                return

    def close(self):
        self.socket.close()
        for connection in self._open:
            connection.close()


@contextmanager
def listening(answer, port=0):
    listener = Listener(answer, port)
    try:
        yield listener
    finally:
        listener.close()


def hang(_connection, _first):
    """Never answers."""


def close(connection, _first):
    connection.shutdown(socket.SHUT_RDWR)


def answering(status, body, *, headers=""):
    def answer(connection, _first):
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    return answer


def nonsense(connection, _first):
    connection.sendall(b"\x00\xff" * 100)


def endless(connection, _first):
    """A header that never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX: " + b"x" * 100_000)
