"""What every store promises. A test module gets these tests by importing them and having a fixture `store`.

    from tests.outbox.conformance import *

    @pytest.fixture
    def store(): ...        # an empty one

`two_stores` may be a fixture too: two stores on one table, as two relays have them. By default it is `store` twice.
"""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bc_events._delivery.request import Limits
from bc_events.outbox._store.row import Row
from bc_events.outbox._store.store import Failure, Settlement

LIMITS = Limits()


def row(number: int, job: str = "job-1", payload: str | None = None) -> Row:
    envelope = f'{{"action":"Created","category":"testing","entity":"Thing","data":{{"number":{number}}}}}'
    return Row(
        id=uuid.uuid4(),
        category="testing",
        job_id=job,
        topic="testing.ThingCreated",
        payload=payload or envelope,
        created_at=1_700_000_000.5 + number,
        service="PolicyService",
        trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


def claimed(store, *, limit: int = 250, seconds: float = 60, limits: Limits = LIMITS, order="time"):
    return store.claim(limit=limit, seconds=seconds, limits=limits, order=order)


def ids(rows) -> list[uuid.UUID]:
    return [one.id for one in rows]


def rows_of(claim) -> list[Row]:
    return [one for request in claim.requests for one in request.events]


def in_claim(claim) -> list[uuid.UUID]:
    return [] if claim is None else ids(rows_of(claim))


def shape(claim) -> list[tuple[str, bytes]]:
    return [(request.key, request.body) for request in claim.requests]


@pytest.fixture
def two_stores(store):
    return store, store


def test_a_new_store_is_empty(store):
    stats = store.stats()
    assert (stats.pending, stats.leased, stats.retried, stats.dead, stats.oldest_age) == (0, 0, 0, 0, 0.0)
    assert claimed(store) is None


def test_a_table_that_is_there_passes_the_check(store):
    store.check()


def test_rows_come_back_as_they_were_stored(store):
    exact = '{"data":{"é":"a\\"\\\\b","amount":12345678901234567890.10,"b":1,"a":null}}'
    stored = row(1, payload=exact)
    store.add([stored])
    (found,) = store.show()
    assert found.payload == exact
    assert found.envelope == exact.encode()
    assert (found.id, found.category, found.job_id, found.topic) == (stored.id, "testing", "job-1", stored.topic)
    assert (found.created_at, found.service, found.trace) == (stored.created_at, stored.service, stored.trace)
    assert (found.attempts, found.lease, found.batch, found.last_error, found.dead_at) == (0, None, None, None, None)


def test_adding_nothing_stores_nothing(store):
    store.add([])
    assert store.stats().pending == 0


def test_rows_keep_the_order_in_which_they_were_added(store):
    rows = [row(number) for number in range(300)]
    store.add(rows[:200])
    store.add(rows[200:])
    assert ids(store.show(limit=1000)) == ids(rows)


def test_a_row_that_is_stored_already_is_left_alone(store):
    """A commit whose outcome is unknown is simply repeated."""
    rows = [row(1), row(2)]
    store.add(rows)
    store.add([*rows, row(3)])
    assert store.stats().pending == 3


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
    """Whoever claims holds it in memory, and nobody else may send it meanwhile."""
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


def test_a_failed_row_waits_and_is_counted(store):
    store.add([row(1), row(2)])
    claim = claimed(store)
    one, two = claim.requests[0].events
    assert store.settle(claim.lease, Settlement([one], [Failure(two, "InternalFailureException", 3600)])) == 0
    (left,) = store.show()
    assert (left.id, left.attempts, left.last_error) == (two.id, 1, "InternalFailureException")
    assert (left.batch, left.lease) == (None, None)
    assert claimed(store) is None
    assert store.stats().retried == 1


def test_a_failed_row_without_a_wait_is_ready_under_a_new_key(store):
    """After an answer the rest is a new request, even with equal bytes."""
    store.add([row(1)])
    first = claimed(store)
    store.settle(first.lease, Settlement([], [Failure(first.requests[0].events[0], "again", 0.0)]))
    again = claimed(store)
    assert again.requests[0].body == first.requests[0].body
    assert again.requests[0].key != first.requests[0].key


def test_a_dead_row_is_shown_and_never_claimed(store):
    store.add([row(1), row(2)])
    claim = claimed(store)
    one, two = claim.requests[0].events
    store.settle(claim.lease, Settlement([two], [Failure(one, "InvalidRecord")]))
    assert claimed(store) is None
    assert store.show() == []
    (dead,) = store.show(dead=True)
    assert (dead.id, dead.last_error) == (one.id, "InvalidRecord")
    assert dead.dead_at is not None
    assert (store.stats().pending, store.stats().dead) == (0, 1)


def dead_rows(store, count: int) -> list[Row]:
    store.add([row(number) for number in range(count)])
    claim = claimed(store)
    store.settle(claim.lease, Settlement([], [Failure(one, "no") for one in claim.requests[0].events]))
    return store.show(dead=True)


def test_replay_makes_dead_rows_ready_again(store):
    rows = dead_rows(store, 3)
    assert store.replay([rows[1].id]) == 1
    assert in_claim(claimed(store)) == [rows[1].id]
    assert store.replay() == 2
    assert set(in_claim(claimed(store))) == {rows[0].id, rows[2].id}


def test_replay_leaves_what_waits_alone(store):
    store.add([row(1)])
    claim = claimed(store)
    assert store.replay() == 0
    assert store.replay(in_claim(claim)) == 0
    assert claimed(store) is None


def test_purge_deletes_dead_rows_and_no_others(store):
    rows = dead_rows(store, 3)
    store.add([row(9)])
    waiting = store.show()[0].id
    assert store.purge([rows[0].id, waiting]) == 1
    assert store.purge() == 2
    assert ids(store.show()) == [waiting]


def test_find_names_rows_by_event(store):
    rows = [row(number) for number in range(3)]
    store.add(rows)
    assert ids(store.find([rows[2].id, rows[0].id, uuid.uuid4()])) == [rows[0].id, rows[2].id]


def test_show_is_limited(store):
    store.add([row(number) for number in range(5)])
    assert len(store.show(limit=2)) == 2


def test_the_oldest_age_counts_from_the_event(store):
    store.add([row(0), row(500)])
    assert store.stats().oldest_age > 86_400


def test_a_stale_lease_settles_nothing(store):
    """A relay that was stopped for longer than its lease must not delete what another one is sending."""
    store.add([row(1), row(2)])
    stale = claimed(store, seconds=0)
    second = claimed(store)
    rows = list(stale.requests[0].events)
    assert store.settle(stale.lease, Settlement([rows[0]], [Failure(rows[1], "late")])) == 2
    store.release(stale.lease, rows)
    assert not store.split(stale.lease, stale.requests[0].halves())
    assert store.stats().pending == 2
    assert claimed(store) is None
    assert store.settle(second.lease, Settlement(list(second.requests[0].events))) == 0


def test_halves_are_stamped_before_they_are_sent(store):
    store.add([row(number) for number in range(4)])
    claim = claimed(store, seconds=0)
    halves = claim.requests[0].halves()
    assert store.split(claim.lease, halves)
    assert shape(claimed(store)) == [(half.key, half.body) for half in halves]


def test_what_is_left_of_a_batch_is_claimed_under_a_new_key_after_its_first_row_was_deleted_by_hand(store):
    """Other bytes under the old key would be answered with the old results, which do not fit, each time."""
    rows = [row(number) for number in range(3)]
    store.add(rows)
    claim = claimed(store)
    store.release(claim.lease, rows_of(claim))
    with store._database.transaction() as transaction:
        transaction.run(f"DELETE FROM bc_outbox WHERE seq = {rows_of(claim)[0].seq}")
    again = claimed(store)
    assert in_claim(again) == ids(rows[1:])
    assert again.requests[0].key != claim.requests[0].key


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
    """A relay in the order of time had it, before one in the order of jobs came."""
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
    """It would never be claimed, nor would what is behind it."""
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
    """What is found first is put back, and what is behind is looked for."""
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
    """Claims that look at the same moment lock rows in turns, and none may go on with what is left of a job."""
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


__all__ = [name for name in list(globals()) if name.startswith("test_") or name == "two_stores"]
