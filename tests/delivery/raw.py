"""An Events API that writes raw bytes, for responses that no HTTP server would send."""

import json
import socket
import threading
from contextlib import suppress

TAKEN = b'{"eventId":"1","jobId":"job-1"}'
REFUSED = b'{"errorType":"ValidationException"}'


def response(status="201 Created", body=TAKEN, *headers, length=True):
    """A response with the right Content-Length, or with none."""
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class RawAPI:
    """Gives these answers in turn, and then answers that all is well. An answer is bytes, which may be empty.

    Or it is a function of the connection, which writes them, and after which the connection ends where it returns None.
    """

    def __init__(self, *answers, tls=None):
        self.answers = list(answers)
        self.tls = tls
        self.reads_slowly = 0.0  # seconds for each 4 KiB; then it answers nothing
        self.released = threading.Event()
        self.received = []
        self.keys = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open, self._threads = [], []
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *_):
        self.released.set()
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(5)

    def drips(self, start, pieces, seconds):
        """Writes `start`, then piece by piece, a piece each so many seconds, until the client is gone."""

        def answer(connection):
            connection.sendall(start)
            for piece in pieces:
                if self.released.wait(seconds):
                    return
                connection.sendall(piece)

        return answer

    def hangs(self, _connection):
        self.released.wait()

    def leaves(self, _connection):
        """Ends without an answer, and takes no connection any more."""
        self._listener.shutdown(socket.SHUT_RDWR)

    def _start(self, target, *args):
        self._threads.append(threading.Thread(target=target, args=args, daemon=True))
        self._threads[-1].start()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self.connections += 1
                self._start(self._serve, connection)

    def _serve(self, connection):
        with (
            suppress(OSError, ValueError),
            connection,
        ):  # a connection may be closed while it is read, or may not carry HTTP
            secured = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            with secured, secured.makefile("rb") as stream:
                while self._answers(secured, stream):
                    pass

    def _answers(self, connection, stream):
        if not stream.readline():
            return False
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        while self.reads_slowly and not self.released.wait(self.reads_slowly):
            stream.read(4096)
        self.received.append(json.loads(stream.read(int(headers["content-length"]))))
        self.keys.append(headers["idempotency-key"])
        answer = self.answers.pop(0) if self.answers else response()
        if callable(answer):
            return answer(connection)
        connection.sendall(answer)
        return bool(answer)
