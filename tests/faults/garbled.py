"""Answers that no HTTP server would give: a server in front of the Events API garbles its answers."""

from __future__ import annotations

import json
import random
import socketserver
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests

from bc_events import DeliveryError, EventClient
from tests.faults.actors import TOPICS, Producing, Relaying, produce, relay
from tests.faults.result import Result
from tests.faults.world import end

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.world import World

_TIMEOUT = (0.2, 0.3)
_DEADLINE = sum(_TIMEOUT)
_SLACK = 1.5  # seconds that a busy machine may add; an answer that drips takes longer than both
_REFUSAL = b'{"errorType":"ValidationException"}'


def _head(status: str, body: bytes, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]).encode() + b"\r\n\r\n"


class Garbling(socketserver.ThreadingTCPServer):
    """Every request reaches the Events API, but for those that it refuses; half of the answers are garbled."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, api: str, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.api = api
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.chance = random.Random(seed)
        self.garbled: Counter[str] = Counter()
        self.refuses = False
        self.refused: set[str] = set()
        self.reached: set[str] = set()
        self.upstream = requests.Session()

    def handle_error(self, *_request) -> None:
        """Does nothing, because clients are meant to hang up here."""


class _Connection(socketserver.StreamRequestHandler):
    server: Garbling

    def handle(self) -> None:
        while self._answer():
            pass

    def _answer(self) -> bool:
        path, headers = self.rfile.readline().split(b" ")[1:2], {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        if not path:
            return False
        body = self.rfile.read(int(headers["content-length"]))
        keys = {one["data"]["key"] for one in _records(body)}
        self.server.reached |= keys
        if self.server.refuses and self.server.chance.random() < 0.1:
            self.server.refused |= keys
            self.connection.sendall(_head("400 Bad Request", _REFUSAL) + _REFUSAL)
            return True
        kept = {name: headers[name] for name in ("content-type", "x-britecore-job-id", "idempotency-key")}
        url = self.server.api + path[0].decode()
        answer = self.server.upstream.post(url, data=body, headers=kept, timeout=30)
        return self._garble(f"{answer.status_code} Answer", answer.content)

    def _garble(self, status: str, body: bytes) -> bool:
        kind = self.server.chance.choice([None, None, None, None, "drips", "1xx", "lengths", "too long"])
        if kind is None:
            self.connection.sendall(_head(status, body) + body)
            return True
        self.server.garbled[kind] += 1
        return getattr(self, f"_{kind.replace(' ', '_')}")(status, body)

    def _drips(self, status: str, body: bytes) -> bool:
        whole = _head(status, body) + body
        for place in range(len(whole)):
            self.connection.sendall(whole[place : place + 1])
            time.sleep(0.02)
        return False

    def _1xx(self, status: str, body: bytes) -> bool:
        self.connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        time.sleep(0.01)
        if self.server.chance.random() < 0.3:
            return False
        self.connection.sendall(_head(status, body) + body)
        return True

    def _lengths(self, status: str, body: bytes) -> bool:
        self.connection.sendall(_head(status, body, "Content-Length: 3") + body)
        return True

    def _too_long(self, status: str, body: bytes) -> bool:
        longer = body + b" " * (2 << 20)
        self.connection.sendall(_head(status, longer) + longer)
        return True


def _records(body: bytes) -> list[dict]:
    found = json.loads(body)
    return found if isinstance(found, list) else [found]


@contextmanager
def _garbling(world: World) -> Iterator[Garbling]:
    with Garbling(world.api.url, world.seed) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def answers_garbled(world: World) -> Result:
    """Each event is delivered, or named with the right outcome, and no attempt exceeds its deadline."""
    with _garbling(world) as server:
        server.refuses = True
        flushes = _flushed(world, server)
        server.refuses = False
        process = world.spawn(relay, Relaying(world.database, server.url, timeout=_TIMEOUT))
        producer = world.spawn(produce, Producing(world.database, "p", world.seed, world.dose.sessions))
        producer.join()
        world.settle()
        end(process)
    received = set(world.received())
    by_outcome = {outcome: {key for key, found, _ in flushes if found == outcome} for _, outcome, _ in flushes}
    unknown, refused = by_outcome.get("unknown", set()), by_outcome.get("refused", set())
    result = world.judged(world.committed() | by_outcome.get("delivered", set()) | (unknown & received))
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(server.garbled.items()))
    result.inject(server.garbled.total(), f"answers garbled: {kinds}", least=world.dose.sessions // 4)
    result.demand(len(server.garbled) == 4, "a kind of them was not seen")
    result.demand(refused <= server.refused <= refused | unknown, "others are named refused than were")
    unsent = by_outcome.get("unsent", set())  # a busy machine may not connect in time
    result.demand(not unsent & server.reached, "an event that was sent is named unsent")
    result.demand(len(unsent) < world.dose.sessions // 10, "too few events were sent")
    result.demand(unknown - server.refused <= received, "the API has less than was sent to it")
    slowest = max(seconds for *_, seconds in flushes)
    result.demand(slowest < _DEADLINE + _SLACK, f"an attempt took {slowest:.1f} s in place of {_DEADLINE:g} s")
    return result


def _flushed(world: World, server: Garbling) -> list[tuple[str, str, float]]:
    """(key, outcome, seconds) of events that were flushed one by one, each in one attempt."""
    with (
        EventClient(server.url, "FaultsService", TOPICS, timeout=_TIMEOUT, retry_budget=0) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        return list(pool.map(lambda number: _flush(client, f"d/{number}"), range(world.dose.sessions)))


def _flush(client: EventClient, key: str) -> tuple[str, str, float]:
    session = client.service_session("direct")
    session.happened_work({"key": key})
    started, outcome = time.monotonic(), "delivered"
    try:
        session.flush()
    except DeliveryError as error:
        outcome = error.undelivered[0].outcome
    return key, outcome, time.monotonic() - started
