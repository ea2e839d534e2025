"""Relays for tests, and an Events API that gives the answers of a script."""

import json
import time

from bc_events.outbox import Relay
from tests.outbox.service import QUICK, api_of


def relay_of(store, api, **options) -> Relay:
    return Relay(store, api_of(api.url), **{"settings": QUICK, **options})


def drained(store, api, **options) -> Relay:
    """A relay that has run until nothing was pending."""
    with relay_of(store, api, **options) as relay:
        until(lambda: store.stats().pending == 0)
    return relay


def until(is_so, timeout=30.0) -> None:
    """Waits by polling, because a test shares no event object with other threads and processes."""
    deadline = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


class Scripted:
    """An Events API that gives these answers, and remembers the keys and the numbers that it was sent."""

    url = "https://api.example"
    deadline = 1.0

    def __init__(self, answers):
        self.answers = list(answers)
        self.keys: list[str] = []
        self.sent: list[list[int]] = []

    def prepare(self) -> None:
        """Nothing is to be loaded."""

    def post(self, request, patience=None):
        self.keys.append(request.key)
        self.sent.append([json.loads(one.payload)["data"]["number"] for one in request.events])
        return self.answers.pop(0)
