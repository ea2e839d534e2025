"""In the order of jobs, no event overtakes another of its job."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bc_events._delivery.request import Limits
from bc_events.outbox._store.store import Failure, Settlement
from tests.outbox.rows import claimed, ids, in_claim, row, rows_of, shape


def test_in_order_of_jobs_one_claim_has_the_first_events_of_a_job_one_to_a_request(store):
    rows = [row(number, f"job-{number % 2}") for number in range(6)]
    store.add(rows[:4])
    first = claimed(store, order="job")
    assert in_claim(first) == ids([rows[0], rows[2], rows[1], rows[3]])
    assert all(len(request.events) == 1 for request in first.requests)
    store.add(rows[4:])
    assert claimed(store, order="job") is None
    store.settle(first.lease, Settlement([rows_of(first)[0]]))
    assert claimed(store, order="job") is None
    store.settle(first.lease, Settlement([rows_of(first)[1]]))
    assert in_claim(claimed(store, order="job")) == [rows[4].id]


def test_in_order_of_jobs_a_failed_event_holds_back_its_job_and_a_dead_one_does_not(store):
    rows = [row(number, f"job-{number % 2}") for number in range(4)]
    store.add(rows)
    first = claimed(store, order="job")
    zero, two, one, three = rows_of(first)
    store.settle(first.lease, Settlement([], [Failure(zero, "wait", 3600), Failure(one, "dead")]))
    store.release(first.lease, [two, three])
    assert in_claim(claimed(store, order="job")) == [rows[3].id]


def test_in_order_of_jobs_what_comes_back_keeps_its_place_and_its_key(store):
    rows = [row(number) for number in range(4)]
    store.add(rows)
    first = claimed(store, limit=3, order="job")
    zero, one, two = rows_of(first)
    store.settle(first.lease, Settlement([], [Failure(zero, "again", 0.0)]))
    store.release(first.lease, [one, two])
    again = claimed(store, order="job")
    assert in_claim(again) == ids(rows)
    assert shape(again)[1:3] == shape(first)[1:]


def test_in_order_of_jobs_a_batch_is_not_torn_apart(store):
    """A relay in the order of time has claimed it, before a relay in the order of jobs takes over."""
    rows = [row(number) for number in range(3)]
    store.add(rows)
    whole = claimed(store)
    zero, one, two = rows_of(whole)
    store.settle(whole.lease, Settlement([], [Failure(one, "wait", 3600)]))
    store.release(whole.lease, [zero, two])
    assert claimed(store, order="job") is None
    assert store.stats().pending == 3


@pytest.mark.parametrize(("between", "limit"), [(1, 1), (300, 250)])
def test_in_order_of_jobs_a_batch_passes_however_much_is_ready_between_its_rows(store, between, limit):
    """Otherwise it would never be claimed, nor would the rows behind it."""
    store.add([row(number) for number in range(between + 2)])
    claim = claimed(store, limit=between + 2, limits=Limits(events=between + 2))
    first, *others, last = rows_of(claim)
    store.settle(claim.lease, Settlement([], [Failure(one, "InternalFailureException", 0.0) for one in (first, last)]))
    batch = claimed(store)
    store.settle(claim.lease, Settlement([], [Failure(one, "InternalFailureException", 0.0) for one in others]))
    store.release(batch.lease, rows_of(batch))
    assert in_claim(claimed(store, limit=limit, order="job"))[:2] == ids([first, last])


def test_in_order_of_jobs_others_pass_a_long_job_that_is_held_up(store):
    """Also one whose first event can go, while the second has to wait."""
    store.add([row(number, "long") for number in range(600)])
    assert in_claim(claimed(store, limit=10, order="job"))
    others = [row(number, f"job-{number % 2}") for number in range(4)]
    store.add(others)
    claim = claimed(store, order="job")
    zero, two, one, three = rows_of(claim)
    assert ids([zero, one, two, three]) == ids(others)
    store.settle(claim.lease, Settlement([], [Failure(two, "InternalFailureException", 3600)]))
    store.release(claim.lease, [zero])
    assert in_claim(claimed(store, order="job")) == [zero.id]
    assert claimed(store, order="job") is None


def test_in_order_of_jobs_others_pass_a_batch_that_cannot_go_and_a_long_job(store):
    """The rows that are found first are put back, and the claim looks behind them."""
    torn = [row(number, "torn") for number in range(3)]
    store.add(torn)
    whole = claimed(store)
    store.settle(whole.lease, Settlement([], [Failure(rows_of(whole)[1], "InternalFailureException", 3600)]))
    store.add([row(number, "long") for number in range(600)])
    assert in_claim(claimed(store, limit=10, order="job"))
    store.release(whole.lease, [one for one in rows_of(whole) if one.id != torn[1].id])
    other = row(1, "other")
    store.add([other])
    assert in_claim(claimed(store, order="job")) == [other.id]


def test_in_order_of_jobs_a_claim_leaves_jobs_to_others(store):
    store.add([row(number, f"job-{number % 4}") for number in range(200)])
    claims = [claimed(store, order="job") for _ in range(5)]
    assert [claim and len(claim.requests) for claim in claims] == [50, 50, 50, 50, None]
    assert [{one.job_id for one in rows_of(claim)} for claim in claims[:4]] == [{f"job-{job}"} for job in range(4)]


def test_in_order_of_jobs_no_event_overtakes_another_whoever_takes_it(two_stores):
    """Claims at the same moment lock rows in turns, and none may continue with the rest of a job."""
    first, second = two_stores
    first.add([row(number, f"job-{number % 3}") for number in range(150)])
    start, arrival = threading.Barrier(4), threading.Lock()
    arrived: dict[str, list[int]] = {}

    def drain(store) -> None:
        start.wait()
        while store.stats().pending:
            claim = claimed(store, limit=20, order="job")
            for one in rows_of(claim) if claim else ():
                with arrival:
                    arrived.setdefault(one.job_id, []).append(one.seq)
                assert store.settle(claim.lease, Settlement([one])) == 0

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(drain, [first, second] * 2))
    assert {job: len(seqs) for job, seqs in arrived.items()} == dict.fromkeys(arrived, 50)
    assert {job: seqs for job, seqs in arrived.items() if seqs != sorted(seqs)} == {}


__all__ = [name for name in list(globals()) if name.startswith("test_")]
