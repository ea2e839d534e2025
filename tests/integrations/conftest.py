"""Shared by the tests of the edges: a client whose delivery remembers, and servers on loopback."""

import threading
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from bc_events import DeliveryError, EventClient
from bc_events.errors import Undelivered

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [{"Action": "Created", "Entity": name, "Schema": {"type": "object"}} for name in ("Test", "Other")],
}


class Remembering:
    """A delivery that remembers what was sent, and refuses it where told to."""

    record = None
    runner = None

    def __init__(self):
        self.sent = []
        self.refuses = False
        self.on_send = lambda: None

    def discard(self, events):
        pass

    def send(self, events):
        self.on_send()
        if self.refuses:
            raise DeliveryError([Undelivered(event, "refused by the test", "refused") for event in events])
        self.sent.extend(events)

    def close(self):
        pass

    @property
    def data(self):
        return [event.data for event in self.sent]

    @property
    def jobs(self):
        return [event.job_id for event in self.sent]

    @property
    def actors(self):
        return [(event.actor.id, event.actor.type) for event in self.sent]


@pytest.fixture
def delivery():
    return Remembering()


@pytest.fixture
def client(delivery):
    return EventClient(None, "PolicyService", TOPICS, delivery=delivery)


@contextmanager
def serving(app):
    """A real uvicorn around `app`, on a free port; gives its URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="on", ws="websockets-sansio"))
    ready = threading.Event()
    startup = server.startup

    async def started(sockets=None):
        await startup(sockets)
        ready.set()

    server.startup = started
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(10)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def asked(app, **request):
    """The answer of a real server to one GET; the server has ended, and so has all it ran, background tasks too."""
    with serving(app) as url:
        return httpx.get(url, **request)
