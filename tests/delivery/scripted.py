"""A real HTTP server on loopback that answers by script, and keeps what it was sent."""

from __future__ import annotations

import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


@dataclass
class Received:
    """One request, as it arrived. `connection` numbers the connections from 0."""

    path: str
    headers: dict
    body: bytes
    connection: int

    @property
    def records(self):
        document = json.loads(self.body)
        return document if isinstance(document, list) else [document]

    @property
    def ids(self):
        return [record["data"]["id"] for record in self.records]

    @property
    def key(self):
        return self.headers["idempotency-key"]

    @property
    def job_id(self):
        return self.headers["x-britecore-job-id"]


@dataclass
class Reply:
    """An answer. `body` is bytes, an object to send as JSON, or None for the body that the contract promises."""

    status: int = 201
    headers: dict = field(default_factory=dict)
    body: object = None


def failed(*results):
    """A bulk answer with these results."""
    return Reply(body={"failedRecords": sum(one != "Success" for one in results), "records": list(results)})


def refused(status, error_type=None, **headers):
    body = {"errorType": error_type} if error_type else b"<html>"
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def closes(connection):
    """The server goes away without an answer."""
    connection.close()


def closes_mid_body(connection):
    connection.sendall(b'HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"eventId": ')
    connection.close()


def resets(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()


def talks_nonsense(connection):
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    connection.close()


class ScriptedAPI:
    """Each request takes the next step of the script: a Reply, a function of the connection, or of the request.

    After the script comes `after`, a step with which everything succeeds. `url` is where it listens; `received` what
    came, in order.
    """

    def __init__(self, *script):
        self.script = list(script)
        self.after = Reply()
        self.received = []
        self.connections = 0
        self.released = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self):
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.drop()
        self._thread.join()

    def hangs(self, _connection):
        """Answers nothing until the server ends."""
        self.released.wait()

    def drop_connections(self):
        """Closes every idle connection, as a server does with those kept alive for long."""
        self._server.drop()

    @property
    def ids(self):
        """The ids of the records of each request."""
        return [request.ids for request in self.received]

    @property
    def keys(self):
        return [request.key for request in self.received]

    def _next(self, received):
        with self._lock:
            self.received.append(received)
            return self.script.pop(0) if self.script else self.after


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *args):
        super().__init__(*args)
        self.open = []

    def process_request(self, request, client_address):
        self.open.append(request)
        super().process_request(request, client_address)

    def drop(self):
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, _request, _client_address):
        """Clients that go away are part of the script."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.number = self.server.api.connections
        self.server.api.connections += 1

    def do_POST(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        received = Received(self.path, headers, body, self.number)
        step = self.server.api._next(received)
        while getattr(step, "answers", False):
            step = step(received)
        if isinstance(step, Reply):
            return self._reply(step, received)
        self.close_connection = True
        return step(self.connection)

    do_GET = do_POST

    def _reply(self, reply, received):
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body or promised(received)).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Logs nothing."""


def answers(function):
    """Marks a step that is given the request, and returns the step to take."""
    function.answers = True
    return function


def promised(received):
    """The body that the contract promises for a request that succeeds."""
    if received.path == "/events":
        return {"eventId": "0b8ca1f5", "jobId": received.headers["x-britecore-job-id"]}
    return {"failedRecords": 0, "records": ["Success"] * len(received.records)}
