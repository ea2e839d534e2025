"""The cost of a flush, beside the same bytes posted ready-made through one `requests.Session`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from bc_events import EventClient
from bc_events._delivery.request import Limits
from bc_events._delivery.wire import requests_for

from .calls import DATA, TOPICS
from .rounds import seconds

SERVE = """
import sys
from bc_events.local import LocalEventsAPI
with LocalEventsAPI() as api:
    print(api.url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def served() -> Iterator[str]:
    """The URL of a local Events API in a process of its own, so that it takes no turns with the client."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as api:
        yield api.stdout.readline().strip()
        api.stdin.close()


def flush(size: int, *, rounds: int) -> float:
    """The throughput of a flush of so many events, divided by that of its requests ready-made. 1.0 means no loss."""
    with served() as url, EventClient(url, "PolicyService", TOPICS) as client, requests.Session() as http:
        session = client.service_session("benchmark")
        for _ in range(size):
            session.created_policy(DATA)
        pending = list(session.events)
        ready = [(url + one.path, one.body, one.headers) for one in requests_for(pending, Limits())]

        def ready_made() -> None:
            for address, body, headers in ready:
                # A new key each time, as a flush has: a server answers a known key without storing anything.
                response = http.post(address, data=body, headers={**headers, "Idempotency-Key": next(keys)})
                assert response.status_code == 201, response.text

        def flushed() -> None:
            client.send(pending)

        keys = (f"ready-{number}" for number in range(10**9))
        taken = seconds({"flush": flushed, "ready": ready_made}, rounds=rounds)
    return min(taken["ready"]) / min(taken["flush"])
