"""Claims: leases, requests, batches and releases."""

from __future__ import annotations

from bc_events._delivery.request import Limits
from bc_events.outbox._store.store import Settlement
from tests.outbox.rows import claimed, ids, in_claim, row, shape


def test_a_claim_holds_the_oldest_rows(store):
    rows = [row(number) for number in range(10)]
    store.add(rows)
    assert in_claim(claimed(store, limit=4)) == ids(rows[:4])


def test_a_claimed_row_is_claimed_by_nobody_else(store):
    store.add([row(1), row(2)])
    first = claimed(store, limit=1)
    second = claimed(store, limit=5)
    assert set(in_claim(first)).isdisjoint(in_claim(second))
    assert claimed(store) is None
    assert store.stats().leased == 2


def test_a_request_holds_one_job_in_order(store):
    rows = [row(number, f"job-{number % 2}") for number in range(6)]
    store.add(rows)
    claim = claimed(store)
    assert [[one.id for one in request.events] for request in claim.requests] == [ids(rows[0::2]), ids(rows[1::2])]
    assert [request.headers["x-britecore-job-id"] for request in claim.requests] == ["job-0", "job-1"]


def test_requests_are_cut_by_count_and_by_bytes(store):
    store.add([row(number) for number in range(5)])
    by_count = claimed(store, limits=Limits(2, 10_000))
    assert [len(request.events) for request in by_count.requests] == [2, 2, 1]
    length = len(row(1).payload)
    store.add([row(number) for number in range(5)])
    by_bytes = claimed(store, limits=Limits(250, 3 * length))
    assert all(len(request.body) <= 3 * length for request in by_bytes.requests)


def test_a_claim_is_about_as_large_as_one_request_may_be(store):
    """A worker holds its claim in memory, and no other worker may send those rows meanwhile."""
    length = len(row(1).payload)
    store.add([row(number, f"job-{number}") for number in range(10)])
    claim = claimed(store, limits=Limits(250, length))
    assert len(in_claim(claim)) == 1
    assert len(in_claim(claimed(store, limits=Limits(250, 3 * length)))) == 3


def test_each_request_has_a_key_of_its_own(store):
    store.add([row(1, "a"), row(2, "b")])
    keys = [request.key for request in claimed(store).requests]
    assert len(set(keys)) == 2
    assert {str(found.batch) for found in store.show()} == set(keys)


def test_delivered_rows_are_gone(store):
    store.add([row(1), row(2)])
    claim = claimed(store)
    assert store.settle(claim.lease, Settlement(delivered=list(claim.requests[0].events))) == 0
    assert store.stats().pending == 0
    assert claimed(store, seconds=0) is None


def test_an_ended_lease_comes_back_as_the_very_same_requests(store):
    """Same bytes, same key: whether the first attempt arrived is unknown, and the API may know the key."""
    store.add([row(number, f"job-{number % 3}") for number in range(9)])
    first = claimed(store, seconds=0)
    store.add([row(100, "job-1")])
    again = claimed(store)
    assert shape(again)[:3] == shape(first)
    assert again.lease != first.lease
    assert len(in_claim(again)) == 10


def test_a_batch_is_claimed_whole_whatever_the_limit(store):
    store.add([row(number) for number in range(10)])
    first = claimed(store, seconds=0)
    again = claimed(store, limit=1)
    assert shape(again) == shape(first)


def test_claiming_batches_stops_at_the_limit(store):
    """After an outage every row carries a batch, and a relay must not take them all at once."""
    store.add([row(number, f"job-{number // 10}") for number in range(50)])
    claimed(store, seconds=0)
    assert len(in_claim(claimed(store, limit=15))) == 20


def test_a_released_claim_is_ready_at_once_and_unchanged(store):
    store.add([row(1), row(2, "job-2")])
    first = claimed(store)
    store.release(first.lease, [one for request in first.requests for one in request.events])
    assert shape(claimed(store)) == shape(first)
    assert all(found.attempts == 0 for found in store.show())


def test_a_release_may_put_off_what_it_releases(store):
    store.add([row(1), row(2, "job-2")])
    first = claimed(store)
    store.release(first.lease, first.requests[0].events, delay=3600, reason="HTTP 503")
    store.release(first.lease, first.requests[1].events)
    assert in_claim(claimed(store)) == ids(first.requests[1].events)
    assert store.find(ids(first.requests[0].events))[0].last_error == "HTTP 503"


def test_released_rows_that_wait_are_not_leased(store):
    store.add([row(1), row(2, "job-2")])
    claim = claimed(store)
    store.release(claim.lease, claim.requests[0].events, delay=3600)
    assert (store.stats().pending, store.stats().leased) == (2, 1)
    assert not store.find(ids(claim.requests[0].events))[0].is_leased


__all__ = [name for name in list(globals()) if name.startswith("test_")]
