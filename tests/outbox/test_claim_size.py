"""How many rows a worker claims at once: more where it sends quickly, and as many as a request may hold otherwise."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import create_engine, event

from bc_events._delivery.wire import Answer, Verdict
from bc_events.constants import MAX_REQUEST_EVENTS
from bc_events.outbox import Relay, SQLAlchemyOutbox
from bc_events.outbox._store.store import Settlement
from tests.outbox.relays import until
from tests.outbox.rows import claimed, rows_of
from tests.outbox.service import QUICK, row


class Timed:
    """An Events API that takes every event, after some seconds."""

    deadline = 1.0
    url = "http://127.0.0.1:9"

    def __init__(self, seconds):
        self.seconds = seconds
        self.sent = 0

    def prepare(self):
        """Nothing is to be loaded."""

    def post(self, request, patience=None):
        time.sleep(self.seconds)
        self.sent += len(request.events)
        return Answer(Verdict.SETTLED, results=("Success",) * len(request.events), status=201)


class Watched:
    """A store that notes how many rows were to be claimed."""

    def __init__(self, store):
        self._store = store
        self.limits = []

    def __getattr__(self, name):
        return getattr(self._store, name)

    def claim(self, *, limit, **options):
        claim = self._store.claim(limit=limit, **options)
        if claim is not None:
            self.limits.append(limit)
        return claim


@pytest.mark.parametrize(("seconds", "per_job", "events"), [(0.0, 50, 2_000), (0.3, 62, 500)])
def test_a_worker_claims_what_it_sends_in_a_fraction_of_a_second(store, seconds, per_job, events):
    store.add([row(number, f"job-{number // per_job}") for number in range(events)])
    watched, api = Watched(store), Timed(seconds)
    with Relay(watched, api, settings=QUICK):
        until(lambda: api.sent == events)
    assert watched.limits[0] == MAX_REQUEST_EVENTS
    assert (max(watched.limits) > MAX_REQUEST_EVENTS) == (seconds == 0.0)


def test_a_settlement_on_postgresql_waits_for_no_disk(postgres_url):
    """A crash that undoes it leaves the rows with their keys, so they are sent again as the same requests."""
    engine = create_engine(postgres_url)
    store = SQLAlchemyOutbox(engine).store
    store.add([row(1)])
    modes = []

    @event.listens_for(engine, "commit")
    def note(connection):
        modes.append(connection.exec_driver_sql("SHOW synchronous_commit").scalar())

    claim = claimed(store)
    assert store.settle(claim.lease, Settlement(rows_of(claim))) == 0
    assert modes == ["on", "off"]
    engine.dispose()
