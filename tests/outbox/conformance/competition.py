"""Several claims at once, and random programs of claims and results."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, given, settings, strategies as st

from bc_events.outbox._store.store import Failure, Settlement
from tests.outbox.rows import claimed, ids, row, rows_of, shape


def test_many_threads_claim_each_row_once(two_stores):
    """The stores may be two, as for two relays; the table is one."""
    first, second = two_stores
    rows = [row(number, f"job-{number % 7}") for number in range(200)]
    first.add(rows)
    start = threading.Barrier(4)

    def drain(store) -> list[uuid.UUID]:
        start.wait()
        found = []
        while (claim := claimed(store, limit=7)) is not None:
            mine = [one for request in claim.requests for one in request.events]
            assert store.settle(claim.lease, Settlement(mine)) == 0
            found += ids(mine)
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [one for part in pool.map(drain, [first, second] * 2) for one in part]
    assert sorted(found) == sorted(ids(rows))
    assert first.stats().pending == 0


def test_many_threads_take_over_whole_batches(two_stores):
    """Rows of one request are never divided between two relays, also when both find its lease ended."""
    first, second = two_stores
    first.add([row(number, f"job-{number % 5}") for number in range(100)])
    known = dict(shape(claimed(first, seconds=0)))
    start = threading.Barrier(4)

    def take_over(store) -> list[tuple[str, bytes]]:
        start.wait()
        found = []
        while (claim := claimed(store, limit=1)) is not None:
            found += shape(claim)
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [one for part in pool.map(take_over, [first, second] * 2) for one in part]
    assert len(found) == 5
    assert dict(found) == known


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_happens_each_row_is_delivered_dead_or_pending(store, data):
    """A random course of claims, settlements, splits, releases and ended leases loses, doubles and tears nothing."""
    _empty(store)  # hypothesis may have stopped the example before
    rows = [row(number, f"job-{data.draw(st.integers(0, 3))}") for number in range(data.draw(st.integers(1, 12)))]
    store.add(rows)
    delivered, dead = set(), set()
    for _ in range(data.draw(st.integers(1, 8))):
        order = data.draw(st.sampled_from(["time", "job"]))
        claim = claimed(store, limit=data.draw(st.integers(1, 12)), seconds=0, order=order)
        if order == "job" and claim:
            _is_the_head_of_its_jobs(claim, store.show(limit=10_000))
        for request in claim.requests if claim else ():
            outcome = data.draw(st.sampled_from(["delivered", "mixed", "dead", "released", "split", "forgotten"]))
            events = list(request.events)
            if outcome == "delivered":
                store.settle(claim.lease, Settlement(events))
                delivered |= set(ids(events))
            elif outcome == "mixed":
                store.settle(claim.lease, Settlement(events[1:], [Failure(events[0], "again", 0.0)]))
                delivered |= set(ids(events[1:]))
            elif outcome == "dead":
                store.settle(claim.lease, Settlement([], [Failure(one, "no") for one in events]))
                dead |= set(ids(events))
            elif outcome == "released":
                store.release(claim.lease, events)
            elif outcome == "split" and len(events) > 1:
                store.split(claim.lease, request.halves())
    mine = set(ids(rows))
    assert set(ids(store.show(dead=True, limit=10_000))) & mine == dead
    assert set(ids(store.show(limit=10_000))) & mine == mine - delivered - dead
    assert delivered.isdisjoint(dead)


def _is_the_head_of_its_jobs(claim, waiting) -> None:
    """Whatever comes before a request is in the claim as well."""
    last = {request.events[0].job_id: request.events[0].seq for request in sorted(claim.requests, key=_beginning)}
    before = {one.seq for one in waiting if one.seq <= last.get(one.job_id, 0)}
    assert before <= {one.seq for one in rows_of(claim)}


def _beginning(request) -> int:
    return request.events[0].seq


def _empty(store) -> None:
    store.purge()
    while (claim := claimed(store, seconds=0)) is not None:
        store.settle(claim.lease, Settlement([one for request in claim.requests for one in request.events]))


__all__ = [name for name in list(globals()) if name.startswith("test_")]
